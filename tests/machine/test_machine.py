"""Only legal steps: any person, any step, any record, against a plain model (RUNS=2000 for the whole of it)."""

from __future__ import annotations

import dataclasses
import os

import pytest
from django_fsm import TransitionNotAllowed
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from facility.call import Call
from facility.evaluation import Evaluation
from facility.roles import signed_in
from tests.machine.machine import MODEL, Machine, Tally, steps_of_the_code
from tests.machine.model import PEOPLE
from tests.machine.stage import staged

RUNS = int(os.environ.get("RUNS", "20"))
STEPS = 50
# Not shrunk: a run of fifty steps is short enough to read, and its acts are printed.
COMMON = {
    "deadline": None,
    "database": None,
    "report_multiple_bugs": False,
    "phases": [Phase.generate],
    "suppress_health_check": list(HealthCheck),
    "stateful_step_count": STEPS + 1,  # the first is the beginning
}


@pytest.fixture
def machine(db) -> type[Machine]:
    """A machine on a world of its own, with a tally of its own."""
    return type("Machine", (Machine,), {"world": staged(), "tally": Tally()})


def test_model_and_code_name_the_same_steps():
    assert steps_of_the_code() == {(label, name) for label, table in MODEL.items() for name in table}


def test_every_word_for_people_is_used_and_known():
    used = {word for table in MODEL.values() for row in table.values() for word in row.who} - {"system"}
    assert used == set(PEOPLE)


@pytest.mark.row("F03")
def test_nobody_takes_a_step_that_the_model_does_not_know(machine, capsys):
    seeded = {"derandomize": True} if RUNS <= 20 else {}
    run_state_machine_as_test(machine, settings=settings(max_examples=RUNS, **seeded, **COMMON))
    done, every, never = machine.tally.coverage()
    with capsys.disabled():
        print(f"\n{machine.tally.runs} runs of {STEPS} steps: {dict(machine.tally.outcomes)}")
        print(f"{done} of {every} steps were done at least once; never: {', '.join(never) or 'none'}")
    assert machine.tally.runs >= RUNS
    assert done > every / 3


def found(machine, label, name) -> None:
    """The machine finds the step within a few runs on its records."""
    machine.only = (label,)
    with pytest.raises((AssertionError, TransitionNotAllowed), match=name):
        run_state_machine_as_test(machine, settings=settings(max_examples=30, derandomize=True, **COMMON))


def loosened(monkeypatch, model, name, **changes) -> None:
    steps = dict(model.steps())
    steps[name] = dataclasses.replace(steps[name], **changes)
    monkeypatch.setattr(model, "_steps", steps)


def test_control_a_source_too_many_is_found(machine, monkeypatch):
    loosened(monkeypatch, Call, "archive", sources=("decided", "open"))
    found(machine, "facility.call", "archive")


def test_control_a_rule_that_is_too_wide_is_found(machine, monkeypatch):
    loosened(monkeypatch, Evaluation, "recuse", who=signed_in)
    found(machine, "facility.evaluation", "recuse")
