"""Vectors of meaning: of the passages of CVs, and of the texts that projects ask with (F06, F07)."""

from __future__ import annotations

from django.db import models
from pgvector.django import VectorField

from advisory.meaning import DIMENSION
from facility.workflow.engine import Part


class CvPassage(Part):
    """A vector of meaning of a part of a CV, known by the hash of its text."""

    curriculum = models.ForeignKey("advisory.CurriculumVitae", on_delete=models.PROTECT, related_name="passages")
    order = models.PositiveSmallIntegerField()
    text_sha256 = models.CharField(max_length=64, db_index=True)
    vector = VectorField(dimensions=DIMENSION)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["curriculum", "order"], name="passage_order_once_per_cv")]

    def __str__(self) -> str:
        return self.text_sha256[:12]


class AskVector(models.Model):
    """The vector of a project's text, known by the hash of model, budget and text; may be emptied at any time."""

    text_sha256 = models.CharField(max_length=64, primary_key=True)
    vector = VectorField(dimensions=DIMENSION)

    def __str__(self) -> str:
        return self.text_sha256[:12]


__all__ = ["AskVector", "CvPassage"]
