"""Zoom: participants (one row a person, or a row a join), the webinar attendee report and the poll report.

Dates are American and have no zone. A shown name may be followed by the name of the account: "new (old)".
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from .model import Attendance, Meeting, Presence, Question, merge
from .table import Row, Rows, find_header, fold, table
from .times import Calendar, minutes_of

NAMES = ("name (original name)", "user name (original name)")
NAME = (*NAMES, "name", "user name")
EMAIL = ("user email", "email")
TOTAL = ("total duration (minutes)", "duration (minutes)", "time in session (minutes)")
HEADERS = [*({name, length} for name in NAMES for length in TOTAL), *({"name", "user email", one} for one in TOTAL)]
SUMMARY = ({"topic", "meeting id"}, {"topic", "id"}, {"topic", "webinar id"})
POLL = {"user name", "user email", "submitted date/time"}
FIRST_ANSWER = 4
ORIGINAL = re.compile(r".*\S\s*\((?P<name>[^()]+)\)$")
# The tables of the webinar report, by the word their title begins with.
ROLES = {"host": "host", "panelist": "panelist", "attendee": "attendee", "other": "attendee"}


def is_zoom(rows: Rows) -> bool:
    return _title(rows) in {"attendee report", "poll report"} or find_header(rows, *HEADERS) is not None


def read_zoom(rows: Rows, zone: str | None) -> Attendance:
    calendar = Calendar((cell for cells in rows for cell in cells), zone, is_american=True)
    if _title(rows) == "poll report":
        return _poll(rows, calendar)
    if _title(rows) == "attendee report":
        return _webinar(rows, calendar)
    header = find_header(rows, *HEADERS)
    found = list(table(rows, header if header is not None else len(rows)))
    kind = "joins" if header is not None and "join time" in map(fold, rows[header]) else "participants"
    meeting, host = _meeting(rows, calendar)
    presences = [
        _presence(row, calendar, is_join=kind == "joins", role="host" if _is(row, host) else "attendee")
        for row in found
        if fold(row.get("in waiting room")) != "yes"
    ]
    return Attendance("zoom", kind, meeting, merge(presences), warnings=tuple(calendar.warnings))


def _title(rows: Rows) -> str:
    return fold(rows[0][0]) if rows and rows[0] else ""


def _meeting(rows: Rows, calendar: Calendar) -> tuple[Meeting, str]:
    """The meeting from the block above the table, which may be missing, and the host's name or e-mail."""
    header = find_header(rows, *SUMMARY)
    summary = next(table(rows, header), None) if header is not None else None
    if summary is None:
        return Meeting(), ""
    start = calendar.read(summary.get("start time", "actual start time"))
    end = calendar.read(summary.get("end time"))
    length = minutes_of(summary.get("actual duration (minutes)"))
    if start and not end and length:
        end = start + dt.timedelta(minutes=length)
    return Meeting(summary.get("topic"), start, end), fold(summary.get("user email", "host"))


def _is(row: Row, host: str) -> bool:
    return bool(host) and host in (fold(row.get(*EMAIL)), fold(_name(row)))


def _name(row: Row) -> str:
    """The name of the account, where the heading says that it stands in brackets behind the name shown."""
    name = row.get(*NAME)
    original = ORIGINAL.match(name) if any(heading in row.header for heading in NAMES) else None
    return original["name"].strip() if original else name


def _presence(row: Row, calendar: Calendar, is_join: bool, role: str, came: bool = True) -> Presence:
    name, email = _name(row), row.get(*EMAIL).casefold()
    start, end = calendar.read(row.get("join time")), calendar.read(row.get("leave time"))
    # In a list of people two rows without an e-mail are two people, even with one name ("iPhone").
    key = email or (f"name {fold(name)}" if is_join else None)
    return Presence(key, name, email, role, start, end, minutes_of(row.get(*TOTAL)), came)


def _webinar(rows: Rows, calendar: Calendar) -> Attendance:
    """Tables for host, panelists and attendees follow each other without blank rows; registered people count as 0."""
    meeting, _ = _meeting(rows, calendar)
    presences: list[Presence] = []
    role, header = "", None
    for cells in rows:
        headings = [fold(cell) for cell in cells]
        title = headings[0] if headings and not any(headings[1:]) else ""
        if title.endswith(("details", "attended")):
            role, header = ROLES.get(title.split()[0], ""), None
        elif role and header is None and any(cells):
            header = headings
        elif role and header and any(cells):
            row = Row(header, cells)
            came = fold(row.get("attended")) != "no"
            presences.append(_presence(row, calendar, is_join=True, role=role, came=came))
    return Attendance("zoom", "webinar", meeting, merge(presences), warnings=tuple(calendar.warnings))


def _poll(rows: Rows, calendar: Calendar) -> Attendance:
    """Who answered, and the count of each answer. Rows without an e-mail are people of their own, never merged."""
    meeting, _ = _meeting(rows, calendar)
    header = find_header(rows, POLL)
    answered = list(table(rows, header)) if header is not None else []
    answered = [row for row in answered if not set(map(fold, row.cells)) >= POLL]
    emails = [row.get("user email").casefold() for row in answered]
    people = merge(
        Presence(email or None, row.get("user name"), email, came=False)
        for row, email in zip(answered, emails, strict=True)
    )
    warnings = [*calendar.warnings, "A poll report says who answered, not how long anybody was there: minutes are 0."]
    return Attendance("zoom", "poll", meeting, people, _questions(answered), tuple(warnings))


def _questions(rows: Sequence[Row]) -> tuple[Question, ...]:
    """Questions and answers alternate behind the four headings; several answers to one are joined by a semicolon."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        said = row.cells[FIRST_ANSWER:]
        for question, answer in zip(said[::2], said[1::2], strict=False):
            if question:
                counts[question].update(part.strip() for part in answer.split(";") if part.strip())
    return tuple(Question(question, dict(answers)) for question, answers in counts.items())
