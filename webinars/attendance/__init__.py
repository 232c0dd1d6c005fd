"""Attendance reports of meeting platforms, read into one shape (F26). Pure: bytes in, `Attendance` out."""

from __future__ import annotations

from dataclasses import replace

from .model import ACCEPTED, Attendance, Meeting, Person, Question, Refused
from .plain import is_plain, read_plain
from .table import decode, rows_of
from .teams import is_teams, read_teams
from .webex import is_webex, read_webex
from .zoom import is_zoom, read_zoom

__all__ = ["ACCEPTED", "Attendance", "Meeting", "Person", "Question", "Refused", "read"]

READERS = ((is_teams, read_teams), (is_zoom, read_zoom), (is_webex, read_webex), (is_plain, read_plain))


def read(data: bytes, filename: str, zone: str | None = None) -> Attendance:
    """Read a report; `zone` is the IANA zone of the exporter's clock, `filename` is for the sentences only.

    Raises Refused, with a sentence, when the file is none of the ACCEPTED. A valid report of nobody is an answer.
    """
    text, warnings = decode(data)
    for delimiter in "\t,;":
        rows = rows_of(text, delimiter)
        for is_one, read_it in READERS:
            if is_one(rows):
                found = read_it(rows, zone)
                return replace(found, warnings=(*warnings, *found.warnings, *_unnamed(found)))
    raise Refused(f"{filename} is no attendance report that can be read here.")


def _unnamed(found: Attendance) -> list[str]:
    unnamed = sum(not person.email for person in found.people)
    return [f"Without an e-mail address: {unnamed}. Match them by hand."] if unnamed else []
