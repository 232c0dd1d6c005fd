"""The controlled lists of the Facility, read from data/vocabularies.yaml (F08, F16, F18, F25, F27, F30, G01).

Pure: no Django, no database. The file is read and checked once; a file that does not hold what it must is refused with
a ValueError that names the list and the entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

DATA = Path(__file__).resolve().parent.parent / "data"
LANGUAGES = ("en", "nl", "de", "fr")
# The lists whose length is a fact of the field; F27: eleven rows always.
LENGTHS = {"areas": 11, "forms": 5, "advisor_kinds": 2, "agenda_elements": 3, "ecosystems": 14}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact was read; `dated` and `url` are None where the source gives none."""

    id: str
    title: str
    dated: str | None
    url: str | None


@dataclass(frozen=True, slots=True)
class Term:
    """One entry of a list: stable id, place in the list from 1, and a label in each of the four languages."""

    id: str
    order: int
    labels: Mapping[str, str]

    def label(self, lang: str = "en") -> str:
        """The label in this language (`nl`, also `nl-BE`); English where there is none."""
        return self.labels.get(lang[:2].lower(), self.labels["en"])


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """An ordered list of terms with its source."""

    id: str
    source: Source
    terms: tuple[Term, ...]

    def __iter__(self) -> Iterator[Term]:
        return iter(self.terms)

    def __len__(self) -> int:
        return len(self.terms)

    def __contains__(self, id: object) -> bool:
        return id in self.ids

    def __getitem__(self, id: str) -> Term:
        for term in self.terms:
            if term.id == id:
                return term
        raise KeyError(f"{id} is not in the list {self.id}: {', '.join(self.ids)}.")

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(term.id for term in self.terms)

    def choices(self, lang: str = "en") -> list[tuple[str, str]]:
        """Pairs of id and label, in order."""
        return [(term.id, term.label(lang)) for term in self.terms]

    def tally(self, ids: Iterable[str]) -> dict[str, int]:
        """How often each id of the list occurs, zeros included and in order (F16, F27). KeyError on an unknown id."""
        counts = dict.fromkeys(self.ids, 0)
        for id in ids:
            counts[self[id].id] += 1
        return counts


@dataclass(frozen=True, slots=True)
class SmeClass(Term):
    """A size class of Recommendation 2003/361/EC: euros a year and a count of people."""

    headcount_below: int
    turnover_max_eur: int
    balance_max_eur: int
    source: Source

    def holds(self, headcount: int, turnover_eur: int, balance_eur: int) -> bool:
        """Headcount must fit, and of turnover and balance sheet one."""
        fits_money = turnover_eur <= self.turnover_max_eur or balance_eur <= self.balance_max_eur
        return headcount < self.headcount_below and fits_money


@dataclass(frozen=True, slots=True)
class EceiLabel(Term):
    """A level of cluster management excellence; None where the source gives no figure."""

    indicators: int | None
    valid_years: int | None
    renewal_years: int | None
    method: str
    source: Source


@dataclass(frozen=True, slots=True)
class DeMinimis:
    """Ceilings of aid per single undertaking and Member State, in euros over a rolling window of years."""

    ceiling_eur: int
    sgei_ceiling_eur: int
    window_years: int
    applies_from: date
    applies_to: date
    central_register_from: date
    source: Source


@dataclass(frozen=True, slots=True)
class EccpRegistration:
    """What a cluster shows to be registered on the ECCP."""

    min_management_fte: float
    english_website: bool
    min_committed_members: int
    min_member_types: int
    source: Source


@cache
def _file() -> dict[str, Any]:
    return yaml.safe_load((DATA / "vocabularies.yaml").read_text(encoding="utf-8"))


def source(id: str) -> Source:
    """The source with this id; ValueError when the file names one that it does not describe."""
    row = _file()["sources"].get(id)
    if row is None:
        raise ValueError(f"The source {id} is named but not described.")
    return Source(id, row["title"], None if row["dated"] is None else str(row["dated"]), row["url"])


def labels_of(row: Mapping[str, Any], where: str) -> Mapping[str, str]:
    """The four labels of a row; ValueError when one is missing or empty."""
    missing = [lang for lang in LANGUAGES if not str(row.get(lang) or "").strip()]
    if missing:
        raise ValueError(f"{where}: no label in {', '.join(missing)}.")
    return MappingProxyType({lang: row[lang] for lang in LANGUAGES})


def check_unique(ids: Iterable[str], where: str) -> None:
    """ValueError that names the first id that stands twice."""
    seen: set[str] = set()
    for id in ids:
        if id in seen:
            raise ValueError(f"{where}: {id} stands twice.")
        seen.add(id)


def read_vocabulary(id: str, row: Mapping[str, Any]) -> Vocabulary:
    """A checked vocabulary from its entry in the file: labels complete, ids unique, length as it must be."""
    terms = tuple(
        Term(term["id"], order, labels_of(term, f"{id}.{term['id']}")) for order, term in enumerate(row["terms"], 1)
    )
    check_unique((term.id for term in terms), id)
    if len(terms) != LENGTHS.get(id, len(terms)):
        raise ValueError(f"The list {id} holds {len(terms)} entries and must hold {LENGTHS[id]}.")
    return Vocabulary(id, source(row["source"]), terms)


@cache
def vocabularies() -> Mapping[str, Vocabulary]:
    """Every list by its id: areas, forms, advisor_kinds, support_kinds, audiences, agenda_elements, outcome_kinds,
    organisation_kinds, ecosystems."""
    rows = _file()["vocabularies"]
    return MappingProxyType({id: read_vocabulary(id, row) for id, row in rows.items()})


def vocabulary(id: str) -> Vocabulary:
    """One list; KeyError when there is none of this id."""
    return vocabularies()[id]


def _special(row: Mapping[str, Any], order: int, where: str) -> dict[str, Any]:
    """The members that a term with figures has beside its own."""
    own = {key: value for key, value in row.items() if key not in (*LANGUAGES, "source")}
    return own | {"order": order, "labels": labels_of(row, f"{where}.{row['id']}")}


@cache
def sme_classes() -> tuple[SmeClass, ...]:
    """Micro, small and medium, smallest first."""
    part = _file()["sme_classes"]
    origin = source(part["source"])
    return tuple(SmeClass(**_special(row, n, "sme_classes"), source=origin) for n, row in enumerate(part["terms"], 1))


def sme_class(headcount: int, turnover_eur: int, balance_eur: int) -> SmeClass | None:
    """The smallest class that holds a firm of this size (T17); None for a large firm."""
    return next((one for one in sme_classes() if one.holds(headcount, turnover_eur, balance_eur)), None)


@cache
def ecei_labels() -> tuple[EceiLabel, ...]:
    """Bronze, silver and gold, lowest first (G01)."""
    rows = _file()["ecei_labels"]["terms"]
    return tuple(
        EceiLabel(**_special(row, n, "ecei_labels"), source=source(row["source"])) for n, row in enumerate(rows, 1)
    )


def _figures(id: str) -> dict[str, Any]:
    part = dict(_file()[id])
    return part | {"source": source(part["source"])}


@cache
def de_minimis() -> DeMinimis:
    """Regulation (EU) 2023/2831."""
    return DeMinimis(**_figures("de_minimis"))


@cache
def eccp_registration() -> EccpRegistration:
    """The criteria that applicants of 2021 had met by their registration."""
    return EccpRegistration(**_figures("eccp_registration"))
