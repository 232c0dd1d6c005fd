"""Instants and lengths of time as the platforms write them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .model import Refused

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
HOUR, MINUTE = 3600, 60
NOON = 12
LAST_MONTH = 12
TWO_DIGIT_YEAR = 100

NUMERIC = re.compile(r"(\d{1,4})([/.-])(\d{1,2})\2(\d{2,4})")
NAMED = re.compile(r"([A-Za-z]{3})[a-z]*\.? (\d{1,2}),? (\d{4})|(\d{1,2}) ([A-Za-z]{3})[a-z]*\.? (\d{4})")
CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap])?\.?\s?(?:m\b)?", re.IGNORECASE)
OFFSET = re.compile(r"(?:Z|[+-]\d{2}:?\d{2})$")
UNITS = re.compile(r"(\d+(?:[.,]\d+)?)\s*([^\W\d_]+)")
# First letters of the hour in the languages of the exports: hour/heure/hora, Std., uur, ore, godz., tim.
HOURS = ("h", "std", "stu", "u", "or", "g", "t")


def minutes_of(text: str) -> float | None:
    """Minutes from "1h 30m 51s", "2 hours 5 minutes", "1 hr 0 min", "01:30:51" or a number; None when it is none."""
    text = text.strip().casefold()
    if re.fullmatch(r"\d+(?:[.,]\d+)?", text):
        return float(text.replace(",", "."))
    if clock := re.fullmatch(r"(\d+):(\d{2}):(\d{2})", text):
        hours, minutes, seconds = map(int, clock.groups())
        return hours * MINUTE + minutes + seconds / MINUTE
    total = 0.0
    found = UNITS.findall(text)
    for number, unit in found:
        length = HOUR if unit.startswith(HOURS) else MINUTE if unit.startswith("m") else 1
        total += float(number.replace(",", ".")) * length
    return total / MINUTE if found else None


class Calendar:
    """Reads the instants of one file, after it has seen them all: 5/6/21 is settled by 24/6/21 elsewhere in it."""

    def __init__(self, texts: Iterable[str], zone: str | None, is_american: bool = False) -> None:
        """`zone` is an IANA name or None; `is_american` says that the platform always puts the month first."""
        self.warnings: list[str] = []
        try:
            self.zone = ZoneInfo(zone) if zone else None
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise Refused(f"“{zone}” is no time zone; give a name such as Europe/Brussels.") from error
        self.is_month_first = self._order(list(map(_spaced, texts)), is_american)

    def _order(self, texts: list[str], is_american: bool) -> bool:
        dates = [found for text in texts if (found := NUMERIC.match(text)) and found[2] == "/"]
        firsts = {int(found[1]) for found in dates if len(found[1]) <= 2}  # noqa: PLR2004 a year comes first otherwise
        seconds = {int(found[3]) for found in dates if len(found[1]) <= 2}  # noqa: PLR2004
        is_day_first, is_month_first = (max(parts, default=0) > LAST_MONTH for parts in (firsts, seconds))
        if is_day_first and is_month_first:
            raise Refused("The dates of this file are in two orders (day first and month first); export it again.")
        if is_day_first or is_month_first or is_american or not dates:
            return is_month_first or (is_american and not is_day_first)
        with_am_pm = any((clock := CLOCK.search(text)) and clock[4] for text in texts)
        if any(one[1] != one[3] for one in dates):
            order = "month first, as its clock has AM and PM" if with_am_pm else "day first, as its clock has 24 hours"
            self.warnings.append(f"Dates such as {dates[0][0]} can be read in two ways; they were read {order}.")
        return with_am_pm

    def read(self, text: str) -> dt.datetime | None:
        """The instant, with the zone given or the offset written; None when the text is none."""
        text = _spaced(text)
        try:
            if OFFSET.search(text) and text[:4].isdigit():
                return dt.datetime.fromisoformat(text)
            date = self._date(text)
            clock = CLOCK.search(text)
            if date is None or clock is None:
                return None
            hour = int(clock[1])
            if clock[4]:
                hour = hour % NOON + (NOON if clock[4].casefold() == "p" else 0)
            return dt.datetime(*date, hour, int(clock[2]), int(clock[3] or 0), tzinfo=self.zone)
        except ValueError:
            return None

    def _date(self, text: str) -> tuple[int, int, int] | None:
        if found := NUMERIC.match(text):
            first, mark, second, last = found.groups()
            if len(first) == 4:  # noqa: PLR2004 a year
                return int(first), int(second), int(last)
            year = int(last) + (2000 if int(last) < TWO_DIGIT_YEAR else 0)
            is_month_first = self.is_month_first and mark == "/"
            return (year, int(first), int(second)) if is_month_first else (year, int(second), int(first))
        if found := NAMED.match(text):
            name, day, full = found.groups()[:3] if found[1] else (found[5], found[4], found[6])
            return int(full), MONTHS.index(name.casefold()) + 1, int(day)
        return None


def _spaced(text: str) -> str:
    """Exports put narrow and no-break spaces before AM and PM."""
    return " ".join(text.split())
