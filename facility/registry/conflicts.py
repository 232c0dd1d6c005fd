"""Conflicts of interest of a person with a cluster, an organisation or another person, declared or found."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from facility.roles import any_of, held, in_force, parent_step, system, who
from facility.workflow.engine import Faces, Record
from facility.workflow.steps import Who, step

from .cluster import Cluster
from .evaluator import TIES, ProfileEmployer
from .people import Person


def _of_people_in_own_programmes(name: str, *roles: str) -> Who:
    """Holds a role for a programme in which the conflict's person has or had one."""

    def rule(person: Any) -> Q:
        mine = held(person, *roles)
        there = apps.get_model("facility.Grant").objects.filter(
            Q(programme_id__in=mine) | Q(scope_type="programme", scope_key__in=mine)
        )
        return Q(person_id__in=there.values("person_id"))

    return who(name, rule, *roles)


own_conflict = who("declarant", lambda person: Q(person=person))
office_of_the_person = _of_people_in_own_programmes("office of the person", "lead", "coordinator")
readers_of_the_person = _of_people_in_own_programmes("readers of the person", "lead", "coordinator", "observer")


class Conflict(Record):
    """A person does not evaluate, advise or decide where they have an interest in the cluster.

    The tie is to a cluster, to an organisation (then it counts for the cluster of which that is a member), or to
    another person (then for the clusters which that person manages).
    """

    records = "conflicts"
    columns = ("person", "cluster", "organisation", "other", "kind")
    facts = (*columns, "note")
    filter_by = ("kind", "cluster")
    shape = {
        "person": "person_id",
        "cluster": "cluster_id",
        "organisation": "organisation_id",
        "other": "other_id",
        "kind": "kind",
        "staff:note": "note",
    }
    faces = Faces(readers_of_the_person, own_conflict)

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="conflicts", verbose_name=_("person")
    )
    cluster = models.ForeignKey(
        "facility.Cluster",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="conflicts",
        verbose_name=_("cluster"),
    )
    organisation = models.ForeignKey(
        "facility.Organisation",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="conflicts",
        verbose_name=_("organisation"),
    )
    other = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="conflicts_with",
        verbose_name=_("other person"),
    )
    kind = models.CharField(_("kind"), max_length=20, choices=TIES)
    note = models.CharField(_("note"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("conflict of interest")
        verbose_name_plural = _("conflicts of interest")
        constraints = [
            models.UniqueConstraint(fields=["person", "cluster"], name="conflict_once_per_person_and_cluster"),
            models.UniqueConstraint(fields=["person", "organisation"], name="conflict_once_per_organisation"),
            models.UniqueConstraint(fields=["person", "other"], name="conflict_once_per_other_person"),
            models.CheckConstraint(
                condition=Q(cluster__isnull=False, organisation__isnull=True, other__isnull=True)
                | Q(cluster__isnull=True, organisation__isnull=False, other__isnull=True)
                | Q(cluster__isnull=True, organisation__isnull=True, other__isnull=False),
                name="conflict_with_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person}, {self.cluster or self.organisation or self.other}"

    @step(
        label=_("Declare a conflict"),
        new=True,
        who=any_of(own_conflict, office_of_the_person, system, parent_step),
        form="ConflictForm",
    )
    def declare(self, *, by: Any, **data: Any) -> None:
        """Enters a conflict in the register; from now on the person reads and judges nothing of what it touches."""
        for name, value in data.items():
            setattr(self, name, value)

    def after_step(self, name: str, *, by: Any) -> None:
        """Whoever is tied now stops evaluating now."""
        apps.get_model("facility.Evaluation").take_off_the_tied(by=by, people=[self.person_id])


def tied_clusters(person: Any) -> QuerySet:
    """The clusters in which the person has an interest: the one rule for reading, assigning and taking off.

    By the register (cluster, member organisation, manager who is tied to them), by the past employers of their
    profile (by name, whatever its capitals), by managing the cluster themselves, and by answering for its part in an
    application. `person` may be an OuterRef of a query two levels up.
    """
    declared = Conflict.objects.filter(person=person)
    houses = ProfileEmployer.objects.filter(person=person).values("sort_name")
    managing = in_force().filter(role="manager", scope_type="cluster")
    parts = apps.get_model("facility.ApplicationPartner").objects.filter(Q(contact=person) | Q(answered_by=person))
    return Cluster.objects.filter(
        Q(pk__in=declared.filter(cluster__isnull=False).values("cluster_id"))
        | Q(pk__in=declared.filter(organisation__cluster__isnull=False).values("organisation__cluster_id"))
        | Q(pk__in=managing.filter(person__conflicts_with__person=person).values("scope_key"))
        | Q(pk__in=managing.filter(person=person).values("scope_key"))
        | Q(pk__in=parts.values("cluster_id"))
        | Q(sort_name__in=houses)
        | Q(members__sort_name__in=houses)
    )


def ties_of(people: Any) -> dict[Any, set[Any]]:
    """By each person's key the keys of the clusters in which they have an interest; one statement for all."""
    keys = ArraySubquery(tied_clusters(OuterRef(OuterRef("pk"))).values("pk"))
    rows = Person.objects.filter(pk__in=[getattr(one, "pk", one) for one in people]).annotate(tied=keys)
    return {key: set(tied) for key, tied in rows.values_list("pk", "tied")}
