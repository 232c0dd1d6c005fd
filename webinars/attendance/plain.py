"""A table that somebody wrote by hand: name, email, minutes, and a role if it is known."""

from __future__ import annotations

from .model import Attendance, Presence, Refused, merge
from .table import Rows, find_header, table
from .times import minutes_of

LENGTHS = ("minutes", "duration", "duration (minutes)")
HEADERS = [{who, length} for who in ("name", "email", "e-mail") for length in LENGTHS]


def is_plain(rows: Rows) -> bool:
    return find_header(rows, *HEADERS) is not None


def read_plain(rows: Rows, _zone: str | None) -> Attendance:
    header = find_header(rows, *HEADERS) or 0
    presences = []
    for number, row in enumerate(table(rows, header), header + 2):
        email = row.get("email", "e-mail").casefold()
        written = row.get(*LENGTHS)
        minutes = minutes_of(written or "0")
        if minutes is None:
            raise Refused(f"Row {number}: “{written}” is no number of minutes.")
        presences.append(
            Presence(
                key=email or None,
                name=row.get("name"),
                email=email,
                role=row.get("role").casefold() or "attendee",
                minutes=minutes,
                came=minutes > 0,
            )
        )
    return Attendance("plain", "participants", people=merge(presences))
