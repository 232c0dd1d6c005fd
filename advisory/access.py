"""The log of who opened which CV, its page or its file; read by the office and by whom the CV is of."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from advisory.curriculum import CurriculumVitae
from facility.registry.documents import Download
from facility.workflow import clock
from facility.workflow.ids import uuid7

SHOWN_AT_MOST = 200


class CvAccess(models.Model):
    """Somebody opened the page of a CV of somebody else."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    curriculum = models.ForeignKey(CurriculumVitae, on_delete=models.PROTECT, related_name="accesses")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["curriculum", "-at"], name="access_by_cv")]

    def __str__(self) -> str:
        return f"{self.curriculum_id} {self.at:%Y-%m-%d %H:%M}"

    @classmethod
    def note(cls, cv: CurriculumVitae, person: Any) -> None:
        """Writes down that somebody opened the page; of one's own CV nothing is noted."""
        cls.note_all([cv], person)

    @staticmethod
    def note_all(curricula: list[CurriculumVitae], person: Any) -> None:
        """The same of several that were opened together."""
        CvAccess.objects.bulk_create(
            CvAccess(curriculum=cv, person=person)
            for cv in curricula
            if person.pk != cv.applicant_id and not (cv.advisor is not None and cv.advisor.person_id == person.pk)
        )


def accesses(curricula: Any) -> list[list[Any]]:
    """[CV's file, who, what, when] of these CVs, the latest first; two statements, however many."""
    keys = [cv.pk for cv in curricula]
    names = {cv.document_id: cv.document.name for cv in curricula}
    files = {cv.pk: cv.document.name for cv in curricula}
    pages = CvAccess.objects.filter(curriculum__in=keys).select_related("person").order_by("-at")
    loads = Download.objects.filter(document__in=list(names)).select_related("person").order_by("-at")
    found: list[tuple[Any, str, Any, str]] = [
        (one.at, files[one.curriculum_id], one.person, _t("page")) for one in pages[:SHOWN_AT_MOST]
    ]
    found += [(one.at, names[one.document_id], one.person, _t("file")) for one in loads[:SHOWN_AT_MOST]]
    found.sort(key=lambda one: one[0], reverse=True)
    return [[name, str(person or _t("System")), what, at] for at, name, person, what in found[:SHOWN_AT_MOST]]


def part_of(curricula: Any) -> dict[str, Any]:
    """The log as a table of a page."""
    columns = [_("File"), _("Who"), _("What"), _("When")]
    rows = accesses(curricula)
    return {"title": _("Who opened it"), "columns": columns, "rows": rows, "empty": _("Nobody has opened it yet.")}


__all__ = ["CvAccess"]
