"""Applying as an advisor without an account: the address is proven before anything is made of what was sent."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from advisory.advisor import OPEN, Advisor
from advisory.advisorcall import AdvisorCall
from advisory.curriculum import CurriculumVitae
from facility.registry.people import Person
from facility.workflow import clock, door
from facility.workflow.ids import uuid7
from facility.workflow.jobs import Job
from facility.workflow.steps import SYSTEM, Blocked

PROVEN_WITHIN = dt.timedelta(days=3)
# From the proof on the link leads to the own page; after that one asks for another, or signs in.
LINK_HOLDS = dt.timedelta(days=30)
ENDING = ".sent"


class Applicant(models.Model):
    """A name, an address and a file that somebody sent. Only the hash of the mailed code is kept.

    Whoever has the code holds the address; only then a CV is made of the file. What nobody proves goes in three days.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    call = models.ForeignKey(AdvisorCall, on_delete=models.CASCADE, related_name="applicants")
    name = models.CharField(max_length=200)
    email = models.EmailField()
    language = models.CharField(max_length=5, choices=settings.LANGUAGES, default="en")
    sha256 = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(default=clock.now)
    stored = models.CharField(max_length=100, blank=True, default="")
    file_name = models.CharField(max_length=200, blank=True, default="")
    person = models.ForeignKey(Person, null=True, on_delete=models.CASCADE, related_name="applicants")
    curriculum = models.ForeignKey(CurriculumVitae, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["call", "email"], name="applicant_once_per_call")]

    def __str__(self) -> str:
        return str(self.pk)

    @classmethod
    def ask(cls, call: AdvisorCall, *, name: str, email: str, file: Any, language: str) -> None:
        """Keeps what was sent and has a mail sent, at most one an hour to an address. Of those who give the same
        address the last is taken at their word, until it is proven."""
        stored = storages["documents"].save(f"{uuid7().hex}{ENDING}", File(file.file))
        with transaction.atomic():
            blank = {"name": name, "language": language, "sha256": _hash(secrets.token_urlsafe(24))}
            made, _is_new = cls.objects.get_or_create(call=call, email=email.strip().lower(), defaults=blank)
            made = cls.objects.select_for_update(no_key=True).get(pk=made.pk)
            gone, made.stored, made.file_name, made.made_at = made.stored, stored, file.name[:200], clock.now()
            if made.person_id is None:
                made.name, made.language = name, language
            made.save()
            key = f"advisory.prove_address:{made.pk}:{clock.now():%Y-%m-%d %H}"
            work = Job.about(call, "advisory.prove_address", key=key, applicant=made.pk)
            Job.objects.bulk_create([work], ignore_conflicts=True)
            transaction.on_commit(lambda: storages["documents"].delete(gone) if gone else None)

    @classmethod
    def find(cls, code: str) -> Applicant | None:
        """The one of a code, while its link holds."""
        rows = cls.objects.select_related("call__programme", "person", "curriculum__document", "curriculum__advisor")
        return rows.filter(sha256=_hash(code), made_at__gt=clock.now() - LINK_HOLDS).first()

    @classmethod
    def forget(cls) -> int:
        """Takes away what nobody proved in time, and links that hold no more."""
        late = Q(person__isnull=True, made_at__lt=clock.now() - PROVEN_WITHIN)
        old = list(cls.objects.filter(late | Q(made_at__lt=clock.now() - LINK_HOLDS)))
        for one in old:
            if one.stored:
                storages["documents"].delete(one.stored)
            one.delete()
        return len(old)

    def new_code(self) -> str:
        """A code for the mail; the one before it ends."""
        code = secrets.token_urlsafe(24)
        self.sha256 = _hash(code)
        self.save(update_fields=["sha256"])
        return code

    def advisor(self) -> Advisor | None:
        """The record of whoever proved the address."""
        rows = Advisor.objects.filter(programme=self.call.programme_id, person=self.person_id)
        return rows.exclude(state__in=["merged", "erased"]).select_related("person", "programme").first()

    def prove(self) -> None:
        """The address is proven: the file becomes a CV of its holder; Refused as by every step."""

        def once() -> None:
            held = Applicant.objects.select_for_update(no_key=True).get(pk=self.pk)
            if not held.stored:
                return
            person = Person.objects.known_or_new(self.email, self.name, language=self.language)
            self.person, self.curriculum = person, self.handed_in(person, held)
            self.stored = ""
            self.save(update_fields=["person", "curriculum", "stored"])
            transaction.on_commit(lambda: storages["documents"].delete(held.stored))

        door.retrying(once)

    def handed_in(self, person: Person, held: Applicant) -> CurriculumVitae:
        """The CV of the file that was sent; of one that is here already, that one."""
        with storages["documents"].open(held.stored) as file:
            content = file.read()
        advisor = Advisor.objects.filter(programme=self.call.programme_id, person=person, state__in=OPEN).first()
        same = CurriculumVitae.objects.filter(
            programme=self.call.programme_id, document__sha256=hashlib.sha256(content).hexdigest()
        )
        known = same.exclude(state__in=["rejected", "erased"]).order_by("-pk").first()
        if known is not None:
            if known.applicant_id not in {None, person.pk} or (known.advisor and known.advisor.person_id != person.pk):
                raise Blocked([_("This file was handed in for somebody else. Send a CV of your own.")])
            return known.perform("claim", by=SYSTEM, applicant=str(person.pk))
        data: dict[str, Any] = {"advisor": str(advisor.pk)} if advisor else {"programme": str(self.call.programme_id)}
        files = {"file": SimpleUploadedFile(held.file_name, content)}
        return CurriculumVitae(applicant=person).perform("receive", by=SYSTEM, files=files, **data)


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


__all__ = ["Applicant"]
