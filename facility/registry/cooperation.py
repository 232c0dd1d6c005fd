"""Cooperation between clusters: who, since when, and what came of it (G16)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest, Least
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from facility.roles import any_of, any_reader, holders, manager_of, public
from facility.workflow.engine import Faces, Record
from facility.workflow.steps import step

from .cluster import Cluster, office_of

own_manager = any_of(manager_of("cluster_id"), manager_of("other_id"))
own_office = any_of(office_of("cluster_id"), office_of("other_id"))


class Cooperation(Record):
    """Two clusters that work together, from a day on and perhaps to a day."""

    records = "cooperations"
    lede = _("Which clusters work together, since when, and what came of it.")
    columns = ("cluster", "other", "since", "until")
    facts = (*columns, "result")
    filter_by = ("cluster", "other")
    order_by = ("-since", "id")
    shape = {
        "cluster": "cluster_id",
        "other": "other_id",
        "since": "since",
        "until": "until",
        "result": "result",
    }
    faces = Faces(any_reader, participant=own_manager, public=public)
    door_related = ("cluster", "other")

    cluster = models.ForeignKey(
        Cluster, on_delete=models.PROTECT, related_name="cooperations", verbose_name=Cluster._meta.verbose_name
    )
    other = models.ForeignKey(
        Cluster, on_delete=models.PROTECT, related_name="cooperations_of_others", verbose_name=_("other cluster")
    )
    since = models.DateField(_("since"))
    until = models.DateField(_("until"), null=True, blank=True)
    result = models.CharField(_("result"), max_length=1000, blank=True, default="")

    class Meta:
        verbose_name = _("cooperation")
        verbose_name_plural = _("cooperations")
        constraints = [
            models.CheckConstraint(condition=~Q(cluster=F("other")), name="cooperation_of_two"),
            models.CheckConstraint(condition=Q(until__gte=F("since")), name="cooperation_ends_after_it_began"),
            models.UniqueConstraint(
                Least("cluster", "other"),
                Greatest("cluster", "other"),
                condition=Q(until__isnull=True),
                name="cooperation_once_while_it_lasts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cluster.name} – {self.other.name}"

    @step(label=_("Enter a cooperation"), new=True, who=any_of(own_manager, own_office), form="CooperationForm")
    def create(self, *, by: Any, **data: Any) -> None:
        """Enters that two clusters work together; the managers of both are told."""
        self.take(data)

    @step(label=_("Edit"), who=any_of(own_manager, own_office), form="CooperationForm", edits=True)
    def edit(self, *, by: Any, **data: Any) -> None:
        """Says what came of it, or since when and until when it lasted."""
        self.take(data)

    def take(self, data: dict[str, Any]) -> None:
        """Sets the values of the form."""
        for name, value in data.items():
            setattr(self, name, value)

    def after_step(self, name: str, *, by: Any) -> None:
        """The other side hears of it, so that a wrong entry does not stand unseen."""
        if name != "create":
            return
        for own, other in ((self.cluster, self.other), (self.other, self.cluster)):
            people = holders("manager", scope="cluster", key=own.pk)
            said = gettext_noop("A cooperation with %(other)s was entered.")
            self.tell([one for one in people if one != by], said, other=other.name)


def links_between(first: dt.date, last: dt.date, rows: models.QuerySet[Cooperation] | None = None) -> dict[str, int]:
    """How many links lasted on some day of the period (both days included), and how many of them cross a border; one
    query. A link within one country crosses none."""
    links = Cooperation.objects.all() if rows is None else rows
    lasted = links.filter(Q(until__isnull=True) | Q(until__gte=first), since__lte=last)
    return lasted.aggregate(
        links=models.Count("pk"),
        cross_border=models.Count("pk", filter=~Q(cluster__country=F("other__country"))),
    )


__all__ = ["Cooperation", "links_between"]
