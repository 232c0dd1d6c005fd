"""Precision, recall and F1 of readings against the truth, per field and per layout.

A value counts as right only if all of it is right: an `employment` with title, employer, both dates and country. The
rows `employer, dates` and `school, date` look at the same entries without their titles.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

# What the goals speak of (F1 at least 0.97 in structured files, 0.90 in free text).
AIMED = ("full_name", "email", "language", "country", "degree", "employer, dates")
PARTS = {
    "employer, dates": ("employment", ("employer", "start", "end")),
    "school, date": ("degree", ("institution", "end")),
    "language": ("language", ("code", "cefr")),
}
# Fields that only some formats can hold; they are scored in those alone.
STRUCTURED_LACK = {"json-resume": ("nationality", "availability", "kind")}


@dataclass(slots=True)
class Tally:
    """Counts of values: right, missed by the reader, invented or wrong."""

    right: int = 0
    missed: int = 0
    wrong: int = 0

    def add(self, other: "Tally") -> None:
        """Take another tally's counts in."""
        self.right, self.missed, self.wrong = (
            self.right + other.right, self.missed + other.missed, self.wrong + other.wrong
        )  # fmt: skip

    def figures(self) -> tuple[float | None, float | None, float | None]:
        """Return precision, recall and F1 (0 to 1); None where there is nothing to divide by."""
        told, wanted = self.right + self.wrong, self.right + self.missed
        precision = self.right / told if told else None
        recall = self.right / wanted if wanted else None
        return precision, recall, 2 * self.right / (told + wanted) if told + wanted else None


@dataclass(slots=True)
class Board:
    """Tallies by layout and field, and what went wrong as (file, field, missed values, wrong values)."""

    tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)
    slips: list[tuple[str, str, list[str], list[str]]] = field(default_factory=list)

    def score(self, file: str, layout: str, fields: list[dict[str, Any]], truth: dict[str, list[Any]]) -> None:
        """Add one reading (the fields of `read_cv --json`) to the tallies of its layout."""
        for name in (*truth, "employer, dates", "school, date"):
            source, members = PARTS.get(name, (name, ()))
            if name in STRUCTURED_LACK.get(layout, ()):
                continue
            wanted = Counter(_key(value, members) for value in truth[source])
            told = Counter(_key(one["value"], members) for one in fields if one["name"] == source)
            missed, wrong = wanted - told, told - wanted
            tally = Tally((wanted & told).total(), missed.total(), wrong.total())
            self.tallies.setdefault((layout, name), Tally()).add(tally)
            if missed or wrong:
                self.slips.append((file, name, sorted(missed.elements()), sorted(wrong.elements())))

    def sum(self, layouts: Iterable[str], names: Iterable[str]) -> Tally:
        """Return the counts of some layouts and fields together."""
        chosen, total = (set(layouts), set(names)), Tally()
        for (layout, name), tally in self.tallies.items():
            if layout in chosen[0] and name in chosen[1]:
                total.add(tally)
        return total


def _key(value: Any, members: tuple[str, ...]) -> str:
    if isinstance(value, dict):
        names = members or sorted(value)
        return " | ".join(_key(value.get(name), ()) for name in names)
    return " ".join(unicodedata.normalize("NFC", str(value or "")).casefold().split())
