"""Organisations: members of clusters, partners, and others who take part (F02, F18, C01)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django_countries.fields import Country, CountryField

from facility.roles import any_of, any_office, any_reader, anywhere, manager_of, parent_step, system
from facility.workflow import clock
from facility.workflow.engine import Faces, Part, Record
from facility.workflow.shape import Many
from facility.workflow.show import labelled
from facility.workflow.steps import guard, step

from .cluster import office_of

SIZES = [("micro", _("Micro")), ("small", _("Small")), ("medium", _("Medium")), ("large", _("Large"))]
KINDS = [
    ("firm", _("Firm")),
    ("research", _("Research body")),
    ("university", _("University")),
    ("city", _("City or municipality")),
    ("province", _("Province or region")),
    ("port", _("Port")),
    ("development", _("Development company")),
    ("sector_body", _("Sector body, as for cleantech")),
    ("public", _("Public body")),
    ("association", _("Association")),
    ("investor", _("Investor or bank")),
    ("other", _("Other")),
]
ROLES = [
    ("member", _("Member")),
    ("founder", _("Founding member")),
    ("board", _("Member of the board")),
    ("associate", _("Associated partner")),
]


own_manager = manager_of("cluster_id")
# An organisation of no cluster belongs to nobody in particular.
office_in_charge = any_of(office_of("cluster_id"), any_office.when(cluster_id__isnull=True))


class Organisation(Record):
    """A firm or another body; a member of a cluster or not. Size classes as in Recommendation 2003/361/EC."""

    records = "organisations"
    columns = ("name", "kind", "size", "country", "cluster")
    facts = (*columns, "role")
    search_in = ("name",)
    filter_by = ("kind", "size", "cluster")
    order_by = ("-id", "name")
    shape = {
        "name": "name",
        "kind": "kind",
        "size": "size",
        "country": "country",
        "cluster": "cluster_id",
        "memberships": Many(
            "facility.Membership",
            "organisation",
            {"cluster": "cluster_id", "role": "role", "joined_on": "joined_on", "left_on": "left_on"},
            order=("joined_on", "pk"),
        ),
    }
    faces = Faces(any_reader, participant=any_of(own_manager, anywhere("advisor")))

    name = models.CharField(_("name"), max_length=200)
    sort_name = models.CharField(max_length=200, blank=True, default="")
    kind = models.CharField(_("kind"), max_length=20, choices=KINDS, default="firm")
    size = models.CharField(_("size"), max_length=10, choices=SIZES, blank=True, default="")
    country: models.Field[Any, Country] = CountryField(_("country"), blank=True, default="")
    memberships: Any
    cluster = models.ForeignKey(
        "facility.Cluster",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="members",
        verbose_name=_("cluster"),
    )

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        indexes = [models.Index(fields=["cluster", "sort_name"], name="organisation_by_cluster")]

    def __str__(self) -> str:
        return self.name

    def is_sme(self) -> bool:
        """Whether it counts as a small or medium-sized enterprise."""
        return self.kind == "firm" and self.size in {"micro", "small", "medium"}

    @guard(_("It is a member of no cluster."))
    def is_member(self) -> bool:
        """Whether there is a membership to end."""
        return self.cluster_id is not None

    def membership(self) -> Membership | None:
        """Its present membership in its cluster."""
        return None if self.cluster_id is None else self.memberships.filter(left_on__isnull=True).first()

    @labelled(_("role in the cluster"))
    def role(self) -> str:
        """Its role in the cluster, in words."""
        now = self.membership()
        return str(now.get_role_display()) if now else ""

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """Every membership, those that have ended too."""
        rows = [
            [{"value": one.cluster.name, "lang": one.cluster.lang}, one.get_role_display(), one.joined_on, one.left_on]
            for one in self.memberships.select_related("cluster")
        ]
        columns = [_t("Cluster"), _t("Role"), _t("Joined"), _t("Left")]
        return [{"title": _t("Memberships"), "columns": columns, "rows": rows, "empty": _t("It is in no cluster.")}]

    @step(
        label=_("Add an organisation"),
        new=True,
        who=any_of(own_manager, anywhere("advisor"), office_in_charge, system, parent_step),
        form="OrganisationForm",
    )
    def create(self, *, by: Any, **data: Any) -> None:
        """Adds a firm or another body, as a member of a cluster or on its own."""
        self.take(data)

    @step(label=_("Edit"), who=any_of(own_manager, office_in_charge), form="EditOrganisation", edits=True)
    def edit(self, *, by: Any, **data: Any) -> None:
        """Changes the organisation's particulars. In another cluster it is a new member; the old membership ends."""
        self.take(data)

    @step(
        label=_("Has left the cluster"),
        who=any_of(own_manager, office_in_charge),
        guards=[is_member],
        form="LeaveCluster",
    )
    def leave(self, *, by: Any, left_on: dt.date) -> None:
        """Ends the membership. It stays in the history, and so do the sessions that the organisation took part in."""
        self.end_membership(left_on)
        self.cluster = None

    def take(self, data: dict[str, Any]) -> None:
        """Sets the values of the form; the membership follows the cluster."""
        before = self.cluster_id
        role, joined_on = data.pop("role", "") or "member", data.pop("joined_on", None)
        for name, value in data.items():
            setattr(self, name, value)
        self.sort_name = self.name.lower()
        if before and before != self.cluster_id:
            self.end_membership(joined_on or clock.today())
        if not self.cluster_id:
            return
        # Organisations from before memberships were kept get theirs with the next edit.
        if not self.memberships.filter(left_on__isnull=True).update(role=role, joined_on=joined_on):
            Membership(organisation_id=self.pk, cluster_id=self.cluster_id, role=role, joined_on=joined_on).save()
            self.trail_also("joined", None, str(joined_on or ""))

    def end_membership(self, day: dt.date) -> None:
        """Inside a step: the present membership ends on this day."""
        self.memberships.filter(left_on__isnull=True).update(left_on=day)
        self.trail_also("left", None, str(day))


class Membership(Part):
    """An organisation in a cluster, from the day it joined to the day it left; a day that is not known is empty."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="memberships")
    cluster = models.ForeignKey("facility.Cluster", on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=20, choices=ROLES, default="member")
    joined_on = models.DateField(null=True)
    left_on = models.DateField(null=True)

    class Meta:
        ordering = ["joined_on", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(left_on__gte=F("joined_on")), name="membership_ends_after_it_began"),
            models.UniqueConstraint(
                fields=["organisation"], condition=Q(left_on__isnull=True), name="one_membership_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation}, {self.cluster}"


def members_by(cluster_id: Any, what: str) -> dict[str, int]:
    """How many present members the cluster has by "kind" or "size"; one query, the most frequent first."""
    rows = Organisation.objects.filter(cluster_id=cluster_id).order_by().values_list(what)
    return dict(rows.annotate(n=models.Count("pk")).order_by("-n", what))
