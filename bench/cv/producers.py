"""CVs as other producers write them: reportlab, LibreOffice and a scanner, on the people held out."""

import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pypdfium2
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import cm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table

from advisory.cv import ocr
from bench.cv.writers import Said, address_lines, by_odt, by_typst, word_boxes, word_headings, word_tabs

FONTS = Path(__file__).parents[2] / ".local" / "assets" / "fonts"
OFFICE = shutil.which("soffice") or ""


def by_office(write: Callable[[Said, Any], bytes], kind: str, given: str = "docx") -> Callable[[Said, Any], bytes]:
    """Return a writer of `kind` by LibreOffice, which opens what another writer made and saves it anew."""

    def rewrite(said: Said, browser: Any) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            before = Path(folder, f"before.{given}")
            before.write_bytes(write(said, browser))
            subprocess.run(  # noqa: S603 -- a fixed program on a file of our own
                [OFFICE, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", kind,
                 "--outdir", f"{folder}/after", str(before)],
                check=True, capture_output=True, timeout=120,
            )  # fmt: skip
            return Path(folder, "after", f"before.{kind}").read_bytes()

    return rewrite


def by_scanner(write: Callable[[Said, Any], bytes]) -> Callable[[Said, Any], bytes]:
    """Return a writer of a PDF of pictures: the pages of another PDF at 200 dots per inch."""

    def scan(said: Said, browser: Any) -> bytes:
        written, made = pypdfium2.PdfDocument(write(said, browser)), pypdfium2.PdfDocument.new()
        for sheet in written:
            width, height = sheet.get_size()
            image = pypdfium2.PdfImage.new(made)
            image.set_bitmap(sheet.render(scale=200 / 72, grayscale=True))
            image.set_matrix(pypdfium2.PdfMatrix().scale(width, height))
            page = made.new_page(width, height)
            page.insert_obj(image)
            page.gen_content()
        target = io.BytesIO()
        made.save(target)
        return target.getvalue()

    return scan


def reportlab_table(said: Said, _browser: Any) -> bytes:
    """PDF by reportlab: paragraphs, and tables with the dates on the right."""
    for name, style in (("Sans", "400Regular"), ("Sans-Bold", "700Bold")):
        pdfmetrics.registerFont(TTFont(name, FONTS / f"SourceSans3_{style}.ttf"))
    plain = ParagraphStyle("plain", fontName="Sans", fontSize=10, leading=13)
    bold = ParagraphStyle("bold", plain, fontName="Sans-Bold")
    heading = ParagraphStyle("heading", bold, fontSize=13, leading=20, spaceBefore=8)
    flow: list[Any] = [Paragraph(escape(said["printed"]), ParagraphStyle("name", bold, fontSize=20, leading=26))]
    flow += [Paragraph(escape(line), plain) for line in address_lines(said)]

    def dated(rows: list[tuple[str, list[str], str]]) -> None:
        for first, others, dates in rows:
            left = [Paragraph(escape(first), bold), *(Paragraph(escape(one), plain) for one in others)]
            flow.append(Table([[left, Paragraph(escape(dates), plain)]], colWidths=[12.5 * cm, 4.5 * cm]))

    flow.append(Paragraph(escape(said["headings"]["experience"]), heading))
    dated([(job["title"], [f"{job['employer']}, {job['place']}", *job["tasks"]], job["dates"]) for job in said["jobs"]])
    flow.append(Paragraph(escape(said["headings"]["education"]), heading))
    dated([(one["title"], [one["school"]], one["dates"]) for one in said["degrees"]])
    flow.append(Paragraph(escape(said["headings"]["languages"]), heading))
    flow += [Paragraph(escape(f"{one['name']}: {one['level']}"), plain) for one in said["languages"]]
    for part in said["lists"]:
        flow.append(Paragraph(escape(part["heading"]), heading))
        flow += [Paragraph(escape(item), plain, bulletText="•") for item in part["items"]]
    flow += [Paragraph(escape(said["headings"]["summary"]), heading), Paragraph(escape(said["summary"]), plain)]
    target = io.BytesIO()
    SimpleDocTemplate(target, pagesize=A4).build(flow)
    return target.getvalue()


# LibreOffice and tesseract, which reads scans, only where they are installed.
PRODUCERS = {"reportlab-table": reportlab_table}
SCANS = {"scan-classic": by_scanner(by_typst("classic")), "scan-modern": by_scanner(by_typst("modern"))}
if ocr.program():
    PRODUCERS |= SCANS
if OFFICE:
    PRODUCERS |= {
        "office-headings-pdf": by_office(word_headings, "pdf"),
        "office-headings-odt": by_office(word_headings, "odt"),
        "office-tabs-pdf": by_office(word_tabs, "pdf"),
        "office-boxes-odt": by_office(word_boxes, "odt"),
        "office-table-docx": by_office(by_odt("table"), "docx", "odt"),
        "office-styled-pdf": by_office(by_odt("styled"), "pdf", "odt"),
    }
