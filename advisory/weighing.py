"""What is compared in a match, and the terms that need no text: areas, languages, sector, country, kind, record (F07).

Pure. A share runs from 0 to 1; nan where the need asks for nothing of the kind, so that the term says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Matrix = np.ndarray[Any, np.dtype[np.floating[Any]]]

# What a term adds at most (a share) or for each unit above the average (words, meaning). Words and meaning carry alike
# (measured); areas and a language are what the call asks for; the rest decides between people who fit about as well.
WEIGHTS: Mapping[str, float] = {
    "meaning": 0.5,
    "words": 0.5,
    "areas": 1.0,
    "languages": 1.0,
    "sector": 0.5,
    "country": 0.5,
    "kind": 0.5,
    "record": 0.5,
}
TEXTUAL = ("meaning", "words")
# Council of Europe levels as the share of full working ability that they stand for.
CEFR = {"A1": 0.1, "A2": 0.25, "B1": 0.5, "B2": 0.75, "C1": 0.95, "C2": 1.0, "native": 1.0}
HALF = 0.5
# As much experience as counts in full: three projects seen through, or thirty sessions that the clusters confirmed.
FULL_RECORD = 3.0
SESSIONS_A_PROJECT = 10
# Divisions of NACE Rev. 2 by industrial ecosystem, after the annex of the Annual Single Market Report 2021
# (SWD(2021) 351), each under the ecosystem that holds most of it.
ECOSYSTEM_OF: Mapping[str, str] = {
    division: ecosystem
    for ecosystem, divisions in {
        "agri-food": "01 03 10 11 12",
        "textiles": "13 14 15",
        "energy-intensive-industries": "05 06 07 08 09 16 17 19 20 22 23 24 36 37 38 39",
        "electronics": "26 27",
        "mobility-transport-automotive": "29 45 49 50 52 53",
        "aerospace-defence": "30 51",
        "energy-renewables": "35",
        "construction": "41 42 43 71",
        "retail": "46 47",
        "tourism": "55 56 79",
        "cultural-creative": "18 58 59 60 73 74 90 91 92 93",
        "digital": "61 62 63",
        "health": "21 86",
        "proximity-social-economy": "87 88 94 96",
    }.items()
    for division in divisions.split()
}


@dataclass(frozen=True, slots=True)
class Record:
    """What an advisor has done here before: projects seen through, and sessions that the clusters confirmed."""

    completed: int = 0
    sessions: int = 0

    @property
    def share(self) -> float:
        """How much of a full record this is, 0 to 1."""
        return min(1.0, (self.completed + self.sessions / SESSIONS_A_PROJECT) / FULL_RECORD)


@dataclass(frozen=True, slots=True)
class Profile:
    """An advisor: the texts of the CV, of one language, and one array (chunks, dimension) a text, or none at all.

    `speaks` maps ISO 639-1 codes to a CEFR level, "native" or None (level unknown); `areas` and `sectors` are slugs,
    `countries` ISO 3166-1 codes; `serves` are the kinds of advisor that this one can be assigned as.
    """

    id: str
    texts: tuple[str, ...] = ()
    language: str = ""
    vectors: tuple[Matrix, ...] = ()
    speaks: Mapping[str, str | None] = field(default_factory=dict)
    areas: frozenset[str] = frozenset()
    sectors: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    serves: tuple[str, ...] = ()
    record: Record = Record()


@dataclass(frozen=True, slots=True)
class Ask:
    """One text of a need, such as one of its ranked needs: language, vector (None: not known) and weight (over 0)."""

    text: str
    language: str = ""
    vector: Matrix | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Need:
    """What a project asks for: its texts, the languages it can work in, its areas with their weights.

    `asks` are the texts by weight; without them `text`, `language` and `vector` are the only one. `sectors` and
    `countries` (slugs, ISO 3166-1) have a share each: 1 for the lead cluster's, less for a partner's. `kinds` are the
    kinds of advisor that are lacking.
    """

    id: str
    text: str = ""
    language: str = ""
    vector: Matrix | None = None
    languages: tuple[str, ...] = ()
    areas: Mapping[str, float] = field(default_factory=dict)
    asks: tuple[Ask, ...] = ()
    sectors: Mapping[str, float] = field(default_factory=dict)
    countries: Mapping[str, float] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[Ask, ...]:
        """The texts, at least one."""
        return self.asks or (Ask(self.text, self.language, self.vector),)


def ecosystems_of(named: Sequence[str], divisions: Sequence[str]) -> list[str]:
    """The ecosystems of a cluster: those it names, and those that its economic activities (NACE codes) belong to."""
    found = [ECOSYSTEM_OF[code[:2]] for code in divisions if code[:2] in ECOSYSTEM_OF]
    return list(dict.fromkeys([*(one for one in named if one), *found]))


def shares(profiles: Sequence[Profile], needs: Sequence[Need]) -> dict[str, Matrix]:
    """The terms without text, each with a share for every pair, shape (profiles, needs)."""
    found = {name: _share(profiles, needs, asks, fit) for name, (asks, fit) in FITS.items()}
    # While nobody has a record yet, a lack of it says nothing.
    newcomers = not any(profile.record.share for profile in profiles)
    of_all = [[np.nan if newcomers else profile.record.share] * len(needs) for profile in profiles]
    return found | {"record": np.array(of_all, dtype=float).reshape(len(profiles), len(needs))}


def evidence(profile: Profile, need: Need) -> dict[str, tuple[str, ...]]:
    """What the shares of a pair rest on, as slugs and codes."""
    return {
        "areas": tuple(sorted(need.areas.keys() & profile.areas)),
        "languages": tuple(code for code in need.languages if code in profile.speaks),
        "sector": tuple(sorted(need.sectors.keys() & profile.sectors)),
        "country": tuple(sorted(need.countries.keys() & profile.countries)),
        "kind": tuple(kind for kind in need.kinds if kind in profile.serves),
        "record": (str(profile.record.completed), str(profile.record.sessions)) if profile.record.share else (),
    }


def _share(
    profiles: Sequence[Profile],
    needs: Sequence[Need],
    asks: Callable[[Need], Any],
    fit: Callable[[Profile, Need], float],
) -> Matrix:
    values = np.full((len(profiles), len(needs)), np.nan)
    for number, need in enumerate(needs):
        if asks(need):
            values[:, number] = [fit(profile, need) for profile in profiles]
    return values


def _area_overlap(profile: Profile, need: Need) -> float:
    """The share of the need's weight that lies in areas of the advisor."""
    return sum(weight for area, weight in need.areas.items() if area in profile.areas) / sum(need.areas.values())


def _language_fit(profile: Profile, need: Need) -> float:
    """The best level among the languages the project can work in; a language without a level counts as B1."""
    levels = [profile.speaks[code] or "B1" for code in need.languages if code in profile.speaks]
    return max((CEFR[level] for level in levels), default=0.0)


def _best(offered: frozenset[str], asked: Mapping[str, float]) -> float:
    return max((share for one, share in asked.items() if one in offered), default=0.0)


def _kind_fit(profile: Profile, need: Need) -> float:
    """Exactly a kind that is lacking; somebody who serves as both is worth more elsewhere and counts half."""
    if not set(profile.serves) & set(need.kinds):
        return 0.0
    return 1.0 if len(profile.serves) == 1 else HALF


FITS: Mapping[str, tuple[Callable[[Need], Any], Callable[[Profile, Need], float]]] = {
    "areas": (lambda need: need.areas, _area_overlap),
    "languages": (lambda need: need.languages, _language_fit),
    "sector": (lambda need: need.sectors, lambda profile, need: _best(profile.sectors, need.sectors)),
    "country": (lambda need: need.countries, lambda profile, need: _best(profile.countries, need.countries)),
    "kind": (lambda need: need.kinds, _kind_fit),
}
