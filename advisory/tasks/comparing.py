"""What a match run compares: texts and vectors of CVs and projects, and the sentences that show what counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from advisory.bm25 import cut, sentences_of
from advisory.curriculum import CurriculumVitae, CvField, hash_of
from advisory.matchrun import MatchRun
from advisory.meaning import KNOWN_LANGUAGES, MODEL, Embedder
from advisory.vectors import AskVector, CvPassage
from advisory.weighing import Ask
from facility.workflow.jobs import Job

# Tokens of a CV's work (no contact data) that are embedded, and of a text of a project; see docs/matching.md.
CV_TOKENS = 200
ASK_TOKENS = 400
QUOTES = 3
SENTENCES = 2

# Loaded at the first text, and so in the worker's child, never before its fork.
embedder = Embedder()


def passages_of(cv: CurriculumVitae) -> list[str]:
    """The parts of a CV's work that are embedded; none in a language that the model does not know."""
    return embedder.chunks(cv.told(), CV_TOKENS) if _is_known(cv.language) else []


def passages_indexed(cv: CurriculumVitae) -> list[dict[str, Any]] | None:
    """Hash and vector of each passage, those known by their hash taken over; None when all stand there already."""
    chunks = passages_of(cv)
    hashes = [hash_of(chunk) for chunk in chunks]
    if hashes == list(cv.passages.order_by("order").values_list("text_sha256", flat=True)):
        return None
    known = {one.text_sha256: one.vector for one in CvPassage.objects.filter(text_sha256__in=hashes)}
    fresh = {key: chunk for key, chunk in zip(hashes, chunks, strict=True) if key not in known}
    known |= dict(zip(fresh, embedder.embed_passages(list(fresh.values())), strict=True))
    return [{"text_sha256": key, "vector": np.asarray(known[key], dtype=float).tolist()} for key in hashes]


def texts_of(run: MatchRun) -> dict[str, tuple[str, str, Any]]:
    """(confirmed text, language, passage vectors) of each advisor's CV as frozen, by advisor id."""
    owners = {one["curriculum"]: one["id"] for one in run.inputs["advisors"] if one["curriculum"]}
    vectors: dict[str, list[Any]] = {}
    for passage in CvPassage.objects.filter(curriculum__in=owners).order_by("curriculum", "order"):
        vectors.setdefault(str(passage.curriculum_id), []).append(np.asarray(passage.vector, dtype=float))
    rows = CurriculumVitae.objects.filter(pk__in=owners).defer("text").prefetch_related("fields")
    return {owners[str(cv.pk)]: (cv.told(), cv.language, vectors.get(str(cv.pk))) for cv in rows}


def asked_by(run: MatchRun, work: Job, steps: int) -> dict[str, tuple[Ask, ...]]:
    """The texts of each project with language, vector and weight, by project id; each text is embedded once for ever.

    A text in a language that the model does not know has no vector. steps: of the whole run, for its progress.
    """
    projects, asked = run.inputs["projects"], {}
    texts = {one["text"]: _key(one["text"]) for project in projects for one in project["asks"]}
    rows = AskVector.objects.filter(text_sha256__in=texts.values())
    known = {one.text_sha256: np.asarray(one.vector, dtype=float) for one in rows}
    for number, project in enumerate(projects, 1):
        languages = languages_of([one["text"] for one in project["asks"]])
        fresh = {
            one["text"]: vector_of(one["text"])
            for one, language in zip(project["asks"], languages, strict=True)
            if _is_known(language) and texts[one["text"]] not in known
        }
        kept = [AskVector(text_sha256=texts[text], vector=vector.tolist()) for text, vector in fresh.items()]
        AskVector.objects.bulk_create(kept, ignore_conflicts=True)
        known |= {texts[text]: np.asarray(vector, dtype=float) for text, vector in fresh.items()}
        # The same few words may stand in a project of another language too, and have a vector there.
        asked[project["id"]] = tuple(
            Ask(one["text"], language, known[texts[one["text"]]] if _is_known(language) else None, one["weight"])
            for one, language in zip(project["asks"], languages, strict=True)
        )
        work.advance(number, steps)
    return asked


