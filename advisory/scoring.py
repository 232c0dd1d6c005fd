"""How well each advisor fits each need, with the reasons (F07).

Pure: texts and their vectors go in, a matrix comes out. The score of a pair is the sum of its terms, each by a weight:
words (BM25) and meaning (cosine of multilingual vectors) as z-scores, the terms of `advisory.weighing` as shares from
0 to 1. A weight of 0 switches a term off and changes no other. A conflict forbids the pair.

Where words cannot be compared, because the languages differ, meaning stands in for them, and words for meaning where a
vector is missing; where neither is known, both are those of the average advisor. So nobody gains or loses by the
language of a CV.

Several texts of an advisor are independent parts (publications, posts): the mean of the best three counts. A text that
was cut into chunks is one whole: the mean of its chunks counts. Several texts of a need, such as ranked needs, are
queries of their own, and their weighted mean counts.

Both z-scores are taken off the mean of all advisors for that need and divided by one spread for the whole matrix, so
that scores compare across advisors for one need and across needs for one advisor, and an assignment may add them up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from advisory.bm25 import Words, cut, mean_of_best
from advisory.weighing import TEXTUAL, WEIGHTS, Ask, Matrix, Need, Profile, Record, evidence, shares

# A column mean over few advisors says little: this many advisors of average fit are mixed into it.
SHRINKAGE = 5
# As many texts of a language are needed before its mean vector is trusted to be the language and not the subject. With
# 20, a pool of six or seven CVs a language put translations of a CV 25 % of the pool behind; with 5 to 10, nowhere.
LANGUAGE_TEXTS = 8

Numbers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Part:
    """One reason: `value` is a z-score (`is_z`) or a share from 0 to 1, and `contribution` what it adds to the score.

    `evidence` is there to be read: words, codes, or the nearest text; `sentence` holds the words. `stand_in` names the
    term whose value stands in for one that is not known.
    """

    name: str
    value: float
    is_z: bool
    evidence: tuple[str, ...] = ()
    contribution: float = 0.0
    sentence: str = ""
    stand_in: str = ""


@dataclass(frozen=True)
class Scores:
    """`matrix[i, j]` for profile i and need j; nan where `forbidden`. `parts` says why.

    `nearest[i, j]` is (text, chunk, ask): which chunk of the profile is nearest to which text of the need; -1 without
    vectors.
    """

    profiles: Sequence[Profile]
    needs: Sequence[Need]
    matrix: Matrix
    forbidden: np.ndarray[Any, np.dtype[np.bool_]]
    components: Mapping[str, Matrix]
    weights: Mapping[str, float]
    nearest: Numbers
    _words: Words

    def parts(self, profile: int, need: int) -> list[Part]:
        """The reasons of one pair, the strongest first; their contributions add up to the score.

        A part that says nothing or is switched off is left out.
        """
        asked, offered = self.needs[need], self.profiles[profile]
        shared = self._words.shared(profile, asked)
        found = evidence(offered, asked) | {"words": shared, "meaning": self._text(profile, need)}
        parts = []
        for name, weight in self.weights.items():
            values, other = self.components[name], _other(name)
            value, stand_in = values[profile, need], ""
            if np.isnan(value) and other:
                value, stand_in = self.components[other][profile, need], other
            if weight and not np.isnan(value):
                said = () if stand_in else found[name]
                sentence = self._words.sentence(profile, shared) if name == "words" and said else ""
                part = Part(name, float(value), bool(other), said, float(weight * value), sentence, stand_in)
                parts.append(part)
        return sorted(parts, key=lambda part: -part.value)

    def _text(self, profile: int, need: int) -> tuple[str, ...]:
        best, texts = self.nearest[profile, need, 0], self.profiles[profile].texts
        return (cut(texts[best]),) if 0 <= best < len(texts) else ()


def score(
    profiles: Sequence[Profile],
    needs: Sequence[Need],
    conflicts: Collection[tuple[str, str]] = (),
    weights: Mapping[str, float] | None = None,
) -> Scores:
    """Score every pair; `conflicts` holds (profile id, need id) of the pairs that are forbidden.

    `weights` by term (see `advisory.weighing.WEIGHTS`, which count for those left out). Raises ValueError when a
    profile has vectors for some of its texts only, or a weight is negative; KeyError when a conflict or weight names nobody.
    """
    for profile in profiles:
        if profile.vectors and len(profile.vectors) != len(profile.texts):
            raise ValueError(f"Profile {profile.id}: {len(profile.texts)} texts, vectors for {len(profile.vectors)}.")
    counted = weighed(weights or {})
    words = Words(profiles)
    cosines, nearest = _meaning(profiles, needs)
    components = {"meaning": _z(cosines), "words": _z(words.scores(needs)), **shares(profiles, needs)}
    rows = {profile.id: number for number, profile in enumerate(profiles)}
    columns = {need.id: number for number, need in enumerate(needs)}
    forbidden = np.zeros(cosines.shape, dtype=bool)
    for profile_id, need_id in conflicts:
        forbidden[rows[profile_id], columns[need_id]] = True
    matrix = np.zeros(cosines.shape)
    for name, weight in counted.items():
        known = components[name]
        if other := _other(name):
            known = np.where(np.isnan(known), components[other], known)
        matrix += weight * np.nan_to_num(known)
    matrix[forbidden] = np.nan
    return Scores(profiles, needs, matrix, forbidden, components, counted, nearest, words)


def weighed(given: Mapping[str, float]) -> dict[str, float]:
    """The weight of every term, the usual one where none is given; ValueError below 0, KeyError for an unknown term."""
    for name, weight in given.items():
        if name not in WEIGHTS:
            raise KeyError(name)
        if not weight >= 0:
            raise ValueError(f"The weight of {name} must be 0 or more.")
    return {name: float(given.get(name, usual)) for name, usual in WEIGHTS.items()}


def _other(name: str) -> str:
    """What stands in for a term of the texts."""
    return TEXTUAL[1 - TEXTUAL.index(name)] if name in TEXTUAL else ""


def _z(values: Matrix) -> Matrix:
    """Off the mean of each column (near that of all where advisors are few), over one spread; nan stays nan."""
    known = ~np.isnan(values)
    if not known.any():
        return values
    filled = np.nan_to_num(values)
    count = known.sum(axis=0)
    grand = filled.sum() / known.sum()
    centre = (filled.sum(axis=0) + SHRINKAGE * grand) / (count + SHRINKAGE)
    rest = values - centre
    spread = np.nanstd(rest)
    return rest / spread if spread > 0 else rest * 0


def _meaning(profiles: Sequence[Profile], needs: Sequence[Need]) -> tuple[Matrix, Numbers]:
    """Cosine of each profile with each need, nan where one has no vector, and the nearest (text, chunk, ask)."""
    cosines = np.full((len(profiles), len(needs)), np.nan)
    nearest = np.full((len(profiles), len(needs), 3), -1)
    asking = [(j, a, ask) for j, need in enumerate(needs) for a, ask in enumerate(need.asked) if ask.vector is not None]
    wholes = [(i, t, v) for i, p in enumerate(profiles) for t, v in enumerate(p.vectors) if len(v)]
    if not wholes or not asking:
        return cosines, nearest
    asks = [ask for _need, _at, ask in asking]
    asked = _less_language(np.stack([np.asarray(ask.vector) for ask in asks]), [ask.language for ask in asks])
    written = [profiles[i].language for i, _text, _chunks in wholes]
    near = _less_language(np.stack([chunks.mean(axis=0) for _, _, chunks in wholes]), written) @ asked.T
    runs = list(_runs(np.array([j for j, _at, _ask in asking])))
    for profile, own in _runs(np.array([i for i, _text, _chunks in wholes])):
        found = mean_of_best(near[own])
        for need, those in runs:
            weights = np.array([ask.weight for ask in asks[those]])
            cosines[profile, need] = found[those] @ weights / weights.sum()
            text, ask = np.unravel_index((near[own, those] * weights).argmax(), near[own, those].shape)
            _profile, number, chunks = wholes[own.start + int(text)]
            chunk = (chunks @ asked[those.start + int(ask)]).argmax()
            nearest[profile, need] = number, chunk, asking[those.start + int(ask)][1]
    return cosines, nearest


def _less_language(vectors: Matrix, languages: Sequence[str]) -> Matrix:
    """Take the mean of each language out, so that texts are near for what they say and not for how it is written.

    With few texts the mean of all stands in: it removes what every text has in common.
    """
    rest = np.array(vectors, dtype=float)
    common = rest.mean(axis=0)
    for language in set(languages):
        own = [row for row, other in enumerate(languages) if other == language]
        trust = min(1.0, len(own) / LANGUAGE_TEXTS)
        overall = common * min(1.0, len(rest) / LANGUAGE_TEXTS)
        rest[own] -= trust * rest[own].mean(axis=0) + (1 - trust) * overall
    lengths = np.linalg.norm(rest, axis=1, keepdims=True)
    return rest / np.where(lengths > 0, lengths, 1)


def _runs(owners: np.ndarray[Any, Any]) -> Iterator[tuple[int, slice]]:
    """The owners, each with the slice of its rows (which stand together)."""
    edges = [0, *(np.flatnonzero(np.diff(owners)) + 1), len(owners)] if len(owners) else []
    for start, end in pairwise(edges):
        yield int(owners[start]), slice(int(start), int(end))


__all__ = ["Ask", "Need", "Part", "Profile", "Record", "Scores", "score", "weighed"]
