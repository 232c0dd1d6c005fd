"""The disk for documents is full: a plain sentence, nothing half kept, and all well again when there is room."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from facility.registry import documents
from facility.registry.documents import Document
from facility.registry.people import Token
from facility.workflow.jobs import Job
from facility.workflow.once import Once
from facility.workflow.trail import Entry
from tests import factories as make

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=False)]

ROOM, LEFT = 2_000_000, 64 * 1024
# Kept in memory while it comes in, and in a temporary file.
SIZES = {"small": 400_000, "large": 1_500_000}
SENTENCE = "There is no room for files at the moment"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Two megabytes for the documents (tests/conftest.py says where those of a test are)."""
    folder = tmp_path / "documents"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={ROOM}"]
    if subprocess.run(["mount", *options, "tmpfs", folder], capture_output=True, check=False).returncode:
        pytest.skip("only who may mount a file system can fill one without filling the machine's")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def filler(disk: Path) -> Path:
    """A file that takes all the room up to 64 kB, so that an upload begins well and then fails."""
    there = disk / "filler"
    with there.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(file.tell() - LEFT)
    return there


@pytest.fixture
def hand_in(settings: Any) -> Callable[[str, str], Any]:
    """Hands a file in, the same way each time: by page or by API, with a key for repetitions."""
    person = make.staff("coordinator", make.programme())
    client = Client(raise_request_exception=False)
    client.force_login(person)
    headers = {"Authorization": f"Bearer {Token.make(person, 'test')}", "Idempotency-Key": "one"}

    def post(way: str, size: str) -> Any:
        data = {"file": SimpleUploadedFile("note.txt", text(size)), "audience": "owner"}
        if way == "api":
            return Client(raise_request_exception=False).post("/api/documents/", data, headers=headers)
        return client.post("/workspace/documents/new/receive/", data | {"_token": "a1b2c3d4e5f6"})

    return post


def text(size: str) -> bytes:
    return b"A line of a note." * (SIZES[size] // 17)


def kept(disk: Path) -> int:
    """How many files and rows are there."""
    files = [path for path in disk.iterdir() if path.name != "filler"]
    return len(files) + sum(model.objects.count() for model in (Document, Entry, Job, Once))


def room_is_missed(disk: Path, answer: Any, before: int) -> None:
    """A clear answer, and nothing kept."""
    assert answer.status_code == 507
    assert SENTENCE in answer.content.decode()
    assert kept(disk) == before


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("way", ["api", "page"])
def test_a_full_disk_is_said_plainly_and_leaves_nothing(
    way: str, size: str, disk: Path, filler: Path, hand_in: Any, figure: Any
) -> None:
    before = kept(disk)
    for _ in range(3):
        answer = hand_in(way, size)
        room_is_missed(disk, answer, before)
    kind = "application/problem+json" if way == "api" else "text/html"
    assert answer.headers["Content-Type"].startswith(kind)
    left = kept(disk) - before
    figure(f"full disk, {size} file by {way}: files and rows left", left, "0", "", left == 0)
    filler.unlink()
    answer = hand_in(way, size)
    assert answer.status_code == (201 if way == "api" else 302)
    document = Document.objects.get()
    assert [path.name for path in disk.iterdir()] == [document.stored]
    assert document.sha256 == hashlib.sha256(text(size)).hexdigest()
    assert document.read() == text(size)


def test_a_full_disk_for_what_comes_in_is_said_too(disk: Path, filler: Path, hand_in: Any, settings: Any) -> None:
    """A large file waits in the machine's folder for temporary files before any page sees it."""
    settings.FILE_UPLOAD_TEMP_DIR = str(disk)
    before = kept(disk)
    for way in ("api", "page"):
        room_is_missed(disk, hand_in(way, "large"), before)


def test_control_a_file_kept_carelessly_leaves_its_beginning(
    disk: Path, filler: Path, hand_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "keep", lambda file: storages["documents"].save("careless.bin", file))
    before = kept(disk)
    answer = hand_in("api", "small")
    with pytest.raises(AssertionError):
        room_is_missed(disk, answer, before)
    assert (disk / "careless.bin").exists()
