"""How good a ranking is, and the plain rankings that ours stands beside. Shares no code with the scorer."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Matrix = np.ndarray[Any, np.dtype[np.floating[Any]]]
RELEVANT = 2
AT = 10
DRAWS = 1000


def ndcg(scores: Sequence[float], grades: Sequence[int]) -> float:
    """nDCG at 10, with gains of 2^grade - 1."""
    order = np.argsort(-np.asarray(scores), kind="stable")[:AT]
    found = sum((2 ** grades[one] - 1) / math.log2(at + 2) for at, one in enumerate(order))
    best = sum((2**grade - 1) / math.log2(at + 2) for at, grade in enumerate(sorted(grades, reverse=True)[:AT]))
    return found / best


def average_precision(scores: Sequence[float], grades: Sequence[int]) -> float:
    """The mean precision at each that is relevant (grade 2 or 3)."""
    order = np.argsort(-np.asarray(scores), kind="stable")
    hits = np.array([grades[one] >= RELEVANT for one in order])
    return float((hits.cumsum() / np.arange(1, len(hits) + 1))[hits].mean())


def reciprocal_rank(scores: Sequence[float], grades: Sequence[int]) -> float:
    """One over the rank of the first with the best grade."""
    order = np.argsort(-np.asarray(scores), kind="stable")
    return 1 / (1 + next(at for at, one in enumerate(order) if grades[one] == max(grades)))


def pairwise_loss(scores: Sequence[float], grades: Sequence[int]) -> float:
    """The share of pairs in the wrong order, weighted by how far their grades lie apart; a tie is half wrong."""
    s, g = np.asarray(scores), np.asarray(grades)
    apart = g[:, None] - g[None, :]
    better = apart > 0
    ahead = s[:, None] - s[None, :]
    wrong = (ahead < 0) + 0.5 * (ahead == 0)
    return float((wrong * apart)[better].sum() / apart[better].sum())


FIGURES: dict[str, Callable[[Sequence[float], Sequence[int]], float]] = {
    "nDCG@10": ndcg,
    "MAP": average_precision,
    "MRR": reciprocal_rank,
    "loss": pairwise_loss,
}


def measured(matrix: Matrix, grades: Matrix) -> dict[str, tuple[float, float, float]]:
    """Each figure with the bounds of its 95 % interval, drawn anew over the texts; `loss by CV` over the CVs."""
    found = {}
    columns = range(matrix.shape[1])
    each = {name: [one(matrix[:, j], grades[:, j].tolist()) for j in columns] for name, one in FIGURES.items()}
    told = [(row, own.tolist()) for row, own in zip(matrix, grades, strict=True) if len(set(own)) > 1]
    each["loss by CV"] = [pairwise_loss(row, own) for row, own in told]
    generator = np.random.default_rng(7)
    for name, values in each.items():
        drawn = generator.choice(values, size=(DRAWS, len(values))).mean(axis=1)
        low, high = np.quantile(drawn, [0.025, 0.975])
        found[name] = float(np.mean(values)), float(low), float(high)
    return found


def bm25(documents: Sequence[str], queries: Sequence[str], cut: Callable[[str], list[str]]) -> Matrix:
    """Plain BM25 (k1 1.5, b 0.75) over all languages in one index."""
    bags = [Counter(cut(text)) for text in documents]
    lengths = np.array([bag.total() for bag in bags], dtype=float)
    having = Counter(term for bag in bags for term in bag)
    matrix = np.zeros((len(documents), len(queries)))
    for j, query in enumerate(queries):
        for term in set(cut(query)):
            if not having[term]:
                continue
            rarity = math.log(1 + (len(bags) - having[term] + 0.5) / (having[term] + 0.5))
            counts = np.array([bag[term] for bag in bags], dtype=float)
            matrix[:, j] += rarity * counts * 2.5 / (counts + 1.5 * (0.25 + 0.75 * lengths / lengths.mean()))
    return matrix


def by_words(text: str) -> list[str]:
    """Words by blanks and signs."""
    return "".join(sign if sign.isalnum() else " " for sign in text.lower()).split()


def by_characters(text: str) -> list[str]:
    """Runs of four letters within words."""
    return [f" {word} "[at : at + 4] for word in by_words(text) for at in range(max(1, len(word) - 1))]
