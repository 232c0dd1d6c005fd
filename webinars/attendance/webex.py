"""Webex: a row for each stay in a session. Breakout sessions lie within the main one, so only the main one counts."""

from __future__ import annotations

from .model import Attendance, Meeting, Presence, merge
from .table import Row, Rows, find_header, fold, table
from .times import Calendar, minutes_of

HEADER = {"display name", "attendee email", "attendance duration"}
# Webex gives guests an address of its own, which belongs to nobody.
GUEST = "@guest.webex.localhost"


def is_webex(rows: Rows) -> bool:
    return find_header(rows, HEADER) is not None


def read_webex(rows: Rows, zone: str | None) -> Attendance:
    calendar = Calendar((cell for cells in rows for cell in cells), zone)
    found = list(table(rows, find_header(rows, HEADER) or 0))
    stays, warnings = [], list(calendar.warnings)
    in_main = {_key(row) for row in found if _is_main(row)}
    only_breakout = {_key(row) for row in found} - in_main
    for row in found:
        if _is_main(row) or _key(row) in only_breakout:
            email = row.get("attendee email").casefold()
            stays.append(
                Presence(
                    key=_key(row),
                    name=row.get("display name"),
                    email="" if email.endswith(GUEST) else email,
                    start=calendar.read(row.get("join time")),
                    end=calendar.read(row.get("leave time")),
                    minutes=minutes_of(row.get("attendance duration")),
                )
            )
    if only_breakout:
        warnings.append(f"{len(only_breakout)} stood in breakout sessions only; their time there is counted.")
    first = found[0] if found else None
    meeting = Meeting(first.get("meeting name"), calendar.read(first.get("meeting start time"))) if first else Meeting()
    return Attendance("webex", "joins", meeting, merge(stays), warnings=tuple(warnings))


def _is_main(row: Row) -> bool:
    return "breakout" not in fold(row.get("session name"))


def _key(row: Row) -> str:
    return row.get("attendee email").casefold() or f"name {fold(row.get('display name'))}"
