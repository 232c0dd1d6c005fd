"""Files that are not what they seem: each is refused with a sentence, none raises, none is unpacked or followed."""

import io
import json
import random
import zipfile
from pathlib import Path

import pikepdf
import pypdfium2
import pytest

from advisory.cv import ocr, safety
from advisory.cv.reader import ACCEPTED, read
from facility.isolation import run_isolated

TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Override PartName="/word/document.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SAMPLES = Path(__file__).parent / "samples"
CV_TEXT = "Anna Example anna@example.org Languages English C1 Education MSc Chemistry, Example University, 2009"


def document(body: str, doctype: str = "") -> str:
    return (
        f'{doctype}<w:document xmlns:w="{WORD}"><w:body><w:p><w:r><w:t>{body}</w:t></w:r></w:p></w:body></w:document>'
    )


def docx(parts: dict[str, str | bytes] | None = None, types: str = TYPES) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {
            "[Content_Types].xml": types,
            "word/document.xml": document(CV_TEXT),
            **(parts or {}),
        }.items():
            archive.writestr(name, content)
    return target.getvalue()


def pdf(pages: int = 1, **save) -> bytes:
    target = io.BytesIO()
    with pikepdf.new() as made:
        for _ in range(pages):
            made.add_blank_page()
        made.save(target, **save)
    return target.getvalue()


def locked_zip() -> bytes:
    """Set the bit that says "encrypted" on every entry, in the local headers and in the directory."""
    data = bytearray(docx())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(mark, at + 4)
    return bytes(data)


ODT = "application/vnd.oasis.opendocument.text"


def odt(body: str = f"<text:p>{CV_TEXT}</text:p>", parts: dict[str, str | bytes] | None = None) -> bytes:
    target = io.BytesIO()
    names = "".join(f' xmlns:{one}="urn:oasis:names:tc:opendocument:xmlns:{one}:1.0"' for one in ("office", "text"))
    content = f"<office:document-content{names}><office:body><office:text>{body}</office:text></office:body>"
    made = {"mimetype": ODT, "content.xml": f"{content}</office:document-content>", **(parts or {})}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in made.items():
            archive.writestr(name, part)
    return target.getvalue()


def picture_pdf() -> bytes:
    """A page that is a picture from edge to edge, as a scanner makes it."""
    target = io.BytesIO()
    with pikepdf.new() as made:
        page = made.add_blank_page(page_size=(595, 842))
        picture = made.make_stream(bytes(range(256)) * 30, Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image,
                                   Width=96, Height=80, ColorSpace=pikepdf.Name.DeviceGray,
                                   BitsPerComponent=8)  # fmt: skip
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=picture))
        page.Contents = made.make_stream(b"q 595 0 0 842 0 0 cm /Im0 Do Q")
        made.save(target)
    return target.getvalue()


