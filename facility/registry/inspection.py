"""A first look into a file that a stranger sent, before anything reads it. Pure: bytes in, a sentence out."""

from __future__ import annotations

import io
import zipfile

# What a packed format must hold.
PACKED = {"docx": "[Content_Types].xml", "xlsx": "[Content_Types].xml", "odt": "content.xml"}
UNPACKED_LIMIT = 100_000_000
ENTRIES_LIMIT = 1_000
RATIO_LIMIT = 100
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
MACROS = ("vbaproject.bin", "vbadata.xml", ".exe", ".dll", ".js", ".vbs")


def look_inside(data: bytes, kind: str) -> str:
    """A sentence that says why the file is refused; empty when nothing speaks against it.

    Looked at: the test signature of virus scanners, the directory of packed formats (size unpacked, number and ratio of
    entries, macros, paths that lead out), a document type in XML.
    """
    if not data:
        return "The file is empty."
    if EICAR in data:
        return "The file carries the test signature of virus scanners."
    if kind in PACKED:
        return _packed(data, PACKED[kind])
    if kind == "xml" and b"<!DOCTYPE" in data[:4096].upper():
        return "The XML declares a document type, which is not accepted."
    return ""


def _packed(data: bytes, needed: str) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            entries = packed.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return "The file is damaged or not what its name says."
    unpacked = sum(entry.file_size for entry in entries)
    names = [entry.filename for entry in entries]
    if len(entries) > ENTRIES_LIMIT or unpacked > UNPACKED_LIMIT or unpacked > RATIO_LIMIT * len(data):
        return "The file unpacks to more than is accepted."
    if any(entry.flag_bits & 1 for entry in entries):
        return "The file is protected by a password."
    if any(name.startswith("/") or ".." in name.split("/") for name in names):
        return "The file names places outside itself."
    if any(name.lower().endswith(MACROS) for name in names):
        return "The file holds macros or programs."
    if needed not in names:
        return "The file is not what its name says."
    return ""
