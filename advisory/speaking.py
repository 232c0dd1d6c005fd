"""In which languages somebody can work."""

from __future__ import annotations

from typing import Any

from babel.languages import get_official_languages

LEVELS = ("A1", "A2", "B1", "B2", "C1", "C2", "native")
# From this level on somebody can work in a language; a language without a level counts as such.
WORKING_LEVELS = {*LEVELS[2:], None, ""}


def speaks_one_of(languages: list[dict[str, Any]], codes: list[str]) -> bool:
    """Whether one of these languages is spoken at a level that work can be done in."""
    return any(one["code"] in codes and one.get("cefr") in WORKING_LEVELS for one in languages)


def working_languages(country: str) -> list[str]:
    """ISO 639-1 codes of the languages that a project of this country (alpha-2) can work in; English always is one."""
    return list(dict.fromkeys([*get_official_languages(country, de_facto=True), "en"]))
