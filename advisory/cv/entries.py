"""Jobs and degrees in free text: entries are found by their dates, their parts told apart by cue words.

People keep one layout through a section, so its first entry shows where heads stand: above the dates, beside or below.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from advisory.cv.areas import add_job
from advisory.cv.cues import AT, LABEL, LEGAL, STRONG, degree_weight, take_place, title_weight
from advisory.cv.dates import POINT, Period, find_periods
from advisory.cv.reading import Findings, Line

BULLET = re.compile(r"^\s*(?:[•▪●◦‣∙·*➢✓■□o]\s+|[-–—]\s+)")
SENTENCE = re.compile(r"[.;!]\s*$")
LEGAL_END = re.compile(rf"{LEGAL.pattern}\s*$", re.IGNORECASE)
DURATION = re.compile(
    r"\(?\s*(?:(\d+)\s*(?:years?|yrs?|ans?|années?|Jahre?|ann[oi]|años?|lata?|rok|jaar|jaren|anos?)[\s,]*(?:e|et|und|y|i)?\s*)?"
    r"(?:(\d+)\s*(?:months?|mos?|mois|Monate?|mes[ei]?s?|miesiąc\w*|mies\.?|maand(?:en)?|mes))?\s*\)?",
    re.IGNORECASE,
)
TOWN_BEHIND = re.compile(r"\s*\([^()]*\)?$")
EDGE = " ,;:|·•–—-()[]\t"
SIGNS = ",;:|·•–—-()/&"
MAX_HEAD, BROKEN_TAIL = 110, 16
MAX_ABOVE = 3
PROSE, SHORT_PROSE, TOWN_WORDS = 8, 5, 2
MOST_PIECES = 4
Weigh = Callable[[str], int]


@dataclass(slots=True)
class Entry:
    """One dated entry: the lines of its head (title, employer …), the lines after it, and all of it as snippet.

    `roles` are title and organisation where the layout alone tells them apart.
    """

    period: Period | None
    head: list[str]
    after: list[str]
    place: str
    lines: list[str] = field(default_factory=list)
    roles: tuple[str, str] | None = None
    told: str = ""


def read_jobs(lines: list[Line], found: Findings) -> None:
    """Add an `employment` for every dated entry of an experience section."""
    lines = _joined(lines)
    entries = _linked_in(lines) or _entries(lines, ranges_only=True) or _entries(lines, ranges_only=False)
    usual = _usual_seat(entries, title_weight)
    for entry in entries:
        title, employer, country = _roles(entry, title_weight, usual)
        if entry.period is None or not (title or employer):
            continue
        period = entry.period
        value = {
            "title": title,
            "employer": employer,
            "start": period.start if period.is_range else period.end,
            "end": period.end,
            "country": country,
        }
        sure = 0.85 if title and employer and title_weight(title) > title_weight(employer) else 0.6
        add_job(found, value, " · ".join(entry.lines), entry.place, sure, entry.told)


def read_degrees(lines: list[Line], found: Findings) -> None:
    """Add a `degree` for every entry of an education section, dated or not."""
    lines = _joined(lines)
    entries = _entries(lines, ranges_only=False) or _undated(lines)
    usual = _usual_seat(entries, degree_weight)
    for entry in entries:
        title, institution, _ = _roles(entry, degree_weight, usual)
        if title or institution:
            value = {"title": title, "institution": institution, "end": entry.period.end if entry.period else None}
            sure = 0.85 if title and degree_weight(title) > 0 else 0.6
            found.add("degree", value, " · ".join(entry.lines), entry.place, sure)


def _joined(lines: list[Line]) -> list[Line]:
    """Join a period that a narrow column broke over two lines, and set off what stands in bold from what follows it."""
    joined: list[Line] = []
    for line in lines:
        text = line.text.strip()
        if joined and (_goes_on(joined[-1].text.rstrip(), text) or _dates_alone(joined[-1].text, text)):
            joined[-1] = replace(joined[-1], text=f"{joined[-1].text.rstrip()} {text}")
        elif text:
            joined.append(replace(line, text=_parted(text, line.bold)))
    return joined


def _goes_on(above: str, text: str) -> bool:
    """Tell whether a period that begins at the end of one line ends at the beginning of the next."""
    points = list(POINT.finditer(above))
    if not points or len(above) - points[-1].end() > BROKEN_TAIL or BULLET.match(text):
        return False
    periods = find_periods(f"{above} {text}")
    return any(period.is_range and period.at < len(above) < period.to for period in periods)


def _dates_alone(above: str, text: str) -> bool:
    """Tell whether a line holds but the dates in brackets that the line above, being long, had no room for."""
    return text.startswith("(") and text.endswith(")") and len(text) <= MAX_HEAD // 3 and bool(
        POINT.search(text) and not POINT.search(above) and len(above) > MAX_HEAD // 2
    )  # fmt: skip


def _parted(text: str, bold: int) -> str:
    """Put a tab behind the words in bold, unless a sign parts them from the rest already."""
    words = text.split()
    if not 0 < bold < len(words) or words[bold - 1][-1] in SIGNS or words[bold][0] in SIGNS:
        return text
    return f"{' '.join(words[:bold])}\t{' '.join(words[bold:])}"


def _anchor(line: Line, ranges_only: bool) -> Period | None:
    """Return the period that dates an entry, when this line carries one as people write it in a head."""
    if BULLET.match(line.text) and not POINT.match(BULLET.sub("", line.text)):
        return None
    periods = [period for period in find_periods(line.text) if period.is_range or not ranges_only]
    if not periods:
        return None
    period = next((period for period in periods if period.is_range), periods[-1])
    rest = _residue(line.text, period)
    at_edge = not line.text[: period.at].strip(EDGE) or not DURATION.sub("", line.text[period.to :]).strip(EDGE + ".")
    inside = not at_edge and (period.is_range or re.search(r"[,|(]\s*$", line.text[: period.at]))
    prose = len(rest) > MAX_HEAD or (_is_sentence(line.text) and len(rest.split()) > PROSE and not _is_listed(rest))
    return period if (at_edge or inside) and not prose else None


def _residue(text: str, period: Period) -> str:
    """Return what a line says besides its period and the duration behind it."""
    before, after = text[: period.at], text[period.to :]
    duration = DURATION.match(after.lstrip(EDGE + ")"))
    if duration and any(duration.groups()):
        after = after.lstrip(EDGE + ")")[duration.end() :]
    before, after = before.strip(EDGE.replace("(", "").replace(")", "")), after.strip(EDGE.replace("(", ""))
    before = before.removesuffix("(").removeprefix(")").strip(EDGE.replace("(", "").replace(")", ""))
    parts = filter(None, (before, after.removeprefix(")").strip()))
    return " | ".join(f"{part})" if part.count("(") > part.count(")") else part for part in parts)


def _is_listed(text: str) -> bool:
    """Tell whether a text is a row of names between commas, such as "Trainee, Papers Ltd, Newport, UK."."""
    parts = text.split(", ")
    return len(parts) > 1 and all(part[:1].isupper() and len(part.split()) <= SHORT_PROSE for part in parts)


def _is_sentence(text: str) -> bool:
    """Tell whether a text ends as sentences do; "S.A." and its like end names."""
    return bool(SENTENCE.search(text)) and not LEGAL_END.search(text)


def _is_head(line: Line) -> bool:
    text = line.text.strip()
    prose = _is_sentence(text) and len(text.split()) > SHORT_PROSE and not _is_listed(text)
    return len(text) <= MAX_HEAD and not BULLET.match(line.text) and not prose


def _entries(lines: list[Line], *, ranges_only: bool) -> list[Entry]:
    """Cut a section into entries at its dated lines, by the layout that its first entry shows."""
    anchors = [(index, period) for index, line in enumerate(lines) if (period := _anchor(line, ranges_only))]
    if not anchors:
        return []
    above = sum(_is_head(line) for line in lines[max(0, anchors[0][0] - MAX_ABOVE) : anchors[0][0]])
    entries = []
    for number, (index, period) in enumerate(anchors):
        floor = anchors[number - 1][0] + 1 if number else 0
        ceiling = anchors[number + 1][0] if number + 1 < len(anchors) else len(lines)
        first = _climb(lines, index, floor, above)
        rest = _residue(lines[index].text, period)
        head = [line.text for line in lines[first:index]] + ([rest] if rest else [])
        below = lines[index + 1 : ceiling - above if number + 1 < len(anchors) else ceiling]
        taken = _below(head, below) if not above else 0
        head += [line.text for line in below[:taken]]
        shown = [line.text.strip() for line in (*lines[first : index + 1], *below[: max(taken, 4)])]
        after = [line.text for line in below[taken : taken + 2] if _is_head(line)]
        told = "\n".join(BULLET.sub("", line.text) for line in (*lines[first : index + 1], *below))
        entries.append(Entry(period, head, after, lines[first].place, shown, told=told))
    return entries


def _climb(lines: list[Line], index: int, floor: int, above: int) -> int:
    """Return the first line of a head that stands above its dates, `above` lines at most."""
    first = index
    while first > floor and index - first < above and _is_head(lines[first - 1]):
        first -= 1
        if lines[first].gap:
            break
    return first


def _below(head: list[str], below: list[Line]) -> int:
    """Return how many lines under the dates still belong to the head."""
    if head and (len(_pieces(head[0])) > 1 or _two_roles(head[0]) or _is_whole(head[0])):
        return 0
    taken = 0
    for line in below[:2]:
        if not _is_head(line) or (taken and line.gap) or sum(len(_pieces(text)) for text in head) + taken > 1:
            break
        strong = [part for part in STRONG.split(line.text) if part.strip()]
        taken += 1
        if len(strong) > 1 or len(AT.split(line.text)) > 1 or _two_roles(line.text) or _is_whole(line.text):
            break
    return taken


def _is_whole(text: str) -> bool:
    """Tell whether a line names between commas a title, who gave it and the country, in whichever words."""
    left, _town, country = take_place(text)
    return bool(country) and _is_listed(left)


def _two_roles(text: str) -> bool:
    """Tell whether one comma-separated line names both a title and who gave it."""
    left, comma, right = take_place(text)[0].partition(", ")
    return bool(comma) and (
        (title_weight(left) >= 0 > title_weight(right)) or (degree_weight(left) >= 0 > degree_weight(right))
    )


def _undated(lines: list[Line]) -> list[Entry]:
    """Take each line that names a degree as an entry, with a following line that names the school."""
    entries: list[Entry] = []
    for number, line in enumerate(lines):
        if _is_head(line) and degree_weight(line.text) > 0:
            follows = lines[number + 1 : number + 2]
            head = [line.text, *(below.text for below in follows if degree_weight(below.text) < 0)]
            entries.append(Entry(None, head, [], line.place, head))
    return entries


def _pieces(text: str) -> list[str]:
    return [piece for part in STRONG.split(text) if (piece := part.strip(EDGE.replace("(", "").replace(")", "")))]


def _usual_seat(entries: list[Entry], weigh: Weigh) -> int:
    """Return the place of the organisation among the pieces of a head, as most entries with clear words have it."""
    seats = [_seat(weights) for entry in entries if len(weights := _weights(_divided_head(entry, weigh)[0], weigh)) > 1]
    clear = [seat for seat in seats if seat is not None]
    return max(set(clear), key=clear.count, default=1)


def _divided_head(entry: Entry, weigh: Weigh) -> tuple[list[str], str | None]:
    """Return (pieces, country) of an entry's head."""
    pieces: list[str] = []
    country = spare = None
    for text in entry.head:
        left, city, land = take_place(LABEL.sub("", BULLET.sub("", text)))
        country, spare = country or land, spare or city
        found = []
        for piece in _pieces(left):
            named, _, land = take_place(piece)
            country = country or land
            if named and (cleaned := LABEL.sub("", piece).strip(" ,")):
                found.append(cleaned)
        pieces += _merged(found) if weigh is degree_weight else found
    for text in entry.after:
        left, _, land = take_place(text)
        country = country or (None if left else land)
    if len(pieces) == 1:
        pieces = _divided(pieces[0], weigh) or pieces
    if len(pieces) == 1 and spare:
        pieces.append(spare)
    return pieces, country


