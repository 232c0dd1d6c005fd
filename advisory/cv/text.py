"""Free text of a CV, as lines with their places, to fields: name, contact, languages, jobs, degrees and lists.

Works by section headings, dates and cue words in the languages of the Union; what it cannot place it leaves out.
"""

import re
from dataclasses import dataclass, replace

from advisory.cv.contact import find_name, read_contact
from advisory.cv.entries import BULLET, read_degrees, read_jobs
from advisory.cv.headings import HEADINGS, cut
from advisory.cv.reading import Findings, Line
from advisory.cv.vocabulary import NATIVE, find_languages, fold, lowest_level

FOOTER = re.compile(
    r"^\s*(?:page|seite|pagina|página|strona|pag\.)?\s*\d+\s*(?:of|/|von|sur|di|de|z|van)\s*\d+\s*$", re.I
)
LEVEL = re.compile(r"(?<![\w])([ABC][12])(?![\w])")
OTHER_TONGUES = re.compile(
    r"\b(?:other|further|foreign|fremd\w*|weitere|autres?|altre|otros|otras|inne|andere|overige|obce|outras)\b"
)
SPLIT = re.compile(r"\s*[,;•|·]\s*|\s{3,}")
LISTS = {"skills": "skill", "certificates": "certificate", "publications": "publication", "projects": "project"}
TOP_KINDS = ("head", "contact", "summary")
MAX_ITEM = 160
# Points by which a broken item's next line may stand out to the left of its bullet.
ASIDE = 4


def read_lines(lines: list[Line]) -> Findings:
    """Return the fields of a CV given as lines in reading order."""
    found = Findings()
    lines = [line for line in lines if line.text.strip() and not FOOTER.match(line.text)]
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
    return found


def _part_at(sections: list[tuple[str, list[Line]]], name: Line) -> list[tuple[str, list[Line]]]:
    """Give the lines from the name on to a head of their own, where a left rail of lists comes before it."""
    parted: list[tuple[str, list[Line]]] = []
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


@dataclass(slots=True)
class _Mention:
    """A language as named in a line, with the words that tell its level; `alone` when nothing else was on the line."""

    code: str
    words: str
    line: Line
    alone: bool
    native: bool
    more: list[str]

    def waits_for(self, text: str) -> bool:
        """Tell whether a line without a language goes on with this one's levels."""
        return self.alone and bool(LEVEL.search(text) or (not self.more and _level(fold(text))))


def read_languages(lines: list[Line], found: Findings) -> None:
    """Add a `language` for each one named; its level stands behind it, before it, or on the next lines."""
    mentions: list[_Mention] = []
    native_block = False
    for line in lines:
        named = _mentions(line, native_block)
        if named:
            native_block = native_block and named[0].native
            mentions += named
        elif mentions and mentions[-1].waits_for(line.text):
            mentions[-1].more.append(line.text)
        else:
            native_block = bool(NATIVE.search(fold(line.text)))
    for mention in mentions:
        level = _level(f"{mention.words} {fold(' '.join(mention.more))}") or ("native" if mention.native else None)
        if not any(old.name == "language" and old.value["code"] == mention.code for old in found.fields):
            snippet, sure = " · ".join([mention.line.text, *mention.more]), 0.9 if level else 0.7
            found.add("language", {"code": mention.code, "cefr": level}, snippet, mention.line.place, sure)


def _mentions(line: Line, native_block: bool) -> list[_Mention]:
    """Return the languages a line names, each with the words up to the next one."""
    words = fold(line.text).split()
    names = find_languages(line.text)
    if not names:
        return []
    lead = " ".join(words[: names[0][1]])
    others = OTHER_TONGUES.search(lead)
    native = not others and (native_block or bool(NATIVE.search(lead)))
    starts = [start for _, start, _ in names[1:]] + [len(words)]
    told = [" ".join(words[end:until]) for (_, _, end), until in zip(names, starts, strict=True)]
    if len(names) == 1 and not _level(told[0]) and not native:
        told[0] = f"{lead} {told[0]}"
    alone = len(names) == 1 and not _level(told[0])
    return [_Mention(code, text, line, alone, native, []) for (code, _, _), text in zip(names, told, strict=True)]


def _level(folded: str) -> str | None:
    """Return the lowest CEFR level in folded words, `native`, or None."""
    levels = [word.upper() for word in folded.split() if LEVEL.fullmatch(word.upper())]
    return lowest_level(levels) or ("native" if NATIVE.search(folded) else None)


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
