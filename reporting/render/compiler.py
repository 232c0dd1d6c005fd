"""Typst in a child process with limits: templates and one cut in, files out.

A cut holds text of strangers. So the compiler sees an empty folder of its own with the templates and the cut, no
environment, no system fonts, and ends at a limit of memory or time without taking the caller with it.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from reporting.cut import canonical

TEMPLATES = Path(__file__).with_name("typst")
CHILD = Path(__file__).with_name("compiler_child.py")
LANGUAGES = ("en", "nl", "de", "fr")
FONTS = (
    "SourceSans3_400Regular.ttf",
    "SourceSans3_400Regular_Italic.ttf",
    "SourceSans3_600SemiBold.ttf",
    "SourceSans3_700Bold.ttf",
)
MEMORY_BYTES = 3 * 1024**3
SECONDS = 180


class RenderError(Exception):
    """The document could not be set; the message is a sentence for the coordinator."""


def compile_cut(
    cut: dict[str, Any],
    main: str,
    *,
    fonts: Path,
    inputs: dict[str, str],
    memory: int = MEMORY_BYTES,
    seconds: int = SECONDS,
    **job: Any,
) -> tuple[list[bytes], list[Any]]:
    """Pages or document made by the template `main` from the cut, and the values of a query.

    `job` is handed to the compiler: `format`, `pdf_standards`, `timestamp` (Unix seconds), `ppi`, and `query`
    (a selector whose values come back second). Raises RenderError when a font is missing, when the compiler refuses
    the document, or when it runs past `memory` bytes or `seconds`.
    """
    if missing := [name for name in FONTS if not (fonts / name).is_file()]:
        raise RenderError(f"The fonts folder lacks {', '.join(missing)}.")
    with tempfile.TemporaryDirectory(prefix="report-") as folder:
        root = Path(folder)
        shutil.copytree(TEMPLATES, root, dirs_exist_ok=True)
        (root / "cut.json").write_bytes(canonical(cut))
        order = {"root": folder, "main": main, "fonts": str(fonts), "inputs": inputs, "memory": memory, **job}
        answer = run({**order, "seconds": seconds})
        return [(root / name).read_bytes() for name in answer["files"]], answer["values"]


def run(order: dict[str, Any]) -> dict[str, Any]:
    """The answer of the child to one order: its `files` in the root and the `values` of the query."""
    try:
        child = subprocess.run(  # noqa: S603 - fixed program, data on standard input
            [sys.executable, "-I", str(CHILD)],
            input=json.dumps(order).encode(),
            capture_output=True,
            timeout=order["seconds"],
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RenderError(f"Setting the report took longer than {order['seconds']} seconds.") from error
    if child.returncode:
        raise RenderError(f"The compiler ended with status {child.returncode}, most likely at its limit of memory.")
    answer: dict[str, Any] = json.loads(child.stdout)
    if "error" in answer:
        raise RenderError(f"The compiler refused the report: {answer['error']}")
    return answer
