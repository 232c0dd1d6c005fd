"""Conflicts that come up later: assignments that stand are flagged, the office is told, and reading ends at once."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Lower
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from advisory.advisor import revoke
from advisory.checks import LIVE, Checked
from advisory.curriculum import CvField
from facility.registry.conflicts import names_houses, tied_clusters, when_tied
from facility.registry.grants import grant
from facility.roles import any_of, parent_step, staff_of, system
from facility.workflow import clock
from facility.workflow.engine import perform_many
from facility.workflow.steps import step

# What the office is asked to do, by the state in which the conflict was found.
TODO = {
    "approved": gettext_noop("%(advisor)s has a conflict of interest on %(project)s. Discard the approval."),
    "offered": gettext_noop("%(advisor)s has a conflict of interest on %(project)s. Withdraw the offer."),
    "accepted": gettext_noop("%(advisor)s has a conflict of interest on %(project)s. Withdraw the offer."),
    "active": gettext_noop(
        "%(advisor)s has a conflict of interest on %(project)s and reads nothing of it any more. Replace the advisor."
    ),
}


class Watched(Checked):
    """What an advisor at work may see, and what becomes of it when a conflict comes up."""

    conflicted_at: Any
    programme_id: Any
    state: Any

    class Meta:
        abstract = True

    @step(label=_("Flag a conflict"), source=list(LIVE), target=None, who=any_of(system, parent_step), quiet=True)
    def flag_conflict(self, *, by: Any) -> None:
        """A conflict came up: the office decides, and until then the advisor reads nothing of the project."""
        self.conflicted_at = clock.now()
        self.end_sight(by, _t("A conflict of interest stands."))
        names = {"advisor": self.advisor.person.name, "project": self.project.name}
        self.tell(staff_of(self.programme_id), TODO[self.state], **names)

    @step(label=_("Clear the conflict"), source=list(LIVE), target=None, who=any_of(system, parent_step), quiet=True)
    def clear_conflict(self, *, by: Any) -> None:
        """The conflict does not stand any more; an advisor at work reads the project again."""
        self.conflicted_at = None
        if self.state == "active":
            self.give_sight(by)

    def sight(self) -> list[tuple[str, Any]]:
        """What an advisor at work may see."""
        return [("project", self.project_id), ("application", self.project.application_id)]

    def give_sight(self, by: Any) -> None:
        """Inside a step: the advisor sees the project."""
        for scope, key in self.sight():
            grant(self.advisor.person, "advisor", scope, key, by=by, programme=self.programme)

    def end_sight(self, by: Any, reason: str) -> None:
        """Inside a step: the advisor sees it no more."""
        for scope, key in self.sight():
            revoke(self.advisor.person, scope, key, by=by, reason=reason)


def tied_now(*, stands: bool = True) -> QuerySet:
    """Assignments that stand although the advisor has an interest in a cluster of the project; or has none (any more).

    The rule is that of `tied_clusters`, asked for each row.
    """
    assignments = apps.get_model("advisory.Assignment").objects.filter(state__in=LIVE)
    tied = tied_clusters(OuterRef(OuterRef("advisor__person_id"))).filter(parties__project=OuterRef("project_id"))
    return assignments.filter(Exists(tied) if stands else ~Exists(tied))


def flag_the_tied(*, by: Any, people: list[Any] | None = None) -> int:
    """Flags every assignment (of these people) that a conflict has come upon, and clears those whose conflict is gone;
    answers how many were flagged."""
    whose = Q() if people is None else Q(advisor__person__in=people)
    found = list(tied_now().filter(whose, conflicted_at__isnull=True))
    perform_many(found, "flag_conflict", by=by)
    perform_many(tied_now(stands=False).filter(whose, conflicted_at__isnull=False), "clear_conflict", by=by)
    return len(found)


@when_tied
def follow(*, by: Any, people: list[Any]) -> None:
    """Whoever is tied now is flagged now."""
    flag_the_tied(by=by, people=people)


@names_houses
def employers_of(person: Any) -> QuerySet:
    """The employers that a confirmed CV names, in small letters; `person` may be an OuterRef."""
    rows = CvField.objects.filter(name="employment", confirmed=True, curriculum__state="confirmed")
    named = rows.filter(curriculum__advisor__person=person, value__employer__isnull=False)
    return named.annotate(house=Lower(KT("value__employer"))).filter(house__isnull=False).values("house")


__all__ = ["Watched", "flag_the_tied", "tied_now"]
