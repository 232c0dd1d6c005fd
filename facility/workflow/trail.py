"""The trail: who did what to which record, in a chain that shows every later change; and the notices of steps."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models
from django.utils.translation import gettext, gettext_noop

from . import clock, seals
from .ids import uuid7


class Entry(models.Model):
    """One step of one record. Number, predecessor and hash are set by the database; nothing is ever changed.

    The number counts within the record and equals the record's version. Reasons and values stand in `Detail`, and
    enter the chain as a salted digest, so that a person can be erased without breaking it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    record_type = models.CharField(max_length=80)
    record_id = models.UUIDField()
    scope_id = models.UUIDField(null=True)
    number = models.PositiveIntegerField(default=0)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.DO_NOTHING, related_name="+")
    acting_for = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.DO_NOTHING, related_name="+")
    role = models.CharField(max_length=120)
    via = models.CharField(max_length=20, default="code")
    step = models.CharField(max_length=60)
    from_state = models.CharField(max_length=50)
    to_state = models.CharField(max_length=50)
    request_id = models.CharField(max_length=64, blank=True, default="")
    at = models.DateTimeField(null=True)
    effective_at = models.DateTimeField()
    caused_by = models.ForeignKey("self", null=True, on_delete=models.DO_NOTHING, related_name="children")
    fields = models.JSONField(default=list)
    digest = models.CharField(max_length=64)
    previous = models.CharField(max_length=64, blank=True, default="")
    sha256 = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["record_id", "number"], name="entry_number_once_per_record")]
        indexes = [
            models.Index(fields=["scope_id", "-id"], name="entry_by_scope"),
            models.Index(fields=["actor", "-id"], name="entry_by_actor"),
            BrinIndex(fields=["at"], name="entry_by_instant"),
        ]

    def __str__(self) -> str:
        return f"{self.record_type} {self.record_id} #{self.number} {self.step}"


class Detail(models.Model):
    """Reason and values of an entry. May be emptied when a person is erased; the entry's digest stays."""

    entry = models.OneToOneField(Entry, primary_key=True, on_delete=models.DO_NOTHING, related_name="detail")
    salt = models.CharField(max_length=32)
    reason = models.TextField(blank=True, default="")
    changes = models.JSONField(default=dict)
    erased = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"Detail of {self.entry_id}"

    def digest(self) -> str:
        """SHA-256 over salt, reason and changes in canonical JSON."""
        return _digest(self.salt, self.reason, self.changes)


