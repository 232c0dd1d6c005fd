"""Scanned CVs by tesseract, where it is installed: pages are drawn, recognised, and read like any text. Optional.

Runs in the isolated child with limits of its own (`READ_LIMITS`); nothing is written to disk. Places are pages.
"""

import os
import re
import shutil
import subprocess
from typing import Any

import pypdfium2

from advisory.cv.areas import find_areas, find_sectors
from advisory.cv.extras import find_extras
from advisory.cv.reading import TEXT_LENGTH, Line, Reading, gapped, missing
from advisory.cv.text import read_lines

# The child has no environment, and so no PATH.
PATH = "/usr/local/bin:/usr/bin:/bin"
PAGES, DOTS_PER_INCH, PAGE_SECONDS = 6, 200, 25
# In the order in which they are asked for; each one more costs time.
LANGUAGES, LANGUAGES_AT_MOST = ("eng", "deu", "fra", "spa", "ita", "pol", "nld", "por"), 4
READ_LIMITS = {"memory_mb": 2048, "cpu_seconds": 60, "wall_seconds": 170}
# What was recognised is less sure than what was written.
TRUST = 0.7
# The sign is recognised with a gap beside it more often than without; the dot of a list as one of several signs.
ADDRESS = re.compile(r"([\w.+-]+) ?@ ?([\w-]+\.[\w.-]+)")
DOT = re.compile(r"^[+*«»¢©°·•] +")
WIDE = re.compile(r" {3,}")


def program() -> str | None:
    """Where tesseract is; None where it is not installed."""
    return shutil.which("tesseract", path=PATH)


def read_scanned(data: bytes, filename: str) -> dict[str, Any] | None:
    """The reading of a PDF of pictures in the JSON shape of `reader.read_as_dict`; None when nothing was recognised."""
    from advisory.cv.reader import LANGUAGE

    lines = recognised(data)
    text = "\n".join(line.text for line in lines)[:TEXT_LENGTH]
    if not text.strip():
        return None
    found, sections = read_lines(lines)
    for find in (find_areas, find_sectors, find_extras):
        find(sections, found)
    reason = missing(found.fields)
    reading = Reading("scanned-pdf", LANGUAGE.classify(text)[0], "incomplete" if reason else "read", reason)
    reading.text, reading.fields = text, found.fields
    first: dict[str, int] = {}
    for number, line in enumerate(lines):
        first.setdefault(line.place, number)
    reading.breaks = [(number, place) for place, number in first.items()]
    shape = reading.as_dict(with_text=True)
    for one in shape["fields"]:
        one["confidence"] = round(one["confidence"] * TRUST, 2)
    return shape


def recognised(data: bytes) -> list[Line]:
    """The lines of the first pages; a page that takes too long is left out."""
    where = program()
    if where is None:
        return []
    spoken = "+".join(_languages(where))
    document = pypdfium2.PdfDocument(data)
    lines: list[Line] = []
    for number in range(min(len(document), PAGES)):
        picture = _drawn(document[number])
        keeping = ["--psm", "4", "-c", "preserve_interword_spaces=1"]  # one column: titles keep their dates
        told = _asked([where, "stdin", "stdout", *(["-l", spoken] if spoken else []), *keeping], picture)
        lines += [Line(tidied(text), f"page {number + 1}") for text in told.splitlines()]
    return gapped(lines)


def tidied(text: str) -> str:
    """A line with its signs as they were written, and a wide space as a tab."""
    return DOT.sub("• ", WIDE.sub("\t", ADDRESS.sub(r"\1@\2", text.strip())))


def _drawn(page: Any) -> bytes:
    """A page as a grey picture in PGM, which needs no file."""
    bitmap = page.render(scale=DOTS_PER_INCH / 72, grayscale=True)
    rows = bytes(bitmap.buffer)
    grey = b"".join(rows[at * bitmap.stride : at * bitmap.stride + bitmap.width] for at in range(bitmap.height))
    return b"P5 %d %d 255\n" % (bitmap.width, bitmap.height) + grey


def _languages(where: str) -> list[str]:
    installed = _asked([where, "--list-langs"], b"").split()
    return [one for one in LANGUAGES if one in installed][:LANGUAGES_AT_MOST]


def _asked(command: list[str], given: bytes) -> str:
    environment = {"OMP_THREAD_LIMIT": "1", "PATH": PATH, **{k: v for k, v in os.environ.items() if k == "LANG"}}
    try:
        done = subprocess.run(  # noqa: S603 (the program that was found, with arguments of our own)
            command, input=given, capture_output=True, timeout=PAGE_SECONDS, check=False, env=environment
        )
    except (subprocess.TimeoutExpired, OSError):
        return ""
    return done.stdout.decode("utf-8", "replace")
