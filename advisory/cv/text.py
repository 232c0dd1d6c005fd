"""Free text of a CV, as lines with their places, to fields: name, contact, languages, jobs, degrees and lists.

Works by section headings, dates and cue words in the languages of the Union; what it cannot place it leaves out.
"""

import re
from dataclasses import replace

from advisory.cv.contact import find_name, read_contact
from advisory.cv.entries import BULLET, read_degrees, read_jobs
from advisory.cv.headings import HEADINGS, Sections, cut
from advisory.cv.languages import LEVEL, read_languages
from advisory.cv.reading import Findings, Line
from advisory.cv.vocabulary import NATIVE, find_languages, fold

FOOTER = re.compile(
    r"^\s*(?:page|seite|pagina|página|strona|pag\.)?\s*\d+\s*(?:of|/|von|sur|di|de|z|van)\s*\d+\s*$", re.I
)
SPLIT = re.compile(r"\s*[,;•|·]\s*|\s/\s|\s{3,}")
LISTS = {"skills": "skill", "certificates": "certificate", "publications": "publication", "projects": "project"}
TOP_KINDS = ("head", "contact", "summary")
MAX_ITEM = 160
# Points by which a broken item's next line may stand out to the left of its bullet.
ASIDE = 4


def read_lines(lines: list[Line]) -> tuple[Findings, Sections]:
    """Return the fields of a CV given as lines in reading order, and its sections as (kind, lines)."""
    found = Findings()
    lines = [line for line in lines if any(map(str.isalnum, line.text)) and not FOOTER.match(line.text)]
    sections = cut(lines)
    named = find_name(sections)
    if named:
        found.add("full_name", named.value, named.line.text, named.line.place, named.confidence)
        sections = _part_at(sections, named.line)
    read_contact([line for kind, part in sections if kind != "references" for line in part],
                 [line for kind, part in sections if kind in TOP_KINDS for line in part], found)  # fmt: skip
    for kind, part in sections:
        if kind == "languages":
            read_languages(part, found)
        elif kind == "experience":
            read_jobs(part, found)
        elif kind == "education":
            read_degrees(part, found)
        elif kind in LISTS:
            _read_list(part, LISTS[kind], found)
    if not found.has("language"):
        labelled = [line for line in lines if NATIVE.search(fold(line.text)) or _labelled(line) or _levelled(line)]
        read_languages(labelled, found)
    return found, sections


def _part_at(sections: Sections, name: Line) -> Sections:
    """Give the lines from the name on to a head of their own, where a left rail of lists comes before it."""
    parted: Sections = []
    for kind, lines in sections:
        at = next((index for index, line in enumerate(lines) if line is name), None)
        if at is None or kind in TOP_KINDS:
            parted.append((kind, lines))
        else:
            parted += [(kind, lines[:at]), ("head", lines[at:])]
    return parted


def _labelled(line: Line) -> bool:
    return HEADINGS.get(fold(line.text.partition(":")[0])) == "languages"


def _levelled(line: Line) -> bool:
    """Tell whether a short line gives a language with its level, such as "English C1"."""
    return len(line.text) < MAX_ITEM and bool(LEVEL.search(line.text)) and bool(find_languages(line.text))


def _unbroken(lines: list[Line]) -> list[Line]:
    """Join the lines that one item of a bulleted list was broken into."""
    joined: list[Line] = []
    for line in lines:
        goes_on = joined and not line.gap and line.left >= joined[-1].left - ASIDE and not BULLET.match(line.text)
        if goes_on and BULLET.match(joined[-1].text):
            joined[-1] = replace(joined[-1], text=f"{joined[-1].text} {line.text.strip()}")
        else:
            joined.append(line)
    return joined


def _read_list(lines: list[Line], name: str, found: Findings) -> None:
    for line in _unbroken(lines):
        text = BULLET.sub("", line.text).strip()
        items = SPLIT.split(text) if name == "skill" else [text]
        for item in items:
            cleaned = item.strip(" .:")
            if 1 < len(cleaned) <= MAX_ITEM:
                found.add(name, cleaned, line.text, line.place, 0.7)