def _digest(salt: str, reason: str, changes: dict[str, Any]) -> str:
    text = json.dumps([salt, reason, changes], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def make(entry: Entry, reason: str, changes: dict[str, Any]) -> Detail:
    """The detail that belongs to an unsaved entry; sets the entry's digest."""
    # The database knows no -0.0: what is digested must be what it will give back.
    plain = json.loads(json.dumps(changes, cls=DjangoJSONEncoder), parse_float=lambda text: float(text) + 0.0)
    detail = Detail(entry=entry, salt=secrets.token_hex(16), reason=reason, changes=plain)
    entry.digest = detail.digest()
    entry.fields = sorted(plain)
    return detail


class Notice(models.Model):
    """A message to one person: a key to be worded in the reader's language, its parameters, and its record."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    to = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    scope_id = models.UUIDField(null=True)
    record_type = models.CharField(max_length=80)
    record_id = models.UUIDField()
    key = models.CharField(max_length=300)
    params = models.JSONField(default=dict)
    link = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    mail_after = models.DateTimeField(null=True, db_index=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["to", "-id"], name="notice_by_person")]

    def __str__(self) -> str:
        return self.key

    def text(self) -> str:
        """The message in the active language."""
        return gettext(self.key) % self.params


def notices(record: Any, people: Any, key: str, params: Mapping[str, Any], link: str = "") -> list[Notice]:
    """Unsaved notices about a record, one for each of the people; `key` is worded when it is read."""
    instant = clock.now()
    return [
        Notice(
            to=person,
            scope_id=record.scope_id(),
            record_type=record._meta.label_lower,
            record_id=record.pk,
            key=str(key),
            params=dict(params),
            link=link,
            created_at=instant,
            mail_after=instant if person.email else None,
        )
        for person in {one.pk: one for one in people}.values()
    ]


@dataclass(frozen=True)
class Fault:
    """The first entry of a record's chain that does not hold."""

    record_type: str
    record_id: str
    number: int
    key: str

    def text(self) -> str:
        """The sentence in the active language."""
        return gettext(self.key) % {"number": self.number}

    def __str__(self) -> str:
        return f"{self.record_type} {self.record_id}: {self.text()}"


MISSING = gettext_noop("Entry %(number)d is missing.")
ALTERED = gettext_noop("Entry %(number)d does not match its hash.")
VALUES = gettext_noop("The values of entry %(number)d do not match their digest.")


def verify(models_with_trail: list[Any], progress: Callable[[int], None] | None = None) -> list[str]:
    """Reads the whole trail and says at which row it does not hold; an empty list means that it does.

    Checked: the number of each entry follows its predecessor's, each hash is right for its row and its predecessor,
    each detail matches its digest, each record's version is the number of its last entry, and each seal still fits.
    `progress` is told now and then how many entries were read.
    """
    found = list(_chain_faults(progress=progress))
    broken = {fault.record_id for fault in found}
    for model in models_with_trail:
        found += [fault for fault in _version_faults(model) if fault.record_id not in broken]
    return [*map(str, found), *seals.faults()]


def fault_of(record: Any) -> Fault | None:
    """The first fault of one record, its chain and version read anew; None when it holds."""
    return next(_chain_faults(record.pk), None) or next(_version_faults(type(record), record.pk), None)


CHAINS = """SELECT e.record_type, e.record_id::text, e.number, e.previous, e.sha256, e.digest, workflow_entry_text(e),
                   d.salt, d.reason, d.changes, d.erased
            FROM workflow_entry e LEFT JOIN workflow_detail d ON d.entry_id = e.id
            WHERE %(only)s::uuid IS NULL OR e.record_id = %(only)s ORDER BY e.record_id, e.number"""
EVERY = 50_000


def _chain_faults(only: Any = None, progress: Callable[[int], None] | None = None) -> Iterator[Fault]:
    last: tuple[str, int, str] = ("", 0, "")
    bad = ""
    with connection.chunked_cursor() as cursor:
        cursor.execute(CHAINS, {"only": only})
        for count, row in enumerate(cursor, 1):
            kind, record_id, number, previous, sha, digest, text, salt, reason, changes, erased = row
            before = last if last[0] == record_id else (record_id, 0, "")
            last = (record_id, number, sha)
            if progress and count % EVERY == 0:
                progress(count)
            if record_id == bad:
                continue
            key = ""
            if number != before[1] + 1:
                number, key = before[1] + 1, MISSING
            elif previous != before[2] or hashlib.sha256((before[2] + text).encode()).hexdigest() != sha:
                key = ALTERED
            elif salt is None or (not erased and _digest(salt, reason, json.loads(changes)) != digest):
                key = VALUES
            if key:
                bad = record_id
                yield Fault(kind, record_id, number, key)


def _version_faults(model: Any, only: Any = None) -> Iterator[Fault]:
    """Records whose version is not the number of their last entry: the end of their chain was taken away."""
    table, kind = model._meta.db_table, model._meta.label_lower
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT r.id::text, coalesce(max(e.number), 0) FROM {table} r
                LEFT JOIN workflow_entry e ON e.record_id = r.id WHERE %(only)s::uuid IS NULL OR r.id = %(only)s
                GROUP BY r.id, r.version HAVING r.version <> coalesce(max(e.number), 0) ORDER BY r.id""",  # noqa: S608
            {"only": only},
        )
        yield from [Fault(kind, record_id, last + 1, MISSING) for record_id, last in cursor]
