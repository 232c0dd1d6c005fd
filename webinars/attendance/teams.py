"""Microsoft Teams: the attendance report (three numbered sections, or the older single table) and the list of joins.

The report is a CSV by name only: UTF-16 with tabs, or UTF-8 with commas. Titles and headings follow the language of the
exporter, so sections are found by their number and, where a heading is not English, columns by their order. The third
section has every stay, the second one row a person.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from .model import Attendance, Meeting, Presence, merge
from .table import Row, Rows, find_header, fold, table
from .times import Calendar, minutes_of

SECTION = re.compile(r"([123])\. \S")
PEOPLE = ("name", "first join", "last leave", "in-meeting duration", "email", "participant id (upn)", "role")
STAYS = ("name", "join time", "leave time", "duration", "email", "role")
OLD = {"full name", "join time", "leave time", "duration"}
LOG = {"full name", "user action", "timestamp"}
# What Teams adds to the name of those who are not signed in to the organisation.
ADDED = re.compile(
    r"\s*\((?:guest|external|unverified|gast|extern|invité|ospite|invitado|gość|convidado)\)$", re.IGNORECASE
)


def is_teams(rows: Rows) -> bool:
    if find_header(rows, OLD, LOG) is not None:
        return True
    sections = _sections(rows)
    # With the wrong delimiter the titles look right but the headings stand in one cell.
    return "1" in sections and len((sections.get("2") or [[]])[0]) >= len(STAYS)


def read_teams(rows: Rows, zone: str | None) -> Attendance:
    calendar = Calendar((cell for cells in rows for cell in cells), zone)
    if (header := find_header(rows, LOG)) is not None:
        return _log(list(table(rows, header)), calendar)
    if (header := find_header(rows, OLD)) is not None:
        return _old(rows, header, calendar)
    sections = _sections(rows)
    meeting = _meeting(sections["1"], calendar)
    listed, warnings = _rows(sections["2"], PEOPLE)
    stayed, more = _rows(sections["3"], STAYS)
    people = [_presence(row, calendar, "first join", "last leave", "in-meeting duration") for row in listed]
    stays = _attributed([_presence(row, calendar, "join time", "leave time", "duration") for row in stayed], people)
    # The list gives the order; a person's stays, where there are any, take the place of the sum that the list shows.
    keys = dict.fromkeys([one.key for one in people if one.key] + [stay.key for stay in stays])
    timed = {key: [stay for stay in stays if stay.key == key] for key in keys}
    both = [stay for key in keys for stay in timed[key] or [one for one in people if one.key == key]]
    both += [one for one in people if not one.key]
    warnings = [*calendar.warnings, *dict.fromkeys(warnings + more)]
    return Attendance("teams", "participants", meeting, merge(both), warnings=tuple(warnings))


def _attributed(stays: list[Presence], people: list[Presence]) -> list[Presence]:
    """The stays with the key of the person in the list, by e-mail or else by name.

    Guests of one name cannot be told apart in the stays: each keeps the sum of the list, and their stays are left out.
    """
    names = Counter(fold(one.name) for one in people if not one.email)
    for number, one in enumerate(people):
        if not one.email and names[fold(one.name)] > 1:
            people[number] = replace(one, key=None)
    by_name = {fold(one.name): one.key for one in people}
    keyed = [stay if stay.email else replace(stay, key=by_name.get(fold(stay.name), stay.key)) for stay in stays]
    return [stay for stay in keyed if stay.key]


def _sections(rows: Rows) -> dict[str, Rows]:
    sections: dict[str, Rows] = defaultdict(list)
    number = "0"
    for cells in rows:
        if cells and (found := SECTION.match(cells[0])) and not any(cells[1:]):
            number = found[1]
        elif any(cells):
            sections[number].append(cells)
    return sections


def _meeting(rows: Rows, calendar: Calendar) -> Meeting:
    """The first line is the title; the first two instants are start and end, whatever their labels are called."""
    title = rows[0][1] if rows and len(rows[0]) > 1 else ""
    instants = [moment for cells in rows[1:] if len(cells) > 1 and (moment := calendar.read(cells[1]))]
    return Meeting(title, *instants[:2])


def _rows(section: Rows, columns: Sequence[str]) -> tuple[list[Row], list[str]]:
    if not section:
        return [], []
    header = [fold(cell) for cell in section[0]]
    if "name" in header and columns[3] in header:
        return [Row(header, cells) for cells in section[1:]], []
    warning = "The headings are not in English; the columns were read by their order."
    return [Row(columns, cells) for cells in section[1:]], [warning]


def _presence(row: Row, calendar: Calendar, start: str, end: str, length: str) -> Presence:
    name = ADDED.sub("", row.get("name", "full name"))
    account = (row.get("email") or row.get("participant id (upn)")).casefold()
    email = account if "@" in account else ""
    minutes = minutes_of(row.get(length))
    # First join to last leave spans the breaks between; only a single stay may be measured by its instants.
    is_stay = start == "join time"
    return Presence(
        key=email or f"name {fold(name)}",
        name=name,
        email=email,
        role=fold(row.get("role")) or "attendee",
        start=calendar.read(row.get(start)) if is_stay else None,
        end=calendar.read(row.get(end)) if is_stay else None,
        minutes=minutes,
    )


def _old(rows: Rows, header: int, calendar: Calendar) -> Attendance:
    """The report of before 2022: a few lines of summary, then a row a stay."""
    summary = {fold(cells[0]): cells[1] for cells in rows[:header] if len(cells) > 1}
    start, end = (calendar.read(summary.get(f"meeting {which} time", "")) for which in ("start", "end"))
    stays = [_presence(row, calendar, "join time", "leave time", "duration") for row in table(rows, header)]
    meeting = Meeting(summary.get("meeting title", ""), start, end)
    return Attendance("teams", "joins", meeting, merge(stays), warnings=tuple(calendar.warnings))


def _log(rows: Sequence[Row], calendar: Calendar) -> Attendance:
    """The list taken during a meeting: a row for each joining and leaving. Who has not left stays to its last row."""
    moments = [moment for row in rows if (moment := calendar.read(row.get("timestamp")))]
    last = max(moments, default=None)
    stays, still_there = [], 0
    for name in dict.fromkeys(row.get("full name") for row in rows):
        for start, end in _stays([row for row in rows if row.get("full name") == name], calendar):
            still_there += end is None
            stays.append(Presence(f"name {fold(name)}", ADDED.sub("", name), start=start, end=end or last))
    warnings = list(calendar.warnings)
    if still_there:
        warnings.append(f"{still_there} had not left when the list was taken; they are counted to its last row.")
    meeting = Meeting("", min(moments, default=None), last)
    return Attendance("teams", "log", meeting, merge(stays), warnings=tuple(warnings))


def _stays(rows: Sequence[Row], calendar: Calendar) -> Iterator[tuple[dt.datetime | None, dt.datetime | None]]:
    start = None
    for row in rows:
        moment = calendar.read(row.get("timestamp"))
        if fold(row.get("user action")).startswith("joined"):
            start = start or moment
        elif start:
            yield start, moment
            start = None
    if start:
        yield start, None
