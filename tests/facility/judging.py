"""A call in evaluation: what the tests of eligibility, assignment, conflicts and scores begin with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.test import Client

from facility.evaluation import Evaluation
from facility.registry.evaluator import EvaluatorProfile
from facility.workflow.steps import SYSTEM
from tests import factories as make


def scene(evaluators: int = 2, bids: int = 1, **fields: Any) -> SimpleNamespace:
    """A programme with lead, coordinator and observer, evaluators, an open call and eligible applications."""
    programme = make.programme()
    people = {role: make.staff(role, programme) for role in ("lead", "coordinator", "observer")}
    found = SimpleNamespace(programme=programme, **people)
    found.evaluators = [make.staff("evaluator", programme) for _ in range(evaluators)]
    found.call = make.call(programme, found.coordinator, **fields)
    found.bids = [eligible(found) for _ in range(bids)]
    return found


def submitted(found: SimpleNamespace, country: str = "ES", **fields: Any) -> Any:
    """An application that was handed in."""
    lead = make.cluster(country)
    manager = make.manager_of(lead)
    return make.draft(found.call, manager, lead, **fields).perform("submit", by=manager)


def eligible(found: SimpleNamespace, country: str = "ES", **fields: Any) -> Any:
    """An application that waits for evaluations."""
    return submitted(found, country, **fields).perform("declare_eligible", by=found.coordinator, answers=make.MET)


def asked(found: SimpleNamespace, bid: Any, evaluator: Any, *, begun: bool = True) -> Evaluation:
    """An evaluation, begun unless asked otherwise."""
    made = Evaluation().perform("assign", by=found.coordinator, application=bid, evaluator=evaluator)
    return made.perform("accept", by=evaluator) if begun else made


def judged(found: SimpleNamespace, bid: Any, evaluator: Any, value: Any) -> Evaluation:
    """A submitted one."""
    scores = make.scores(found.call, value)
    return asked(found, bid, evaluator).perform("submit", by=evaluator, scores=scores, comment="Sound.")


def profile(found: SimpleNamespace, evaluator: Any, **fields: Any) -> EvaluatorProfile:
    """What an evaluator can judge."""
    values = {"person": evaluator, "programme": found.programme, "limit": 20, **fields}
    return EvaluatorProfile().perform("describe", by=SYSTEM, **values)


def client(person: Any) -> Client:
    """Signed in."""
    made = Client()
    made.force_login(person)
    return made
