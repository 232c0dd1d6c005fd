"""The sentences of a confirmed CV, each with its words and its meaning, so that a question finds them (F06)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Func, Value
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _
from pgvector.django import HalfVectorField

from advisory.meaning import DIMENSION
from facility.bid import AREAS
from facility.registry.cluster import ECOSYSTEMS
from facility.roles import system
from facility.workflow.engine import Part
from facility.workflow.steps import step

from .sentences import flat, pieces

# PostgreSQL's own stemmers (pg_ts_config); all other languages go by their plain words.
STEMMERS = {
    **{"ca": "catalan", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish"},
    **{"et": "estonian", "eu": "basque", "fi": "finnish", "fr": "french", "ga": "irish", "hu": "hungarian"},
    **{"it": "italian", "lt": "lithuanian", "nb": "norwegian", "nl": "dutch", "no": "norwegian", "pt": "portuguese"},
    **{"ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "tr": "turkish"},
}
# What tells who somebody is, and not what they can do.
ABOUT_THE_PERSON = ("full_name", "email", "phone", "nationality")
AT_WORK = ("area", "sector", "employment", "degree", "project", "skill", "tool", "certificate", "publication")
LABELS = {**{slug: str(label) for slug, label in AREAS}, **dict(ECOSYSTEMS)}


class CvSentence(Part):
    """A piece of a CV: its place in the text, or none for what a person has added, its words, and what it means.

    `vector` is None where the budget of its CV was used up: it is found by its words then.
    """

    curriculum = models.ForeignKey("advisory.CurriculumVitae", on_delete=models.PROTECT, related_name="sentences")
    order = models.PositiveSmallIntegerField()
    start = models.PositiveIntegerField(null=True)
    end = models.PositiveIntegerField(null=True)
    language = models.CharField(max_length=5, blank=True, default="")
    text = models.TextField()
    text_sha256 = models.CharField(max_length=64, db_index=True)
    words = SearchVectorField(null=True)
    vector = HalfVectorField(dimensions=DIMENSION, null=True)

    class Meta:
        indexes = [GinIndex(fields=["words"], name="cv_sentence_words")]
        constraints = [models.UniqueConstraint(fields=["curriculum", "order"], name="sentence_order_once_per_cv")]

    def __str__(self) -> str:
        return self.text_sha256[:12]


class Searchable(models.Model):
    """The part of a CV that makes it found: which sentences it has, and the step that keeps them."""

    fields: Any
    language: str
    sentences: Any
    text: str

    class Meta:
        abstract = True

    @step(label=_("Make searchable"), source="confirmed", target=None, who=system, quiet=True, form="IndexSentences")
    def index_sentences(self: Any, *, by: Any, sentences: list[dict[str, Any]]) -> None:
        """Keeps the sentences by which the CV is found; those of the advisor's earlier CVs go."""
        CvSentence.objects.filter(curriculum__advisor=self.advisor_id).delete()
        CvSentence.objects.bulk_create(CvSentence(curriculum=self, order=at, **one) for at, one in enumerate(sentences))
        self.sentences.update(words=words_of(self.language))
        self.trail_also("sentences", None, len(sentences))

    def told_sentences(self) -> list[dict[str, Any]]:
        """Its pieces in order: {"start", "end", "language", "text"}; then what a person has added, without a place."""
        rows = list(self.fields.order_by("order"))
        hidden = [one.snippet or str(one.value) for one in rows if one.name in ABOUT_THE_PERSON]
        found = [
            {"start": start, "end": end, "language": self.language, "text": " ".join(self.text[start:end].split())}
            for start, end in pieces(self.text, hidden)
        ]
        return found + [
            {"start": None, "end": None, "language": language, "text": text}
            for text, language in added(rows, self.text, self.language)
        ]


def added(rows: Sequence[Any], text: str, language: str) -> list[tuple[str, str]]:
    """(text, language) of confirmed facts whose words are not in the CV: areas and sectors, and what was written."""
    known, made = flat(text), {}
    for row in rows:
        if not row.confirmed or row.name not in AT_WORK:
            continue
        if row.name in {"area", "sector"}:
            made[LABELS.get(row.value, "")] = "en"
        elif not row.snippet:
            said = in_words(row.value)
            if flat(said) not in known:
                made[said] = language
    return [(said, spoken) for said, spoken in made.items() if said]


def in_words(value: Any) -> str:
    """A fact as a sentence would name it: a job by title and employer, a degree by title and school."""
    if not isinstance(value, dict):
        return str(value)
    return ", ".join(value[part] for part in ("title", "employer", "institution") if value.get(part))


class Config(models.Field):
    """The name of a text search configuration, as PostgreSQL knows it."""

    def db_type(self, connection: Any) -> str:
        """Its type there."""
        return "regconfig"


def words_of(language: str) -> Any:
    """The expression for the words of a sentence: as its language stems them, and plain without accents."""
    kind: Any = SearchVectorField()
    text = F("text")

    def vector(config: str, said: Any) -> Func:
        return Func(Cast(Value(config), Config()), said, function="to_tsvector", output_field=kind)

    both = [vector(STEMMERS.get(language, "simple"), text), vector("simple", Func(text, function="unaccent"))]
    return Func(*both, template="strip(%(expressions)s)", arg_joiner=" || ", output_field=kind)
