"""The rights of an advisor over what is kept: consent to a text of a known version, a date until which it is kept, and
erasure on request, by the office, or when that date has come (Regulation (EU) 2018/1725, art. 5, 14 to 19).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from facility.registry.programme import InProgramme
from facility.roles import any_of, held, office, staff_of, system, who
from facility.workflow import clock
from facility.workflow.steps import guard, step

# Where a programme has set nothing of its own.
RETENTION_MONTHS = 24
# Days that the office has before an erasure that was asked for is done by itself, and days of notice before a date.
ERASED_AFTER, NOTICE = dt.timedelta(days=14), dt.timedelta(days=30)
# In these states a CV is kept for a while; in the pool and at work it is kept as long as that lasts.
FORGOTTEN = ("candidate", "shortlisted", "declined", "retired", "merged")
THERE = ["candidate", "shortlisted", "declined", "pool", "suspended", "retired", "merged"]

own_record = who("own advisor", lambda person: Q(pk__in=held(person, "advisor", scope="advisor")), "advisor")


class WithRights(InProgramme):
    """What an advisor has agreed to, until when it is kept, and how it goes."""

    state: Any
    person: Any
    assignments: Any

    consent_version = models.PositiveSmallIntegerField(_("version of the consent"), null=True)
    consented_at = models.DateTimeField(_("consented"), null=True)
    keep_until = models.DateField(_("kept until"), null=True)
    reminded_of_keeping_at = models.DateTimeField(null=True)
    erasure_asked_at = models.DateTimeField(_("erasure asked for"), null=True)

    class Meta:
        abstract = True

    @guard(_("Complete or replace the advisor's running assignments first."))
    def is_not_at_work(self) -> bool:
        """No place on a project; whoever works for one is needed in its records until it is done."""
        return not self.assignments.filter(state__in=["approved", "offered", "accepted", "active"]).exists()

    @guard(_("The erasure was asked for already."))
    def has_not_asked(self) -> bool:
        """Once is enough."""
        return self.erasure_asked_at is None

    @guard(_("Nobody has asked for an erasure."))
    def has_asked(self) -> bool:
        """There is something to take back."""
        return self.erasure_asked_at is not None

    @step(
        label=_("Ask for erasure"),
        source=THERE,
        target=None,
        who=own_record,
        guards=[has_not_asked],
        form="AskErasure",
    )
    def ask_erasure(self, *, by: Any, sure: bool) -> None:
        """Everything that is kept on you goes: at the latest in 14 days, or when your running projects are done."""
        self.erasure_asked_at = clock.now()
        self.tell(staff_of(self.programme_id), gettext_noop("%(name)s asks to be erased."), name=self.person.name)

    @step(
        label=_("Take the request back"),
        source=THERE,
        target=None,
        who=own_record,
        guards=[has_asked],
    )
    def keep_me(self, *, by: Any) -> None:
        """Nothing is erased; what is kept stays as it is."""
        self.erasure_asked_at = None

    @step(label=_("Remind of the date"), source=THERE, target=None, who=system, quiet=True)
    def remind_of_keeping(self, *, by: Any) -> None:
        """The date until which the CV is kept is near; whoever consents again stays."""
        self.reminded_of_keeping_at = clock.now()
        told = gettext_noop("Your CV is kept until %(day)s. Give your consent again if you want to stay.")
        self.tell(self.person, told, day=str(self.keep_until))

    @step(
        label=_("Erase"),
        source=THERE,
        target="erased",
        who=any_of(office, system),
        guards=[is_not_at_work],
        form="EraseAdvisor",
    )
    def erase(self, *, by: Any, sure: bool) -> None:
        """Takes name, address, CVs, files and vectors away for good; numbers of finished work stay without the name."""
        from advisory.erasing import take_away

        take_away(self, by=by)
        self.consent_version = self.consented_at = self.keep_until = self.erasure_asked_at = None

    def keep_consent(self, *, is_given: bool, read: int | None = None) -> None:
        """Notes when the consent was given, until when it holds, and which version of the text the person read."""
        from advisory.advisorcall import AdvisorCall

        self.consent_version, self.consented_at, self.reminded_of_keeping_at = None, None, None
        call = AdvisorCall.objects.filter(programme=self.programme_id).first()
        self.keep_until = after_months(clock.today(self.tz()), call.retention_months if call else RETENTION_MONTHS)
        if is_given:
            self.consent_version, self.consented_at = read, clock.now()

    @classmethod
    def to_remind(cls) -> Any:
        """Those whose date is near and who have not been told."""
        near = clock.today() + NOTICE
        rows: Any = cls.objects
        return rows.filter(state__in=FORGOTTEN, reminded_of_keeping_at__isnull=True, keep_until__lte=near).order_by(
            "pk"
        )

    @classmethod
    def to_erase(cls) -> Any:
        """Those who asked long enough ago, and those whose date has passed and who were told in time."""
        asked = Q(erasure_asked_at__lte=clock.now() - ERASED_AFTER, state__in=THERE)
        over = Q(state__in=FORGOTTEN, keep_until__lt=clock.today())
        rows: Any = cls.objects
        return rows.filter(asked | over & Q(reminded_of_keeping_at__lte=clock.now() - NOTICE)).order_by("pk")


def after_months(day: dt.date, months: int) -> dt.date:
    """The same day so many months later; the last of the month where it has no such day."""
    year, month = divmod(day.month - 1 + months, 12)
    first = dt.date(day.year + year, month + 1, 1)
    following = dt.date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return min(first + dt.timedelta(days=day.day - 1), following - dt.timedelta(days=1))
