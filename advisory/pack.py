"""A ZIP of CVs as a stranger may have made it: what is in it, and its files, portion by portion. Pure; runs in the
isolated child (`facility.isolation`), takes the bytes of the ZIP and answers JSON.

Nothing is written under a name from the ZIP, no length that its directory claims is trusted, and a ZIP inside is not
opened. What is refused is told by a key with its parameters; the words stand in `advisory.intake`. Source: F06.
"""

import base64
import io
import stat
import zipfile
import zlib
from itertools import pairwise
from typing import Any

FILES_AT_MOST = 600
FILE_BYTES = 10_000_000
UNPACKED_BYTES = 600_000_000
RATIO, SMALL = 100, 200_000
# So much goes to the asking side in one answer, which may have 32 MB in base64.
PORTION_FILES, PORTION_BYTES = 20, 16_000_000
NAME_LENGTH = 200
ENDINGS = ("pdf", "docx", "odt", "xml", "json", "txt")
PACKS = ("zip", "7z", "rar", "tar", "gz", "tgz", "bz2", "xz")
# What programs leave in folders without anybody asking.
CLUTTER = ("thumbs.db", "desktop.ini")
IS_UTF8, IS_LOCKED = 0x800, 0x1


def listed(data: bytes) -> dict[str, Any]:
    """{"refused": [key, parameters]} of the ZIP as a whole, or {"files": [[index, name, key]]}, the key empty where
    nothing speaks against a file yet; index is the place in the ZIP's directory."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return {"refused": ["damaged_pack", {}]}
    found = [(at, one) for at, one in enumerate(entries) if not one.is_dir() and not _is_clutter(name_of(one))]
    if not found:
        return {"refused": ["empty_pack", {}]}
    if len(found) > FILES_AT_MOST:
        return {"refused": ["many", {"n": len(found), "limit": FILES_AT_MOST}]}
    if sum(one.file_size for one in entries) > UNPACKED_BYTES:
        return {"refused": ["bomb", {"limit": UNPACKED_BYTES // 1_000_000}]}
    if _overlap(entries):
        return {"refused": ["overlap", {}]}
    return {"files": [[at, name_of(one)[-NAME_LENGTH:], _fault(one)] for at, one in found]}


def unpacked(data: bytes, places: list[int]) -> list[list[Any]]:
    """[[index, content in base64, key]] of the first of these files that go into one answer; at least one of them."""
    answer: list[list[Any]] = []
    size = 0
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        for at in places[:PORTION_FILES]:
            if answer and size + entries[at].file_size > PORTION_BYTES:
                break
            content, key = _read(archive, entries[at])
            size += len(content)
            answer.append([at, base64.b64encode(content).decode(), key])
    return answer


def name_of(entry: zipfile.ZipInfo) -> str:
    """The name of an entry; old programs write UTF-8 without saying so."""
    if entry.flag_bits & IS_UTF8:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tuple[bytes, str]:
    try:
        with archive.open(entry) as file:
            content = file.read(FILE_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError, RuntimeError):
        return b"", "damaged"
    return (b"", "large") if len(content) > FILE_BYTES else (content, "" if content.strip() else "empty")


def _is_clutter(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    hidden = parts[-1].startswith(".") and parts[-1] != ".."
    return "__MACOSX" in parts or hidden or parts[-1].lower() in CLUTTER


def _overlap(entries: list[zipfile.ZipInfo]) -> bool:
    """Whether files share bytes of the ZIP, as only those do that are meant to burst what opens them."""
    places = sorted((one.header_offset, one.compress_size) for one in entries)
    return any(at + size > after for (at, size), (after, _size) in pairwise(places))


def _fault(entry: zipfile.ZipInfo) -> str:
    name = name_of(entry).replace("\\", "/")
    ending = name.rpartition(".")[2].lower()
    faults = {
        "locked": bool(entry.flag_bits & IS_LOCKED),
        "outside": name.startswith("/") or ":" in name or ".." in name.split("/"),
        "link": stat.S_ISLNK(entry.external_attr >> 16),
        "pack": ending in PACKS,
        "kind": ending not in ENDINGS,
        "large": entry.file_size > FILE_BYTES,
        "bomb_file": entry.file_size > SMALL and entry.file_size > RATIO * max(entry.compress_size, 1),
        "method": entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED},
        "empty": not entry.file_size,
    }
    return next((key for key, holds in faults.items() if holds), "")
