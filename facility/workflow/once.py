"""Repeated posts: the same key and the same body are one act and get one answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection, models

from . import clock, door
from .ids import uuid7


class KeyReused(Exception):
    """The key came before with another body (422)."""


class Once(models.Model):
    """An act that was done under a key, and the answer that it got."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE)
    key = models.CharField(max_length=120)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "key"], name="once_per_person_and_key")]

    def __str__(self) -> str:
        return self.key


def fingerprint(*parts: Any) -> str:
    """SHA-256 over what makes two requests the same."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def once(person: Any, key: str, body: str, act: Callable[[], tuple[int, Any]]) -> tuple[int, Any, bool]:
    """Runs `act` under the key, or answers what it answered before; the last member tells whether it was a repetition.

    `act` answers (status, JSON-able). It runs in the transaction that notes the key: a crash undoes both. An act that
    raises leaves no key. Raises KeyReused when the key came with another body.
    """
    if not key:
        return (*door.retrying(act), False)

    def claim() -> tuple[int, Any, bool]:
        made = Once(person=person, key=key, fingerprint=body, at=clock.now())
        with connection.cursor() as cursor:
            # Waits for a twin that is under way; then either its row is there, or it failed and ours goes in.
            cursor.execute(
                "INSERT INTO workflow_once (id, person_id, key, fingerprint, at) VALUES (%s, %s, %s, %s, %s) "
                "ON CONFLICT (person_id, key) DO NOTHING",
                [made.pk, made.person_id, key, body, made.at],
            )
            fresh = cursor.rowcount == 1
        if not fresh:
            found = Once.objects.get(person=person, key=key)
            if found.fingerprint != body:
                raise KeyReused
            return found.status or 200, found.answer, True
        status, answer = act()
        Once.objects.filter(pk=made.pk).update(status=status, answer=answer)
        return status, answer, False

    return door.retrying(claim)
