"""Calls: the invitation to apply, with its places, dates, criteria and rules (F03, F05)."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from django.apps import apps
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils import formats
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, pgettext

from facility import questions
from facility.call_parts import Criterion, QuestionSet
from facility.quotas import CallRules, keep_quotas
from facility.registry.programme import InProgramme
from facility.roles import holders, holders_of_any, lead, leads_of, office, public_when, readers, staff_of, system
from facility.workflow import clock
from facility.workflow.clock import At
from facility.workflow.engine import Faces, state_field
from facility.workflow.shape import Many
from facility.workflow.show import labelled
from facility.workflow.steps import NEW, guard, step

FULL_WEIGHT = 100
SCALE_AT_MOST = 10
# For how long after the closing time a request that came before it may still be under way.
UNDER_WAY = dt.timedelta(minutes=2)
ANNOUNCED = ("announced", "open", "closed", "decided", "archived")


class Call(CallRules, InProgramme):
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
    columns = ("programme", "opens", "closes", "places")
    facts = (
        "programme",
        "opens",
        "closes",
        "places",
        "minimum_score",
        "country_cap",
        "evaluations_required",
        "tie_sentence",
        "label_weight",
        "review_days",
        "scale",
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
        "summary": "summary",
        "who_may_apply": "who_may_apply",
        "programme": {"id": "programme_id", "name": "programme__name"},
        "opens_at": "opens_at",
        "closes_at": "closes_at",
        "zone": "zone",
        "places": "places",
        "minimum_score": "minimum_score",
        "country_cap": "country_cap",
        "scale": "scale",
        "tie_rule": "tie_rule",
        "tie_criterion": "tie_criterion",
        "label_weight": "label_weight",
        "review_days": "review_days",
        "quotas": Many(
            "facility.CallQuota",
            "call",
            {"kind": "kind", "value": "value", "at_least": "at_least", "at_most": "at_most"},
            ("kind", "value"),
        ),
        "blind": "is_blind",
        "checklist": "checklist",
        "criteria": Many(
            "facility.Criterion",
            "call",
            {
                "id": "pk",
                "name": "name",
                "weight": "weight",
                "guidance": "guidance",
                "threshold": "threshold",
                "points": "points",
            },
            ("order",),
        ),
        "questions": Many(
            "facility.QuestionSet",
            "call",
            {"number": "number", "sections": "sections", "frozen_at": "frozen_at"},
            ("number",),
            Q(replaced_at=None),
        ),
    }
    faces = Faces(readers, public=public_when(state__in=ANNOUNCED))

    state = state_field(State)
    title_text = models.CharField(_("title"), max_length=200)
    summary = models.TextField(_("what it offers"), blank=True, default="")
    who_may_apply = models.TextField(_("who may apply"), blank=True, default="")
    opens_at = models.DateTimeField(_("opens"))
    closes_at = models.DateTimeField(_("closes"))
    zone = models.CharField(_("time zone"), max_length=60, default="Europe/Brussels")
    places = models.PositiveSmallIntegerField(_("places"))
    minimum_score = models.DecimalField(_("minimum score"), max_digits=5, decimal_places=2, default=0)
    country_cap = models.PositiveSmallIntegerField(_("at most per country"), null=True, blank=True)
    reserve_places = models.PositiveSmallIntegerField(_("places on the reserve list"), default=10)
    evaluations_required = models.PositiveSmallIntegerField(_("evaluations per application"), default=2)
    scale = models.PositiveSmallIntegerField(
        _("highest score of a criterion"), default=SCALE_AT_MOST, validators=[MaxValueValidator(SCALE_AT_MOST)]
    )
    spread_threshold = models.DecimalField(_("spread that needs a note"), max_digits=5, decimal_places=2, default=25)
    question_days = models.PositiveSmallIntegerField(_("days before closing without questions"), null=True, blank=True)
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

    def takes_now(self) -> bool:
        """Whether an application that is being handed in is in time.

        What counts is when the request began to arrive. One that came before the closing time may still be under way
        while the clock closes the call.
        """
        in_time = self.opens_at <= clock.received() < self.closes_at
        return in_time and (
            self.state == "open" or (self.state == "closed" and clock.now() < self.closes_at + UNDER_WAY)
        )

    def in_its_zone(self, instant: dt.datetime) -> str:
        """An instant in words, in the zone of the call, which is named."""
        local = instant.astimezone(zoneinfo.ZoneInfo(self.zone))
        return f"{formats.date_format(local, pgettext('full moment', 'j F Y, H:i'))} ({self.zone})"

    @labelled(_("opens"))
    def opens(self) -> str:
        """The opening time in words."""
        return self.in_its_zone(self.opens_at)

    @labelled(_("closes"))
    def closes(self) -> str:
        """The closing time in words."""
        return self.in_its_zone(self.closes_at)

    def closing_rule(self) -> str:
        """The sentence that says what counts as in time."""
        return _t(
            "An application is in time when the request to submit it reaches our server before %(closes)s. The clock "
            "of our server counts, not that of your computer, and one second later is too late. Upload documents "
            "before you submit: what is still being uploaded at that time is not part of the application."
        ) % {"closes": self.closes()}

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

    @guard(_("Give every section of the questions at least one question."))
    def has_whole_form(self) -> Any:
        """The questions can be read, and no section is empty; a call may also ask nothing of its own."""
        empty = [section for section in self.questions().sections if not section.questions]
        return not empty or [
            _t("Ask something in the section “%s”, or take it away.") % questions.wording(section.title, "en")
            for section in empty
        ]

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
        label=_("Write the questions"),
        source=[State.DRAFT, State.ANNOUNCED],
        target=None,
        who=office,
        form="WriteQuestions",
        edits=True,
    )
    def write_questions(self, *, by: Any, sections: questions.Form) -> None:
        """What the call asks of applicants. Each change is a version of its own; opening freezes the last one."""
        before = self.question_set()
        if before and before.form() == sections:
            return
        self.question_sets.filter(replaced_at=None).update(replaced_at=clock.now())
        number = before.number + 1 if before else 1
        QuestionSet(call=self, number=number, made_at=clock.now(), sections=sections.as_json()).save(force_insert=True)
        self.trail_also("questions", before.number if before else None, number)

    @step(
        label=_("Set the rules of the selection"),
        source=[State.DRAFT, State.ANNOUNCED],
        target=None,
        who=office,
        form="CallRulesForm",
    )
    def set_quotas(self, *, by: Any, quotas: list[dict[str, Any]], **rules: Any) -> None:
        """Declares caps and minima, how equal scores are put in order, and the review, before anybody applies."""
        for name, value in rules.items():
            setattr(self, name, value)
        keep_quotas(self, quotas)

    @step(
        label=_("Publish call"),
        source=State.DRAFT,
        target=State.ANNOUNCED,
        who=office,
        guards=[has_dates, has_weights, has_places, has_whole_form],
    )
    def publish(self, *, by: Any) -> None:
        """Announces the call to everybody. It opens and closes by itself at its times."""

    @step(label=_("Open call"), source=State.ANNOUNCED, target=State.OPEN, who=system, guards=[is_time_to_open])
    def open(self, *, by: Any) -> None:
        """Applications can be handed in from now on; the questions stay as they are."""
        asked = self.question_set()
        if asked:
            asked.frozen_at = clock.now()
            asked.save(update_fields=["frozen_at"])
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
        """Moves the closing time to a later one, for everybody alike; everybody with a draft or application is told."""
        self.closes_at = closes_at
        self.tell(
            [*self.applicants(), *staff_of(self.programme_id)],
            gettext_noop("The call %(title)s closes later, on %(closes)s (%(zone)s): %(reason)s"),
            title=self.title_text,
            closes=f"{closes_at.astimezone(zoneinfo.ZoneInfo(self.zone)):%Y-%m-%d %H:%M}",
            zone=self.zone,
            reason=reason,
        )

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

    def question_set(self) -> QuestionSet | None:
        """The questions in force; their version is frozen once the call has opened. None where it never had any."""
        return self.question_sets.filter(replaced_at=None).first()

    def questions(self) -> questions.Form:
        """The form in force; it is empty where the call asks nothing of its own."""
        found = self.question_set()
        return found.form() if found else questions.Form()

    def applicants(self) -> Any:
        """The people who manage the lead cluster of a draft or an application."""
        clusters = self.applications.exclude(state="withdrawn").values("lead_cluster_id")
        return holders_of_any("manager", scope="cluster", keys=clusters)

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
        """The criteria, and the quotas if there are any."""
        rows = [
            [c.name, c.weight, "" if c.threshold is None else c.threshold.normalize(), c.guidance]
            for c in self.criteria.order_by("order")
        ]
        columns = [_("Criterion"), _("Weight"), _("Points needed to pass"), _("Guidance")]
        return [{"title": _("Criteria"), "columns": columns, "rows": rows, "empty": ""}, *self.quota_part()]
