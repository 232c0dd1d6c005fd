"""The one entry to reading CVs: bytes and a file name in, fields with their snippets out. No Django, no network.

Source: F06 (advisors came from more than 300 CVs). The shape is that of `manage.py read_cv --json`.
"""

import json
import re
import unicodedata
from dataclasses import dataclass, replace
from typing import Any

import py3langid.langid

from advisory.cv.areas import find_areas, find_sectors
from advisory.cv.docx import is_docx, read_docx
from advisory.cv.europass import FORMATS, read_europass
from advisory.cv.extras import find_extras
from advisory.cv.headings import Sections, by_path
from advisory.cv.jsonresume import is_json_resume, read_json_resume
from advisory.cv.odt import is_odt, read_odt
from advisory.cv.pdf import read_pdf
from advisory.cv.reading import TEXT_LENGTH, Findings, Line, Reading, Rejected, gapped, missing
from advisory.cv.safety import MAX_INPUT, open_zip, parse_xml, refuse_old_formats
from advisory.cv.text import read_lines
from advisory.cv.vocabulary import LOCALES
from advisory.cv.xmltext import local

ACCEPTED = "Send a Europass CV (XML or PDF), a JSON Resume, a PDF, a DOCX, an ODT or a plain text file."
ENOUGH_LETTERS = 40
SCANNED = "scanned-pdf"
MAX_LINE = 2_000
MAX_LETTERS = 4 * TEXT_LENGTH
LANGUAGE_SAMPLE, SECTION_SAMPLE = 4_000, 800
# Below so many letters the names of people, places and firms decide, not the language.
SECTION_LETTERS, MAX_SECTIONS = 120, 40
FEW = 1_000
WIDE_SPACE = re.compile(r" {4,}")
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff\ufeff]")
LINKED_IN = re.compile(r"linkedin\.com/in/.*\(linkedin\)", re.IGNORECASE | re.DOTALL)

LANGUAGE = py3langid.langid.LanguageIdentifier.from_model_file(py3langid.langid.MODEL_FILE, norm_probs=True)
LANGUAGE.set_languages(set(LOCALES) - {"nb"})


@dataclass(frozen=True, slots=True)
class Told:
    """What a file of some format tells: its fields, all its lines, and the lines by section."""

    form: str
    found: Findings
    lines: list[Line]
    sections: Sections


def read(data: bytes, filename: str) -> Reading:
    """Read a CV of at most 10 MB. Never raises for what a file holds: a refusal is a reading with its sentence.

    The format follows from the bytes; the name only helps to word a refusal.
    """
    try:
        if not data.strip():
            raise Rejected("The file is empty. Send the CV again.")
        if len(data) > MAX_INPUT:
            raise Rejected("The file is larger than 10 MB, which is not accepted.")
        told = _read_by_form(data, filename)
    except Rejected as refusal:
        # A scan is a CV all the same: a person fills in what the pictures say.
        return Reading(refusal.form, None, "incomplete" if refusal.form == SCANNED else "rejected", str(refusal))
    find_areas(told.sections, told.found)
    find_sectors(told.sections, told.found)
    find_extras(told.sections, told.found)
    text = "\n".join(line.text for line in told.lines)[:TEXT_LENGTH]
    reason = missing(told.found.fields)
    status = "incomplete" if reason else "read"
    sections, breaks = _languages(told.sections), _breaks(told.lines, text.count("\n"))
    return Reading(told.form, _language(text), status, reason, told.found.fields, sections, text, breaks)


def _breaks(lines: list[Line], last: int) -> list[tuple[int, str]]:
    """Where in the text, by number of line, another page or part begins; lines of a plain text name themselves."""
    found: list[tuple[int, str]] = []
    at, before = 0, ""
    for line in lines:
        if line.place != before and not line.place.startswith("line ") and at <= last:
            found.append((at, line.place))
        before = line.place
        at += line.text.count("\n") + 1
    return found


def read_as_dict(data: bytes, filename: str) -> dict[str, Any]:
    """Return the reading in its JSON shape with the text for matching: the door for the isolated child."""
    return read(data, filename).as_dict(with_text=True)


