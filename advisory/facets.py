"""Which advisors fit several filters at once, and how many each further value would leave (F06).

Pure. Values of one filter are alternatives, filters narrow each other: a value's count is the number of advisors who
fit all other filters and have that value, so that it is what one sees after choosing it.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from advisory.speaking import LEVELS

# A language whose level nobody has said counts as this one.
UNSAID = "B1"
FACETS = ("area", "language", "country", "kind", "sector", "state", "shortlist", "programme")


@dataclass(frozen=True, slots=True)
class Row:
    """An advisor as far as filters ask: slugs, ISO codes, language code to CEFR level ("native" or None too).

    `places`: projects that could be taken on now; `days`: days left (None: not said); `free_from`: None is at once.
    """

    key: Any
    name: str = ""
    state: str = ""
    kind: str = ""
    programme: str = ""
    areas: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    sectors: tuple[str, ...] = ()
    shortlists: tuple[str, ...] = ()
    speaks: Mapping[str, str | None] = field(default_factory=dict)
    years: int | None = None
    free_from: dt.date | None = None
    places: int = 0
    days: float | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; empty means anything. `level` goes with `language`, the numbers are the least."""

    area: Collection[str] = ()
    language: Collection[str] = ()
    level: str = ""
    country: Collection[str] = ()
    kind: Collection[str] = ()
    sector: Collection[str] = ()
    state: Collection[str] = ()
    shortlist: Collection[str] = ()
    programme: Collection[str] = ()
    years: int | None = None
    free_from: dt.date | None = None
    places: int | None = None
    days: int | None = None


def spoken(row: Row, level: str) -> list[str]:
    """The languages that an advisor speaks at this level at least; any level when it is empty."""
    least = LEVELS.index(level) if level else 0
    return [code for code, own in row.speaks.items() if LEVELS.index(own or UNSAID) >= least]


def values_of(row: Row, facet: str, level: str = "") -> Sequence[str]:
    """The values that an advisor has in a filter of choices."""
    many: dict[str, Sequence[str]] = {
        "area": row.areas,
        "country": row.countries,
        "sector": row.sectors,
        "shortlist": row.shortlists,
    }
    one = {"state": row.state, "kind": row.kind, "programme": row.programme}
    if facet == "language":
        return spoken(row, level)
    return many[facet] if facet in many else (one[facet],)


# The filters that ask for the least or the latest of something; what is not known does not fit.
LIMITS: dict[str, Callable[[Row, Any], bool]] = {
    "years": lambda row, least: row.years is not None and row.years >= least,
    "places": lambda row, least: row.places >= least,
    "days": lambda row, least: row.days is not None and row.days >= least,
    "free_from": lambda row, day: row.free_from is None or row.free_from <= day,
}


def sift(rows: Iterable[Row], wanted: Wanted) -> tuple[list[Row], dict[str, Counter[str]]]:
    """(the rows that fit everything, per facet the count of each value among those who fit all the rest)."""
    fitting, counts = [], {facet: Counter[str]() for facet in FACETS}
    limits = [(LIMITS[name], getattr(wanted, name)) for name in LIMITS if getattr(wanted, name) is not None]
    asked = {facet: set(getattr(wanted, facet)) for facet in FACETS}
    for row in rows:
        if not all(fits(row, least) for fits, least in limits):
            continue
        own = {facet: values_of(row, facet, wanted.level) for facet in FACETS}
        unfit = [facet for facet in FACETS if asked[facet] and asked[facet].isdisjoint(own[facet])]
        if wanted.level and not own["language"] and "language" not in unfit:
            unfit.append("language")
        if not unfit:
            fitting.append(row)
        for facet in FACETS if not unfit else unfit if len(unfit) == 1 else ():
            counts[facet].update(set(own[facet]))
    return fitting, counts
