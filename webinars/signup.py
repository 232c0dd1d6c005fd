"""Coming to an information webinar without an account: the address is confirmed before anything is made of it."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q

from facility.registry.people import Person
from facility.workflow import clock, door
from facility.workflow.ids import uuid7
from facility.workflow.jobs import Job
from webinars.registration import Registration
from webinars.webinar import Webinar

CONFIRMED_WITHIN = dt.timedelta(days=3)


class SignUp(models.Model):
    """A name and an address that somebody gave for a webinar. Only the hash of the mailed code is kept.

    Whoever has the code holds the address; only then a person and a registration are made of it. The row goes when
    the webinar is over, or when nobody has confirmed it in time.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    webinar = models.ForeignKey(Webinar, on_delete=models.CASCADE, related_name="sign_ups")
    name = models.CharField(max_length=200)
    email = models.EmailField()
    language = models.CharField(max_length=5, choices=settings.LANGUAGES, default="en")
    sha256 = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(default=clock.now)
    person = models.ForeignKey(Person, null=True, on_delete=models.CASCADE, related_name="sign_ups")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["webinar", "email"], name="sign_up_once_per_webinar")]

    def __str__(self) -> str:
        return str(self.pk)

    @classmethod
    def ask(cls, webinar: Webinar, *, name: str, email: str, language: str) -> None:
        """Keeps what was given and has a mail sent: at most one an hour to an address, so that nobody is flooded."""
        with transaction.atomic():
            blank = {"name": name, "language": language, "sha256": _hash(secrets.token_urlsafe(24))}
            made, _new = cls.objects.get_or_create(webinar=webinar, email=email.strip().lower(), defaults=blank)
            # Of those who gave the same address the last is taken at their word, until it is confirmed.
            unconfirmed = cls.objects.filter(pk=made.pk, person__isnull=True)
            unconfirmed.update(name=name, language=language, made_at=clock.now())
            key = f"webinars.confirm_sign_up:{made.pk}:{clock.now():%Y-%m-%d %H}"
            work = Job.about(webinar, "webinars.confirm_sign_up", key=key, sign_up=made.pk)
            Job.objects.bulk_create([work], ignore_conflicts=True)

    @classmethod
    def find(cls, code: str) -> SignUp | None:
        """The one of a code, while it is kept."""
        return cls.objects.select_related("webinar__programme", "person").filter(sha256=_hash(code)).first()

    @classmethod
    def forget(cls) -> int:
        """Takes away what nobody confirmed in time, and what is over."""
        late = Q(person__isnull=True, made_at__lt=clock.now() - CONFIRMED_WITHIN)
        over = Q(webinar__ends_at__lt=clock.now()) | Q(webinar__state="cancelled")
        return cls.objects.filter(late | over).delete()[0]

    def new_code(self) -> str:
        """A code for the mail; the one before it ends."""
        code = secrets.token_urlsafe(24)
        self.sha256 = _hash(code)
        self.save(update_fields=["sha256"])
        return code

    def registration(self) -> Registration | None:
        """The place of whoever confirmed."""
        return self.webinar.registrations.filter(person=self.person).first() if self.person else None

    def confirm(self) -> None:
        """Takes a place as the person of the address; Refused as by every step."""

        def once() -> None:
            person = Person.objects.known_or_new(self.email, self.name, language=self.language)
            door.perform([self.webinar], "join", by=person, raw={}, via="link")
            self.person = person
            self.save(update_fields=["person"])

        door.retrying(once)

    def give_back(self) -> Any:
        """Gives the place back; Refused as by every step."""
        place = self.registration()
        return place and door.perform([place], "cancel", by=self.person, raw={}, via="link")


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


__all__ = ["SignUp"]
