"""Section headings of a CV in the languages of the Union, and the cutting of lines into sections."""

import re
from dataclasses import replace
from itertools import zip_longest

from advisory.cv.cues import title_weight
from advisory.cv.reading import Line
from advisory.cv.vocabulary import WORDS, fold

HEADINGS = {fold(phrase): kind for kind, phrases in WORDS["headings"].items() for phrase in phrases}
SPACED = re.compile(r"(?:\w ){3,}\w")
NUMBERING = re.compile(r"^\s*(?:\d{1,2}|[IVX]{1,4})[.)]\s+")
Sections = list[tuple[str, list[Line]]]
STYLED = 1.12
MAX_HEADING = 60
STEMS = WORDS["heading_stems"]
MAX_WORDS, SHORT = 5, 2


def heading_kind(line: Line) -> tuple[str, str] | None:
    """Return (section kind, text after the colon) when the line is a heading, else None."""
    text = NUMBERING.sub("", line.text).strip(" •|-–—_=:·")
    if SPACED.fullmatch(text):
        text = text.replace(" ", "")
    head, colon, rest = text.partition(":")
    if len(head) > MAX_HEADING or text.endswith((".", ",")) or text[:1].islower():
        return None
    kind = HEADINGS.get(fold(head))
    if kind and (not colon or kind in {"languages", "skills"}):
        return kind, rest.strip()
    folded = fold(head)
    if (
        kind is None
        and not colon
        and (parts := re.split(r" (?:and|und|et|e|y|i|en|oraz|a|si|es|και|и) ", folded))
        and len(parts) > 1
    ):
        kind = next((HEADINGS[part] for part in parts if part in HEADINGS), None)
        if kind and all(part in HEADINGS or len(part.split()) <= SHORT for part in parts):
            return kind, ""
    styled = not colon and (line.size >= STYLED or text.isupper())
    if styled and len(words := folded.split()) <= MAX_WORDS and title_weight(text) <= 0:
        for name, stems in STEMS.items():
            if any(word.startswith(stem) for word in words for stem in stems):
                return name, ""
    return None


def _over_two_lines(line: Line, following: Line | None) -> str | None:
    """Return the section kind when a narrow column broke a heading over this line and the following one."""
    if following is None or len(line.text) + len(following.text) > MAX_HEADING or not line.text[:1].isupper():
        return None
    return HEADINGS.get(fold(f"{line.text} {following.text}")) if len(line.text.split()) <= SHORT else None


def cut(lines: list[Line]) -> Sections:
    """Cut lines into sections, the first of kind `head` (what stands above any heading)."""
    sections: Sections = [("head", [])]
    broken = False
    for line, following in zip_longest(lines, lines[1:]):
        if broken:
            broken = False
            continue
        whole = _over_two_lines(line, following)
        broken = whole is not None
        if kind := (whole, "") if whole else heading_kind(line):
            name, rest = kind
            sections.append((name, [replace(line, text=rest)] if rest else []))
        else:
            sections[-1][1].append(line)
    return sections


# What the parts of structured files are, by a name in the path of their lines.
PARTS = {
    "WorkExperienceList": "experience", "EmploymentHistory": "experience", "work": "experience",
    "EducationList": "education", "EducationHistory": "education", "education": "education",
    "Headline": "summary", "ExecutiveSummary": "summary", "basics": "summary",
    "Linguistic": "languages", "languages": "languages", "Skills": "skills", "PersonQualifications": "skills",
    "skills": "skills", "Projects": "projects", "projects": "projects", "PublicationHistory": "publications",
    "publications": "publications", "Certifications": "certificates", "certificates": "certificates",
}  # fmt: skip


def by_path(lines: list[Line]) -> Sections:
    """Cut the lines of a structured file into sections by the names in their places; unknown parts are `other`."""
    sections: Sections = []
    for line in lines:
        names = [step.partition("[")[0].partition(".")[0] for step in line.place.split("/")]
        kind = next((PARTS[name] for name in reversed(names) if name in PARTS), "other")
        if not sections or sections[-1][0] != kind:
            sections.append((kind, []))
        sections[-1][1].append(line)
    return sections
