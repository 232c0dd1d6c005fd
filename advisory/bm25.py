"""Words in common: BM25 over the texts of the profiles, each language an index of its own (F07).

Pure. Words count only where both texts are in one language: across languages they add noise (measured: MRR 0.39 with
them, 0.495 without).
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from advisory.weighing import Matrix, Need, Profile

# The usual constants of BM25: how fast a repeated word saturates, how much a long text is discounted.
SATURATION = 1.2
LENGTH_DISCOUNT = 0.75
BEST_PARTS = 3
EVIDENCE_TERMS = 5
SNIPPET_LENGTH = 240
WORD = re.compile(r"[^\W\d_]{2,}|\d{3,}")
SENTENCE_END = re.compile(r"(?<=[.!?;:])\s+(?=\S)|\s*[\n•·▪]+\s*")


class Words:
    """BM25 over the texts of the profiles."""

    def __init__(self, profiles: Sequence[Profile]) -> None:
        self.profiles = profiles
        self.owners = np.array([i for i, p in enumerate(profiles) for _ in p.texts], dtype=int)
        self.parts = Parts(self.owners, len(profiles))
        self.languages = np.array([profile.language for profile in profiles], dtype=str)
        bags = [Counter(words_of(text)) for p in profiles for text in p.texts]
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
        """For each pair the share (0 to 1) of the need's weighted words in the profile; nan across languages.

        Each text of a need counts by its weight, among those that are in the language of the profile.
        """
        result = np.full((len(self.profiles), len(needs)), np.nan)
        for number, need in enumerate(needs):
            total, weights = np.zeros(len(self.profiles)), np.zeros(len(self.profiles))
            for ask in need.asked:
                found = self._of(ask.text, ask.language)
                known = ~np.isnan(found)
                total[known] += ask.weight * found[known]
                weights[known] += ask.weight
            told = weights > 0
            result[told, number] = total[told] / weights[told]
        return result

    def _of(self, text: str, language: str) -> Matrix:
        """For each profile the share of the text's weighted words; nan where it is in another language."""
        terms = sorted(set(words_of(text)))
        possible = sum(self._rarity(language, term) for term in terms) * (SATURATION + 1)
        if not possible:
            return np.full(len(self.profiles), np.nan)
        totals = np.zeros(len(self.owners))
        for term in terms:
            if (language, term) in self.postings:
                texts, counts = self.postings[language, term]
                totals[texts] += counts * self._rarity(language, term) / possible
        return np.where(self.languages == language, self.parts.mean_of_best(totals[:, None])[:, 0], np.nan)

    def shared(self, profile: int, need: Need) -> tuple[str, ...]:
        """The words of the need that this profile uses too, the rarest first."""
        language = self.profiles[profile].language
        own = {term for part in self.profiles[profile].texts for term in words_of(part)}
        asked = {term for ask in need.asked if ask.language == language for term in words_of(ask.text)}
        both = sorted(own & asked, key=lambda term: (-self._rarity(language, term), term))
        return tuple(both[:EVIDENCE_TERMS])

    def sentence(self, profile: int, words: Sequence[str]) -> str:
        """The sentence of the profile that holds most of these words by their rarity, cut at a word; "" for none."""
        language = self.profiles[profile].language
        rarity = {word: self._rarity(language, word) for word in words}
        found = [one for text in self.profiles[profile].texts for one in sentences_of(text)]
        weight = [sum(rarity.get(term, 0.0) for term in set(words_of(one))) for one in found]
        best = int(np.argmax(weight)) if found else -1
        return cut(found[best]) if found and weight[best] > 0 else ""

    def _rarity(self, language: str, term: str) -> float:
        """The weight of a word: the fewer texts of the language have it, the more it says."""
        having = len(self.postings[language, term][0]) if (language, term) in self.postings else 0
        return math.log(1 + (self.count[language] - having + 0.5) / (having + 0.5))


def words_of(text: str) -> list[str]:
    """The words and longer numbers of a text, in small letters."""
    return WORD.findall(text.casefold())


def sentences_of(text: str) -> list[str]:
    """The sentences and lines of a text that hold at least a word."""
    return [one.strip() for one in SENTENCE_END.split(text) if one and WORD.search(one)]


def cut(text: str) -> str:
    """A text on one line, cut at a word when it is long."""
    line = " ".join(text.split())
    return line if len(line) <= SNIPPET_LENGTH else line[:SNIPPET_LENGTH].rsplit(" ", 1)[0] + " …"


class Parts:
    """Whose rows are whose: the rows of a profile stand together, and its best three count."""

    def __init__(self, owners: np.ndarray[Any, Any], count: int) -> None:
        self.count = count
        edges = [0, *(np.flatnonzero(np.diff(owners)) + 1), len(owners)] if len(owners) else []
        self.rows = {int(owners[start]): range(int(start), int(end)) for start, end in pairwise(edges)}
        sizes: dict[int, list[int]] = defaultdict(list)
        for owner, own in self.rows.items():
            sizes[len(own)].append(owner)
        self.alike = [(np.array(of), np.array([self.rows[one] for one in of])) for of in sizes.values()]

    def mean_of_best(self, values: Matrix) -> Matrix:
        """For each profile and column the mean of the best three of its rows; nan for a profile without any."""
        result = np.full((self.count, values.shape[1]), np.nan)
        for owners, rows in self.alike:
            result[owners] = np.sort(values[rows], axis=1)[:, -BEST_PARTS:].mean(axis=1)
        return result
