"""Exclusions and wishes: who does not want to work with whom, or does, said by an advisor, a cluster or the office."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from advisory.redaction import GONE
from facility.registry.programme import InProgramme
from facility.roles import any_of, held, office, parent_step, readers, who
from facility.workflow.engine import Faces, state_field
from facility.workflow.steps import NEW, step

KINDS = [("exclusion", _("Not together")), ("wish", _("Gladly together"))]
SIDES = [("advisor", _("advisor")), ("manager", _("cluster manager"))]

own_words = who("author", lambda person: Q(said_by=person))
# An advisor speaks for themselves, a manager for a cluster of their own.
speaker = who(
    "advisor or cluster manager of one's own",
    lambda person: (
        Q(said_by=person)
        & (
            Q(side="advisor", advisor_id__in=held(person, "advisor", scope="advisor"))
            | Q(side="manager", cluster_id__in=held(person, "manager", scope="cluster"))
        )
    ),
    "advisor",
    "manager",
)


class Preference(InProgramme):
    """An exclusion or a wish between one advisor and one cluster; its reason is read by the office alone."""

    class State(models.TextChoices):
        STANDING = "standing", _("Stands")
        TAKEN_BACK = "taken_back", _("Taken back")

    records = "preferences"
    lede = _("Exclusions and wishes of advisors and clusters. The other side does not see them.")
    columns = ("kind", "named", "cluster", "side")
    facts = ("kind", "named", "cluster", "side")
    staff_facts = ("advisor", "reason")
    filter_by = ("state", "kind", "side")
    door_related = ("programme", "advisor__person", "cluster", "said_by")
    list_related = ("cluster",)
    tones = {"standing": "active", "taken_back": "idle"}
    # Whose advice it is about is known to the office alone: a name that fits somebody tells a manager nothing.
    untrailed = frozenset({"named", "reason"})
    shape = {
        "kind": "kind",
        "side": "side",
        "named": "named",
        "cluster": {"id": "cluster_id", "name": "cluster__name"},
        "staff:advisor": "advisor_id",
        "staff:reason": "reason",
    }
    faces = Faces(readers, own_words)

    state = state_field(State)
    kind = models.CharField(_("kind"), max_length=10, choices=KINDS)
    side = models.CharField(_("said by"), max_length=10, choices=SIDES)
    advisor = models.ForeignKey(
        "advisory.Advisor", null=True, on_delete=models.PROTECT, related_name="preferences", verbose_name=_("advisor")
    )
    named = models.CharField(_("advisor"), max_length=200)
    cluster = models.ForeignKey(
        "facility.Cluster", on_delete=models.PROTECT, related_name="preferences", verbose_name=_("cluster")
    )
    reason = models.TextField(_("reason"))
    said_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="preferences", verbose_name=_("author")
    )

    class Meta:
        verbose_name = _("exclusion or wish")
        verbose_name_plural = _("exclusions and wishes")
        indexes = [models.Index(fields=["advisor", "cluster"], name="preference_by_pair")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.named}, {self.cluster}"

    @step(
        label=_("Exclude or wish"),
        source=NEW,
        target=State.STANDING,
        who=any_of(speaker, office),
        form="PreferenceForm",
    )
    def state_preference(self, *, by: Any, **data: Any) -> None:
        """Says that an advisor and a cluster should not be put together, or gladly would. Only the office reads why."""
        for name, value in data.items():
            setattr(self, name, value)
        self.said_by = by

    @step(
        label=_("Take back"),
        source=State.STANDING,
        target=State.TAKEN_BACK,
        who=any_of(own_words, office),
    )
    def take_back(self, *, by: Any) -> None:
        """It does not count any more."""

    @step(label=_("Move"), source=list(State), target=None, who=parent_step, quiet=True, form="ToAdvisor")
    def move(self, *, by: Any, advisor: Any) -> None:
        """Its advisor was merged with another record."""
        self.advisor = advisor

    @step(label=_("Erase the words"), source=list(State), target=None, who=parent_step, quiet=True)
    def erase_words(self, *, by: Any) -> None:
        """The advisor was erased."""
        self.named, self.reason = GONE, ""


def excluded(advisor: Any, project_id: Any) -> bool:
    """Whether a standing exclusion speaks against the advisor on the project, whichever side said it."""
    meant = Q(advisor=advisor.pk) | Q(
        advisor__isnull=True, named__iexact=advisor.person.name, programme=advisor.programme_id
    )
    return standing("exclusion").filter(meant, cluster__parties__project=project_id).exists()


def pairs(kind: str, advisors: list[dict[str, Any]], projects: list[dict[str, Any]]) -> list[dict[str, str]]:
    """What stands of a kind between these advisors and projects: {"advisor", "project", "side"} by their keys.

    Both lists are as a match run has frozen them. A name that a manager wrote counts for everybody who bears it, also
    for somebody who came to the pool later.
    """
    bearers: dict[str, list[str]] = {}
    for one in advisors:
        bearers.setdefault(one["label"].lower(), []).append(one["id"])
    keys = {one["id"] for one in advisors}
    rows = standing(kind).filter(cluster__parties__project__in=[one["id"] for one in projects]).order_by("pk")
    told = []
    for advisor, named, project, side in rows.values_list("advisor_id", "named", "cluster__parties__project", "side"):
        meant = [str(advisor)] if advisor else bearers.get(named.lower(), [])
        told += [(one, str(project), side) for one in meant if one in keys]
    return [{"advisor": one, "project": project, "side": side} for one, project, side in dict.fromkeys(told)]


def standing(kind: str) -> Any:
    """What stands of a kind."""
    return Preference.objects.filter(state=Preference.State.STANDING, kind=kind)


__all__ = ["Preference", "excluded", "pairs"]
