"""What a selection holds and shows: its rules, its ranking, and the letters that wait for the release."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import formats
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility import letter
from facility.application import Application
from facility.quotas import LIMIT, RULES, RuleSet
from facility.reasons import TO_APPLICANTS, worded
from facility.registry.programme import InProgramme
from facility.roles import readers, who
from facility.workflow.engine import Faces, Part, state_field
from facility.workflow.shape import Many

released_to_all = who("public", lambda person: Q(state="released"))


class State(models.TextChoices):
    """Where a selection stands."""

    DRAFT = "draft", _("Draft")
    PROPOSED = "proposed", _("Proposed")
    APPROVED = "approved", _("Approved")
    RELEASED = "released", _("Released")


class Outcome(RuleSet, InProgramme):
    """What a selection holds, shows and is asked by others."""

    lines: Any
    letters: Any

    State = State

    records = "selections"
    lede = _("The ranking of a call and its release.")
    columns = ("call", "released_at")
    facts = ("call", "places", "released_at")
    staff_facts = ("checksum",)
    filter_by = ("state", "call")
    door_related = ("call", "programme")
    tones = {"draft": "idle", "proposed": "wait", "approved": "wait", "released": "good"}
    awaits = {"draft": ("propose",), "proposed": ("approve",), "approved": ("release",)}
    shape = {
        "call": {"id": "call_id", "title": "call__title_text"},
        "places": "places",
        "released_at": "released_at",
        "staff:minimum_score": "minimum_score",
        "staff:country_cap": "country_cap",
        "staff:reserve_places": "reserve_places",
        "staff:tie_rule": "tie_rule",
        "staff:tie_criterion": "tie_criterion",
        "staff:label_weight": "label_weight",
        "staff:quotas": Many(
            "facility.SelectionQuota",
            "selection",
            {"kind": "kind", "value": "value", "at_least": "at_least", "at_most": "at_most"},
            ("kind", "value"),
        ),
        "staff:contradiction": "contradiction",
        "staff:checksum": "checksum",
        "selected": Many(
            "facility.SelectionLine",
            "selection",
            {"application": "application_id", "cluster": "application__lead_cluster__name"},
            ("application__lead_cluster__sort_name", "pk"),
            Q(outcome="selected"),
        ),
        "staff:ranking": Many(
            "facility.SelectionLine",
            "selection",
            {
                "rank": "rank",
                "application": "application_id",
                "score": "score",
                "points": "points",
                "label": "label",
                "outcome": "outcome",
                "position": "position",
                "reasons": "reasons",
                "override": "override",
                "override_reason": "override_reason",
            },
            ("rank",),
        ),
    }
    faces = Faces(readers, public=released_to_all)

    state = state_field(State)
    call = models.ForeignKey(
        "facility.Call", on_delete=models.PROTECT, related_name="selections", verbose_name=_("call")
    )
    places = models.PositiveSmallIntegerField(_("places"))
    minimum_score = models.DecimalField(_("minimum score"), max_digits=5, decimal_places=2)
    country_cap = models.PositiveSmallIntegerField(_("at most per country"), null=True)
    reserve_places = models.PositiveSmallIntegerField(_("places on the reserve list"))
    released_at = models.DateTimeField(_("released"), null=True)
    contradiction = models.JSONField(default=list)
    checksum = models.CharField(_("checksum of the ranking"), max_length=64, blank=True, default="")

    class Meta:
        abstract = True
        verbose_name = _("selection")
        verbose_name_plural = _("selections")

    def __str__(self) -> str:
        return f"{self.call}: {self.get_state_display()}"

    def title(self) -> str:
        """The call's title."""
        return _t("Selection of %s") % self.call

    def awaited_people(self) -> list[Any]:
        """The lead."""
        return list(self.call.leads())

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """The list of the selected; the page of staff has the ranking itself."""
        lines = self.lines.select_related("application__lead_cluster").order_by("rank")
        if face != "staff":
            lines = lines.filter(outcome="selected").order_by("application__lead_cluster__sort_name")
            selected = [[line.application.title(), line.application.lead_cluster.country.name] for line in lines]
            return [
                {
                    "title": _("Selected clusters"),
                    "columns": [_("Cluster"), _("Country")],
                    "rows": selected,
                    "empty": "",
                }
            ]
        return []

    def digest(self) -> str:
        """SHA-256 over the rules and every line of the ranking, in canonical JSON."""
        lines = self.lines.order_by("rank").values_list(
            "rank",
            "application__number",
            "score",
            "points",
            "label",
            "outcome",
            "position",
            "reasons",
            "override",
            "override_reason",
        )
        said = [
            [str(getattr(self, name)) for name in RULES],
            [[getattr(limit, name) for name in LIMIT] for limit in self.limits()],
            self.contradiction,
            [list(line) for line in lines],
        ]
        text = json.dumps(said, cls=DjangoJSONEncoder, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def staged(self) -> Any:
        """The letters of this selection that have not left."""
        rows = self.letters.filter(sent_at__isnull=True)
        return rows.select_related("application__call", "application__lead_cluster", "to").order_by(
            "kind", "application__lead_cluster__sort_name", "to_id"
        )

    def draft(self, *, keep_edited: bool = False) -> None:
        """Inside a step: a letter for each manager on what the ranking decides."""
        there = self.staged()
        edited = set(there.filter(is_edited=True).values_list("application_id", "to_id")) if keep_edited else set()
        letter.Letter.objects.filter(
            pk__in=[one.pk for one in there if (one.application_id, one.to_id) not in edited]
        ).delete()
        lines = list(self.lines.select_related("application__lead_cluster").order_by("rank"))
        comments = self.comments(lines)
        decisions = [
            letter.Decision(
                line.application,
                line.outcome,
                line.position,
                partial(line.to_applicant, comments.get(line.application_id, "")),
            )
            for line in lines
        ]
        made = letter.drafted(self.call, decisions, self)
        fresh = [one for one in made if (one.application_id, one.to_id) not in edited]
        for one in fresh:
            one.selection_id = self.pk
        letter.Letter.objects.bulk_create(fresh)

    def comments(self, lines: list[Any]) -> dict[Any, str]:
        """The evaluators' comments on the rejected, if the call says that they read them."""
        rejected = [line.application for line in with_outcome(lines, "rejected")]
        return letter.comments_on(rejected) if self.call.shares_comments else {}

    def reasons_for(self, lines: list[Any]) -> dict[str, str]:
        """Why each is not selected, as its applicant reads it."""
        comments = self.comments(lines)
        return {str(one.application_id): one.to_applicant(comments.get(one.application_id, "")) for one in lines}


def with_outcome(lines: list[Any], outcome: str) -> list[Any]:
    return [line for line in lines if line.outcome == outcome]


class SelectionLine(Part):
    """One application in the ranking, with its outcome and the reasons."""

    selection = models.ForeignKey("facility.Selection", on_delete=models.PROTECT, related_name="lines")
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="selection_lines")
    rank = models.PositiveSmallIntegerField()
    score = models.DecimalField(max_digits=5, decimal_places=2)
    # The score and what a label adds; the order goes by them.
    points = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    label = models.CharField(max_length=10, blank=True, default="")
    outcome = models.CharField(
        max_length=10,
        choices=[("selected", _("Selected")), ("reserve", _("Reserve")), ("rejected", _("Not selected"))],
    )
    position = models.PositiveSmallIntegerField(null=True)
    reasons = models.JSONField(default=list)
    override = models.CharField(max_length=3, choices=[("in", _("in")), ("out", _("out"))], blank=True, default="")
    override_reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["selection", "rank"], name="rank_once_per_selection"),
            models.UniqueConstraint(fields=["selection", "application"], name="application_once_per_selection"),
        ]

    def __str__(self) -> str:
        return f"{self.rank} {self.application.title()}"

    def to_applicant(self, comments: str) -> str:
        """Why the application is not selected, as the applicant reads it: without ranks and without others' names."""
        score = _t("Your application scored %(score)s of 100; the minimum score is %(minimum)s.") % {
            "score": formats.number_format(self.score, 2),
            "minimum": formats.number_format(self.selection.minimum_score, 2),
        }
        # The first sentence says it of a score below the minimum.
        others = [one for one in self.reasons if not isinstance(one, dict) or one["code"] != "below_minimum_score"]
        why = [said for reason in others if (said := worded(reason, words=TO_APPLICANTS))]
        told = [_t("The evaluators wrote:\n%(comments)s") % {"comments": comments}] if comments else []
        return "\n\n".join([" ".join([score, *why]), *told])
