"""Guards for files from strangers: size, XML without entities or network, ZIP containers checked before unpacking.

Every refusal is a `Rejected` with a sentence. Limits are bytes unless named otherwise.
"""

import io
import zipfile

from lxml import etree

from advisory.cv.reading import Rejected

MAX_INPUT = 10 * 1024 * 1024
MAX_UNPACKED = 100 * 1024 * 1024
MAX_PART = 20 * 1024 * 1024
MAX_ENTRIES = 1_000
MAX_RATIO = 100
SMALL_PART = 100 * 1024
MACRO_PARTS = ("vbaproject.bin", "vbadata.xml")
MACRO_TYPES = (b"macroenabled", b"vnd.ms-office.vbaproject")
OLE, RTF = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{\\rtf"


def refuse_old_formats(data: bytes) -> None:
    """Refuse what offices wrote before DOCX, and DOCX under a password, which hides in the same container."""
    if data.startswith(OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise Rejected("The document is protected by a password. Save it without one and send it again.")
        raise Rejected("The file is an old Word document (DOC), a format that is not accepted. Save it as DOCX or PDF.")
    if data.lstrip()[:5] == RTF:
        raise Rejected("The file is rich text (RTF), a format that is not accepted. Save it as DOCX or PDF.")


def parse_xml(data: bytes, what: str) -> etree._Element:
    """Parse XML without entities, document type or network; `what` names the part in the refusing sentence."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise Rejected(f"{what} is not well-formed XML (line {error.lineno or 1}). Export the CV again.") from error
    if root.getroottree().docinfo.doctype:
        raise Rejected(f"{what} declares a document type, which a CV never needs and which is not accepted.")
    return root


def open_zip(data: bytes) -> zipfile.ZipFile:
    """Open a ZIP container after its directory was checked: entries, sizes, ratio, names, encryption and macros."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise Rejected(
            "The file is damaged: its parts cannot be listed. Save it again and send the new copy."
        ) from error
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise Rejected(f"The file holds {len(entries)} parts; at most {MAX_ENTRIES:,} are accepted.")
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise Rejected("The file unpacks to more than 100 MB, which is not accepted.")
    for entry in entries:
        _check_entry(entry)
    return archive


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename.replace("\\", "/")
    if name.startswith("/") or ":" in name or ".." in name.split("/"):
        raise Rejected("The file holds a part whose name points outside the file, which is not accepted.")
    if entry.flag_bits & 0x1:
        raise Rejected("The file is protected by a password. Save it without one and send it again.")
    if entry.file_size > SMALL_PART and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
        raise Rejected("A part of the file unpacks to more than 100 times its size, which is not accepted.")
    if name.rsplit("/", 1)[-1].lower() in MACRO_PARTS:
        raise Rejected("The document holds macros. Save it as DOCX without macros and send it again.")


def read_part(archive: zipfile.ZipFile, name: str) -> bytes:
    """Unpack one part, trusting no length the directory claims."""
    try:
        with archive.open(name) as part:
            data = part.read(MAX_PART + 1)
    except (KeyError, zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise Rejected("The file is damaged: a part of it cannot be unpacked. Save it again.") from error
    except Exception as error:
        # zlib.error and lzma.LZMAError share no base class below Exception.
        if type(error).__module__ not in ("zlib", "_lzma"):
            raise
        raise Rejected("The file is damaged: a part of it cannot be unpacked. Save it again.") from error
    if len(data) > MAX_PART:
        raise Rejected("A part of the file unpacks to more than 20 MB, which is not accepted.")
    return data
