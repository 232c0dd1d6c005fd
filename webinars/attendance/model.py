"""What every reader answers: who was there, how long, and what was asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

ACCEPTED = (
    "Teams attendance report (CSV)",
    "Teams attendance list of joins and leaves (CSV)",
    "Zoom participants, unique or every join (CSV)",
    "Zoom webinar attendee report (CSV)",
    "Zoom poll report (CSV)",
    "Webex attendance (CSV)",
    "CSV with the columns name, email, minutes",
)


class Refused(ValueError):
    """The file cannot be read as attendance; the text is a sentence for the person who gave it."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """Instants carry an offset where the file or the caller gives a zone, else they are the clock of the exporter."""

    title: str = ""
    start: dt.datetime | None = None
    end: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """One person after re-joins are merged: minutes of presence, 0 for those who were registered and did not come."""

    name: str
    email: str
    minutes: float
    joins: int
    role: str


@dataclass(frozen=True, slots=True)
class Question:
    """A poll question with the count of each answer."""

    question: str
    answers: dict[str, int]


@dataclass(frozen=True, slots=True)
class Attendance:
    """`platform` is teams, zoom, webex or plain; `kind` is participants, joins, webinar, poll or log."""

    platform: str
    kind: str
    meeting: Meeting = field(default_factory=Meeting)
    people: tuple[Person, ...] = ()
    questions: tuple[Question, ...] = ()
    warnings: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The shape that the command prints and the API gives."""

        def instant(moment: dt.datetime | None) -> str | None:
            return moment.isoformat() if moment else None

        meeting = self.meeting
        return {
            "platform": self.platform,
            "kind": self.kind,
            "meeting": {"title": meeting.title, "start": instant(meeting.start), "end": instant(meeting.end)},
            "people": [
                {"name": p.name, "email": p.email, "minutes": p.minutes, "joins": p.joins, "role": p.role}
                for p in self.people
            ],
            "questions": [{"question": one.question, "answers": one.answers} for one in self.questions],
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class Presence:
    """One row of a file: a stay with both instants, or with minutes only, or (`came` false) a registration without one.

    `key` says whose it is; rows with the same key are one person, a row without a key is a person of its own.
    """

    key: str | None
    name: str
    email: str = ""
    role: str = "attendee"
    start: dt.datetime | None = None
    end: dt.datetime | None = None
    minutes: float | None = None
    came: bool = True


def merge(presences: Iterable[Presence]) -> tuple[Person, ...]:
    """One person for each key, in the order of the file."""
    groups: dict[Any, list[Presence]] = {}
    for number, one in enumerate(presences):
        groups.setdefault(one.key or number, []).append(one)
    return tuple(map(_person, groups.values()))


def _person(rows: Sequence[Presence]) -> Person:
    stays = [row for row in rows if row.came]
    timed = [row for row in stays if row.start and row.end and row.start <= row.end]
    rest = sum(row.minutes or 0 for row in stays if row not in timed)
    first = rows[0]
    return Person(
        name=next((row.name for row in rows if row.name), ""),
        email=next((row.email for row in rows if row.email), ""),
        minutes=_tidy(_union(timed) / 60 + rest),
        joins=len(stays),
        role=next((row.role for row in rows if row.role != "attendee"), first.role),
    )


def _union(stays: Sequence[Presence]) -> float:
    """Seconds in which at least one of the stays lasted: two devices at once are one presence."""
    spans = sorted((utc(stay.start), utc(stay.end)) for stay in stays if stay.start and stay.end)
    seconds = 0.0
    until = None
    for start, end in spans:
        begin = start if until is None else max(start, until)
        if end > begin:
            seconds += (end - begin).total_seconds()
        until = end if until is None else max(until, end)
    return seconds


def utc(moment: dt.datetime) -> dt.datetime:
    """Differences within one zone ignore its change to summer time; those in UTC do not."""
    return moment.astimezone(dt.UTC) if moment.tzinfo else moment


def _tidy(minutes: float) -> float:
    rounded = round(minutes, 2)
    return int(rounded) if rounded == int(rounded) else rounded
