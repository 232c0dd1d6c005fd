"""How well each advisor fits each need, with the reasons (F07).

Pure: texts and their vectors go in, a matrix comes out. The score of a pair is the mean of two z-scores, words (BM25)
and meaning (cosine of multilingual vectors), to which the overlap of areas and the fit of languages add up to one point
each where the need asks for them. Words count only where both texts are in one language: across languages they add
noise (measured: MRR 0.39 with them, 0.495 without). A conflict forbids the pair.

Several texts of an advisor are independent parts (publications, posts): the mean of the best three counts. A text that
was cut into chunks is one whole: the mean of its chunks counts.

Both z-scores are taken off the mean of all advisors for that need and divided by one spread for the whole matrix, so
that scores compare across advisors for one need and across needs for one advisor, and an assignment may add them up.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

Matrix = np.ndarray[Any, np.dtype[np.floating[Any]]]

BEST_PARTS = 3
# The usual constants of BM25: how fast a repeated word saturates, how much a long text is discounted.
SATURATION = 1.2
LENGTH_DISCOUNT = 0.75
# A column mean over few advisors says little: this many advisors of average fit are mixed into it.
SHRINKAGE = 5
# As many texts of a language are needed before its mean vector is trusted to be the language and not the subject.
LANGUAGE_TEXTS = 20
# Council of Europe levels as the share of full working ability that they stand for.
CEFR = {"A1": 0.1, "A2": 0.25, "B1": 0.5, "B2": 0.75, "C1": 0.95, "C2": 1.0, "native": 1.0}
EVIDENCE_TERMS = 5
SNIPPET_LENGTH = 240
WORD = re.compile(r"[^\W\d_]{2,}|\d{3,}")


@dataclass(frozen=True, slots=True)
class Profile:
    """An advisor: the texts of the CV, of one language, and one array (chunks, dimension) a text, or none at all.

    `speaks` maps ISO 639-1 codes to a CEFR level, "native" or None (level unknown); `areas` are slugs.
    """

    id: str
    texts: tuple[str, ...] = ()
    language: str = ""
    vectors: tuple[Matrix, ...] = ()
    speaks: Mapping[str, str | None] = field(default_factory=dict)
    areas: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Need:
    """What a project asks for: a text with its vector, the languages it can work in, its areas with their weights."""

    id: str
    text: str = ""
    language: str = ""
    vector: Matrix | None = None
    languages: tuple[str, ...] = ()
    areas: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """One reason: `value` is a z-score (`is_z`) or a share from 0 to 1; the evidence is there to be read."""

    name: str
    value: float
    is_z: bool
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scores:
    """`matrix[i, j]` for profile i and need j; nan where `forbidden`. `parts` says why."""

    profiles: Sequence[Profile]
    needs: Sequence[Need]
    matrix: Matrix
    forbidden: np.ndarray[Any, np.dtype[np.bool_]]
    components: Mapping[str, Matrix]
    best_text: np.ndarray[Any, np.dtype[np.int64]]
    _words: _Words

    def parts(self, profile: int, need: int) -> list[Part]:
        """The reasons of one pair, the strongest first; a part that does not apply is left out."""
        asked, offered = self.needs[need], self.profiles[profile]
        evidence = {
            "words": self._words.shared(profile, asked.text),
            "meaning": self._snippet(profile, need),
            "areas": tuple(sorted(asked.areas.keys() & offered.areas)),
            "languages": tuple(code for code in asked.languages if code in offered.speaks),
        }
        parts = [
            Part(name, float(values[profile, need]), name in {"words", "meaning"}, evidence[name])
            for name, values in self.components.items()
            if not np.isnan(values[profile, need])
        ]
        return sorted(parts, key=lambda part: -part.value)

    def _snippet(self, profile: int, need: int) -> tuple[str, ...]:
        texts = self.profiles[profile].texts
        best = self.best_text[profile, need]
        if not 0 <= best < len(texts):
            return ()
        text = " ".join(texts[best].split())
        return (text if len(text) <= SNIPPET_LENGTH else text[:SNIPPET_LENGTH].rsplit(" ", 1)[0] + " …",)


def score(profiles: Sequence[Profile], needs: Sequence[Need], conflicts: Collection[tuple[str, str]] = ()) -> Scores:
    """Score every pair; `conflicts` holds (profile id, need id) of the pairs that are forbidden.

    Raises ValueError when a profile has vectors for some of its texts only, KeyError when a conflict names nobody.
    """
    for profile in profiles:
        if profile.vectors and len(profile.vectors) != len(profile.texts):
            raise ValueError(f"Profile {profile.id}: {len(profile.texts)} texts, vectors for {len(profile.vectors)}.")
    words = _Words(profiles)
    cosines, best_text = _meaning(profiles, needs)
    components = {
        "words": _z(words.scores(needs)),
        "meaning": _z(cosines),
        "areas": _shares(profiles, needs, lambda need: need.areas, _area_overlap),
        "languages": _shares(profiles, needs, lambda need: need.languages, _language_fit),
    }
    rows = {profile.id: number for number, profile in enumerate(profiles)}
    columns = {need.id: number for number, need in enumerate(needs)}
    forbidden = np.zeros(cosines.shape, dtype=bool)
    for profile_id, need_id in conflicts:
        forbidden[rows[profile_id], columns[need_id]] = True
    matrix = _mean_of_known([components["words"], components["meaning"]])
    matrix += np.nan_to_num(components["areas"]) + np.nan_to_num(components["languages"])
    matrix[forbidden] = np.nan
    return Scores(profiles, needs, matrix, forbidden, components, best_text, words)


def _shares(
    profiles: Sequence[Profile],
    needs: Sequence[Need],
    asks: Callable[[Need], Any],
    share: Callable[[Profile, Need], float],
) -> Matrix:
    """A share (0 to 1) for every pair; nan where the need asks for nothing of the kind."""
    values = np.full((len(profiles), len(needs)), np.nan)
    for number, need in enumerate(needs):
        if asks(need):
            values[:, number] = [share(profile, need) for profile in profiles]
    return values


def _mean_of_known(matrices: Sequence[Matrix]) -> Matrix:
    """The mean of the values that are known; 0, the score of the average advisor, where none is."""
    known = sum(~np.isnan(matrix) for matrix in matrices)
    total = sum(np.nan_to_num(matrix) for matrix in matrices)
    return total / np.maximum(known, 1)


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


def _area_overlap(profile: Profile, need: Need) -> float:
    """The share of the need's weight that lies in areas of the advisor."""
    return sum(weight for area, weight in need.areas.items() if area in profile.areas) / sum(need.areas.values())


