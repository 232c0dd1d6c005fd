"""Vectors of the texts that projects ask with, each made once (F07)."""

from __future__ import annotations

from django.db import models
from pgvector.django import VectorField

from advisory.meaning import DIMENSION


class AskVector(models.Model):
    """The vector of a project's text, known by the hash of model, budget and text; may be emptied at any time."""

    text_sha256 = models.CharField(max_length=64, primary_key=True)
    vector = VectorField(dimensions=DIMENSION)

    def __str__(self) -> str:
        return self.text_sha256[:12]


__all__ = ["AskVector"]
