"""How far evaluators differ from one another, and what the scores would be without that.

Pure. The model is additive: a total is what the application deserves, plus how mild or strict its evaluator is, plus
chance. y(a,e) = m(a) + b(e) + r(a,e). The m are left free and the b are held together towards 0, by least squares:

    minimise   sum of (y - m(a) - b(e))^2  +  SHRINK * sum of b(e)^2

With the m taken out this is  (D - N' K^-1 N + SHRINK * I) b = s,  where D counts the totals of each evaluator, K those
of each application, N is 1 where an evaluator judged an application, and s sums the evaluator's differences from the
mean of each application that they judged. It has one solution whatever the design, since SHRINK is positive.

The b are the best linear unbiased predictions of a random effect whose variance is 1/SHRINK of that of chance (G. K.
Robinson, That BLUP is a Good Thing: The Estimation of Random Effects, Statistical Science 6(1), 1991, doi
10.1214/ss/1177011926). SHRINK is 1: evaluators are taken to differ about as much as two readings by one of them would.
Somebody with few evaluations is thus moved little. An adjusted score is the mean of y - b over the totals of an
application. It is shown beside the score and never takes its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

SHRINK = 1.0


@dataclass(frozen=True, slots=True)
class Total:
    """One submitted total, 0 to 100."""

    application: str
    evaluator: str
    value: float


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Number, mean and spread (standard deviation; None for one total) of somebody's totals.

    against: their mean difference to the mean of the others on the same applications, None where nobody else judged
    these; effect: how mild (above 0) or strict, in points, as the model has it.
    """

    id: str
    count: int
    mean: float
    deviation: float | None
    against: float | None
    effect: float


@dataclass(frozen=True, slots=True)
class Score:
    """The mean of an application's totals, and the same without the effects of its evaluators."""

    id: str
    count: int
    raw: float
    adjusted: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Evaluators and applications, each in the order of their first total."""

    evaluators: tuple[Evaluator, ...]
    scores: tuple[Score, ...]


def calibrate(totals: Iterable[Total]) -> Calibration:
    """Figures of everybody who gave a total. Raises ValueError when somebody judged one application twice."""
    given = list(totals)
    if len({(one.application, one.evaluator) for one in given}) < len(given):
        raise ValueError("somebody judged one application twice")
    if not given:
        return Calibration((), ())
    bids = {key: at for at, key in enumerate(dict.fromkeys(one.application for one in given))}
    people = {key: at for at, key in enumerate(dict.fromkeys(one.evaluator for one in given))}
    row = np.array([bids[one.application] for one in given])
    column = np.array([people[one.evaluator] for one in given])
    value = np.array([one.value for one in given], dtype=float)
    judged = np.zeros((len(bids), len(people)))
    judged[row, column] = 1
    per_bid = judged.sum(axis=1)
    mean_of_bid = np.bincount(row, value) / per_bid
    matrix = np.diag(judged.sum(axis=0) + SHRINK) - judged.T @ (judged / per_bid[:, None])
    effect = np.linalg.solve(matrix, np.bincount(column, value - mean_of_bid[row], minlength=len(people)))
    adjusted = np.bincount(row, value - effect[column]) / per_bid
    return Calibration(
        tuple(_evaluator(key, at, row, column, value, effect, per_bid, mean_of_bid) for key, at in people.items()),
        tuple(Score(key, int(per_bid[at]), float(mean_of_bid[at]), float(adjusted[at])) for key, at in bids.items()),
    )


def _evaluator(
    key: str,
    at: int,
    row: np.ndarray,
    column: np.ndarray,
    value: np.ndarray,
    effect: np.ndarray,
    per_bid: np.ndarray,
    mean_of_bid: np.ndarray,
) -> Evaluator:
    mine = column == at
    bids, own = row[mine], value[mine]
    shared = per_bid[bids] > 1
    count = per_bid[bids][shared]
    others = (mean_of_bid[bids][shared] * count - own[shared]) / (count - 1)
    return Evaluator(
        id=key,
        count=len(own),
        mean=float(own.mean()),
        deviation=float(own.std(ddof=1)) if len(own) > 1 else None,
        against=float((own[shared] - others).mean()) if shared.any() else None,
        effect=float(effect[at]),
    )
