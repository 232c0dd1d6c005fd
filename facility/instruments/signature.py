"""Signatures under a text: who has signed which version of it, when, and the digest of what was signed.

One mechanism for every record that somebody signs. The record publishes a text; whoever signs names the digest of the
text that stood before them, so that nobody signs what they have not seen. A new text asks for new signatures; the old
ones stay, each under its own text.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from facility.workflow import clock
from facility.workflow.engine import Part
from facility.workflow.steps import Blocked


class SignedText(Part):
    """A version of the text of a record, from 1; never changed once it is there."""

    record_type = models.CharField(max_length=80)
    record_id = models.UUIDField()
    number = models.PositiveSmallIntegerField()
    text = models.TextField()
    sha256 = models.CharField(max_length=64)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["record_type", "record_id", "number"], name="signed_text_number_once")
        ]

    def __str__(self) -> str:
        return f"{self.record_type} {self.number}"


class Signature(Part):
    """Somebody's signature under one version of a text, for themselves or for a body."""

    signed = models.ForeignKey(SignedText, on_delete=models.PROTECT, related_name="signatures")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="texts_signed")
    signs_for = models.CharField(max_length=200, blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["signed", "person", "signs_for"], name="signature_once")]

    def __str__(self) -> str:
        return f"{self.person}, {self.signs_for}"


def texts_of(record: Any) -> QuerySet[SignedText]:
    """Every version of the record's text, the newest first."""
    return SignedText.objects.filter(record_type=record._meta.label_lower, record_id=record.pk).order_by("-number")


def publish(record: Any, text: str) -> SignedText:
    """Inside a step of the record: its text from now on. The same text as before stays what it is."""
    last = texts_of(record).first()
    digest = digest_of(text)
    if last is not None and last.sha256 == digest:
        return last
    made = SignedText(
        record_type=record._meta.label_lower,
        record_id=record.pk,
        number=last.number + 1 if last else 1,
        text=text,
        sha256=digest,
        made_at=clock.now(),
    )
    made.save()
    return made


def sign(record: Any, person: Any, seen: str, signs_for: str = "") -> Signature:
    """Inside a step of the record, which is locked: a signature under the present text. `seen` is the digest of the
    text that the person read; Blocked when another one stands there now, or when they have signed it."""
    text = texts_of(record).first()
    if text is None or text.sha256 != seen:
        raise Blocked([_("The text has changed since you opened it. Read the new one, then sign.")])
    if text.signatures.filter(person=person, signs_for=signs_for).exists():
        raise Blocked([_("You have signed this text.")])
    made = Signature(signed=text, person=person, signs_for=signs_for, at=clock.now())
    made.save()
    return made


def digest_of(text: str) -> str:
    """SHA-256 of the text in UTF-8, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
