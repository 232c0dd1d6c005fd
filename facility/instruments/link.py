"""One-use links: a person takes one step of one record from a mail, without signing in."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _

from facility.workflow import clock, door
from facility.workflow.engine import by_type
from facility.workflow.ids import uuid7
from facility.workflow.steps import NotFound

DAYS = 30


class Link(models.Model):
    """A key for one step by one person. Only its hash is kept; it is used up by the step and ends with its day."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    record_type = models.CharField(max_length=80)
    record_id = models.UUIDField()
    step = models.CharField(max_length=60)
    sha256 = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(default=clock.now)
    until_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.step} {self.record_type}"

    @classmethod
    def make(cls, person: Any, record: Any, step: str) -> str:
        """A new link's code. It stands only in the mail; whoever has it acts as this person, for this step alone."""
        code = secrets.token_urlsafe(24)
        cls.objects.create(
            person=person,
            record_type=record._meta.label_lower,
            record_id=record.pk,
            step=step,
            sha256=_hash(code),
            until_at=clock.now() + dt.timedelta(days=DAYS),
        )
        return code

    @classmethod
    def find(cls, code: str) -> Link:
        """The link of a code, used or not; NotFound when there is none or its time is over."""
        found = cls.objects.select_related("person").filter(sha256=_hash(code), until_at__gt=clock.now()).first()
        if found is None or not found.person.is_active:
            raise NotFound(_("This link is not known or no longer valid."))
        return found

    def record(self) -> Any:
        """The record it is about."""
        model = by_type(self.record_type)
        return model.objects.select_related(*model.door_related).get(pk=self.record_id)

    def take(self, raw: Any = None) -> Any:
        """Takes the step as the person of the link, and uses the link up in the same transaction."""

        def act() -> Any:
            held = Link.objects.select_for_update(no_key=True).get(pk=self.pk)
            if held.used_at:
                raise NotFound(_("This link has been used."))
            done = door.perform([self.record()], self.step, by=self.person, raw=raw or {}, via="link")[0]
            held.used_at = clock.now()
            held.save(update_fields=["used_at"])
            return done

        return door.retrying(act)


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
