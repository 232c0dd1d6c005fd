"""The rows that belong to an application: partners, needs, files, texts kept beside each other, what was handed in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.registry.cluster import Cluster
from facility.registry.documents import Document
from facility.registry.vocabulary_data import vocabulary
from facility.workflow.engine import Part

AREAS = [(term.id, term.label("en")) for term in vocabulary("areas")]
PARTNERS_AT_MOST = 4


def _person() -> Any:
    return models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")


class ApplicationPartner(Part):
    """A partner cluster of an application, its part, and what its manager says to that."""

    application = models.ForeignKey("facility.Application", on_delete=models.PROTECT, related_name="partners")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="partnerships")
    role = models.CharField(_("role"), max_length=200, blank=True, default="")
    contribution = models.TextField(_("contribution"), blank=True, default="")
    answer = models.CharField(
        max_length=3, choices=[("", _("Not answered yet")), ("yes", _("Confirmed")), ("no", _("Does not take part"))],
        blank=True, default="",
    )  # fmt: skip
    answered_by = _person()
    answered_at = models.DateTimeField(null=True)
    # Whoever answers for a cluster in which nobody has an account.
    contact = _person()
    asked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["application", "cluster"], name="partner_once_per_application")]

    def __str__(self) -> str:
        return self.cluster.name


class ApplicationNeed(Part):
    """A need in order of importance: as the applicant put it, or raised by the intake itself (E07)."""

    application = models.ForeignKey("facility.Application", on_delete=models.PROTECT, related_name="needs")
    rank = models.PositiveSmallIntegerField()
    area = models.CharField(max_length=40, choices=AREAS, blank=True)
    text = models.CharField(max_length=500, blank=True)
    source = models.CharField(
        max_length=10, choices=[("applicant", _("Applicant")), ("intake", _("Intake"))], default="applicant"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["application", "rank"], name="need_rank_once_per_application"),
            models.UniqueConstraint(
                fields=["application"], condition=Q(source="intake"), name="intake_need_once_per_application"
            ),
        ]

    def __str__(self) -> str:
        return self.text

    def words(self) -> str:
        """As the applicant put it; the intake's own need in the active language."""
        return _t(self.text) if self.source == "intake" else self.text


class ApplicationDocument(Part):
    """A file of an application: the answer to a question, or a supporting document when `question` is empty."""

    application = models.ForeignKey("facility.Application", on_delete=models.PROTECT, related_name="papers")
    document = models.OneToOneField(Document, on_delete=models.PROTECT, related_name="paper")
    question = models.CharField(max_length=60, blank=True, default="")
    # Taken out after it was handed in once: it stays readable with that submission.
    is_removed = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.document.name


class KeptText(Part):
    """What one tab typed while somebody else changed the same field: kept until one of the two is chosen."""

    application = models.ForeignKey("facility.Application", on_delete=models.PROTECT, related_name="kept_texts")
    field = models.CharField(max_length=80)
    tab = models.CharField(max_length=40)
    turn = models.PositiveIntegerField()
    value = models.JSONField(null=True)
    by = _person()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["application", "field", "tab"], name="kept_text_once_per_field_and_tab")
        ]

    def __str__(self) -> str:
        return self.field


class Submission(Part):
    """What was handed in, whole and for good; `sha256` is taken over `content` as canonical JSON."""

    application = models.ForeignKey("facility.Application", on_delete=models.PROTECT, related_name="submissions")
    number = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    by = _person()
    content = models.JSONField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["application", "number"], name="submission_number_once_per_application")
        ]

    def __str__(self) -> str:
        return self.sha256


class Clarification(Part):
    """A question of the office about named fields, and the answer; before and after are two submissions."""

    application = models.ForeignKey("facility.Application", on_delete=models.PROTECT, related_name="clarifications")
    question = models.TextField()
    fields = models.JSONField()
    asked_by = _person()
    asked_at = models.DateTimeField()
    answer = models.TextField(blank=True, default="")
    answered_by = _person()
    answered_at = models.DateTimeField(null=True)
    before = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="+")
    after = models.ForeignKey(Submission, null=True, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return self.question
