"""Eligibility: the points of a call's checklist, the answers to them, and what is known already beside each (E11)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.workflow.engine import Part
from facility.workflow.steps import unmet

YES, NO, WAIVED = "yes", "no", "waived"
# How a cluster stands to a criterion of registration.
STANDINGS = {"met": _("met"), "waived": _("waived"), "missing": _("not met"), "unknown": _("not known")}
ANSWERS = [(YES, _("Yes")), (NO, _("No")), (WAIVED, _("Waived"))]
MET = {YES, WAIVED}
# What the system can say something about; a point may name one of these facts.
FACTS = [
    ("established", _("whether the lead cluster is established in a Member State")),
    ("registered", _("whether the lead cluster is registered")),
    ("complete", _("whether the application is complete and signed")),
    ("once", _("whether the cluster applied once")),
]


@dataclass(frozen=True)
class Point:
    """One point of a checklist. `reason_code` is what the applicant reads when it is answered with no."""

    key: str
    text: Any
    reason_code: str
    fact: str = ""


@dataclass(frozen=True)
class Fact:
    """What the system knows about a point: whether it seems to hold, and the sentence that says why."""

    holds: bool
    said: str


STANDARD = (
    Point("established", _("The lead cluster is established in a Member State"), "not_eu", "established"),
    Point("registered", _("The lead cluster is registered on the platform"), "not_registered", "registered"),
    Point("complete", _("The application is complete and signed"), "incomplete", "complete"),
    Point("once", _("The cluster applied once"), "double", "once"),
    Point("conditions", _("The other conditions of the call are met"), "other"),
)


def points_of(call: Any) -> tuple[Point, ...]:
    """The checklist of a call; the standard one where the call has none of its own."""
    return tuple(Point(**row) for row in call.checklist) or STANDARD


class EligibilityAnswer(Part):
    """The answer to one point for one application."""

    application = models.ForeignKey("facility.Application", on_delete=models.PROTECT, related_name="checks")
    point = models.CharField(max_length=40)
    answer = models.CharField(max_length=10, choices=ANSWERS)
    reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["application", "point"], name="eligibility_answer_once_per_point"),
            models.CheckConstraint(
                condition=~models.Q(answer=WAIVED) | ~models.Q(reason=""), name="a_waiver_has_its_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.point}: {self.answer}"


def answers_of(application: Any) -> dict[str, dict[str, str]]:
    """The saved answers by point: {"point", "answer", "reason"}."""
    rows = application.checks.values("point", "answer", "reason")
    return {row["point"]: row for row in rows}


def keep(application: Any, answers: Iterable[Mapping[str, str]]) -> None:
    """Saves these answers; those to other points stay."""
    given = {row["point"]: row for row in answers}
    before = answers_of(application)
    application.checks.filter(point__in=given).delete()
    EligibilityAnswer.objects.bulk_create(EligibilityAnswer(application=application, **row) for row in given.values())
    changed = {key: [before.get(key, {}).get("answer"), row["answer"]] for key, row in given.items()}
    changed = {key: pair for key, pair in changed.items() if pair[0] != pair[1]}
    application.trail_also(
        "eligibility",
        {key: pair[0] for key, pair in changed.items()},
        {key: pair[1] for key, pair in changed.items()},
    )


def not_met(points: Iterable[Point], answers: Mapping[str, Mapping[str, str]]) -> list[Point]:
    """The points that are not answered with yes or waived."""
    return [point for point in points if answers.get(point.key, {}).get("answer") not in MET]


def supported_reasons(points: Iterable[Point], answers: Mapping[str, Mapping[str, str]]) -> set[str]:
    """The reason codes of the points that are answered with no."""
    return {point.reason_code for point in points if answers.get(point.key, {}).get("answer") == NO}


def facts_of(application: Any) -> dict[str, Fact]:
    """What the system knows, by fact; it is shown beside the points and answers none of them."""
    return {
        "established": established(application),
        "registered": _registered(application),
        "complete": _complete(application),
        "once": _once(application),
    }


def established(application: Any) -> Fact:
    """Whether the lead cluster is in a Member State; partners may be anywhere (E11)."""
    lead = application.lead_cluster
    outside = [one.cluster for one in application.partners.select_related("cluster") if not one.cluster.is_in_eu()]
    said = (_t("%(country)s is a Member State.") if lead.is_in_eu() else _t("%(country)s is not a Member State.")) % {
        "country": lead.country.name
    }
    if outside:
        countries = ", ".join(sorted({str(one.country.name) for one in outside}))
        said += " " + _t("Partners may come from elsewhere; here from %s.") % countries
    return Fact(lead.is_in_eu(), said)


def _registered(application: Any) -> Fact:
    """By its profile: whoever looks the cluster up on the platform knows more."""
    criteria, source = application.lead_cluster.registration()
    number = {standing: sum(one.standing == standing for one in criteria) for standing in STANDINGS}
    told = ", ".join(f"{number[standing]} {word}" for standing, word in STANDINGS.items() if number[standing])
    said = _t("Criteria of registration (%(source)s): %(told)s.") % {"source": source.title, "told": told}
    return Fact(not number["missing"] and not number["unknown"], said)


def _complete(application: Any) -> Fact:
    """By the guards of submitting, but for the closing time."""
    guards = [check for check in application.step("submit").guards if check.__name__ != "is_before_closing"]
    missing = unmet(guards, application)
    return Fact(not missing, " ".join(missing) or _t("All that submitting asks for is there, and it is signed."))


def _once(application: Any) -> Fact:
    others = application.call.applications.exclude(pk=application.pk).exclude(state__in=["withdrawn", "draft"])
    leads = others.filter(lead_cluster=application.lead_cluster_id)
    joins = others.filter(partners__cluster=application.lead_cluster_id)
    numbers = sorted(set(leads.values_list("number", flat=True)))
    if numbers:
        return Fact(False, _t("The same cluster leads %s in this call.") % ", ".join(numbers))
    as_partner = sorted(set(joins.values_list("number", flat=True)))
    if as_partner:
        return Fact(
            True, _t("It leads no other application in this call, but is a partner in %s.") % ", ".join(as_partner)
        )
    return Fact(True, _t("It takes part in no other application in this call."))