def _roles(entry: Entry, weigh: Weigh, usual: int) -> tuple[str, str, str | None]:
    """Return (title, organisation, country) of an entry's head; `weigh` is positive for titles."""
    pieces, country = _divided_head(entry, weigh)
    if entry.roles:
        return (*entry.roles, country)
    return (*(_alone(pieces, weigh) if len(pieces) <= 1 else _pair(pieces, weigh, usual)), country)


def _merged(pieces: list[str]) -> list[str]:
    """Put together what is one degree in two wordings, such as "Master of Science - MSc, Ecology"."""
    merged: list[str] = []
    for piece in pieces:
        if merged and degree_weight(piece) > 0 and degree_weight(merged[-1]) > 0:
            merged[-1] += f" - {piece}"
        else:
            merged.append(piece)
    return merged


def _alone(pieces: list[str], weigh: Weigh) -> tuple[str, str]:
    text = pieces[0] if pieces else ""
    return ("", text) if text and weigh(text) < 0 else (text, "")


def _weights(pieces: list[str], weigh: Weigh) -> list[tuple[int, int]]:
    return [(weigh(piece), title_weight(piece)) for piece in pieces[:MOST_PIECES]]


def _seat(weights: list[tuple[int, int]]) -> int | None:
    """Return which piece is the organisation, None where the words do not tell."""
    return weights.index(min(weights)) if min(weights) < max(weights) else None


