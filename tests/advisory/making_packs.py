"""ZIPs of CVs for tests, good ones and others; the people in them are invented."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

CV = """Curriculum vitae

{name}
E-mail: {email}
Phone: {phone}
{city}, Spain

Work experience
2010 - 2020 Energy auditor, {employer}, {city}

Education
2006 - 2010 Master of Engineering, University of Zaragoza

Languages
English C1
Spanish native

Skills
Energy audits, heat recovery
"""


def text_of(number: int, **said: str) -> bytes:
    """A complete CV as text, each number another person."""
    letters = "".join(chr(97 + int(one)) for one in f"{number:04d}")
    values = {
        "name": f"Ada {letters.capitalize()}",
        "email": f"ada.{letters}@example.org",
        "phone": f"+34 976 55 {number:04d}",
        "city": "Zaragoza",
        "employer": f"Firm {letters.capitalize()} Ltd",
    }
    return CV.format(**(values | said)).encode()


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of these files."""
    space = io.BytesIO()
    with zipfile.ZipFile(space, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return space.getvalue()


def upload(content: bytes, name: str = "cvs.zip") -> Any:
    """The ZIP as a browser sends it."""
    return SimpleUploadedFile(name, content, "application/zip")


BROKEN = {
    "empty.txt": b"",
    "blank.txt": b" \n \n",
    "old.doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600,
    "word in pdf.pdf": b"PK\x03\x04" + b"x" * 300,
    "cut.pdf": b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n",
    "macro.docx": b"PK\x03\x04 not really a zip",
    "bomb.xml": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    "deep.json": b"[" * 100_000,
    "inner.zip": zipped({"a.txt": b"a"}),
    "../../etc/passwd.txt": b"root",
    "program.exe": b"MZ" + b"x" * 100,
    "virus.txt": b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
}
