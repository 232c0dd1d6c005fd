"""Calls: the invitation to apply, with its places, dates, criteria and rules (F03, F05)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from facility.registry.programme import InProgramme
from facility.roles import holders, lead, leads_of, office, public_when, readers, staff_of, system
from facility.workflow import clock
from facility.workflow.clock import At
from facility.workflow.engine import Faces, Part, state_field
from facility.workflow.shape import Many
from facility.workflow.steps import NEW, guard, step

FULL_WEIGHT = 100
ANNOUNCED = ("announced", "open", "closed", "decided", "archived")


class Call(InProgramme):
    """A call for applications: drafted, announced, opened and closed by the clock, decided with its selection."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        ANNOUNCED = "announced", _("Announced")
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")
        DECIDED = "decided", _("Decided")
        ARCHIVED = "archived", _("Archived")
        CANCELLED = "cancelled", _("Cancelled")

    records = "calls"
    lede = _("Calls for applications, with their places and dates.")
    columns = ("programme", "opens_at", "closes_at", "places")
    facts = (
        "programme",
        "opens_at",
        "closes_at",
        "zone",
        "places",
        "minimum_score",
        "country_cap",
        "evaluations_required",
        "is_blind",
    )
    search_in = ("title_text",)
    filter_by = ("state", "programme")
    order_by = ("-id", "closes_at")
    door_related = ("programme",)
    tones = {
        "open": "active",
        "announced": "wait",
        "closed": "wait",
        "decided": "good",
        "archived": "done",
        "cancelled": "bad",
    }
    clocks = {"announced": (At("open", "opens_at"),), "open": (At("close", "closes_at"),)}
    awaits = {"draft": ("publish",), "closed": ("decide",)}
    shape = {
        "title": "title_text",
        "programme": {"id": "programme_id", "name": "programme__name"},
        "opens_at": "opens_at",
        "closes_at": "closes_at",
        "zone": "zone",
        "places": "places",
        "minimum_score": "minimum_score",
        "country_cap": "country_cap",
        "blind": "is_blind",
        "checklist": "checklist",
        "criteria": Many(
            "facility.Criterion",
            "call",
            {"id": "pk", "name": "name", "weight": "weight", "guidance": "guidance"},
            ("order",),
        ),
    }
    faces = Faces(readers, public=public_when(state__in=ANNOUNCED))

    state = state_field(State)
    title_text = models.CharField(_("title"), max_length=200)
    opens_at = models.DateTimeField(_("opens"))
    closes_at = models.DateTimeField(_("closes"))
    zone = models.CharField(_("time zone"), max_length=60, default="Europe/Brussels")
    places = models.PositiveSmallIntegerField(_("places"))
    minimum_score = models.DecimalField(_("minimum score"), max_digits=5, decimal_places=2, default=0)
    country_cap = models.PositiveSmallIntegerField(_("at most per country"), null=True, blank=True)
    reserve_places = models.PositiveSmallIntegerField(_("places on the reserve list"), default=10)
    evaluations_required = models.PositiveSmallIntegerField(_("evaluations per application"), default=2)
    spread_threshold = models.DecimalField(_("spread that needs a note"), max_digits=5, decimal_places=2, default=25)
    is_blind = models.BooleanField(_("evaluators see no names"), default=False)
    # Empty stands for the standard list, see eligibility.py.
    checklist = models.JSONField(_("eligibility checklist"), default=list, blank=True)

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        constraints = [
            models.CheckConstraint(condition=Q(closes_at__gt=models.F("opens_at")), name="call_closes_after_opening")
        ]

    def __str__(self) -> str:
        return self.title_text

    @guard(_("Give a closing time after the opening time, and open in the future."))
    def has_dates(self) -> bool:
        """Dates are in order and ahead."""
        return self.opens_at < self.closes_at and self.closes_at > clock.now()

    @guard(_("Make the weights of the criteria sum to 100."))
    def has_weights(self) -> Any:
        """Weights sum to 100."""
        total = sum(self.criteria.values_list("weight", flat=True))
        return total == FULL_WEIGHT or [_("Make the weights of the criteria sum to 100; now they sum to %d.") % total]

    @guard(_("Give at least one place."))
    def has_places(self) -> bool:
        """There is something to win."""
        return self.places > 0

    @guard(_("The opening time has not come yet."))
    def is_time_to_open(self) -> bool:
        """Opening is never early."""
        return self.opens_at <= clock.now()

    @guard(_("The closing time has not come yet."))
    def is_time_to_close(self) -> bool:
        """Closing is never early."""
        return self.closes_at <= clock.now()

    @guard(_("Release the selection before you decide the call."))
    def has_released_selection(self) -> bool:
        """The selection is out."""
        return self.selections.filter(state="released").exists()

    @step(label=_("New call"), source=NEW, target=State.DRAFT, who=office, form="CallForm")
    def create(self, *, by: Any, criteria: list[dict[str, Any]], **data: Any) -> None:
        """Drafts a call. Nobody outside the office sees it before it is published."""
        self.take(criteria, data)

    @step(label=_("Edit"), source=State.DRAFT, target=None, who=office, form="CallForm", edits=True)
    def edit(self, *, by: Any, criteria: list[dict[str, Any]], **data: Any) -> None:
        """Changes the draft."""
        self.take(criteria, data)

    def take(self, criteria: list[dict[str, Any]], data: dict[str, Any]) -> None:
        """Sets the values and the criteria of the form."""
        for name, value in data.items():
            setattr(self, name, value)
        before = list(self.criteria.order_by("order").values("name", "weight"))
        self.criteria.all().delete()
        for order, row in enumerate(criteria, 1):
            Criterion(call=self, order=order, **row).save(force_insert=True)
        self.trail_also("criteria", before, [{"name": row["name"], "weight": row["weight"]} for row in criteria])

    @step(
        label=_("Publish call"),
        source=State.DRAFT,
        target=State.ANNOUNCED,
        who=office,
        guards=[has_dates, has_weights, has_places],
    )
    def publish(self, *, by: Any) -> None:
        """Announces the call to everybody. It opens and closes by itself at its times."""

    @step(label=_("Open call"), source=State.ANNOUNCED, target=State.OPEN, who=system, guards=[is_time_to_open])
    def open(self, *, by: Any) -> None:
        """Applications can be handed in from now on."""
        self.tell(staff_of(self.programme_id), gettext_noop("The call %(title)s is open."), title=self.title_text)

    @step(label=_("Close call"), source=State.OPEN, target=State.CLOSED, who=system, guards=[is_time_to_close])
    def close(self, *, by: Any) -> None:
        """Nothing can be handed in any more."""
        self.tell(
            staff_of(self.programme_id),
            gettext_noop("The call %(title)s is closed; check eligibility next."),
            title=self.title_text,
        )

    @step(label=_("Extend call"), source=State.OPEN, target=State.OPEN, who=lead, form="ExtendCall")
    def extend(self, *, by: Any, closes_at: dt.datetime, reason: str) -> None:
        """Moves the closing time to a later one, for everybody alike."""
        self.closes_at = closes_at

    @step(label=_("Decide call"), source=State.CLOSED, target=State.DECIDED, who=lead, guards=[has_released_selection])
    def decide(self, *, by: Any) -> None:
        """The call has its result."""

    @step(label=_("Archive"), source=State.DECIDED, target=State.ARCHIVED, who=lead)
    def archive(self, *, by: Any) -> None:
        """Puts the call away; it stays readable."""

    @step(
        label=_("Cancel call"),
        source=[State.DRAFT, State.ANNOUNCED],
        target=State.CANCELLED,
        who=lead,
        form="facility.workflow.input.ReasonForm",
    )
    def cancel(self, *, by: Any, reason: str) -> None:
        """Takes the call back before it has opened."""

    @step(
        label=_("Write the eligibility checklist"),
        source=[State.DRAFT, State.ANNOUNCED],
        target=None,
        who=office,
        form="ChecklistForm",
        edits=True,
    )
    def write_checklist(self, *, by: Any, points: list[dict[str, str]]) -> None:
        """The points that every application is checked against; without any, the standard ones."""
        self.checklist = points

    @step(
        label=_("Assign evaluators"),
        source=[State.OPEN, State.CLOSED],
        target=None,
        who=office,
        form="AssignEvaluators",
    )
    def assign_evaluators(self, *, by: Any, pairs: list[dict[str, Any]]) -> None:
        """Asks all these evaluators at once; nobody who is asked already is moved."""
        apps.get_model("facility.Evaluation").ask_all(self, pairs, by=by)

    def evaluators(self) -> Any:
        """The people who evaluate for the programme."""
        return holders("evaluator", scope="programme", key=self.programme_id)

    def leads(self) -> Any:
        """Those who approve and release."""
        return leads_of(self.programme_id)

    def free_places(self) -> list[int]:
        """The numbers of the places that nobody holds, in order."""
        taken = set(self.applications.filter(place__isnull=False).values_list("place", flat=True))
        return [number for number in range(1, self.places + 1) if number not in taken]

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """The criteria."""
        rows = [[c.name, c.weight, c.guidance] for c in self.criteria.order_by("order")]
        return [
            {"title": _("Criteria"), "columns": [_("Criterion"), _("Weight"), _("Guidance")], "rows": rows, "empty": ""}
        ]


class Criterion(Part):
    """What evaluators score, from 0 to 10, and what it weighs in the score of 100."""

    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="criteria")
    order = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=120)
    weight = models.PositiveSmallIntegerField()
    guidance = models.TextField(blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["call", "order"], name="criterion_order_once_per_call")]

    def __str__(self) -> str:
        return self.name