def looping_pdf() -> bytes:
    """The tree of pages is its own child, and a form draws itself."""
    return (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Count 3/Kids[2 0 R 3 0 R]>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 5 0 R/Resources<</XObject<</F 4 0 R>>>>>>endobj\n"
        b"4 0 obj<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 4/Resources<</XObject<</F 4 0 R>>>>>>stream\n/F Do\n"
        b"endstream endobj\n5 0 obj<</Length 5>>stream\n/F Do\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
    )


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
HOSTILE = {
    "empty": (b"", "The file is empty."),
    "blank": (b" \r\n\t ", "The file is empty."),
    "huge": (b"a" * (safety.MAX_INPUT + 1), "larger than 10 MB"),
    "entity bomb": (f"{BOMB}<Candidate>&b;</Candidate>".encode(), "declares a document type"),
    "outside entity": (f"{OUTSIDE}<SkillsPassport>&a;</SkillsPassport>".encode(), "declares a document type"),
    "bare doctype": (b"<!DOCTYPE Candidate><Candidate/>", "declares a document type"),
    "deep xml": (b"<a>" * 100_000, "not well-formed XML"),
    "broken xml": (b"<Candidate><CandidatePerson></Candidate>", "not well-formed XML (line 1)"),
    "web page": (b"<html><body>Anna Example</body></html>", "no Europass CV: it begins with <html>"),
    "deep json": (b"[" * 200_000, "looks like JSON"),
    "other json": (b'{"invoice": 12}', "no JSON Resume"),
    "truncated json": (b'{"basics": {"name": "An', "looks like JSON"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "a format that is not accepted"),
    "program": (b"MZ\x90\x00\x03" + bytes(2_000), "a format that is not accepted"),
    "old word": (safety.OLE + bytes(4_000), "old Word document (DOC)"),
    "locked word": (safety.OLE + bytes(90) + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
    "rich text": (b"{\\rtf1\\ansi Anna Example, anna@example.org}", "rich text (RTF)"),
    "locked odt": (
        odt(parts={"META-INF/manifest.xml": "<manifest><encryption-data/></manifest>"}),
        "protected by a password",
    ),
    "odt macros": (odt(parts={"Scripts/python/x.py": "import os"}), "holds macros"),
    "odt entity": (odt(parts={"content.xml": f"{BOMB}<a>&b;</a>"}), "declares a document type"),
    "odt bomb": (odt(parts={"Pictures/a.png": bytes(60 * 1024 * 1024)}), "more than 100 times its size"),
    "odt without text": (odt("<text:p/>"), "hardly any text"),
    "other odf": (odt(parts={"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}), "no Word document"),
    "picture only pdf": (picture_pdf(), "holds no text, only pictures"),
    "looping pdf": (looping_pdf(), ("holds no text, only pictures", "damaged")),
    "two hundred pages": (pdf(200), "has 200 pages; a CV may have at most 20"),
    "hardly text": (b"Hello", "hardly any text"),
    "truncated zip": (docx()[:300], "its parts cannot be listed"),
    "other zip": (docx(types="<Types/>"), "no Word document"),
    "nested zip": (docx({"word/document.xml": docx()}), "not well-formed XML"),
    "zip bomb": (docx({"word/media/a.xml": bytes(90 * 1024 * 1024)}), "more than 100 times its size"),
    "many bombs": (docx({f"word/{n}.xml": bytes(9 * 1024 * 1024) for n in range(12)}), "more than 100 MB"),
    "many parts": (docx({f"word/{n}.xml": "" for n in range(1_100)}), "holds 1102 parts; at most 1,000"),
    "traversal": (docx({"../../etc/cron.d/x": "boo"}), "points outside the file"),
    "absolute name": (docx({"/etc/passwd": "boo"}), "points outside the file"),
    "windows name": (docx({"C:\\boot.ini": "boo"}), "points outside the file"),
    "macro part": (docx({"word/vbaProject.bin": b"x"}), "holds macros"),
    "macro type": (docx(types=TYPES.replace("document.main", "document.macroEnabled.main")), "holds macros"),
    "locked zip": (locked_zip(), "protected by a password"),
    "docx entity": (docx({"word/document.xml": document("&b;", BOMB)}), "declares a document type"),
    "no document": (docx({"word/document.xml": ""}), "not well-formed XML"),
    "scan": (pdf(), "holds no text, only pictures"),
    "locked pdf": (pdf(encryption=pikepdf.Encryption(owner="o", user="u")), "protected by a password"),
    "long pdf": (pdf(21), "has 21 pages; a CV may have at most 20"),
    "pdf in name": (b"%PDF-1.7\n" + bytes(range(256)) * 8, "The PDF is damaged"),
    "truncated pdf": (pdf()[:60], "The PDF is damaged"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_its_sentence(name):
    data, sentence = HOSTILE[name]
    reading = read(data, "cv.docx")
    # A scan is a CV all the same: it waits for a person.
    assert reading.status == ("incomplete" if reading.format == "scanned-pdf" else "rejected")
    assert any(one in reading.reason for one in ([sentence] if isinstance(sentence, str) else sentence))
    assert reading.reason.endswith(".")
    assert reading.fields == []


def test_a_scan_is_told_by_its_format():
    assert [read(data, "cv.pdf").format for data in (pdf(), picture_pdf())] == ["scanned-pdf", "scanned-pdf"]


@pytest.mark.skipif(ocr.program() is None, reason="tesseract is not installed on this machine")
def test_a_scan_is_recognised_where_tesseract_is_installed():
    shape = ocr.read_scanned(scan_of("Curriculum vitae", "Ada Lovelace", "ada@example.org"), "scan.pdf")
    assert shape is not None and "ada@example.org" in shape["text"]
    assert {one["place"] for one in shape["fields"]} == {"page 1"}


def test_a_page_is_drawn_as_a_picture_of_its_own_size():
    with pypdfium2.PdfDocument(scan_of("Curriculum vitae")) as document:
        picture = ocr._drawn(document[0])
    head, body = picture.split(b" 255\n", 1)
    width, height = map(int, head.split()[1:])
    assert (len(body), min(body)) == (width * height, 0) and body.count(255) > len(body) // 2


def scan_of(*lines):
    """A PDF whose one page is a picture of these lines, as a scanner makes it."""
    written = pypdfium2.PdfDocument(page_of(lines))
    bitmap = written[0].render(scale=200 / 72)
    made = pypdfium2.PdfDocument.new()
    page = made.new_page(595, 842)
    image = pypdfium2.PdfImage.new(made)
    image.set_bitmap(bitmap)
    image.set_matrix(pypdfium2.PdfMatrix().scale(595, 842))
    page.insert_obj(image)
    page.gen_content()
    space = io.BytesIO()
    made.save(space)
    return space.getvalue()


def page_of(lines):
    """A PDF with these lines as text."""
    content = "BT /F1 18 Tf 60 760 Td " + " ".join(f"({line}) Tj 0 -30 Td" for line in lines) + " ET"
    document = pikepdf.new()
    font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
    resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=document.make_indirect(font)))
    page = pikepdf.Dictionary(
        Type=pikepdf.Name.Page, MediaBox=[0, 0, 595, 842], Resources=resources,
        Contents=document.make_stream(content.encode()),
    )  # fmt: skip
    document.pages.append(pikepdf.Page(document.make_indirect(page)))
    space = io.BytesIO()
    document.save(space)
    return space.getvalue()


def test_a_file_is_read_by_what_it_holds_whatever_its_name():
    assert read(docx(), "cv.pdf").format == "docx"
    assert read(odt(), "cv.docx").format == "odt"
    assert read(json.dumps({"basics": {"name": "Anna Example"}}).encode(), "cv.xml").format == "json-resume"


def test_an_unknown_format_is_told_what_is_accepted_and_what_its_name_says():
    reading = read(b"\x89PNG\r\n\x1a\n" + bytes(400), "photo.docx")
    assert reading.reason == f"The file (its name says DOCX) is of a format that is not accepted. {ACCEPTED}"


def test_a_size_that_the_directory_understates_is_not_trusted():
    data = bytearray(docx({"word/document.xml": document(CV_TEXT + "x" * 300_000)}))
    entry = data.rfind(b"word/document.xml") - 46
    assert data[entry : entry + 4] == b"PK\x01\x02"
    data[entry + 24 : entry + 28] = (50).to_bytes(4, "little")
    assert "cannot be unpacked" in read(bytes(data), "cv.docx").reason


def test_an_outside_template_is_not_followed():
    relation = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate" '
        'Target="http://192.0.2.1/x.dotm" TargetMode="External"/></Relationships>'
    )
    reading = read(docx({"word/_rels/settings.xml.rels": relation}), "cv.docx")
    assert reading.format == "docx"
    assert reading.status == "incomplete"


def test_a_pdf_with_a_hostile_attachment_is_refused():
    with pikepdf.new() as made:
        made.add_blank_page()
        made.attachments["attachment.xml"] = pikepdf.AttachedFileSpec(
            made, f"{OUTSIDE}<Candidate>&a;</Candidate>".encode(), filename="attachment.xml"
        )
        target = io.BytesIO()
        made.save(target)
    assert "declares a document type" in read(target.getvalue(), "cv.pdf").reason


def test_json_of_odd_types_is_read_without_a_fault():
    odd = {
        "basics": ["x"],
        "work": [3, {"name": 4, "position": ["a"]}],
        "languages": {"a": 1},
        "skills": [{"keywords": 5}],
    }
    assert read(json.dumps(odd).encode(), "cv.json").status == "incomplete"


SLOW = {
    "one long word": "a" * 200_000,
    "addresses": "a@a." * 60_000,
    "spaces": (" " * 1_900 + "|\n") * 120,
    "dashes": ("2014 - " * 280 + "\n") * 100,
    "titles": ("m m. dr - " * 190 + "\n") * 100,
    "headings": "Experience\nLanguages\nEducation\n" * 8_000,
    "languages": "Languages\n" + "English German " * 15_000,
}


@pytest.mark.parametrize("name", SLOW)
def test_text_made_to_be_slow_stays_within_five_seconds(name):
    shape = run_isolated("advisory.cv.reader.read_as_dict", SLOW[name].encode(), "cv.txt", cpu_seconds=5)
    assert shape["status"] == "incomplete"


def test_files_broken_at_random_are_read_or_refused_with_a_sentence():
    chance = random.Random(34)
    whole = [*(path.read_bytes() for path in SAMPLES.iterdir() if path.is_file()), docx(), odt(), picture_pdf(), pdf(3)]
    for _ in range(400):
        data = bytearray(chance.choice(whole))
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data[at:] = b""
            case 1:
                data[at : at + chance.randrange(1, 40)] = chance.randbytes(chance.randrange(1, 40))
            case 2:
                data[at:at] = bytes(data[at : at + 300]) * chance.randrange(1, 9)
            case 3:
                data[at:] = chance.choice(whole)[chance.randrange(50) :]
        reading = read(bytes(data), "cv")
        assert reading.status in {"read", "incomplete", "rejected"}
        assert reading.status == "read" or reading.reason.endswith(".")