def _read_by_form(data: bytes, filename: str) -> Told:
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if b"%PDF-" in data[:1024]:
        return _from_pdf(data)
    if data.startswith(b"PK"):
        archive = open_zip(data)
        if is_docx(archive):
            return _from_lines("docx", read_docx(archive))
        if is_odt(archive):
            return _from_lines("odt", read_odt(archive))
        raise Rejected(f"The file is a container, but no Word document (DOCX) and no ODT. {ACCEPTED}")
    refuse_old_formats(data)
    if start.startswith(b"<") or data.startswith((b"\xff\xfe<", b"\xfe\xff\x00<")):
        return _from_xml(data)
    text = _decoded(data, filename)
    if start.startswith((b"{", b"[")):
        return _from_json(text)
    lines = [Line(line[:MAX_LINE], f"line {number}") for number, line in enumerate(text.splitlines(), start=1)]
    return _from_lines("text", gapped(lines))


def _from_pdf(data: bytes) -> Told:
    lines, attached = read_pdf(data)
    for content in attached:
        if any(name.encode() in content[:4096] for name in FORMATS):
            told = _from_xml(content)
            return replace(told, form=f"{told.form}-pdf")
    if sum(len(line.text) for line in lines) < ENOUGH_LETTERS:
        raise Rejected(
            "The PDF holds no text, only pictures, as a scan does. Fill in what it says, or ask for it as text.",
            form=SCANNED,
        )
    return _from_lines("pdf", lines)


def _from_xml(data: bytes) -> Told:
    root = parse_xml(data, "The file")
    form = FORMATS.get(local(root))
    if form is None:
        raise Rejected(f"The XML is no Europass CV: it begins with <{local(root)[:40]}>. {ACCEPTED}")
    found, lines = read_europass(root)
    return Told(form, found, lines, by_path(lines))


def _from_json(text: str) -> Told:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Rejected(f"The file looks like JSON but cannot be read as such. {ACCEPTED}") from error
    if not is_json_resume(content):
        raise Rejected(f"The JSON is no JSON Resume: it has neither basics nor work. {ACCEPTED}")
    found, lines = read_json_resume(content)
    return Told("json-resume", found, lines, by_path(lines))


def _from_lines(form: str, lines: list[Line]) -> Told:
    clean, letters = [], 0
    for line in lines:
        text = CONTROL.sub("", _composed(line.text))[:MAX_LINE]
        letters += len(text)
        if letters > MAX_LETTERS:
            break
        clean.append(replace(line, text=text))
    if sum(len(line.text) for line in clean) < ENOUGH_LETTERS:
        raise Rejected("The file holds hardly any text. Send a CV with the usual sections.")
    if LINKED_IN.search("\n".join(line.text for line in clean[:60])):
        form = f"linkedin-{form}"
    found, sections = read_lines(clean)
    return Told(form, found, clean, sections)


def _composed(text: str) -> str:
    plain = unicodedata.normalize("NFC", text).replace("\u00a0", " ").replace("\u200b", "")
    return WIDE_SPACE.sub("   ", plain)


def _decoded(data: bytes, filename: str) -> str:
    """Decode a text file: by its mark, as UTF-8, else as Windows-1252; what is no text is refused."""
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8-sig"), (b"", "cp1252")):
        if not data.startswith(mark):
            continue
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if len(CONTROL.findall(text)) * FEW <= len(text):
            return text[:MAX_LETTERS]
    kind = filename.rsplit(".", 1)[-1].upper() if "." in filename[-6:] else ""
    named = f" (its name says {kind})" if kind.isalnum() else ""
    raise Rejected(f"The file{named} is of a format that is not accepted. {ACCEPTED}")


def _language(text: str, enough: int = ENOUGH_LETTERS) -> str | None:
    letters = text[:LANGUAGE_SAMPLE]
    return LANGUAGE.classify(letters)[0] if sum(map(str.isalpha, letters)) >= enough else None


def _languages(sections: Sections) -> list[dict[str, str | None]]:
    """Tell the language of each section that holds something."""
    return [
        {"kind": kind, "place": lines[0].place,
         "language": _language("\n".join(line.text for line in lines)[:SECTION_SAMPLE], SECTION_LETTERS)}
        for kind, lines in sections[:MAX_SECTIONS] if lines
    ]  # fmt: skip