def _pair(pieces: list[str], weigh: Weigh, usual: int) -> tuple[str, str]:
    """Choose the organisation among the pieces and, before or else after it, the title."""
    weights = _weights(pieces, weigh)
    told = _seat(weights)
    seat = min(usual, len(weights) - 1) if told is None else told
    others = [index for index in range(len(weights)) if index != seat]
    chosen = max(others, key=lambda index: (weights[index], -index))
    title, organisation = pieces[chosen], TOWN_BEHIND.sub("", pieces[seat])
    head, comma, tail = organisation.rpartition(", ")
    if comma and weigh(tail) >= 0 and (weigh(head) < 0 or (len(tail.split()) <= TOWN_WORDS and tail[:1].isupper())):
        organisation = head
    return title, organisation


def _divided(text: str, weigh: Weigh) -> list[str] | None:
    """Divide "title at employer" or "title, employer" where the cue words change sides."""
    if len(sides := AT.split(text, maxsplit=1)) > 1:
        return sides
    if bracket := re.fullmatch(r"(.+?)\s*\(([^()]{4,})\)", text):
        return list(bracket.groups())
    parts = text.split(", ")
    cuts = [(", ".join(parts[:at]), ", ".join(parts[at:])) for at in range(1, len(parts))]
    if not cuts:
        return None
    turns = [weigh(left) - weigh(right) for left, right in cuts]
    # Where several places part them as well, the name of the organisation is the shorter one.
    best = max(enumerate(cuts), key=lambda row: (abs(turns[row[0]]), row[0] if turns[row[0]] > 0 else -row[0]))[1]
    return list(best) if weigh(best[0]) != weigh(best[1]) or len(cuts) == 1 else None