def _language_fit(profile: Profile, need: Need) -> float:
    """The best level among the languages the project can work in; a language without a level counts as B1."""
    levels = [profile.speaks[code] or "B1" for code in need.languages if code in profile.speaks]
    return max((CEFR[level] for level in levels), default=0.0)


def _meaning(profiles: Sequence[Profile], needs: Sequence[Need]) -> tuple[Matrix, np.ndarray[Any, Any]]:
    """Cosine of each profile with each need, nan where one has no vector, and the number of the nearest text."""
    cosines = np.full((len(profiles), len(needs)), np.nan)
    best = np.full((len(profiles), len(needs)), -1)
    asking = {number: need.vector for number, need in enumerate(needs) if need.vector is not None}
    wholes = [(i, t, v.mean(axis=0)) for i, p in enumerate(profiles) for t, v in enumerate(p.vectors) if len(v)]
    if not wholes or not asking:
        return cosines, best
    asked = _less_language(np.stack(list(asking.values())), [needs[j].language for j in asking])
    offered = _less_language(np.stack([v for _, _, v in wholes]), [profiles[i].language for i, _, _ in wholes])
    near = offered @ asked.T
    owners = np.array([i for i, _, _ in wholes])
    for profile, own in _runs(owners):
        cosines[profile, list(asking)] = _mean_of_best(near[own])
        best[profile, list(asking)] = [wholes[own.start + row][1] for row in near[own].argmax(axis=0)]
    return cosines, best


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


def _mean_of_best(parts: Matrix) -> Matrix:
    """Over the rows: the mean of the best three."""
    return np.sort(parts, axis=0)[-BEST_PARTS:].mean(axis=0)


def _runs(owners: np.ndarray[Any, Any]) -> Iterator[tuple[int, slice]]:
    """The owners, each with the slice of its rows (which stand together)."""
    edges = [0, *(np.flatnonzero(np.diff(owners)) + 1), len(owners)] if len(owners) else []
    for start, end in pairwise(edges):
        yield int(owners[start]), slice(int(start), int(end))


class _Words:
    """BM25 over the texts of the profiles, each language an index of its own."""

    def __init__(self, profiles: Sequence[Profile]) -> None:
        self.profiles = profiles
        self.owners = np.array([i for i, p in enumerate(profiles) for _ in p.texts], dtype=int)
        self.languages = np.array([profile.language for profile in profiles], dtype=str)
        bags = [Counter(_terms(text)) for p in profiles for text in p.texts]
        lengths = np.array([max(1, bag.total()) for bag in bags], dtype=float)
        written = self.languages[self.owners]
        self.count = Counter(written.tolist())
        typical = {language: lengths[written == language].mean() for language in self.count}
        found: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
        for text, (language, bag) in enumerate(zip(written.tolist(), bags, strict=True)):
            relative = lengths[text] / typical[language]
            discount = SATURATION * (1 - LENGTH_DISCOUNT + LENGTH_DISCOUNT * relative)
            for term, n in bag.items():
                found[language, term].append((text, n * (SATURATION + 1) / (n + discount)))
        self.postings = {
            term: (np.array([t for t, _ in at]), np.array([v for _, v in at])) for term, at in found.items()
        }

    def scores(self, needs: Sequence[Need]) -> Matrix:
        """For each pair the share (0 to 1) of the need's weighted words in the profile; nan across languages."""
        totals = np.zeros((len(self.owners), len(needs)))
        comparable = np.zeros((len(self.languages), len(needs)), dtype=bool)
        for number, need in enumerate(needs):
            terms = sorted(set(_terms(need.text)))
            possible = sum(self._rarity(need.language, term) for term in terms) * (SATURATION + 1)
            for term in terms:
                if (need.language, term) in self.postings:
                    texts, counts = self.postings[need.language, term]
                    totals[texts, number] += counts * self._rarity(need.language, term) / possible
            comparable[:, number] = (self.languages == need.language) & (possible > 0)
        result = np.full(comparable.shape, np.nan)
        for profile, rows in _runs(self.owners):
            result[profile] = _mean_of_best(totals[rows])
        return np.where(comparable, result, np.nan)

    def shared(self, profile: int, text: str) -> tuple[str, ...]:
        """The words of the text that this profile uses too, the rarest first."""
        own = {term for part in self.profiles[profile].texts for term in _terms(part)}
        language = self.profiles[profile].language
        both = sorted(own & set(_terms(text)), key=lambda term: (-self._rarity(language, term), term))
        return tuple(both[:EVIDENCE_TERMS])

    def _rarity(self, language: str, term: str) -> float:
        """The weight of a word: the fewer texts of the language have it, the more it says."""
        having = len(self.postings[language, term][0]) if (language, term) in self.postings else 0
        return math.log(1 + (self.count[language] - having + 0.5) / (having + 0.5))


def _terms(text: str) -> list[str]:
    return WORD.findall(text.casefold())
