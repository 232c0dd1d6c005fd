"""Clusters: who applies, takes part and is supported (F04)."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_countries.fields import Country, CountryField

from facility.roles import any_of, any_office, any_reader, held, in_force, public, system, who
from facility.workflow.engine import Faces, Record
from facility.workflow.steps import Who, step

from .matrix import EU_MEMBERS
from .vocabulary_data import vocabulary


def programmes_touch(**of: Any) -> tuple[Any, ...]:
    """Keys of the clusters that an application was handed in for, as lead or partner, or that have a manager, in the
    programmes that `of` names (as `programme__in`); without it, in any."""
    applications = apps.get_model("facility.Application").objects.exclude(state="draft").filter(**of)
    managers = in_force().filter(role="manager", scope_type="cluster", **of)
    partners = apps.get_model("facility.ApplicationPartner").objects.filter(application__in=applications)
    return (
        applications.values("lead_cluster_id"),
        partners.values("cluster_id"),
        managers.values("scope_key"),
    )


def office_of(path: str) -> Who:
    """The office that looks after the cluster at `path`: that of a programme in which it takes part or has a manager.

    A cluster belongs to no programme. One that nobody applied for or manages yet, any office looks after.
    """

    def rule(person: Any) -> Q:
        own = Q()
        for keys in programmes_touch(programme__in=held(person, "lead", "coordinator")):
            own |= Q(**{f"{path}__in": keys})
        taken = Q()
        for keys in programmes_touch():
            taken |= Q(**{f"{path}__in": keys})
        return own | (any_office.q(person) & ~taken)

    return who("office of the cluster", rule, "lead", "coordinator")


manages = who("own manager", lambda person: Q(pk__in=held(person, "manager", scope="cluster")), "manager")
ECOSYSTEMS = [(term.id, term.label("en")) for term in vocabulary("ecosystems")]


class Cluster(Record):
    """A cluster organisation. Its name is a fact and is never translated; `lang` is the language of the name."""

    records = "clusters"
    lede = _("Clusters that applied, take part or are partners.")
    columns = ("name", "country", "sector", "members_count", "smes_count")
    facts = ("name", "country", "nuts", "sector", "ecosystem", "members_count", "smes_count", "website")
    search_in = ("name", "sector")
    filter_by = ("country", "ecosystem")
    order_by = ("-id", "sort_name")
    shape = {
        "name": "name",
        "lang": "lang",
        "country": "country",
        "nuts": "nuts",
        "sector": "sector",
        "ecosystem": "ecosystem",
        "members": "members_count",
        "smes": "smes_count",
        "website": "website",
        "demo": "is_demo",
    }
    faces = Faces(any_reader, participant=manages, public=public)

    name = models.CharField(_("name"), max_length=200)
    lang = models.CharField(_("language of the name"), max_length=5, default="en")
    sort_name = models.CharField(max_length=200, blank=True, default="")
    country: models.Field[Any, Country] = CountryField(_("country"))
    nuts = models.CharField(_("region (NUTS)"), max_length=5, blank=True, default="")
    sector = models.CharField(_("sector"), max_length=120)
    ecosystem = models.CharField(_("industrial ecosystem"), max_length=40, choices=ECOSYSTEMS, blank=True, default="")
    members_count = models.PositiveIntegerField(_("members"), default=0)
    smes_count = models.PositiveIntegerField(_("SMEs among them"), default=0)
    website = models.URLField(_("website"), blank=True, default="")
    is_demo = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("cluster")
        verbose_name_plural = _("clusters")
        constraints = [
            models.CheckConstraint(
                condition=Q(smes_count__lte=models.F("members_count")), name="cluster_smes_among_members"
            ),
            models.UniqueConstraint(fields=["name", "country"], name="cluster_once_per_country"),
        ]

    def __str__(self) -> str:
        return self.name

    def is_in_eu(self) -> bool:
        """Whether its country is a Member State."""
        return str(self.country) in EU_MEMBERS

    @step(label=_("Register a cluster"), new=True, who=any_of(any_office, system), form="ClusterForm")
    def create(self, *, by: Any, **data: Any) -> None:
        """Registers a cluster. Its managers are invited next."""
        self.take(data)

    @step(label=_("Edit profile"), who=any_of(manages, office_of("pk")), form="ClusterForm", edits=True)
    def edit(self, *, by: Any, **data: Any) -> None:
        """Changes the cluster's profile."""
        self.take(data)

    def take(self, data: dict[str, Any]) -> None:
        """Sets the values of the form."""
        for name, value in data.items():
            setattr(self, name, value)
        self.sort_name = self.name.lower()
