"""What an application holds and shows: its columns, partners and needs, and who has to do with it."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.papers import AREAS, PARTNERS_AT_MOST, ApplicationPartner
from facility.registry.cluster import Cluster
from facility.registry.conflicts import tied_clusters
from facility.registry.programme import InProgramme
from facility.roles import any_of, held, holders, manager_of, readers, staff_of, who
from facility.workflow import clock
from facility.workflow.clock import Due
from facility.workflow.engine import Faces, state_field
from facility.workflow.shape import Many
from facility.workflow.show import labelled
from facility.workflow.trail import Entry

# Under this, the intake raises a need by itself (E07).
FOCUS_THRESHOLD = 3
INELIGIBLE = [
    ("not_registered", _("the lead cluster is not registered on the platform")),
    ("not_eu", _("the lead cluster is not established in a Member State")),
    ("incomplete", _("the application is incomplete")),
    ("double", _("the cluster applied more than once")),
    ("other", _("another reason, given in words")),
]


class State(models.TextChoices):
    """Where an application stands."""

    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("Submitted")
    RETURNED = "returned", _("Returned for clarification")
    ELIGIBLE = "eligible", _("Eligible")
    INELIGIBLE = "ineligible", _("Not eligible")
    EVALUATED = "evaluated", _("Evaluated")
    SELECTED = "selected", _("Selected")
    RESERVE = "reserve", _("On the reserve list")
    REJECTED = "rejected", _("Not selected")
    DECLINED = "declined", _("Declined by the cluster")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    UNDER_REVIEW = "under_review", _("Under review")


# Who has to do with an application.
own_manager = manager_of("lead_cluster_id")
partner_manager = who(
    "partner manager",
    lambda person: Q(
        pk__in=ApplicationPartner.objects.filter(
            Q(cluster_id__in=held(person, "manager", scope="cluster")) | Q(contact=person)
        ).values("application_id")
    ),
    "manager",
    by_record=True,
)


def tied(person: Any, lead: str = "lead_cluster_id", bid: str = "pk") -> Q:
    """The rows on whose lead or partner clusters the person has an interest.

    `lead` and `bid` are the columns of the rows that hold the lead cluster and the application. Of somebody known the
    clusters are the same for every row, so the database finds them once and not for each.
    """
    clusters = tied_clusters(person)
    taking_part = clusters.filter(partnerships__isnull=False).values("partnerships__application_id")
    return Q(**{f"{lead}__in": clusters.values("pk")}) | Q(**{f"{bid}__in": taking_part})


def clusters_of(application: Any) -> set[Any]:
    """The keys of the lead and the partners; without a statement where the partners were fetched before."""
    return {application.lead_cluster_id, *(one.cluster_id for one in application.partners.all())}


# In a blind call evaluators read by the page of their evaluation only; see docs/adr/0027.
assigned_evaluator = who(
    "assigned evaluator",
    lambda person: Q(pk__in=held(person, "evaluator", scope="application"), call__is_blind=False) & ~tied(person),
    "evaluator",
)
on_public_list = who(
    "public",
    lambda person: Q(
        state="selected",
        call_id__in=apps.get_model("facility.Selection").objects.filter(state="released").values("call_id"),
    ),
)
own_advisor = who(
    "own advisor",
    lambda person: Q(pk__in=held(person, "advisor", scope="application")) & ~Q(tied(person)),
    "advisor",
)


class Bid(InProgramme):
    """What an application holds, shows and is asked by others."""

    evaluations: Any
    needs: Any
    partners: Any
    papers: Any
    kept_texts: Any
    submissions: Any
    clarifications: Any

    State = State

    records = "applications"
    lede = _("Applications, from draft to decision.")
    columns = ("number", "lead_cluster__country", "call", "submitted_at", "score")
    list_related = ("lead_cluster",)
    facts = (
        "call",
        "lead_cluster",
        "number",
        "submitted_at",
        "motivation",
        "context",
        "training_needs",
        "strategic_focus",
        "reason_code",
        "reason_text",
        "review_open_until",
    )
    staff_facts = ("spread_warning", "score", "spread", "place", "reserve_position")
    search_in = ("lead_cluster__name", "title_text", "number")
    filter_by = ("state", "call")
    order_by = ("-id", "number", "score")
    door_related = ("call", "programme", "lead_cluster")
    tones = {
        "submitted": "wait",
        "returned": "warn",
        "eligible": "active",
        "ineligible": "bad",
        "evaluated": "wait",
        "selected": "good",
        "reserve": "wait",
        "under_review": "wait",
        "withdrawn": "idle",
    }
    outside_words = {"eligible": _("Being evaluated"), "evaluated": _("Being evaluated")}
    clocks = {"returned": (Due("clarify_days"),)}
    awaits = {
        "draft": ("submit",),
        "returned": ("resubmit",),
        "submitted": ("declare_eligible",),
        "eligible": ("close_evaluation",),
        "under_review": ("uphold",),
    }
    shape = {
        "number": "number",
        "title": "title_text",
        "call": {"id": "call_id", "title": "call__title_text"},
        "lead_cluster": {"id": "lead_cluster_id", "name": "lead_cluster__name", "country": "lead_cluster__country"},
        "partners": Many(
            "facility.ApplicationPartner",
            "application",
            {"id": "cluster_id", "name": "cluster__name", "country": "cluster__country"},
            ("cluster__sort_name", "pk"),
        ),
        "participant:consortium": Many(
            "facility.ApplicationPartner",
            "application",
            {"id": "pk", "cluster": "cluster_id", "role": "role", "contribution": "contribution", "answer": "answer"},
            ("cluster__sort_name", "pk"),
        ),
        "participant:documents": Many(
            "facility.ApplicationDocument",
            "application",
            {"id": "document_id", "name": "document__name", "question": "question", "sha256": "document__sha256"},
            only=Q(is_removed=False),
        ),
        "participant:motivation": "motivation",
        "participant:context": "context",
        "participant:training_needs": "training_needs",
        "participant:strategic_focus": "strategic_focus",
        "participant:submitted_at": "submitted_at",
        "participant:receipt": "receipt",
        "participant:answers": "answers",
        "participant:reason_code": "reason_code",
        "participant:reason_text": "reason_text",
        "participant:needs": Many(
            "facility.ApplicationNeed",
            "application",
            {"area": "area", "text": "text", "rank": "rank", "source": "source"},
            ("rank",),
        ),
        "staff:score": "score",
        "staff:spread": "spread",
        "staff:place": "place",
        "staff:reserve_position": "reserve_position",
        "staff:eligibility": Many(
            "facility.EligibilityAnswer",
            "application",
            {"point": "point", "answer": "answer", "reason": "reason"},
            ("pk",),
        ),
    }
    faces = Faces(
        readers.when(~Q(state="draft")),
        any_of(own_manager, partner_manager, assigned_evaluator, own_advisor),
        on_public_list,
    )

    untrailed = frozenset({"writers"})

    state = state_field(State)
    call = models.ForeignKey(
        "facility.Call", on_delete=models.PROTECT, related_name="applications", verbose_name=_("call")
    )
    lead_cluster = models.ForeignKey(
        Cluster, on_delete=models.PROTECT, related_name="applications", verbose_name=_("lead cluster")
    )
    number = models.CharField(_("number"), max_length=20, blank=True, default="")
    title_text = models.CharField(_("title"), max_length=200, blank=True)
    motivation = models.TextField(_("motivation"), blank=True, default="")
    context = models.TextField(_("context"), blank=True, default="")
    training_needs = models.TextField(_("training needs"), blank=True, default="")
    strategic_focus = models.PositiveSmallIntegerField(_("strategic focus, 1 to 5"), null=True, blank=True)
    # Answers to the questions of the call by their keys, also to those that no longer apply.
    answers = models.JSONField(default=dict)
    # Field to (tab, turn) that wrote it last: see merging.py.
    writers = models.JSONField(default=dict, editable=False)
    # Which version of the declaration of honour was signed, by whom and when.
    signed_version = models.PositiveSmallIntegerField(_("declaration of honour, version"), null=True)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("signed by")
    )
    signed_at = models.DateTimeField(_("signed"), null=True)
    clarify_days = models.PositiveSmallIntegerField(_("days to clarify"), default=7)
    submitted_at = models.DateTimeField(_("submitted"), null=True, blank=True)
    receipt = models.CharField(_("receipt"), max_length=64, blank=True, default="")
    reason_code = models.CharField(_("reason"), max_length=20, choices=INELIGIBLE, blank=True, default="")
    reason_text = models.TextField(_("reason in words"), blank=True, default="")
    before_review = models.CharField(max_length=30, blank=True, default="")
    score = models.DecimalField(_("score"), max_digits=5, decimal_places=2, null=True)
    spread = models.DecimalField(_("spread"), max_digits=5, decimal_places=2, null=True)
    spread_note = models.TextField(_("note on the spread"), blank=True, default="")
    place = models.PositiveSmallIntegerField(_("place"), null=True)
    reserve_position = models.PositiveSmallIntegerField(_("position on the reserve list"), null=True)

    class Meta:
        abstract = True
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        indexes = [models.Index(fields=["call", "state"], name="application_by_call")]
        constraints = [
            models.UniqueConstraint(fields=["call", "place"], condition=Q(place__isnull=False), name="place_sold_once"),
            models.CheckConstraint(
                condition=Q(place__isnull=True) | Q(state="selected"), name="place_only_for_the_selected"
            ),
            models.CheckConstraint(
                condition=~Q(state="selected") | Q(place__isnull=False), name="the_selected_have_a_place"
            ),
            models.UniqueConstraint(
                fields=["call", "lead_cluster"],
                condition=~Q(state__in=["withdrawn"]),
                name="one_application_per_cluster",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead_cluster.name}: {self.title_text}"

    def title(self) -> str:
        """The lead cluster's name."""
        return self.lead_cluster.name

    @property
    def lang(self) -> str:
        """The language of the name it is shown under."""
        return self.lead_cluster.lang

    def review_until(self) -> dt.datetime | None:
        """The instant until which a review can be asked for; None where there is nothing to review.

        The days run from the step that brought the application where it stands, in the zone of the call.
        """
        if self.state not in {State.INELIGIBLE, State.REJECTED} or self.before_review:
            return None
        came = Entry.objects.filter(record_id=self.pk, to_state=self.state).exclude(from_state=self.state)
        decided_at = came.order_by("-number").values_list("effective_at", flat=True).first()
        zone = zoneinfo.ZoneInfo(self.call.zone)
        return clock.days_later(decided_at, self.call.review_days, zone) if decided_at else None

    @labelled(_("review can be asked for until"))
    def review_open_until(self) -> str:
        """The same in words, in the zone of the call, and whether it is over."""
        until = self.review_until()
        if until is None:
            return ""
        said = self.call.in_its_zone(until)
        return said if clock.now() < until else _t("over since %s") % said

    def managers(self) -> Any:
        """The people who manage the lead cluster."""
        return holders("manager", scope="cluster", key=self.lead_cluster_id)

    def awaited_people(self) -> list[Any]:
        """The applicant while the application is with them, else the office."""
        return list(self.managers() if self.state in {"draft", "returned"} else staff_of(self.programme_id))

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """Partners; for those who take part the needs; for staff the evaluations."""
        rows = self.partners.select_related("cluster", "answered_by").order_by("cluster__sort_name", "pk")
        partners = [[{"value": p.cluster.name, "lang": p.cluster.lang}, p.cluster.country.name] for p in rows]
        said = [[p.role, p.contribution, p.get_answer_display(), str(p.answered_by or "")] for p in rows]
        needs = [[n.rank, n.get_area_display(), n.words(), n.get_source_display()] for n in self.needs.order_by("rank")]
        parts = [
            {
                "title": _("Partner clusters"),
                "columns": [_("Cluster"), _("Country")],
                "rows": partners,
                "empty": _("No partners."),
            },
            {
                "title": _("Needs"),
                "columns": [_("Rank"), _("Area"), _("In words"), _("Source")],
                "rows": needs,
                "empty": _("No needs yet."),
            },
        ]
        if face == "public":
            return parts[:1]
        parts[0]["columns"] += [_("Role"), _("Contribution"), _("Its answer"), _("Given by")]  # type: ignore[operator]
        parts[0]["rows"] = [one + more for one, more in zip(partners, said, strict=True)]
        if face == "staff":
            rows = [
                [str(e.evaluator), e.get_state_display(), e.total or ""]
                for e in self.evaluations.select_related("evaluator")
            ]
            columns = [_("Evaluator"), _("State"), _("Total")]
            parts.append(
                {"title": _("Evaluations"), "columns": columns, "rows": rows, "empty": _("Nobody is assigned yet.")}
            )
        return parts


__all__ = [
    "AREAS",
    "FOCUS_THRESHOLD",
    "INELIGIBLE",
    "PARTNERS_AT_MOST",
    "Bid",
    "State",
    "own_manager",
    "partner_manager",
]
