"""Whether two CVs or advisors are one person: the same address, or the same name with something else in common. Pure.

Names are compared without accents, titles, order and middle names; telephones by their last digits.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

TITLES = {
    "dr",
    "prof",
    "ing",
    "dipl",
    "mag",
    "mr",
    "mrs",
    "ms",
    "msc",
    "phd",
    "mba",
    "eng",
    "arch",
    "ir",
    "drs",
    "dott",
}
# Of a firm's name what says nothing of it.
LEGAL = {
    "ltd",
    "gmbh",
    "sa",
    "sl",
    "srl",
    "spa",
    "bv",
    "nv",
    "ag",
    "inc",
    "oy",
    "ab",
    "as",
    "sarl",
    "sas",
    "llc",
    "plc",
}
SIGNS = re.compile(r"[^\w]+")
PHONE_DIGITS = 8


@dataclass(frozen=True)
class Traits:
    """What is known of somebody, as it was written."""

    name: str = ""
    email: str = ""
    phone: str = ""
    city: str = ""
    employers: tuple[str, ...] = field(default=())


def likeness(one: Traits, other: Traits) -> tuple[list[str], bool] | None:
    """(what they have in common, whether that is certain), or None when nothing says that they are one person."""
    same_email = bool(one.email) and one.email.strip().lower() == other.email.strip().lower()
    same_name = bool(name_key(one.name)) and name_key(one.name) == name_key(other.name)
    shared = [
        *(["phone"] if _digits(one.phone) and _digits(one.phone) == _digits(other.phone) else []),
        *(["city"] if _words(one.city) and _words(one.city) == _words(other.city) else []),
        *(["employers"] if _firms(one.employers) & _firms(other.employers) else []),
    ]
    reasons = [*(["email"] if same_email else []), *(["name"] if same_name else []), *shared]
    if same_email:
        return reasons, True
    return (reasons, False) if same_name and shared else None


def name_key(name: str) -> str:
    """The first and the last word of a name in the order of the alphabet: the same for `LOVELACE, Ada` and
    `Dr Ada M. Lovelace`; empty for less than two words."""
    family, comma, given = name.partition(",")
    words = [word for word in _words(f"{given} {family}" if comma else name) if word not in TITLES and len(word) > 1]
    return " ".join(sorted({words[0], words[-1]})) if len(words) > 1 else ""


def traits_of(fields: list[tuple[str, Any]], *, name: str = "", email: str = "") -> Traits:
    """What [(name, value)] of a CV says; `name` and `email` stand in where it says nothing."""
    said: dict[str, list[Any]] = {}
    for key, value in fields:
        said.setdefault(key, []).append(value)
    employers = tuple(one["employer"] for one in said.get("employment", []) if one.get("employer"))
    first = {key: str(said.get(key, [""])[0]) for key in ("full_name", "email", "phone", "city")}
    return Traits(first["full_name"] or name, first["email"] or email, first["phone"], first["city"], employers)


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return SIGNS.sub(" ", "".join(sign for sign in plain if not unicodedata.combining(sign))).split()


def _digits(text: str) -> str:
    digits = "".join(sign for sign in text if sign.isdigit())[-PHONE_DIGITS:]
    return digits if len(digits) == PHONE_DIGITS else ""


def _firms(names: tuple[str, ...]) -> set[str]:
    return {" ".join(word for word in _words(name) if word not in LEGAL) for name in names} - {""}
