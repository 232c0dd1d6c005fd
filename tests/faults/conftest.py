"""Figures of the fault tests: each is collected while the tests run, shown as a table and written to a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.plant import QUICK, Plant, plant

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / ".local" / "faults.json"
rows: list[dict[str, Any]] = []
counts = {"passed": 0, "failed": 0}


@pytest.fixture
def figure() -> Callable[..., None]:
    """Notes a measured figure beside its goal: `figure(name, value, goal, unit, met)`; a test asserts by itself."""

    def note(name: str, value: float, goal: str, unit: str = "", met: bool = True) -> None:
        rows.append({"name": name, "figure": value, "goal": goal, "unit": unit, "met": met})

    return note


@pytest.fixture
def processes(committed: None, tmp_path: Path) -> Iterator[Plant]:
    """A broker of the test's own, and the processes it starts on the test's database."""
    with plant(tmp_path) as made:
        yield made


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Counts as the last line does."""
    if report.failed:
        counts["failed"] += 1
    elif report.when == "call" and report.passed:
        counts["passed"] += 1


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The table."""
    if not rows:
        return
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps({"quick": QUICK, "rows": rows}, indent=1, ensure_ascii=False))
    width = max(len(row["name"]) for row in rows)
    terminalreporter.section("figures")
    for row in rows:
        value = f"{row['figure']:g} {row['unit']}".strip()
        mark = "" if row["met"] else "  MISSED"
        terminalreporter.write_line(f"{row['name']:<{width}}  {value:>14}   goal: {row['goal']}{mark}")


def pytest_unconfigure() -> None:
    """The last line of `make faults`."""
    if sum(counts.values()):
        print(f"{counts['passed']} passed, {counts['failed']} failed")
