"""Organisations: member firms of clusters, partners, and others who take part (F02, F18)."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_countries.fields import Country, CountryField

from facility.roles import any_of, any_office, any_reader, anywhere, manager_of, parent_step, system
from facility.workflow.engine import Faces, Record
from facility.workflow.steps import step

SIZES = [("micro", _("Micro")), ("small", _("Small")), ("medium", _("Medium")), ("large", _("Large"))]
KINDS = [
    ("firm", _("Firm")),
    ("research", _("Research body")),
    ("public", _("Public body")),
    ("association", _("Association")),
    ("other", _("Other")),
]


class Organisation(Record):
    """A firm or another body; a member of a cluster or not. Size classes as in Recommendation 2003/361/EC."""

    records = "organisations"
    columns = ("name", "kind", "size", "country", "cluster")
    facts = columns
    search_in = ("name",)
    filter_by = ("kind", "size", "cluster")
    order_by = ("-id", "name")
    shape = {
        "name": "name",
        "kind": "kind",
        "size": "size",
        "country": "country",
        "cluster": "cluster_id",
    }
    faces = Faces(any_reader, participant=any_of(manager_of("cluster_id"), anywhere("advisor")))

    name = models.CharField(_("name"), max_length=200)
    sort_name = models.CharField(max_length=200, blank=True, default="")
    kind = models.CharField(_("kind"), max_length=20, choices=KINDS, default="firm")
    size = models.CharField(_("size"), max_length=10, choices=SIZES, blank=True, default="")
    country: models.Field[Any, Country] = CountryField(_("country"), blank=True, default="")
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

    @step(
        label=_("Add an organisation"),
        new=True,
        who=any_of(manager_of("cluster_id"), anywhere("advisor"), any_office, system, parent_step),
        form="OrganisationForm",
    )
    def create(self, *, by: Any, **data: Any) -> None:
        """Adds a firm or another body, as a member of a cluster or on its own."""
        self.take(data)

    @step(label=_("Edit"), who=any_of(manager_of("cluster_id"), any_office), form="OrganisationForm", edits=True)
    def edit(self, *, by: Any, **data: Any) -> None:
        """Changes the organisation's particulars."""
        self.take(data)

    def take(self, data: dict[str, Any]) -> None:
        """Sets the values of the form."""
        for name, value in data.items():
            setattr(self, name, value)
        self.sort_name = self.name.lower()
