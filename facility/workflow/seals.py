"""Seals: from time to time the heads of all chains are hashed into one line, to be kept outside the database as well.

A seal covers the entries that came since the one before it and names that one's hash. So the seals are a chain of their
own, and a trail of any length is checked against all of them in one reading.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection, models

from . import clock
from .ids import uuid7


class Seal(models.Model):
    """The heads of the chains that grew between the seal before and `until`, under one hash."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField()
    until = models.DateTimeField(unique=True)
    chains = models.PositiveIntegerField()
    entries = models.PositiveBigIntegerField()
    previous = models.CharField(max_length=64, blank=True, default="")
    sha256 = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"Seal of {self.until:%Y-%m-%d %H:%M:%S}"

    def line(self) -> dict[str, Any]:
        """What is kept outside, JSON-able: until, chains, entries, previous, sha256."""
        kept = ("chains", "entries", "previous", "sha256")
        return {"until": self.until.isoformat(), **{name: getattr(self, name) for name in kept}}


class _Heads:
    """The heads of a span of time: the last number and hash of each chain that grew in it."""

    def __init__(self, previous: str) -> None:
        self.previous, self.entries = previous, 0
        self.heads: dict[str, tuple[int, str]] = {}

    def add(self, record_id: str, number: int, sha256: str) -> None:
        self.entries += 1
        self.heads[record_id] = max(self.heads.get(record_id, (0, "")), (number, sha256))

    def line(self) -> dict[str, Any]:
        running = hashlib.sha256(f"{self.previous}\n".encode())
        for record_id in sorted(self.heads):
            number, sha256 = self.heads[record_id]
            running.update(f"{record_id}:{number}:{sha256}\n".encode())
        return {
            "chains": len(self.heads),
            "entries": self.entries,
            "previous": self.previous,
            "sha256": running.hexdigest(),
        }


# By the database's clock, which the trigger of the trail reads; the keys are given by many machines.
ENTRIES = """SELECT record_id::text, number, sha256, at FROM workflow_entry
             WHERE at > %s AND at <= %s ORDER BY at"""
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def _entries(after: dt.datetime, until: dt.datetime) -> Iterator[tuple[str, int, str, dt.datetime]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(ENTRIES, [after, until])
        yield from cursor


def seal(until: dt.datetime) -> Seal | None:
    """Seals what was written up to an instant at which everything is committed; None when nothing has come since."""
    last = Seal.objects.order_by("-until").first()
    heads = _Heads(last.sha256 if last else "")
    for record_id, number, sha256, _at in _entries(last.until if last else EPOCH, until):
        heads.add(record_id, number, sha256)
    if not heads.entries:
        return None
    return Seal.objects.create(at=clock.now(), until=until, **heads.line())


def faults() -> Iterator[str]:
    """A sentence for each seal that the trail does not bear out, or whose place in the chain of seals is wrong."""
    seals = list(Seal.objects.order_by("until"))
    if not seals:
        return
    entries = _entries(EPOCH, seals[-1].until)
    ahead, previous = next(entries, None), ""
    for one in seals:
        heads = _Heads(previous)
        while ahead and ahead[3] <= one.until:
            heads.add(*ahead[:3])
            ahead = next(entries, None)
        if one.line() != {"until": one.until.isoformat(), **heads.line()}:
            yield f"{one}: the chains that it covers have changed since."
        previous = one.sha256


def faults_against(lines: Iterable[str]) -> Iterator[str]:
    """Compares seals that were kept outside (one JSON object a line) with those in the database."""
    here = {one.until: one for one in Seal.objects.all()}
    for number, text in enumerate(lines, 1):
        try:
            kept = json.loads(text)
            found = here.get(dt.datetime.fromisoformat(kept["until"]))
        except (ValueError, KeyError, TypeError):
            yield f"Line {number} of the kept seals is not a seal."
            continue
        if found is None:
            yield f"Line {number} of the kept seals: the database has no seal of {kept['until']}."
        elif found.line() != kept:
            yield f"Line {number} of the kept seals: the one of {kept['until']} in the database is another."
