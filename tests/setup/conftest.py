import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import embedded
from config.embedded import Servers

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _heeds_ctrl_c() -> Iterator[None]:
    """A suite that a shell runs in the background is told to ignore Ctrl-C, and so would be all that it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def room() -> Iterator[Path]:
    """An empty folder; not in pytest's own, since PostgreSQL's user may not enter that when root runs the tests."""
    embedded.LOCAL.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="test-", dir=embedded.LOCAL))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def servers(room: Path) -> Iterator[Servers]:
    """A pair of embedded servers of the test's own, not started."""
    servers = Servers(room)
    yield servers
    servers._stop_both()  # whatever the test has left open


@pytest.fixture
def small_project(room: Path) -> Iterator[Path]:
    """manage.py, the Procfile's runner and the servers in a folder of their own, without the project's apps."""
    (room / "config").mkdir()
    modules = ("__init__", "database", "embedded", "process", "separate", "servers")
    for name in ("manage.py", *(f"config/{module}.py" for module in modules)):
        shutil.copy(ROOT / name, room / name)
    (room / "config" / "settings.py").write_text("SECRET_KEY = 'of-a-test'\n")
    yield room
    Servers(room / ".local")._stop_both()
