"""Clusters: who applies, takes part and is supported (F04)."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _
from django_countries.fields import Country, CountryField

from facility.roles import any_of, any_office, any_reader, anywhere, held, in_force, public, system, who
from facility.workflow.engine import Faces, Record
from facility.workflow.shape import Many
from facility.workflow.steps import Who, step

from .matrix import EU_MEMBERS
from .profile import Criterion, nace, registration
from .vocabulary_data import Source, vocabulary


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


def looked_after_in(programme: Any) -> Q:
    """The clusters that take part or have a manager in this programme, and those that have nobody anywhere yet."""
    return _touched("pk", programme=programme) | ~_touched("pk")


def _touched(path: str, **of: Any) -> Q:
    found = Q()
    for keys in programmes_touch(**of):
        found |= Q(**{f"{path}__in": keys})
    return found


def _of_cluster(name: str, path: str, *roles: str) -> Who:
    def rule(person: Any) -> Q:
        own = _touched(path, programme__in=held(person, *roles))
        return own | (any_of(*map(anywhere, roles)).q(person) & ~_touched(path))

    return who(name, rule, *roles)


def office_of(path: str) -> Who:
    """The office that looks after the cluster at `path`: that of a programme in which it takes part or has a manager.

    A cluster belongs to no programme. One that nobody applied for or manages yet, any office looks after.
    """
    return _of_cluster("office of the cluster", path, "lead", "coordinator")


def readers_of(path: str) -> Who:
    """The same office, and the observers of its programmes."""
    return _of_cluster("reader of the cluster", path, "lead", "coordinator", "observer")


manages = who("own manager", lambda person: Q(pk__in=held(person, "manager", scope="cluster")), "manager")
ECOSYSTEMS = [(term.id, term.label("en")) for term in vocabulary("ecosystems")]
NACE = [(code, f"{code} {title}") for code, title in nace()[0].items()]
# Core: clusters whose members live by environmental goods and services; all others may become greener as well.
ECO_SECTORS = [("core", _("Core eco-sector")), ("non_core", _("Other sector"))]
WAIVERS = [
    ("programme", _("part of a recognised regional or national cluster programme")),
    ("social_economy", _("recognised cluster of the social economy")),
]


class Cluster(Record):
    """A cluster organisation. Its name is a fact and is never translated; `lang` is the language of the name."""

    records = "clusters"
    lede = _("Clusters that applied, take part or are partners.")
    columns = ("name", "country", "sector", "members_count", "smes_count")
    facts = (
        "name",
        "country",
        "nuts",
        "legal_form",
        "founded_in",
        "sector",
        "ecosystem",
        "members_count",
        "smes_count",
        "website",
    )
    search_in = ("name", "sector")
    filter_by = ("country", "ecosystem", "eco_sector")
    order_by = ("-id", "sort_name")
    shape = {
        "name": "name",
        "lang": "lang",
        "country": "country",
        "nuts": "nuts",
        "legal_form": "legal_form",
        "founded_in": "founded_in",
        "sector": "sector",
        "ecosystem": "ecosystem",
        "further_ecosystems": "further_ecosystems",
        "nace": "nace",
        "eco_sector": "eco_sector",
        "demand_drivers": "demand_drivers",
        "members": "members_count",
        "smes": "smes_count",
        "website": "website",
        "participant:strategic_focus": "strategic_focus",
        "participant:management": {
            "fte": "management_fte",
            "english_website": "has_english_website",
            "committed_members": "committed_members",
            "member_types": "member_types",
            "waived_for": "waived_for",
        },
        "labels": Many(
            "facility.Label",
            "cluster",
            {"level": "level", "awarded_on": "awarded_on", "valid_until": "valid_until", "state": "state"},
            order=("awarded_on", "pk"),
            only=Q(state__in=["valid", "renewal_due", "expired", "withdrawn"]),
        ),
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
    legal_form = models.CharField(_("legal form"), max_length=120, blank=True, default="")
    founded_in = models.PositiveSmallIntegerField(_("founded in"), null=True, blank=True)
    further_ecosystems = models.JSONField(_("further ecosystems"), default=list, blank=True)
    nace = models.JSONField(_("economic activities (NACE Rev. 2)"), default=list, blank=True)
    eco_sector = models.CharField(_("eco-sector"), max_length=10, choices=ECO_SECTORS, blank=True, default="")
    demand_drivers = models.CharField(_("what drives demand"), max_length=500, blank=True, default="")
    strategic_focus = models.PositiveSmallIntegerField(_("strategic focus, 1 to 5"), null=True, blank=True)
    management_fte = models.DecimalField(
        _("management, full-time equivalents"), max_digits=5, decimal_places=2, null=True, blank=True
    )
    has_english_website = models.BooleanField(_("website in English"), null=True)
    committed_members = models.PositiveIntegerField(_("members with a written commitment"), null=True, blank=True)
    member_types = models.JSONField(_("kinds of members"), default=list, blank=True)
    waived_for = models.CharField(_("waived for"), max_length=20, choices=WAIVERS, blank=True, default="")
    waiver_note = models.CharField(_("recognised by"), max_length=200, blank=True, default="")
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

    def registration(self) -> tuple[tuple[Criterion, ...], Source]:
        """How it stands to the criteria of registration on the ECCP, and where they come from."""
        return registration(
            management_fte=self.management_fte,
            has_english_website=self.has_english_website,
            committed_members=self.committed_members,
            member_types=self.member_types,
            is_waived=bool(self.waived_for),
        )

    @step(label=_("Register a cluster"), new=True, who=any_of(any_office, system), form="ClusterForm")
    def create(self, *, by: Any, **data: Any) -> None:
        """Registers a cluster. Its managers are invited next."""
        self.take(data)

    @step(label=_("Edit profile"), who=any_of(manages, office_of("pk")), form="ClusterForm", edits=True)
    def edit(self, *, by: Any, **data: Any) -> None:
        """Changes the cluster's profile."""
        self.take(data)

    @step(label=_("Edit sectors"), who=any_of(manages, office_of("pk")), form="ClassifyCluster", edits=True)
    def classify(self, *, by: Any, **data: Any) -> None:
        """Says in which activities and ecosystems the members work, and what drives the demand for green solutions."""
        self.take(data)

    @step(label=_("Edit management"), who=any_of(manages, office_of("pk")), form="ManageCluster", edits=True)
    def describe_management(self, *, by: Any, **data: Any) -> None:
        """Says how the cluster is managed; the criteria of registration are read from it."""
        self.take(data)

    def take(self, data: dict[str, Any]) -> None:
        """Sets the values of the form."""
        for name, value in data.items():
            setattr(self, name, value)
        self.sort_name = self.name.lower()


def by_eco_sector(clusters: models.QuerySet[Cluster]) -> dict[str, int]:
    """How many clusters are core, non_core and not marked (unmarked), zeros too (E02, E06); one query."""
    counted = dict(clusters.order_by().values_list("eco_sector").annotate(n=Count("pk", distinct=True)))
    return {"core": counted.get("core", 0), "non_core": counted.get("non_core", 0), "unmarked": counted.get("", 0)}
