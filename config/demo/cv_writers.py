"""The five formats of the demo's CVs: each writer takes a person and the words of a language and returns the bytes."""

import io
import json
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any, cast
from xml.sax.saxutils import escape

import docx
import typst
from babel import Locale
from docx.document import Document
from docx.shared import Pt
from lxml import etree

from advisory.cv.vocabulary import LEVELS, THREE_LETTERS

TYPST = Path(__file__).with_name("cv.typ")
FIXED_TIME = (2021, 1, 4, 9, 0, 0)
FIXED_STAMP = 1_609_750_800
CEDEFOP = "http://europass.cedefop.europa.eu/Europass"
SPACES = {None: "http://www.europass.eu/1.0", "oa": "http://www.openapplications.org/oagis/9",
          "eures": "http://www.europass_eures.eu/1.0", "hr": "http://www.hr-xml.org/3"}  # fmt: skip
V3_SKILLS = ("Listening", "Reading", "SpokenInteraction", "SpokenProduction", "Writing")
SKILLS = ("CEF-Understanding-Listening", "CEF-Understanding-Reading", "CEF-Speaking-Interaction",
          "CEF-Speaking-Production", "CEF-Writing-Production")  # fmt: skip
ISO_639_2 = {two: three for three, two in THREE_LETTERS.items()}


def _element(tag: str, *content: Any, **attributes: str) -> etree._Element:
    """Build an element: strings become its text, elements its children, None is left out; `hr_X` stands for `hr:X`."""
    prefix, _, name = tag.rpartition("_")
    node = etree.Element(f"{{{SPACES[prefix or None]}}}{name}", attributes, nsmap=SPACES)
    return _filled(node, content)


def _v3(tag: str, *content: Any, **attributes: str) -> etree._Element:
    return _filled(etree.Element(f"{{{CEDEFOP}}}{tag}", attributes, nsmap={None: CEDEFOP}), content)


def _filled(node: etree._Element, content: tuple[Any, ...]) -> etree._Element:
    for part in content:
        if isinstance(part, str):
            node.text = part
        elif isinstance(part, list):
            node.extend(part)
        elif part is not None:
            node.append(part)
    return node


def _html(items: list[str]) -> str:
    """Return a list as the Europass editors write it: HTML inside the text."""
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"


def _five(level: str) -> list[str]:
    """Return five skills of which the lowest is the level: listening and reading one better."""
    better = LEVELS[min(LEVELS.index(level) + 1, len(LEVELS) - 1)]
    return [better, better, level, level, level]


def _bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def europass_v3(person: Any, words: dict[str, Any]) -> bytes:
    """Write a SkillsPassport: dates are attributes, labels and codes come in pairs, Greece is EL."""
    locale = Locale(person.written_in)

    def pair(tag: str, code: str, label: str) -> etree._Element:
        return _v3(tag, _v3("Code", code), _v3("Label", label))

    def seat(city: str, country: str) -> etree._Element:
        code = "EL" if country == "GR" else country
        return _v3("Contact", _v3("Municipality", city), pair("Country", code, locale.territories[country]))

    def date(tag: str, value: str) -> etree._Element:
        year, _, month = value.partition("-")
        return _v3(tag, year=year, **({"month": f"--{month}"} if month else {}))

    def tongue(tag: str, spoken: dict[str, str], *content: etree._Element) -> etree._Element:
        return _v3(tag, pair("Description", spoken["code"], locale.languages[spoken["code"]]), *content)

    jobs = [
        _v3("WorkExperience",
            _v3("Period", date("From", job["start"]), date("To", job["end"]) if job["end"] else _v3("Current", "true")),
            _v3("Position", _v3("Label", job["title"])), _v3("Activities", _html(job["told"])),
            _v3("Employer", _v3("Name", job["employer"]),
                _v3("ContactInfo", _v3("Address", seat(job["city"], job["country"])))))
        for job in person.jobs
    ]  # fmt: skip
    studies = [
        _v3("Education", _v3("Period", date("To", degree["end"])), _v3("Title", degree["title"]),
            _v3("Organisation", _v3("Name", degree["institution"])))
        for degree in person.degrees
    ]  # fmt: skip
    mother = [tongue("MotherTongue", spoken) for spoken in person.languages if spoken["cefr"] == "native"]
    foreign = [
        tongue("ForeignLanguage", spoken,
               _v3("ProficiencyLevel", [
                   _v3(skill, level) for skill, level in zip(V3_SKILLS, _five(spoken["cefr"]), strict=True)]))
        for spoken in person.languages if spoken["cefr"] != "native"
    ]  # fmt: skip
    return _bytes(_v3(
        "SkillsPassport",
        _v3("DocumentInfo", _v3("DocumentType", "ECV"), _v3("XSDVersion", "V3.4"), _v3("Generator", "EWA")),
        _v3("LearnerInfo",
            _v3("Identification",
                _v3("PersonName", _v3("FirstName", person.given), _v3("Surname", person.family)),
                _v3("ContactInfo", _v3("Address", seat(person.city, person.country)),
                    _v3("Email", _v3("Contact", person.email)) if person.email else None,
                    _v3("TelephoneList", _v3("Telephone", _v3("Contact", person.phone))))),
            _v3("Headline", _v3("Description", _v3("Label", f"{words['note']}. {person.summary}"))),
            _v3("WorkExperienceList", jobs), _v3("EducationList", studies),
            _v3("Skills",
                _v3("Linguistic", _v3("MotherTongueList", mother), _v3("ForeignLanguageList", foreign)),
                _v3("JobRelated", _v3("Description", _html(person.skills))))),
        locale=person.written_in,
    ))  # fmt: skip


