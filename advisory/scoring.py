"""How well each advisor fits each need, with the reasons (F07).

Pure: texts and their vectors go in, a matrix comes out. The score of a pair is the sum of its terms, each by a weight:
words (BM25) and meaning (cosine of multilingual vectors) as z-scores, the terms of `advisory.weighing` as shares from 0
to 1. A weight of 0 switches a term off and changes no other. A conflict forbids the pair.

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

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from advisory.bm25 import Parts, Words, cut
from advisory.weighing import TEXTUAL, WEIGHTS, Ask, Matrix, Need, Profile, Record, evidence, shares

# A column mean over few advisors says little: this many advisors of average fit are mixed into it.
SHRINKAGE = 5
# As many texts of a language are needed before its mean vector is trusted to be the language and not the subject. With
# 20, a pool of six or seven CVs a language put translations of a CV 25 % of the pool behind; with 5 to 10, nowhere.
LANGUAGE_TEXTS = 8


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
    """`matrix[i, j]` for profile i and need j; nan where `forbidden`. `parts` says why."""

    profiles: Sequence[Profile]
    needs: Sequence[Need]
    matrix: Matrix
    forbidden: np.ndarray[Any, np.dtype[np.bool_]]
    components: Mapping[str, Matrix]
    weights: Mapping[str, float]
    _meaning: Meaning
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
        near, texts = self.nearest(profile, need), self.profiles[profile].texts
        return (cut(texts[near[0]]),) if near and near[0] < len(texts) else ()

    def nearest(self, profile: int, need: int) -> tuple[int, int, int] | None:
        """(text, chunk, ask): which chunk of the profile is nearest to which text of the need; None without vectors."""
        return self._meaning.nearest(profile, need)


def score(
    profiles: Sequence[Profile],
    needs: Sequence[Need],
    conflicts: Collection[tuple[str, str]] = (),
    weights: Mapping[str, float] | None = None,
) -> Scores:
    """Score every pair; `conflicts` holds (profile id, need id) of the pairs that are forbidden.

    `weights` by term (see `advisory.weighing.WEIGHTS`, which count for those left out). Raises ValueError when a
    profile has vectors for some of its texts only, or a weight is negative; KeyError when a conflict or weight names
    nobody.
    """
    for profile in profiles:
        if profile.vectors and len(profile.vectors) != len(profile.texts):
            raise ValueError(f"Profile {profile.id}: {len(profile.texts)} texts, vectors for {len(profile.vectors)}.")
    counted = weighed(weights or {})
    words = Words(profiles)
    meaning = Meaning(profiles, needs)
    components = {"meaning": _z(meaning.cosines), "words": _z(words.scores(needs)), **shares(profiles, needs)}
    rows = {profile.id: number for number, profile in enumerate(profiles)}
    columns = {need.id: number for number, need in enumerate(needs)}
    forbidden = np.zeros((len(profiles), len(needs)), dtype=bool)
    for profile_id, need_id in conflicts:
        forbidden[rows[profile_id], columns[need_id]] = True
    matrix = np.zeros(forbidden.shape)
    for name, weight in counted.items():
        known = components[name]
        if other := _other(name):
            known = np.where(np.isnan(known), components[other], known)
        matrix += weight * np.nan_to_num(known)
    matrix[forbidden] = np.nan
    return Scores(profiles, needs, matrix, forbidden, components, counted, meaning, words)


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


class Meaning:
    """The cosine of each profile with each need, shape (profiles, needs), nan where one has no vector."""

    def __init__(self, profiles: Sequence[Profile], needs: Sequence[Need]) -> None:
        self.cosines = np.full((len(profiles), len(needs)), np.nan)
        asks = [(j, a, ask) for j, n in enumerate(needs) for a, ask in enumerate(n.asked) if ask.vector is not None]
        self.wholes = [(i, t, v) for i, p in enumerate(profiles) for t, v in enumerate(p.vectors) if len(v)]
        self.asks = [(need, at) for need, at, _ask in asks]
        self.parts = Parts(np.array([i for i, _text, _chunks in self.wholes], dtype=int), len(profiles))
        if not self.wholes or not asks:
            return
        self.asked = _less_language(
            np.stack([np.asarray(ask.vector) for _, _, ask in asks]), [ask.language for _, _, ask in asks]
        )
        written = [profiles[i].language for i, _text, _chunks in self.wholes]
        self.near = _less_language(np.stack([chunks.mean(axis=0) for _, _, chunks in self.wholes]), written)
        self.near = self.near @ self.asked.T
        self.weights = np.zeros((len(asks), len(needs)))
        for row, (need, _at, ask) in enumerate(asks):
            self.weights[row, need] = ask.weight
        known = self.weights.any(axis=0)
        self.weights[:, known] /= self.weights[:, known].sum(axis=0)
        self.cosines[:, known] = self.parts.mean_of_best(self.near) @ self.weights[:, known]

    def nearest(self, profile: int, need: int) -> tuple[int, int, int] | None:
        """(text, chunk, ask) of the chunk that is nearest to a text of the need, heavier texts first; None without."""
        if np.isnan(self.cosines[profile, need]):
            return None
        own, those = np.array(self.parts.rows[profile]), np.flatnonzero(self.weights[:, need])
        near = self.near[np.ix_(own, those)] * self.weights[those, need]
        text, ask = divmod(int(near.argmax()), len(those))
        _profile, number, chunks = self.wholes[own[text]]
        return number, int((chunks @ self.asked[those[ask]]).argmax()), self.asks[those[ask]][1]


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


__all__ = ["Ask", "Need", "Part", "Profile", "Record", "Scores", "score", "weighed"]
