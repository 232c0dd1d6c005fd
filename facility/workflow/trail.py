"""The trail: who did what to which record, in a chain that shows every later change; and the notices of steps."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models
from django.utils.translation import gettext

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
    plain = json.loads(json.dumps(changes, cls=DjangoJSONEncoder))
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


class Seal(models.Model):
    """The state of all chains at an instant: one hash over every head, to be kept outside the database as well."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField()
    chains = models.PositiveIntegerField()
    entries = models.PositiveBigIntegerField()
    last_entry = models.UUIDField(null=True)
    sha256 = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.sha256[:12]}"


HEADS = """SELECT record_id::text, max(number), (array_agg(sha256 ORDER BY number DESC))[1]
           FROM workflow_entry WHERE id <= %s GROUP BY record_id ORDER BY record_id"""


def heads(until: Any) -> tuple[int, int, str]:
    """(number of chains, number of entries, SHA-256 over all heads) up to the entry `until`."""
    running, chains, entries = hashlib.sha256(), 0, 0
    with connection.cursor() as cursor:
        cursor.execute(HEADS, [until])
        for record_id, number, sha in cursor:
            running.update(f"{record_id}:{number}:{sha}\n".encode())
            chains, entries = chains + 1, entries + number
    return chains, entries, running.hexdigest()


def verify(models_with_trail: list[Any], progress: Any = None) -> list[str]:
    """Reads the whole trail and says at which row it does not hold; an empty list means that it does.

    Checked: the number of each entry follows its predecessor's, each hash is right for its row and its predecessor,
    each detail matches its digest, each record's version is the number of its last entry, and each seal still fits.
    """
    faults = [*_verify_chains(progress)]
    for model in models_with_trail:
        faults += _verify_versions(model)
    for seal in Seal.objects.order_by("at"):
        if (seal.chains, seal.entries, seal.sha256) != heads(seal.last_entry):
            faults.append(f"Seal of {seal.at:%Y-%m-%d %H:%M}: the chains up to it have changed since.")
    return faults


CHAINS = """SELECT e.record_type, e.record_id::text, e.number, e.previous, e.sha256, e.digest, workflow_entry_text(e),
                   d.salt, d.reason, d.changes, d.erased
            FROM workflow_entry e LEFT JOIN workflow_detail d ON d.entry_id = e.id ORDER BY e.record_id, e.number"""


def _verify_chains(progress: Any) -> Iterator[str]:
    last: tuple[str, int, str] = ("", 0, "")
    bad = ""
    with connection.chunked_cursor() as cursor:
        cursor.execute(CHAINS)
        for count, row in enumerate(cursor, 1):
            kind, record_id, number, previous, sha, digest, text, salt, reason, changes, erased = row
            place = f"{kind} {record_id} entry {number}"
            before = last if last[0] == record_id else (record_id, 0, "")
            last = (record_id, number, sha)
            if progress and count % 50_000 == 0:
                progress(count)
            if record_id == bad:
                continue
            fault = ""
            if number != before[1] + 1:
                fault = f"{kind} {record_id} entry {before[1] + 1}: it is missing."
            elif previous != before[2] or hashlib.sha256((before[2] + text).encode()).hexdigest() != sha:
                fault = f"{place}: its content does not match its hash."
            elif salt is None:
                fault = f"{place}: its detail is missing."
            elif not erased and _digest(salt, reason, json.loads(changes)) != digest:
                fault = f"{place}: its reason or values do not match their digest."
            if fault:
                bad = record_id
                yield fault


def _verify_versions(model: Any) -> list[str]:
    table, kind = model._meta.db_table, model._meta.label_lower
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT r.id::text, r.version, coalesce(max(e.number), 0) FROM {table} r
                LEFT JOIN workflow_entry e ON e.record_id = r.id GROUP BY r.id, r.version
                HAVING r.version <> coalesce(max(e.number), 0) ORDER BY r.id"""  # noqa: S608 (a table name of ours)
        )
        return [
            f"{kind} {record_id} entry {last + 1}: it is missing at the end (the record is at version {version})."
            for record_id, version, last in cursor
        ]
