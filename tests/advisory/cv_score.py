"""Scores a reading against the truth of its file: counts of right, missed and invented values per field."""

from collections import Counter
from typing import Any

from advisory.cv.reading import Reading
from advisory.cv.vocabulary import fold

SINGLE = ("full_name", "email", "phone", "city", "country")
SEVERAL = ("language", "degree", "employment", "area", "skill")
Counts = dict[str, list[int]]


def score(reading: Reading, truth: dict[str, Any], counts: Counts) -> None:
    """Add [right, missed, invented] to the counts for each field name that the truth speaks of."""
    for name in (*SINGLE, *SEVERAL):
        if name not in truth:
            continue
        told = truth[name] if name in SEVERAL else [truth[name]] if truth[name] else []
        wanted = Counter(map(_key, told))
        got = Counter(_key(field.value) for field in reading.fields if field.name == name)
        right = sum((wanted & got).values())
        row = counts.setdefault(name, [0, 0, 0])
        row[0] += right
        row[1] += sum(wanted.values()) - right
        row[2] += sum(got.values()) - right


def f1(counts: Counts, *names: str) -> float:
    """Return the F1 over the named fields together, or over all of them."""
    right, missed, invented = (sum(counts[name][at] for name in names or counts) for at in range(3))
    return 2 * right / (2 * right + missed + invented) if right else 0.0


def _key(value: Any) -> str:
    if isinstance(value, dict):
        return "|".join(f"{name}={_key(part)}" for name, part in sorted(value.items()) if name != "skills")
    return fold(str(value)) if value is not None else ""