def europass_candidate(person: Any, words: dict[str, Any]) -> bytes:
    """Write a Candidate: five name spaces, ISO 639-2 codes, country codes in lower case, dates as text."""
    e = _element

    def name() -> etree._Element:
        return e("PersonName", e("oa_GivenName", person.given), e("hr_FamilyName", person.family))

    def moment(tag: str, value: str) -> etree._Element:
        return e(tag, e("hr_FormattedDateTime", value))

    def job(held: dict[str, Any]) -> etree._Element:
        period = e("eures_EmploymentPeriod", moment("eures_StartDate", held["start"]),
                   moment("eures_EndDate", held["end"]) if held["end"] else e("hr_CurrentIndicator", "true")
                   )  # fmt: skip
        position = e("PositionHistory", e("PositionTitle", held["title"], typeCode="FREETEXT"), period,
                     e("oa_Description", _html(held["told"])), e("City", held["city"]),
                     e("Country", held["country"].lower()))  # fmt: skip
        return e("EmployerHistory", e("hr_OrganizationName", held["employer"]), position)

    def study(degree: dict[str, str]) -> etree._Element:
        return e("EducationOrganizationAttendance", e("hr_OrganizationName", degree["institution"]),
                 e("AttendancePeriod", moment("EndDate", degree["end"]), e("Ongoing", "false")),
                 e("EducationDegree", e("hr_DegreeName", degree["title"])))  # fmt: skip

    def tongue(spoken: dict[str, str]) -> etree._Element:
        return e("PersonCompetency", e("CompetencyID", ISO_639_2[spoken["code"]], schemeName="NORMAL"),
                 e("hr_TaxonomyID", "language"), [
                     e("eures_CompetencyDimension", e("hr_CompetencyDimensionTypeCode", skill),
                       e("eures_Score", e("hr_ScoreText", level)))
                     for skill, level in zip(SKILLS, _five(spoken["cefr"]), strict=True)])  # fmt: skip

    dial, _, number = person.phone.lstrip("+").partition(" ")
    contacts = [
        e("Communication", e("ChannelCode", "Email"), e("oa_URI", person.email)) if person.email else None,
        e("Communication", e("ChannelCode", "Telephone"), e("CountryDialing", dial), e("oa_DialNumber", number)),
        e("Communication", e("UseCode", "home"),
          e("Address", e("oa_CityName", person.city), e("CountryCode", person.country.lower()))),
    ]  # fmt: skip
    native = [e("PrimaryLanguageCode", ISO_639_2[spoken["code"]], name="NORMAL")
              for spoken in person.languages if spoken["cefr"] == "native"]  # fmt: skip
    foreign = [tongue(spoken) for spoken in person.languages if spoken["cefr"] != "native"]
    skills = [e("PersonCompetency", e("CompetencyID", skill, schemeName="FREE_TEXT"), e("hr_TaxonomyID", "other"))
              for skill in person.skills]  # fmt: skip
    profile = e(
        "CandidateProfile", e("hr_ExecutiveSummary", f"<p>{escape(words['note'])}. {escape(person.summary)}</p>"),
        e("EmploymentHistory", [job(held) for held in person.jobs]),
        e("EducationHistory", [study(degree) for degree in person.degrees]),
        e("PersonQualifications", foreign, skills),
        languageCode=person.written_in,
    )  # fmt: skip
    return _bytes(e("Candidate", e("CandidatePerson", name(), *contacts, native), profile))


