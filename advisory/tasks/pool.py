"""The work that makes CVs found."""

from __future__ import annotations

from typing import Any

import numpy as np

from advisory.curriculum import CurriculumVitae, hash_of
from advisory.searchable import CvSentence
from facility.workflow.jobs import Job, job
from facility.workflow.steps import SYSTEM
from facility.workflow.tasks import daily

from .matching import embedder

# Tokens of a CV whose sentences are compared by meaning; docs/performance.md has the table behind it.
SENTENCE_TOKENS = 320
# A piece with fewer letters says too little for a vector.
ENOUGH = 25


@job("advisory.index_sentences")
def index_sentences(work: Job) -> None:
    """Makes a confirmed CV searchable; a sentence that was embedded before, in this CV or another, is not again."""
    cv = CurriculumVitae.objects.get(pk=work.record_id)
    if cv.state != CurriculumVitae.State.CONFIRMED:
        return
    told = [one | {"text_sha256": hash_of(one["text"])} for one in cv.told_sentences()]
    if [one["text_sha256"] for one in told] == list(
        cv.sentences.order_by("order").values_list("text_sha256", flat=True)
    ):
        return
    chosen = within_budget(told)
    known = vectors_of(chosen)
    fresh = {key: text for key, text in chosen.items() if key not in known}
    known |= dict(zip(fresh, embedder.embed_passages(list(fresh.values())), strict=True))
    for one in told:
        vector = known.get(one["text_sha256"]) if one["text_sha256"] in chosen else None
        one["vector"] = None if vector is None else np.asarray(vector, dtype=float).round(5).tolist()
    cv.perform("index_sentences", by=SYSTEM, sentences=told)


def within_budget(told: list[dict[str, Any]]) -> dict[str, str]:
    """By hash the texts to embed: what a person has added first, then the CV from its beginning."""
    chosen: dict[str, str] = {}
    left = SENTENCE_TOKENS
    for one in sorted(told, key=lambda one: one["start"] is not None):
        if len(one["text"]) < ENOUGH and one["start"] is not None:
            continue
        left -= embedder.model.token_count(one["text"])
        if left < 0:
            break
        chosen[one["text_sha256"]] = one["text"]
    return chosen


def vectors_of(texts: dict[str, str]) -> dict[str, Any]:
    """The vectors that are known of these texts, by hash."""
    rows = CvSentence.objects.filter(text_sha256__in=list(texts), vector__isnull=False).distinct("text_sha256")
    return dict(rows.values_list("text_sha256", "vector"))


@daily
def index_the_rest() -> int:
    """Confirmed CVs that are not searchable yet, as those from before there was a search, are made so."""
    rows = CurriculumVitae.objects.filter(state=CurriculumVitae.State.CONFIRMED, sentences__isnull=True)
    made = [Job.about(cv, "advisory.index_sentences", key=f"sentences:{cv.pk}") for cv in rows.defer("text")]
    Job.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


__all__ = ["index_sentences", "index_the_rest"]
