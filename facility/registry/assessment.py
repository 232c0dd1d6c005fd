"""Outside assessments of a cluster: results of other people's schemes, beside and never among our own scores (E24)."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from facility.roles import any_of, any_reader, manager_of, public
from facility.workflow.engine import Faces, Record
from facility.workflow.steps import step

from .cluster import Cluster, office_of
from .documents import Document

own_manager = manager_of("cluster_id")
own_office = office_of("cluster_id")
SCHEMES = [
    ("emas", _("EMAS, the eco-management and audit scheme")),
    ("iso_14001", _("ISO 14001, environmental management")),
    ("innovation", _("Assessment of innovation management")),
    ("excellence", _("Cluster excellence scheme")),
    ("other", _("Another scheme")),
]


class OutsideAssessment(Record):
    """What somebody else found, as their document says it. It has no number that ours could be added to."""

    records = "outside-assessments"
    lede = _("What others found. These results enter no score of ours.")
    columns = ("cluster", "scheme", "result", "assessed_on", "valid_until")
    facts = (*columns, "scheme_name", "assessor", "document")
    filter_by = ("scheme", "cluster")
    order_by = ("-assessed_on", "id")
    shape = {
        "cluster": "cluster_id",
        "scheme": "scheme",
        "scheme_name": "scheme_name",
        "result": "result",
        "assessor": "assessor",
        "assessed_on": "assessed_on",
        "valid_until": "valid_until",
        "document": "document_id",
    }
    faces = Faces(any_reader, participant=own_manager, public=public)
    door_related = ("cluster", "document")

    cluster = models.ForeignKey(
        Cluster, on_delete=models.PROTECT, related_name="outside_assessments", verbose_name=Cluster._meta.verbose_name
    )
    scheme = models.CharField(_("scheme"), max_length=20, choices=SCHEMES)
    scheme_name = models.CharField(_("name of the scheme"), max_length=120, blank=True, default="")
    result = models.CharField(_("result"), max_length=200)
    assessor = models.CharField(_("assessed by"), max_length=200)
    assessed_on = models.DateField(_("assessed on"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    document = models.ForeignKey(
        Document, null=True, on_delete=models.PROTECT, related_name="assessments", verbose_name=_("document")
    )

    class Meta:
        verbose_name = _("outside assessment")
        verbose_name_plural = _("outside assessments")

    def __str__(self) -> str:
        return f"{self.get_scheme_display()}, {self.cluster.name}"

    @step(label=_("Enter an assessment"), new=True, who=any_of(own_manager, own_office), form="OutsideAssessmentForm")
    def create(self, *, by: Any, **data: Any) -> None:
        """Enters what an outside scheme found, with its document. The document is shown in public."""
        self.take(by, data)

    @step(label=_("Edit"), who=any_of(own_manager, own_office), form="OutsideAssessmentForm", edits=True)
    def edit(self, *, by: Any, **data: Any) -> None:
        """Corrects the entry; without a new file the document stays."""
        self.take(by, data)

    def take(self, by: Any, data: dict[str, Any]) -> None:
        """Sets the values of the form, and keeps the file."""
        file = data.pop("file")
        for name, value in data.items():
            setattr(self, name, value)
        if file:
            self.document = Document().perform("receive", by=by, files={"file": file}, audience="public")


__all__ = ["SCHEMES", "OutsideAssessment"]