def _outline(person: Any, words: dict[str, Any]) -> dict[str, Any]:
    """Return the person as the PDF and DOCX layouts print it: dates, languages and places in words."""
    locale = Locale(person.written_in)

    def date(value: str | None) -> str:
        if value is None:
            return person.now
        year, _, month = value.partition("-")
        return (f"{words['months'][int(month) - 1]} {year}", f"{month}/{year}", f"{month}.{year}")[person.layout]

    return {
        "layout": person.layout, "lang": person.written_in, "note": words["note"], "name": person.name,
        "headings": words["headings"], "summary": person.summary,
        "contact": [
            line for line in (
                f"{words['labels']['address']}: {person.city}, {locale.territories[person.country]}",
                f"{words['labels']['email']}: {person.email}" if person.email else "",
                f"{words['labels']['phone']}: {person.phone}",
            ) if line
        ],
        "jobs": [
            {**job, "dates": f"{date(job['start'])} \N{EN DASH} {date(job['end'])}",
             "seat": f"{job['city']}, {locale.territories[job['country']]}"}
            for job in person.jobs
        ],
        "degrees": person.degrees,
        "languages": [
            [locale.languages[spoken["code"]], words["native"] if spoken["cefr"] == "native" else spoken["cefr"]]
            for spoken in person.languages
        ],
        "skills": person.skills,
    }  # fmt: skip


@cache
def _compiler() -> tuple[typst.Compiler, tempfile.TemporaryDirectory[str]]:
    """Return the compiler with an empty folder of its own as root, kept for as long as the process lives."""
    root = tempfile.TemporaryDirectory()
    source = Path(root.name) / TYPST.name
    source.write_text(TYPST.read_text(encoding="utf-8"), encoding="utf-8")
    return typst.Compiler(str(source), root=root.name, ignore_system_fonts=True), root


def pdf(person: Any, words: dict[str, Any], attachment: bytes = b"") -> bytes:
    """Write a PDF, with an attached Europass XML where there is one."""
    inputs = {"cv": json.dumps(_outline(person, words)), "attachment": attachment.decode()}
    return cast("bytes", _compiler()[0].compile(sys_inputs=inputs, timestamp=FIXED_STAMP))


def europass_pdf(person: Any, words: dict[str, Any]) -> bytes:
    """Write a PDF that carries its Europass Candidate as `attachment.xml`."""
    return pdf(person, words, europass_candidate(person, words))


def word(person: Any, words: dict[str, Any]) -> bytes:
    """Write a DOCX in one of three layouts: heads above their dates, a table with dates at the left, or one line."""
    cv = _outline(person, words)
    document = docx.Document()
    document.styles["Normal"].font.size = Pt(10.5)
    document.add_heading(cv["name"], level=0)
    for line in (*cv["contact"], cv["note"]):
        document.add_paragraph(line)
    document.add_heading(cv["headings"]["summary"], level=1)
    document.add_paragraph(cv["summary"])
    if cv["jobs"]:
        document.add_heading(cv["headings"]["experience"], level=1)
        for job in cv["jobs"]:
            _word_job(document, job, cv["layout"])
    if cv["degrees"]:
        document.add_heading(cv["headings"]["education"], level=1)
        for degree in cv["degrees"]:
            document.add_paragraph(f"{degree['title']}, {degree['institution']}, {degree['end']}")
    if cv["languages"]:
        document.add_heading(cv["headings"]["languages"], level=1)
        table = document.add_table(rows=0, cols=2)
        for row in cv["languages"]:
            for cell, text in zip(table.add_row().cells, row, strict=True):
                cell.text = text
    document.add_heading(cv["headings"]["skills"], level=1)
    document.add_paragraph(", ".join(cv["skills"]))
    return _steady(document)


def _word_job(document: Document, job: dict[str, Any], layout: int) -> None:
    if layout == 0:
        document.add_paragraph(job["title"]).runs[0].bold = True
        document.add_paragraph(f"{job['employer']}, {job['seat']}")
        document.add_paragraph(job["dates"])
    elif layout == 1:
        cells = document.add_table(rows=1, cols=2).rows[0].cells
        cells[0].text = job["dates"]
        cells[1].text = job["title"]
        cells[1].add_paragraph(f"{job['employer']}, {job['seat']}")
    else:
        document.add_paragraph(f"{job['dates']}: {job['title']}, {job['employer']}, {job['seat']}")
    for told in job["told"]:
        document.add_paragraph(told, style="List Bullet")


def _steady(document: Document) -> bytes:
    """Save a document with one fixed time on all its parts, so that the same person gives the same bytes."""
    written, steady = io.BytesIO(), io.BytesIO()
    document.save(written)
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(steady, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name, FIXED_TIME), source.read(name), zipfile.ZIP_DEFLATED)
    return steady.getvalue()


WRITERS = (
    ("europass-v3", "xml", europass_v3),
    ("europass-candidate", "xml", europass_candidate),
    ("europass-candidate-pdf", "pdf", europass_pdf),
    ("pdf", "pdf", pdf),
    ("docx", "docx", word),
)
