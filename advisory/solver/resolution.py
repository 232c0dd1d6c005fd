"""Which differences between scores a solver that works with floats can tell apart, and which would be lost.

Programs hold scores divided by the largest, and keep to limits within a share of that. One score of a million among
scores below 1, which somebody may set to say "never", would make all the others equal within the tolerances: the proof
would be one of the million alone. Such a range is refused.
"""

from __future__ import annotations

import numpy as np

from .problem import Array

# Beyond this no sum of floats keeps what other scores differ by.
MOST = 1e12
# Differences below this share of the largest score are lost in the tolerances.
RESOLVED = 1e-6
# Of many different scores some lie near each other by chance: what counts is how near this share of them lie.
BAND = 10
# Differences below this share of the largest score are left over from adding floats up, and no differences at all.
NOISE = 8 * np.finfo(float).eps


def finest(values: Array) -> float:
    """The smallest difference that matters: the width of the narrowest band with a tenth of the different values.

    Below twenty different values that is the smallest difference there is; infinite where all are equal.
    """
    if not len(values):
        return np.inf
    floor = NOISE * float(np.abs(values).max()) or 1.0
    own = np.unique(np.round(values / floor)) * floor
    width = max(1, len(own) // BAND)
    return float((own[width:] - own[:-width]).min(initial=np.inf))


def refuse_lost(score: Array, advisor: Array, project: Array) -> None:
    """Raises ValueError that names the largest score, where others could not be told apart beside it."""
    if not len(score):
        return
    at = int(np.argmax(np.abs(score)))
    largest, smallest = float(score[at]), finest(score) if np.abs(score[at]) <= MOST else 0.0
    if abs(largest) <= MOST and RESOLVED * abs(largest) <= smallest:
        return
    beside = f", and beside it others that differ by {smallest:.3g} would be as good as equal" if smallest else ""
    raise ValueError(
        f"scores[{advisor[at]}][{project[at]}] is {largest:.6g}, too large to be reckoned with{beside}. "
        "To keep a pair apart, mark it in “conflict” and give it a score like any other; "
        "where all scores are that large, take the same amount off each."
    )


__all__ = ["finest", "refuse_lost"]
