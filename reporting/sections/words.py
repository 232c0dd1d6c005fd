"""Words of the narratives: plain English with the figures in it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def number(value: int | float | Decimal) -> str:
    """A number as it is read: 1,250 or 12.5."""
    exact = round(Decimal(str(value)), 1)
    return f"{int(exact):,}" if exact == int(exact) else f"{exact:,}"


def counted(value: int | float | Decimal, one: str, many: str = "") -> str:
    """“one project”, “13 projects”, “no project”: small whole numbers in words."""
    many = many or f"{one}s"
    is_word = value == int(value) and value < len(SMALL)
    return f"{SMALL[int(value)] if is_word else number(value)} {one if value in (0, 1) else many}"


def of_them(value: int, one: str, many: str) -> str:
    """“none is”, “one is”, “13 are”: how many of what was named before."""
    return f"none {one}" if not value else counted(value, one, many)


def begun(sentence: str) -> str:
    """The sentence with a capital letter."""
    return sentence[:1].upper() + sentence[1:]


def listed(words: Sequence[str]) -> str:
    """“a”, “a and b”, “a, b and c”."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a typed text."""
    return [part.strip() for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]


def percent(part: int | Decimal, whole: int | Decimal) -> int:
    """Part of a whole in percent; 0 of nothing."""
    return round(100 * part / whole) if whole else 0


def total(values: Iterable[Decimal]) -> Decimal:
    """The sum, with two places at most."""
    return round(sum(values, Decimal(0)), 2)