def _linked_in(lines: list[Line]) -> list[Entry]:
    """Read the experience of a LinkedIn PDF: posts of one company share its heading and add up to its duration."""
    anchors = []
    for index, line in enumerate(lines):
        period = next((period for period in find_periods(line.text) if period.is_range), None)
        if period and index and not line.text[: period.at].strip(EDGE) and _months(line.text[period.to :]):
            anchors.append((index, period))
    entries: list[Entry] = []
    employer, left = "", 0
    for number, (index, period) in enumerate(anchors):
        *heading, title = [line.text.strip() for line in lines[max(0, index - MAX_ABOVE) : index]]
        if heading and (total := _months(heading[-1])):
            employer, left = heading[0], total
        elif heading and left <= 0:
            employer = heading[-1]
        left -= _months(lines[index].text[period.to :])
        end = anchors[number + 1][0] - 1 if number + 1 < len(anchors) else len(lines)
        after = [line.text.strip() for line in lines[index + 1 : end]][:MAX_ABOVE]
        shown = [employer, title, lines[index].text.strip(), *after]
        told = "\n".join((title, *(BULLET.sub("", line.text) for line in lines[index + 1 : end])))
        entries.append(Entry(period, [], after[:1], lines[index].place, shown, (title, employer), told))
    return entries


def _months(text: str) -> int:
    """Return the months of a duration that fills the text, such as "4 years 8 months"; 0 when it is none."""
    match = DURATION.fullmatch(text.strip(" ·"))
    years, months = match.groups() if match else (None, None)
    return int(years or 0) * 12 + int(months or 0)
