"""How scores and places of a match run spread over countries, languages, years of experience and gender (F07).

Pure. Gender comes from those who told it for this use alone and leaves this module as sums only: a group is told where
it and what is left of the whole have at least five people, so that nobody can be told by subtraction.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean
from typing import Any

# The smallest number of people that is told of protected data.
LEAST = 5
YEARS = ((0, "0-4"), (5, "5-9"), (10, "10-19"), (20, "20+"))
UNKNOWN = ""


def spread_of(
    inputs: Mapping[str, Any],
    scores: Sequence[Sequence[float | None]],
    pairs: Iterable[Mapping[str, Any]],
    written: Mapping[str, str],
    genders: Mapping[str, str],
) -> dict[str, Any]:
    """The report as JSON: for each table rows of (group, advisors, proposed, places, mean of best points).

    scores: points by advisor and project of `inputs`, None where a pair must not be. written: the language of each CV;
    genders: of those who told; both by advisor id. An advisor with several countries or languages counts in each.
    """
    advisors = inputs["advisors"]
    places = Counter(pair["advisor"]["id"] for pair in pairs)
    best = {
        one["id"]: max((value for value in row if value is not None), default=None)
        for one, row in zip(advisors, scores, strict=True)
    }
    groups = {
        "country": {one["id"]: one.get("countries") or [UNKNOWN] for one in advisors},
        "language": {one["id"]: [said["code"] for said in one["languages"]] or [UNKNOWN] for one in advisors},
        "written": {one["id"]: [written.get(one["id"]) or UNKNOWN] for one in advisors},
        "years": {one["id"]: [band(one.get("years"))] for one in advisors},
    }
    tables = {name: rows_of(own, places, best) for name, own in groups.items()}
    told = {one["id"]: [genders.get(one["id"], UNKNOWN)] for one in advisors}
    return {
        "advisors": len(advisors),
        "proposed": len(places),
        "tables": tables,
        "gender": protected(rows_of(told, places, best)) if any(one != [UNKNOWN] for one in told.values()) else None,
    }


def band(years: int | None) -> str:
    """The band that years of experience fall into."""
    return UNKNOWN if years is None else [name for least, name in YEARS if years >= least][-1]


def rows_of(
    groups: Mapping[str, Sequence[str]], places: Mapping[str, int], best: Mapping[str, float | None]
) -> list[list[Any]]:
    """One row for each group, the largest first; the unknown last."""
    members: dict[str, list[str]] = defaultdict(list)
    for advisor, own in groups.items():
        for group in dict.fromkeys(own):
            members[group].append(advisor)
    rows = []
    for group, own in sorted(members.items(), key=lambda one: (one[0] == UNKNOWN, -len(one[1]), one[0])):
        known = [value for one in own if (value := best[one]) is not None]
        proposed = sum(one in places for one in own)
        points = round(mean(known), 1) if known else None
        rows.append([group, len(own), proposed, sum(places.get(one, 0) for one in own), points])
    return rows


def protected(rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """The rows of groups that may be told; the number proposed is None where it would tell of a few."""
    shown = tellable([row[1] for row in rows])
    proposed = tellable([row[2] for row in rows])
    return {
        "hidden": len(rows) - len(shown),
        "rows": [
            [row[0], row[1], row[2] if at in proposed else None, None, row[4]]
            for at, row in enumerate(rows)
            if at in shown
        ],
    }


def tellable(counts: Sequence[int]) -> set[int]:
    """Which counts of a whole can be told: none under five, and those left out are five or more together."""
    shown = {at for at, count in enumerate(counts) if count >= LEAST}
    while shown and 0 < sum(count for at, count in enumerate(counts) if at not in shown) < LEAST:
        shown.remove(min(shown, key=lambda at: (counts[at], at)))
    # A single group that is everybody tells the same of each.
    return shown if sum(count > 0 for count in counts) > 1 else set()
