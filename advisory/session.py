"""Support sessions: logged by the advisor, confirmed by the cluster, approved by the coordinator (F09, F16, F18)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import formats
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django_fsm import RETURN_VALUE

from facility.registry.programme import InProgramme
from facility.registry.vocabulary_data import vocabulary
from facility.roles import any_of, office, parent_step, readers, staff_of, who
from facility.workflow import clock
from facility.workflow.clock import Due
from facility.workflow.engine import Faces, state_field
from facility.workflow.shape import Many
from facility.workflow.steps import NEW, guard, step

from .action import FORMS
from .project import Project
from .served import SessionAction, SessionFirm, SessionNeed
from .voices import REASON, advisor_on, manager_on, untied_advisor_on

KINDS = [(term.id, term.label("en")) for term in vocabulary("support_kinds")]
AUDIENCES = [(term.id, term.label("en")) for term in vocabulary("audiences")]
WRONG = [
    ("hours", _("the hours")),
    ("firms", _("the firms")),
    ("day", _("the day")),
    ("not_held", _("it did not take place")),
    ("other", _("something else")),
]
HOURS_PER_DAY = 8

# Nobody judges what is their own work: not who logged it, not whose session it is, not who confirmed it for another.
manager_not_author = who(
    "own manager, not the author",
    lambda person: manager_on().rule(person) & ~Q(logged_by=person) & ~Q(advisor__person=person),
    "manager",
)
office_not_author = who(
    "lead or coordinator, not the author",
    lambda person: office.q(person) & ~Q(logged_by=person) & ~Q(advisor__person=person) & ~Q(confirmed_by=person),
)
author = who("author", lambda person: Q(advisor__person=person) & advisor_on().rule(person), "advisor")


class SupportSession(InProgramme):
    """Support that was given on a day: to whom, in which form, for which needs, and what came out of it."""

    class State(models.TextChoices):
        PLANNED = "planned", _("Planned")
        LOGGED = "logged", _("Waits for the cluster")
        DISPUTED = "disputed", _("Disputed")
        CONFIRMED = "confirmed", _("Confirmed")
        APPROVED = "approved", _("Approved")
        CANCELLED = "cancelled", _("Cancelled")

    records = "sessions"
    lede = _("Sessions of support, from plan to approval.")
    columns = ("held_on", "advisor__person", "form", "kind", "contact_hours")
    list_related = ("project__application__lead_cluster", "advisor__person")
    facts = (
        "project", "advisor", "held_on", "form", "kind", "audience", "contact_hours", "preparation_hours",
        "people_count", "result", "next_step", "what_is_wrong", "evidence",
    )  # fmt: skip
    search_in = ("result", "project__name")
    filter_by = ("state", "project", "form", "kind")
    order_by = ("-held_on", "id")
    door_related = ("programme", "project__application__lead_cluster", "advisor__person")
    tones = {
        "planned": "idle",
        "logged": "wait",
        "disputed": "bad",
        "confirmed": "good",
        "approved": "done",
        "cancelled": "idle",
    }
    clocks = {"logged": (Due("confirm_days"),), "disputed": (Due(7),), "confirmed": (Due(7),)}
    awaits = {
        "planned": ("log_planned",),
        "logged": ("confirm",),
        "disputed": ("revise", "settle"),
        "confirmed": ("approve",),
    }
    shape = {
        "project": "project_id",
        "advisor": {"id": "advisor_id", "name": "advisor__person__name"},
        "held_on": "held_on",
        "form": "form",
        "kind": "kind",
        "audience": "audience",
        "contact_hours": "contact_hours",
        "preparation_hours": "preparation_hours",
        "people_count": "people_count",
        "result": "result",
        "next_step": "next_step",
        "cells": "cells",
        "firms": Many(
            "advisory.SessionFirm",
            "session",
            {"id": "organisation_id", "name": "organisation__name"},
            ("organisation__sort_name", "pk"),
        ),
        "needs": Many("advisory.SessionNeed", "session", {"id": "need_id", "text": "need__text", "area": "need__area"}),
        "actions": Many("advisory.SessionAction", "session", {"id": "action_id", "title": "action__title_text"}),
        "what_is_wrong": "what_is_wrong",
    }
    faces = Faces(readers, any_of(untied_advisor_on(), manager_on()))

    state = state_field(State)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="sessions", verbose_name=_("project"))
    advisor = models.ForeignKey(
        "advisory.Advisor", on_delete=models.PROTECT, related_name="sessions", verbose_name=_("advisor")
    )
    logged_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    logged_at = models.DateTimeField(_("logged"), null=True)
    held_on = models.DateField(_("day"))
    form = models.CharField(_("form"), max_length=30, choices=FORMS)
    kind = models.CharField(_("support was"), max_length=12, choices=KINDS)
    audience = models.CharField(_("for whom"), max_length=12, choices=AUDIENCES)
    contact_hours = models.DecimalField(_("hours of contact"), max_digits=5, decimal_places=2, default=Decimal(0))
    preparation_hours = models.DecimalField(
        _("hours of preparation"), max_digits=5, decimal_places=2, default=Decimal(0)
    )
    people_count = models.PositiveSmallIntegerField(_("people"), default=0)
    result = models.TextField(_("what came of it"), blank=True, default="")
    next_step = models.TextField(_("what comes next"), blank=True, default="")
    cells = models.JSONField(_("fields of the toolkit"), default=list)
    what_is_wrong = models.TextField(_("what is wrong"), blank=True, default="")
    evidence = models.TextField(_("evidence"), blank=True, default="")

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["planned", "cancelled"]) | Q(contact_hours__gt=0, logged_by__isnull=False),
                name="logged_session_has_length",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["confirmed", "approved"]) | Q(confirmed_by__isnull=False),
                name="confirmed_by_somebody",
            ),
        ]
        indexes = [models.Index(fields=["project", "state"], name="session_by_project")]

    def __str__(self) -> str:
        return _t("%(form)s of %(day)s") % {"form": self.form_label(), "day": self.day_in_words()}

    def title(self) -> str:
        """Form and day."""
        return str(self)

    def form_label(self) -> str:
        """The form in the reader's language."""
        return vocabulary("forms")[self.form].label(get_language() or "en")

    def day_in_words(self) -> str:
        """The day it was or is to be held."""
        return _day(self.held_on)

    def in_words(self) -> dict[str, str]:
        """Day and state, for sentences."""
        return {"day": self.day_in_words(), "state": self.state_word()}

    @property
    def confirm_days(self) -> int:
        """Days to confirm, a setting of the programme."""
        return self.programme.confirm_days

    def days(self) -> Decimal:
        """Its length in days of eight hours."""
        return (self.contact_hours + self.preparation_hours) / HOURS_PER_DAY

    # -- guards

    @guard(_("The cluster still has time to answer."))
    def is_silent_too_long(self) -> Any:
        """The days to confirm have passed."""
        assert self.logged_at is not None  # noqa: S101 (set by the step into this state)
        until = self.logged_at + dt.timedelta(days=self.confirm_days)
        zone = self.programme.tz()
        return clock.now() >= until or [
            _t("The cluster may answer until %s; after that you can confirm with evidence.")
            % _day(until.astimezone(zone))
        ]

    # -- steps

    @step(label=_("Log a session"), source=NEW, target=State.LOGGED, who=author, form="LogSession")
    def log(self, *, by: Any, **data: Any) -> None:
        """What was done, with whom and for which needs. The cluster's manager is asked to confirm it."""
        self.take(data)
        self.hand_in(by)

    @step(label=_("Plan a session"), source=NEW, target=State.PLANNED, who=author, form="PlanSession")
    def plan(self, *, by: Any, **data: Any) -> None:
        """A day that is agreed with the cluster."""
        self.take(data)

    @step(label=_("Log the session"), source=State.PLANNED, target=State.LOGGED, who=author, form="LogSession")
    def log_planned(self, *, by: Any, **data: Any) -> None:
        """It was held. The cluster's manager is asked to confirm it."""
        self.take(data)
        self.hand_in(by)

    @step(
        label=_("Correct"),
        source=[State.DISPUTED, State.LOGGED],
        target=State.LOGGED,
        who=author,
        form="LogSession",
        edits=True,
    )
    def revise(self, *, by: Any, **data: Any) -> None:
        """Corrects what was logged; the cluster is asked again."""
        self.take(data)
        self.what_is_wrong = ""
        self.hand_in(by)

    @step(label=_("Confirm the session"), source=State.LOGGED, target=State.CONFIRMED, who=manager_not_author)
    def confirm(self, *, by: Any) -> None:
        """It took place as it is logged."""
        self.confirmed_by = by
        self.tell(
            self.advisor.person, gettext_noop("Your session of %(day)s is confirmed."), day=self.held_on.isoformat()
        )

    @step(
        label=_("Something is wrong"),
        source=State.LOGGED,
        target=State.DISPUTED,
        who=manager_not_author,
        form="DisputeSession",
    )
    def dispute(self, *, by: Any, wrong: str, reason: str) -> None:
        """The advisor reads what is wrong and corrects the session."""
        self.what_is_wrong = f"{dict(WRONG)[wrong]}: {reason}"
        self.tell(
            self.advisor.person,
            gettext_noop("The cluster says that your session of %(day)s is not right."),
            day=self.held_on.isoformat(),
        )

    @step(
        label=_("Settle the dispute"),
        source=State.DISPUTED,
        target=RETURN_VALUE(State.CONFIRMED, State.CANCELLED),
        who=office_not_author,
        form="SettleSession",
    )
    def settle(self, *, by: Any, decision: str, reason: str) -> str:
        """Decides between advisor and cluster: the session counts as logged, or not at all."""
        self.confirmed_by = by if decision == "confirmed" else None
        self.tell(
            [self.advisor.person, *self.project.managers()],
            gettext_noop("The dispute on the session of %(day)s is settled: %(reason)s"),
            day=self.held_on.isoformat(),
            reason=reason,
        )
        return self.State(decision)

    @step(
        label=_("Confirm on behalf of the cluster"),
        source=State.LOGGED,
        target=State.CONFIRMED,
        who=office_not_author,
        guards=[is_silent_too_long],
        form="EvidenceForm",
    )
    def confirm_on_behalf(self, *, by: Any, evidence: str) -> None:
        """The cluster has not answered in time, and evidence shows that the session took place."""
        self.confirmed_by, self.evidence = by, evidence
        self.tell(
            self.project.managers(),
            gettext_noop("The session of %(day)s was confirmed for you, as you had not answered."),
            day=self.held_on.isoformat(),
        )

    @step(label=_("Approve the session"), source=State.CONFIRMED, target=State.APPROVED, who=office_not_author)
    def approve(self, *, by: Any) -> None:
        """Counts it for good; it cannot be changed after this."""

    @step(label=_("Return to the advisor"), source=State.CONFIRMED, target=State.LOGGED, who=office, form=REASON)
    def return_session(self, *, by: Any, reason: str) -> None:
        """Something is not clear; the advisor corrects it and the cluster confirms again."""
        self.confirmed_by = None
        self.tell(
            self.advisor.person,
            gettext_noop("Your session of %(day)s came back: %(reason)s"),
            day=self.held_on.isoformat(),
            reason=reason,
        )

    @step(label=_("Cancel"), source=State.PLANNED, target=State.CANCELLED, who=any_of(author, office), form=REASON)
    def cancel(self, *, by: Any, reason: str) -> None:
        """It does not take place."""

    @step(label=_("Move"), source=list(State), target=None, who=parent_step, quiet=True, form="ToAdvisor")
    def move(self, *, by: Any, advisor: Any) -> None:
        """Its advisor was merged with another record."""
        self.advisor = advisor

    # -- what the steps share

    def take(self, data: dict[str, Any]) -> None:
        """Sets the values of the form, and the firms, needs and actions that belong to the session."""
        firms, needs, actions = data.pop("firms"), data.pop("needs"), data.pop("actions")
        for name, value in data.items():
            setattr(self, name, value)
        self.programme = self.project.programme
        before = [
            sorted(self.firms.values_list("organisation__name", flat=True)),
            sorted(self.needs.values_list("need__text", flat=True)),
        ]
        for rows in (self.firms, self.needs, self.actions):
            rows.all().delete()
        SessionFirm.objects.bulk_create(SessionFirm(session=self, organisation=firm) for firm in firms)
        SessionNeed.objects.bulk_create(SessionNeed(session=self, need=need) for need in needs)
        SessionAction.objects.bulk_create(SessionAction(session=self, action=action) for action in actions)
        self.cells = sorted({cell for action in actions for cell in action.cells})
        self.trail_also("firms", before[0], sorted(firm.name for firm in firms))
        self.trail_also("needs", before[1], sorted(need.text for need in needs))

    def hand_in(self, by: Any) -> None:
        """Notes who logged it and asks each manager, by notice and by a mail with a link that works once."""
        self.logged_by, self.logged_at = by, clock.now()
        for manager in self.project.managers():
            self.queue(
                "advisory.ask_confirmation",
                key=f"ask:{self.pk}:{self.version + 1}:{manager.pk}",
                person=manager.pk,
                version=self.version + 1,
            )

    def awaited_people(self) -> list[Any]:
        """The cluster, the advisor, or the office."""
        if self.state == "logged":
            return list(self.project.managers())
        return [self.advisor.person] if self.state in {"planned", "disputed"} else list(staff_of(self.programme_id))

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """Firms, needs and actions."""
        firms = [
            [f.organisation.name, f.organisation.get_size_display()]
            for f in self.firms.select_related("organisation").order_by("pk")
        ]
        needs = [[n.need.text, n.need.get_area_display()] for n in self.needs.select_related("need").order_by("pk")]
        actions = [
            [a.action.title_text, a.action.state_word(face)]
            for a in self.actions.select_related("action").order_by("pk")
        ]
        return [
            {
                "title": _("Firms"),
                "columns": [_("Firm"), _("Size")],
                "rows": firms,
                "empty": _("No member firm took part."),
            },
            {
                "title": _("Needs served"),
                "columns": [_("Need"), _("Area")],
                "rows": needs,
                "empty": _("It came before the needs."),
            },
            {
                "title": _("Actions served"),
                "columns": [_("Action"), _("State")],
                "rows": actions,
                "empty": _("No action is named."),
            },
        ]


def _day(value: dt.date) -> str:
    return formats.date_format(value, "j F Y")
