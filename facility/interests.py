"""Declarations of interests in a blind call: for all its clusters at once, before the first reading."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from facility.application import Application
from facility.call import Call
from facility.registry.cluster import Cluster
from facility.registry.conflicts import Conflict
from facility.roles import held, who
from facility.workflow import clock
from facility.workflow.engine import Faces, Record
from facility.workflow.show import labelled
from facility.workflow.steps import step

# Handed in, and not turned down as not eligible.
IN_THE_CALL = ("submitted", "returned", "eligible", "evaluated", "selected", "reserve", "rejected")


own_declaration = who(
    "evaluator of the call",
    lambda person: Q(person=person, call__programme_id__in=held(person, "evaluator")),
    "evaluator",
)


class InterestsDeclaration(Record):
    """In a blind call: an evaluator has gone through its clusters and named those in which they have an interest."""

    records = "interests-declarations"
    lede = _("Which clusters of a blind call an evaluator has looked at for interests of their own.")
    columns = ("person", "call", "made_at", "clusters_count")
    facts = columns
    filter_by = ("call",)
    door_related = ("person", "call")
    list_related = ("person", "call")
    shape = {"person": "person_id", "call": "call_id", "made_at": "made_at", "clusters": "clusters"}
    faces = Faces(
        who("staff of the call", lambda person: Q(call__in=_calls_read_by(person)), "lead", "coordinator", "observer"),
        participant=who("declarant", lambda person: Q(person=person)),
    )

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="interests_declarations",
        verbose_name=_("person"),
    )
    call = models.ForeignKey(
        "facility.Call", on_delete=models.PROTECT, related_name="interests_declarations", verbose_name=_("call")
    )
    made_at = models.DateTimeField(_("declared"), default=clock.now)
    clusters = models.JSONField(_("clusters looked at"), default=list)

    class Meta:
        verbose_name = _("declaration of interests")
        verbose_name_plural = _("declarations of interests")

    def __str__(self) -> str:
        return f"{self.person}: {self.call}"

    def scope_id(self) -> Any:
        """The call's programme."""
        return self.call.programme_id

    @labelled(_("clusters looked at"))
    def clusters_count(self) -> int:
        """How many clusters were on the list."""
        return len(self.clusters)

    @step(label=_("Declare interests"), new=True, who=own_declaration, form="InterestsForm")
    def declare(self, *, by: Any, call: Any, ties: Any, kind: str, note: str) -> None:
        """Names the clusters in which you have an interest; applications of the others can be opened then."""
        self.call, self.person = call, by
        self.clusters = sorted(str(key) for key in clusters_in(call).values_list("pk", flat=True))
        known = set(Conflict.objects.filter(person=by, cluster__in=ties).values_list("cluster_id", flat=True))
        for cluster in ties:
            if cluster.pk not in known:
                tie: dict[str, Any] = {"person": str(by.pk), "cluster": str(cluster.pk), "kind": kind, "note": note}
                Conflict().perform("declare", by=by, **tie)

    @classmethod
    def covered(cls, person: Any, call: Any) -> set[str]:
        """The keys of the clusters that the person has looked at for this call."""
        lists = cls.objects.filter(person=person, call=call).values_list("clusters", flat=True)
        return {key for keys in lists for key in keys}


def _calls_read_by(person: Any) -> Any:
    return Call.objects.filter(programme_id__in=held(person, "lead", "coordinator", "observer")).values("pk")


def clusters_in(call: Any) -> Any:
    """The clusters that lead or take part in what was handed in to the call, by name."""
    bids = Application.objects.filter(call=call, state__in=IN_THE_CALL).values("pk")
    part = Q(applications__in=bids) | Q(partnerships__application__in=bids)
    return Cluster.objects.filter(part).distinct().order_by("sort_name", "pk")
