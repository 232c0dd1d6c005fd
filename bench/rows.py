"""From what was measured to the table: each figure beside its goal."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

# Most statements that a page may ask, at any size.
STATEMENTS = {
    "API list of 50": 5,
    "web list": 8,
    "detail": 12,
    "home of an evaluator": 10,
    "home of a coordinator": 20,
    "board": 10,
    "figures of a call": 14,
    "step through the API": 12,
    "step in the door": 6,
    "whole call as ZIP": 6,
    "whole call as XLSX": 6,
}
GROWTH, API, LIST, DOOR, EXPORT = 1.2, 2.5, 2.0, 10.0, 60
SHEET, PROCESS, FIRST = 60, 120, 2.2


@dataclass(frozen=True)
class Row:
    """One line: a figure, its goal in words, its unit, and whether it is met."""

    name: str
    figure: float
    goal: str
    unit: str
    met: bool

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return dataclasses.asdict(self)


def at_most(name: str, figure: float, limit: float, unit: str) -> Row:
    """A figure with an upper limit."""
    return Row(name, round(figure, 2), f"at most {limit:g}", unit, figure <= limit)


def rows_of(found: dict[int, dict[str, Any]]) -> list[Row]:
    """The lines for all sizes; the first size is the one that the others grow from."""
    sizes = list(found)
    small, large = found[sizes[0]], found[sizes[-1]]
    rows = []
    for name, limit in STATEMENTS.items():
        counts = [statements(found[size], name) for size in sizes]
        rows.append(at_most(f"{name}: statements", max(counts), limit, "statements"))
        spread = max(counts) - min(counts)
        rows.append(Row(f"{name}: more statements at {sizes[-1]}", spread, "equal at any size", "", spread == 0))
    for name in small["pages"]["cpu"]:
        growth = large["pages"]["cpu"][name] / small["pages"]["cpu"][name]
        rows.append(at_most(f"{name}: CPU at {sizes[-1]} to {sizes[0]}", growth, GROWTH, "x"))
    for name, milliseconds in large["pages"]["cpu"].items():
        rows.append(Row(f"{name}: CPU", round(milliseconds, 1), "reported", "ms", True))
    ratios = large["pages"]["ratio"]
    rows += [
        at_most("API list of 50 to one SQL that makes the JSON", ratios["API list of 50"], API, "x CPU"),
        at_most("web list to a plain template in the same frame", ratios["web list, framed"], LIST, "x CPU"),
        at_most("web list to a plain template alone", ratios["web list, bare"], LIST, "x CPU"),
        at_most("step to one statement that updates and inserts", ratios["step"], DOOR, "x CPU"),
        *exports(small, large),
        at_most("XLSX of 100,000 rows: memory on top", large["sheet"]["peak"], SHEET, "MB"),
        Row("XLSX of 100,000 rows", large["sheet"]["seconds"], "reported", "s", True),
        Row("import of 1,000 rows: checked", large["table"]["checked"], "reported", "s", True),
        Row("import of 1,000 rows: taken over", large["table"]["taken"], "reported", "s", True),
        at_most("process that has served every page: PSS", large["pages"]["pss"], PROCESS, "MB"),
        at_most("from start to the first answer", large["pages"]["first"], FIRST, "s"),
    ]
    return rows


def statements(parts: dict[str, Any], name: str) -> int:
    """How many statements something asks at a size."""
    kind = {"whole call as ZIP": "zip", "whole call as XLSX": "xlsx"}.get(name)
    return int(parts[kind]["statements"] if kind else parts["pages"]["statements"][name])


def exports(small: dict[str, Any], large: dict[str, Any]) -> list[Row]:
    """Time and memory of the whole call as a file, and how the memory grows with the call."""
    rows = []
    for kind in ("zip", "xlsx"):
        name, one = f"whole call as {kind.upper()}", large[kind]
        rows += [
            Row(f"{name}: rows", one["rows"], "reported", "rows", True),
            Row(name, one["seconds"], "reported", "s", True),
            at_most(f"{name}: memory on top", one["peak"], EXPORT, "MB"),
            at_most(f"{name}: memory more than the small one's", one["peak"] - small[kind]["peak"], EXPORT / 2, "MB"),
            Row(f"{name}: to a CSV of a cursor", one["ratio"], "reported", "x CPU", True),
        ]
    return rows