def vector_of(text: str) -> Any:
    """The vector of a project's text: all of its first ASK_TOKENS tokens at once, which the model reads uncut."""
    return embedder.embed_query(" ".join(embedder.chunks(text, ASK_TOKENS)))


def languages_of(texts: Sequence[str]) -> list[str]:
    """The language of each text of a project: its own where it is long enough to tell, else that of all together.

    Empty where all together are too short: such texts are compared by meaning and not by words.
    """
    common = _told_language("\n".join(texts))
    return [_told_language(text) or common for text in texts]


def _told_language(text: str) -> str:
    """The language of a text with ENOUGH_LETTERS; of fewer ("Water reuse"), the guess is as good as drawn by lot."""
    from advisory.cv.reader import ENOUGH_LETTERS, LANGUAGE, LANGUAGE_SAMPLE

    sample = text[:LANGUAGE_SAMPLE]
    return LANGUAGE.classify(sample)[0] if sum(map(str.isalpha, sample)) >= ENOUGH_LETTERS else ""


def _is_known(language: str) -> bool:
    return not language or language in KNOWN_LANGUAGES


def _key(text: str) -> str:
    """Of the way of reading too: vectors of a text's first part only were kept without that word."""
    return hash_of(f"{MODEL} whole {ASK_TOKENS} {text}")


def quoted(
    run: MatchRun,
    pairs: list[dict[str, Any]],
    texts: dict[str, tuple[str, str, Any]],
    asked: dict[str, tuple[Ask, ...]],
) -> list[dict[str, Any]]:
    """The pairs with the sentences of the CV that count: for areas, for words in common, and nearest in meaning."""
    curricula = {one["id"]: one["curriculum"] for one in run.inputs["advisors"]}
    wanted = {curricula[pair["advisor"]["id"]] for pair in pairs} - {None}
    rows = CvField.objects.filter(curriculum__in=wanted, name="area", confirmed=True).exclude(snippet="")
    found, near = list(rows.order_by("order")), nearness()
    told = []
    for pair in pairs:
        areas: list[str] = next((part["evidence"] for part in pair["parts"] if part["name"] == "areas"), [])
        own = [
            one for one in found if str(one.curriculum_id) == curricula[pair["advisor"]["id"]] and one.value in areas
        ]
        quotes = [{"part": "areas", "text": one.snippet, "place": one.place} for one in own[:QUOTES]]
        sentences = pair.pop("sentences")
        if sentences["words"]:
            quotes.append({"part": "words", "text": sentences["words"], "place": ""})
        if sentences["nearest"]:
            chunk, ask = sentences["nearest"]
            text, vector = texts[pair["advisor"]["id"]][0], asked[pair["project"]["id"]][ask].vector
            quotes += [{"part": "meaning", "text": one, "place": ""} for one in near(text, chunk, vector)]
        told.append(pair | {"quotes": quotes})
    return told


def nearness() -> Callable[[str, int, Any], list[str]]:
    """A function (text, number of a passage, vector) that answers the sentences of the passage nearest to the vector.

    Only passages of proposed pairs are read sentence by sentence, each once.
    """
    kept: dict[str, tuple[list[str], Any]] = {}

    def near(text: str, number: int, vector: Any) -> list[str]:
        chunks = embedder.chunks(text, CV_TOKENS)
        if number >= len(chunks):
            return []  # confirmed anew since the vectors were made
        chunk = chunks[number]
        if chunk not in kept:
            sentences = list(dict.fromkeys(_within(text, chunk)))
            kept[chunk] = sentences, np.asarray(embedder.embed_passages(sentences))
        sentences, vectors = kept[chunk]
        best: Sequence[int] = np.argsort(-(vectors @ vector))[:SENTENCES].tolist() if sentences else []
        return [cut(sentences[at]) for at in best]

    return near


def _within(text: str, chunk: str) -> list[str]:
    """The sentences of the text that lie in a passage of it, whole; chunks have lost the ends of lines."""
    own = f" {chunk} "
    found = [one for one in sentences_of(text) if " ".join(one.split()) in own]
    return found or sentences_of(chunk)


__all__ = ["asked_by", "embedder", "passages_indexed", "quoted", "texts_of"]
