"""The text of a CV in pieces that can be shown as an answer: a sentence, or a few short lines that belong together.

Pure. A piece is a span of the text, so that its words are those of the CV. Lines with contact data, and others that
the caller names, belong to no piece: who somebody is must not be found by what they can do.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import pairwise

# Letters of a piece: shorter ones take up the next, longer ones are parted.
SHORT, LONG = 70, 280
# Letters of a heading, which goes on over the empty line below it.
HEADING = 25
MAX_PIECES = 400
FEWEST_LETTERS = 3
CONTACT = re.compile(
    r"[\w.+-]+@[\w-]+\.\w|(?:https?://|www\.)\S|linkedin\.com|(?<![\w/-])\+?\(?\d[\d ()./-]{7,}\d(?![\w-])",
    re.IGNORECASE,
)
# How a line on birth, address or family begins, in the languages that CVs come in.
PERSONAL = re.compile(
    r"^\W*(?:date of birth|birth|born|address|marital|gender|n[ée]e?(?:\(e\))? le|naissance|date de naissance|adresse|"
    r"anschrift|wohnhaft|geboren|geburts|familienstand|nat[oa] |data di nascita|indirizzo|residen|stato civile|nacid|"
    r"fecha de nacimiento|domicilio|direcci[óo]n|estado civil|urodz|data urodzenia|adres|zamieszka|geboorte|"
    r"burgerlijke|data de nascimento|morada|endereço|data nașterii|adresa|bydliště|narozen|datum naroz|"
    r"ημερομηνία γέννησης|διεύθυνση|дата на раждане|роден|адрес|született|születési|lakcím)",
    re.IGNORECASE,
)
# Years and dates have many digits too.
DATES = re.compile(r"\b(?:19|20)\d\d\b|\b\d{1,2}[./-]\d{1,2}[./-](?:19|20)?\d\d\b|\b\d{1,2}[./]\s?(?:19|20)\d\d\b")
LETTERS = re.compile(r"[^\W\d_]")
STOP = re.compile(r"(?<=[.!?;])\s+(?=[^\W\d_a-zà-ÿ]|\d)")
ENDS = (".", "!", "?", ":", ";")

Span = tuple[int, int]


def pieces(text: str, hidden: Collection[str] = ()) -> list[Span]:
    """The (start, end) of each piece in order; lines that hold contact data or one of the `hidden` texts are left out.

    `hidden` are compared on one line, whatever their blanks and capitals; those of fewer than four letters are ignored.
    """
    unwanted = [flat(one) for one in hidden if len(flat(one)) > FEWEST_LETTERS]
    found: list[Span] = []
    following = False  # whether the piece before may go on: nothing was left out in between
    for start, end in _lines(text):
        line = text[start:end]
        if is_contact(line) or any(one in flat(line) for one in unwanted):
            following = False
            continue
        for part in _parted(text, start, end):
            if following and _goes_on(text, found[-1], part):
                found[-1] = (found[-1][0], part[1])
            else:
                found.append(part)
            following = True
    return [span for span in found if len(LETTERS.findall(text[slice(*span)])) >= FEWEST_LETTERS][:MAX_PIECES]


def flat(text: str) -> str:
    """On one line and without capitals."""
    return " ".join(text.split()).casefold()


def is_contact(line: str) -> bool:
    """Whether a line says how somebody can be reached, where they live or when they were born."""
    return bool(CONTACT.search(DATES.sub("", line)) or PERSONAL.match(line))


def _lines(text: str) -> Iterator[Span]:
    for match in re.finditer(r"[^\n]*\S[^\n]*", text):
        line = match[0]
        start = match.start() + len(line) - len(line.lstrip())
        yield start, start + len(line.strip())


def _parted(text: str, start: int, end: int) -> Iterator[Span]:
    """The sentences of a line, none longer than LONG."""
    edges = [start, *(match.end() for match in STOP.finditer(text, start, end)), end]
    for first, last in pairwise(edges):
        at = first
        while last - at > LONG:
            blank = text.rfind(" ", at, at + LONG)
            middle = blank if blank > at else at + LONG
            yield at, middle
            at = middle
        said = text[at:last]
        if said.strip():
            yield at + len(said) - len(said.lstrip()), at + len(said.rstrip())


def _goes_on(text: str, before: Span, part: Span) -> bool:
    """Whether a part belongs to the piece before: a line that was broken, or one too short to say something alone."""
    said, more = text[slice(*before)], text[slice(*part)]
    has_gap = text.count("\n", before[1], part[0]) > 1
    if part[1] - before[0] > LONG or (has_gap and len(said) > HEADING):
        return False
    is_broken = more[0].islower() and not said.endswith(ENDS)
    return is_broken or len(said) < SHORT
