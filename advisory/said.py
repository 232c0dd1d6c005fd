"""What a CV says, by field: which fields a person confirms, and their values as lines that can be mended."""

from __future__ import annotations

import hashlib
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from advisory.speaking import LEVELS
from facility.bid import AREAS
from facility.registry.cluster import ECOSYSTEMS

# What a person confirms, in the order in which it is shown; nothing else of a reading counts.
CONFIRMABLE = [
    ("full_name", _("Name")),
    ("email", _("E-mail")),
    ("phone", _("Phone")),
    ("city", _("City")),
    ("country", _("Country")),
    ("language", _("Language")),
    ("area", _("Area")),
    ("sector", _("Industrial ecosystem")),
    ("employment", _("Employment")),
    ("degree", _("Degree")),
    ("green_experience", _("Green experience")),
    ("project", _("Project")),
    ("project_country", _("Country of a project")),
    ("tool", _("Tool")),
    ("skill", _("Skill")),
    ("certificate", _("Certificate")),
    ("publication", _("Publication")),
    ("nationality", _("Nationality")),
    ("availability", _("Availability")),
]
MEMBERS = {"degree": ("title", "institution", "end"), "employment": ("title", "employer", "start", "end", "country")}
COUNTRIES = ("country", "nationality", "project_country")
ENTRY_PARTS = {
    "degree": _("Write title | institution | year."),
    "employment": _("Write title | employer | start | end | country; leave the end empty while it lasts."),
}


def hash_of(text: str) -> str:
    """The SHA-256 by which a text is known."""
    return hashlib.sha256(text.encode()).hexdigest()


def countries_in(said: dict[str, list[Any]]) -> list[str]:
    """Where the person lives, worked and had projects, each once."""
    found = [*said["country"], *(one["country"] for one in said["employment"]), *said["project_country"]]
    return list(dict.fromkeys(code for code in found if code))


def years_in(jobs: list[dict[str, Any]], now: int) -> int | None:
    """Years from the beginning of the first job to the end of the last (an open end is `now`); None without a date."""
    begun = [int(one["start"][:4]) for one in jobs if one.get("start")]
    ended = [int(one["end"][:4]) if one.get("end") else now for one in jobs if one.get("start")]
    return max(0, max(ended) - min(begun)) if begun else None


def worded(name: str, value: Any) -> str:
    """A value as one line that a person can mend: `de C1`, `Engineer | Acme | 2010-03 | 2014 | NL`."""
    if name == "language":
        return f"{value['code']} {value['cefr'] or ''}".strip()
    if name in MEMBERS:
        return " | ".join((value.get(member) or "").replace("|", "/") for member in MEMBERS[name]).strip()
    return str(value)


def parsed(name: str, text: str) -> Any:
    """The value that such a line says; ValidationError with the sentence when it says none."""
    if name == "language":
        code, _blank, level = text.strip().partition(" ")
        if not (code.isalpha() and len(code) in {2, 3}) or (level and level not in LEVELS):
            raise ValidationError(_t("Write a language as its code and level, such as “de C1” or “nl native”."))
        return {"code": code.lower(), "cefr": level or None}
    if name in MEMBERS:
        parts = [part.strip() or None for part in text.split("|")]
        if not parts[0] or len(parts) > len(MEMBERS[name]):
            raise ValidationError(str(ENTRY_PARTS[name]))
        return dict(zip(MEMBERS[name], [*parts, *[None] * 5], strict=False))
    if name == "email":
        validate_email(text)
    if name in COUNTRIES and text.upper() not in dict(countries):
        raise ValidationError(_t("Write a country as its two letters, such as NL."))
    if name == "area" and text not in dict(AREAS):
        raise ValidationError(_t("Write an area as one of: %s.") % ", ".join(dict(AREAS)))
    if name == "sector" and text not in dict(ECOSYSTEMS):
        raise ValidationError(_t("Write an industrial ecosystem as one of: %s.") % ", ".join(dict(ECOSYSTEMS)))
    return text.upper() if name in COUNTRIES else text
