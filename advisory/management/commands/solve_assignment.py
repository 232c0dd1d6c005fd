"""`manage.py solve_assignment`: the assignment as one JSON object in and one out, without a database."""

import json
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError, CommandParser

from advisory.solver import Problem, solve

# More places or seconds than this are a slip of the keyboard.
MOST = 1_000_000_000
MOST_SECONDS = 1_000_000.0
SHOWN = 40
ANSWER = ("sum", "min", "sum_bound", "min_bound", "status")


class Command(BaseCommand):
    help = "Reads scores, demand, load bounds and conflicts as JSON on standard input and answers the assignment."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=float, default=60.0, help="Time to look for the proven optimum.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 <= options["seconds"] <= MOST_SECONDS:
            raise CommandError(f"The seconds must be a number from 0 to {MOST_SECONDS:,.0f}.")
        try:
            given = json.load(sys.stdin)
        except (ValueError, RecursionError) as error:
            raise CommandError(f"The input is not JSON: {error}") from error
        if not isinstance(given, dict):
            raise CommandError("The input is not a JSON object.")
        try:
            solution = solve(_problem(given), options["seconds"])
        except ValueError as error:
            raise CommandError(f"The input cannot be read as an assignment: {error}") from error
        answer = {"pairs": solution.pairs, **{name: getattr(solution, name) for name in ANSWER}}
        self.stdout.write(json.dumps({**answer, "reasons": solution.reasons}))


def _problem(given: dict[str, Any]) -> Problem:
    """What is asked. Raises CommandError that names the field, and the index of what is wrong in it."""
    for name in ("scores", "demand", "load_ub"):
        if name not in given:
            raise CommandError(f"The input has no “{name}”.")
    demand = [_demanded(f"demand[{at}]", one) for at, one in enumerate(_list("demand", given["demand"]))]
    load_ub = _counts("load_ub", given["load_ub"])
    shape = len(load_ub), len(demand)
    load_lb = given.get("load_lb")
    conflict = given.get("conflict")
    return Problem(
        scores=_table("scores", given["scores"], shape, _score),
        demand=demand,
        load_ub=load_ub,
        load_lb=None if load_lb is None else _counts("load_lb", load_lb, len(load_ub)),
        conflict=None if conflict is None else _table("conflict", conflict, shape, _flag),
    )


def _table(name: str, value: Any, shape: tuple[int, int], read: Callable[[str, Any], float]) -> Any:
    """A row for each advisor with a number for each project."""
    rows = _list(name, value)
    if len(rows) != shape[0] and (rows or shape[1]):  # no rows at all are fine where there is no project
        raise CommandError(f"“{name}” has {len(rows)} rows, but “load_ub” has {shape[0]} advisors.")
    table = np.empty((len(rows), shape[1]))
    for advisor, row in enumerate(rows):
        own = _list(f"{name}[{advisor}]", row)
        if len(own) != shape[1]:
            raise CommandError(f"“{name}[{advisor}]” has length {len(own)}, but “demand” has {shape[1]} projects.")
        table[advisor] = [read(f"{name}[{advisor}][{project}]", one) for project, one in enumerate(own)]
    return table


def _counts(name: str, value: Any, length: int | None = None) -> list[int]:
    counts = [_count(f"{name}[{at}]", one) for at, one in enumerate(_list(name, value))]
    if length not in (None, len(counts)):
        raise CommandError(f"“{name}” has length {len(counts)}, but “load_ub” has {length}.")
    return counts


def _list(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise CommandError(f"“{name}” is not a list.")
    return value


def _demanded(name: str, value: Any) -> int | dict[str, int]:
    if isinstance(value, dict):
        return {kind: _count(f"{name}[{json.dumps(kind)}]", one) for kind, one in value.items()}
    return _count(name, value)


def _count(name: str, value: Any) -> int:
    if not _is_number(value) or value != int(value) or not 0 <= value <= MOST:
        raise CommandError(f"“{name}” is {_shown(value)}, not a whole number from 0 to {MOST:,}.")
    return int(value)


def _score(name: str, value: Any) -> float:
    """The score; null is none, and forbids the pair."""
    if value is None:
        return math.nan
    if not _is_number(value):
        raise CommandError(f"“{name}” is {_shown(value)}, not a finite number.")
    return float(value)


def _flag(name: str, value: Any) -> float:
    if value not in (0, 1):
        raise CommandError(f"“{name}” is {_shown(value)}, not 0 or 1.")
    return float(value)


def _is_number(value: Any) -> bool:
    """A number that a float can hold; JSON as Python reads it has NaN, Infinity and 1e999 too."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max


def _shown(value: Any) -> str:
    """As it stands in the input, its beginning only."""
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
