"""The ceiling of de minimis aid in a rolling window (Regulation (EU) 2023/2831, art. 3(2)).

Pure: no Django, no database. Amounts are euros; a grant counts from the day on which the legal right to it arose.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal


def years_later(day: dt.date, years: int) -> dt.date:
    """The same day so many years later (earlier when negative); 1 March where there is no 29 February."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, month=3, day=1)


def heaviest(grants: Iterable[tuple[dt.date, Decimal]], day: dt.date, years: int) -> tuple[Decimal, dt.date]:
    """(sum, last day) of the fullest window of so many years that holds `day`; `grants` are pairs of day and amount.

    A window ends with its last day and does not hold the same day `years` before. Later grants count too, since a
    grant may be entered after one that was made later.
    """
    listed = list(grants)
    ends = {day} | {when for when, _amount in listed if day <= when < years_later(day, years)}
    sums = {
        end: sum((amount for when, amount in listed if years_later(end, -years) < when <= end), Decimal())
        for end in ends
    }
    last = max(sums, key=lambda end: (sums[end], -end.toordinal()))
    return sums[last], last
