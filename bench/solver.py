"""The assignment at several sizes: time, proof, and what it is worth beside taking the best pair again and again.

python -m bench.solver [SIZE…], each as ADVISORSxPROJECTS; 300x25 and 3000x300 without any. Every project asks for a
business and a sustainability advisor, every advisor takes two projects, a tenth of the pairs is in conflict; scores are
invented from six hidden traits, as real ones have few, plus noise. A table on standard output, JSON in
.local/bench-solver.json.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from advisory.placing import LOSS_SECONDS
from advisory.solver import Problem, Solution, greedy, solve

RESULT = Path(__file__).resolve().parents[1] / ".local" / "bench-solver.json"
SIZES = ("300x25", "3000x300")
GOALS = {"300x25": 5.0, "3000x300": 60.0}
CONFLICTS = 0.1
COUNTRIES = ("AT", "DE", "ES", "FR", "IT", "NL", "PL", "PT", "SI", "SE")
TONGUES = ("de", "en", "es", "fr", "it", "pl")
# Up to so many advisors the harder questions are asked too: with limits, without an answer, and the loss of each pair.
IN_FULL = 1000


def bare(advisors: int, projects: int) -> Problem:
    """Points, kinds, two projects for each and conflicts."""
    made = np.random.default_rng(2021)
    scores = made.normal(size=(advisors, 6)) @ made.normal(size=(6, projects))
    scores = 50 + 6 * (scores + made.normal(size=scores.shape) / 2)
    return Problem(
        scores,
        [{"business": 1, "sustainability": 1}] * projects,
        [2] * advisors,
        kinds=[("business",) if number % 2 else ("sustainability",) for number in range(advisors)],
        conflict=made.random(scores.shape) < CONFLICTS,
    )


def limited(problem: Problem) -> Problem:
    """The same with days, a language for each project, and limits for countries."""
    made = np.random.default_rng(7)
    advisors, projects = len(problem.load_ub), len(problem.demand)
    return replace(
        problem,
        days=[float(days) for days in made.integers(5, 30, size=advisors)],
        days_asked=[{"business": 10.0, "sustainability": 6.0}] * projects,
        speaks=[set(made.choice(TONGUES, 2).tolist()) for _ in range(advisors)],
        asks=[[(str(made.choice(TONGUES)),)] for _ in range(projects)],
        groups=[{str(made.choice(COUNTRIES))} for _ in range(advisors)],
        project_groups=[{str(made.choice(COUNTRIES))} for _ in range(projects)],
        most_places=dict.fromkeys(COUNTRIES, max(2, projects // 3)),
        most_each=dict.fromkeys(COUNTRIES, 1),
    )


def too_few(problem: Problem, number: int) -> Problem:
    """The first advisors alone, each with one place."""
    cut: dict[str, Any] = {"scores": problem.scores[:number], "load_ub": [1] * number}
    kinds, conflict = problem.kinds or (), problem.conflict
    return replace(problem, kinds=kinds[:number], conflict=None if conflict is None else conflict[:number], **cut)


def measured(name: str, problem: Problem, **options: Any) -> tuple[dict[str, Any], Solution]:
    """One row: seconds, CPU, status, figures beside their bounds and beside the greedy assignment."""
    began, spent = time.monotonic(), time.process_time()
    solution = solve(problem, **options)
    row: dict[str, Any] = {
        "name": name,
        "seconds": round(time.monotonic() - began, 2),
        "cpu": round(time.process_time() - spent, 2),
        "status": solution.status,
        "contradiction": len(solution.contradiction),
    }
    if solution.sum is not None:
        _pairs, total, worst, empty = greedy(problem)
        figures = {key: getattr(solution, key) for key in ("sum", "sum_bound", "min", "min_bound")}
        row |= {key: round(value, 1) for key, value in figures.items()}
        row |= {"greedy_sum": round(total, 1), "greedy_min": round(worst, 1), "greedy_empty": empty}
    return row, solution


def losses(name: str, problem: Problem, best: Solution) -> dict[str, Any]:
    """What forbidding each pair costs, all of them."""
    began, spent, proven = time.monotonic(), time.process_time(), 0
    for pair in best.pairs:
        proven += solve(replace(problem, forbids=[pair]), LOSS_SECONDS, is_fairest=False).status == "proven"
    seconds = {"seconds": round(time.monotonic() - began, 2), "cpu": round(time.process_time() - spent, 2)}
    return {"name": f"{name}, loss of each of {len(best.pairs)} pairs", "status": f"{proven} proven", **seconds}


def rows_of(size: str) -> list[dict[str, Any]]:
    """All rows of one size."""
    advisors, projects = map(int, size.split("x"))
    problem = bare(advisors, projects)
    row, best = measured(size, problem)
    rows = [row | {"goal": GOALS.get(size)}]
    if advisors <= IN_FULL:
        rows.append(losses(size, problem, best))
        rows.append(measured(f"{size}, all limits", limited(problem))[0])
        rows.append(measured(f"{size}, as many advisors as projects, one place each", too_few(problem, projects))[0])
    return rows


def main(sizes: list[str]) -> int:
    """Measures and shows; a goal that is missed is a finding and no fault."""
    rows = []
    for size in sizes or SIZES:
        for row in rows_of(size):
            rows.append(row)
            show(row)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps({"rows": rows}, indent=1) + "\n")
    return 0


def show(row: dict[str, Any]) -> None:
    """One row as text."""
    goal = f"  goal {row['goal']:g} s" if row.get("goal") else ""
    print(f"{row['name']}: {row['status']}, {row['seconds']:g} s, CPU {row['cpu']:g} s{goal}", flush=True)
    if "sum" in row:
        print(f"    sum {row['sum']} of {row['sum_bound']}, worst case {row['min']} of {row['min_bound']}")
        empty = f", {row['greedy_empty']} places empty" if row["greedy_empty"] else ""
        print(f"    greedy: sum {row['greedy_sum']}, worst case {row['greedy_min']}{empty}", flush=True)
    if row.get("contradiction"):
        print(f"    the smallest contradiction names {row['contradiction']}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
