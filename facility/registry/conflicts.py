"""Conflicts of interest between a person and a cluster, declared or found."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from facility.roles import any_of, any_office, any_reader, parent_step, system, who
from facility.workflow.engine import Faces, Record
from facility.workflow.steps import step

own_conflict = who("declarant", lambda person: Q(person=person))


class Conflict(Record):
    """A person does not evaluate, advise or decide where they have an interest in the cluster."""

    records = "conflicts"
    columns = ("person", "cluster", "kind")
    facts = (*columns, "note")
    filter_by = ("kind", "cluster")
    shape = {"person": "person_id", "cluster": "cluster_id", "kind": "kind", "staff:note": "note"}
    faces = Faces(any_reader, own_conflict)

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="conflicts", verbose_name=_("person")
    )
    cluster = models.ForeignKey(
        "facility.Cluster", on_delete=models.PROTECT, related_name="conflicts", verbose_name=_("cluster")
    )
    kind = models.CharField(
        _("kind"),
        max_length=20,
        choices=[
            ("employment", _("works or worked there")),
            ("ownership", _("has a share in it")),
            ("personal", _("family or friends")),
            ("other", _("another interest")),
        ],
    )
    note = models.CharField(_("note"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("conflict of interest")
        verbose_name_plural = _("conflicts of interest")
        constraints = [
            models.UniqueConstraint(fields=["person", "cluster"], name="conflict_once_per_person_and_cluster")
        ]

    def __str__(self) -> str:
        return f"{self.person}, {self.cluster}"

    @step(
        label=_("Declare a conflict"),
        new=True,
        who=any_of(own_conflict, any_office, system, parent_step),
        form="ConflictForm",
    )
    def declare(self, *, by: Any, **data: Any) -> None:
        """Enters a conflict in the register; it counts at every assignment from now on."""
        for name, value in data.items():
            setattr(self, name, value)
