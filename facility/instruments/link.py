"""One-use links: a person takes one step of one record from a mail, without signing in."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.debug import sensitive_variables
from rest_framework.throttling import SimpleRateThrottle

from facility.workflow import clock, door
from facility.workflow.engine import by_type
from facility.workflow.ids import uuid7
from facility.workflow.steps import NotFound

DAYS = 30
T = TypeVar("T")


class Link(models.Model):
    """A key for one step by one person. Only its hash is kept; it is used up by the step and ends with its day."""

    # In place of a step: the link by which an invited person sets up their sign-in.
    SIGN_IN = "sign-in"

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
    def make(cls, person: Any, record: Any, step: str, *, days: int = DAYS) -> str:
        """A new link's code. It stands only in the mail; whoever has it acts as this person, for this step alone."""
        code = secrets.token_urlsafe(24)
        cls.objects.create(
            person=person,
            record_type=record._meta.label_lower,
            record_id=record.pk,
            step=step,
            sha256=_hash(code),
            until_at=clock.now() + dt.timedelta(days=days),
        )
        return code

    @classmethod
    def in_force(cls) -> models.QuerySet[Link]:
        """The links whose time is not over, used or not, of people whose account is not disabled."""
        return cls.objects.select_related("person").filter(until_at__gt=clock.now(), person__is_active=True)

    @classmethod
    def find(cls, code: str) -> Link:
        """The link of a code, used or not; NotFound when there is none or its time is over."""
        found = cls.in_force().filter(sha256=_hash(code)).first()
        if found is None:
            raise NotFound(_("This link is not known or no longer valid."))
        return found

    def record(self) -> Any:
        """The record it is about."""
        model = by_type(self.record_type)
        return model.objects.select_related(*model.door_related).get(pk=self.record_id)

    def take(self, raw: Any = None) -> Any:
        """Takes the step as the person of the link, and uses the link up in the same transaction."""
        return self.spend(
            lambda: door.perform([self.record()], self.step, by=self.person, raw=raw or {}, via="link")[0]
        )

    def spend(self, act: Callable[[], T]) -> T:
        """Does what the link is for and uses it up, both or neither; NotFound when it has been used."""

        def once() -> T:
            held = Link.objects.select_for_update(no_key=True).get(pk=self.pk)
            if held.used_at:
                raise NotFound(_("This link has been used."))
            done = act()
            held.used_at = clock.now()
            held.save(update_fields=["used_at"])
            return done

        return door.retrying(once)

    def set_up(self, act: Callable[[], T]) -> T:
        """Spends an invitation; NotFound when the person has set up a sign-in meanwhile, as by another invitation."""

        def first() -> T:
            people: Any = type(self.person)
            if people.objects.select_for_update(no_key=True).get(pk=self.person_id).can_sign_in():
                raise NotFound(_("This link has been used."))
            return act()

        return self.spend(first)


class Tries(SimpleRateThrottle):
    """Five tries a minute from one address; the address is kept for that minute, and only as a hash."""

    rate, scope = "5/min", "link"

    def get_cache_key(self, request: Any, view: Any) -> str:
        """One key for each address."""
        address = hashlib.sha256(self.get_ident(request).encode()).hexdigest()
        return self.cache_format % {"scope": self.scope, "ident": address}


class ByLink(View):
    """Base of pages that answer to a link from a mail, without signing in. A subclass says which links are known."""

    link: Link

    @sensitive_variables("code")
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Counts posts and codes that are not known."""
        try:
            self.link = self.known(kwargs["code"])
        except NotFound:
            if not Tries().allow_request(request, self):
                return self.too_many()
            raise
        if request.method == "POST" and not Tries().allow_request(request, self):
            return self.too_many()
        return super().dispatch(request, *args, **kwargs)

    def known(self, code: str) -> Link:
        """The link, of a person who may still answer; NotFound in every other case."""
        raise NotImplementedError

    def too_many(self) -> HttpResponse:
        """429, in words."""
        words = {
            "tone": "warn",
            "title": _("Too many tries"),
            "text": _("Wait a minute, then open the link from the mail again."),
        }
        return self.done(words, 429)

    def done(self, words: dict[str, Any], status: int = 200) -> HttpResponse:
        """The page after the answer."""
        return render(self.request, "advisory/confirm_done.html", words, status=status)


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
