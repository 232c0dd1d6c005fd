"""A call from its opening to the last promotion, lived at random: the database against a plain model of a few lines.

RUNS=2000 for the whole of it. The model knows neither guards nor forms; it says what may never be, and what must have
been true when something was done.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import random
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from facility.application import Application
from facility.call import Call
from facility.evaluation import Evaluation
from facility.selection import Selection
from facility.workflow import tasks
from facility.workflow.steps import NotAllowed, NotFound, Refused
from facility.workflow.trail import Entry, Notice
from tests import factories as make
from tests.machine import inputs

RUNS = int(os.environ.get("RUNS", "30"))
STEPS, PLACES, CLUSTERS = 40, 2, 6
SECOND, PASS_MARK = dt.timedelta(seconds=1), 50
UNDECIDED = {"submitted", "returned", "eligible", "under_review"}
# From where to where, by hand. What a review gives back may be more than one thing.
COURSE: dict[str, tuple[set[str], set[str]]] = {
    "submit": ({"draft"}, {"submitted"}),
    "return_for_clarification": ({"submitted"}, {"returned"}),
    "resubmit": ({"returned"}, {"submitted"}),
    "declare_eligible": ({"submitted"}, {"eligible"}),
    "declare_ineligible": ({"submitted"}, {"ineligible"}),
    "close_evaluation": ({"eligible"}, {"evaluated"}),
    "decline": ({"selected"}, {"declined"}),
    "promote": ({"reserve"}, {"selected"}),
    "withdraw": ({"draft", "submitted", "returned", "eligible", "evaluated", "reserve"}, {"withdrawn"}),
    "request_review": ({"ineligible", "rejected"}, {"under_review"}),
    "uphold": ({"under_review"}, {"ineligible"}),
    "uphold_rejection": ({"under_review"}, {"rejected"}),
    "overturn": ({"under_review"}, {"eligible", "reserve"}),
}
OFFICE = {"return_for_clarification", "declare_eligible", "declare_ineligible", "close_evaluation"}
LEAD = {"promote", "uphold", "uphold_rejection", "overturn"}


@dataclasses.dataclass
class Bid:
    """What the model knows of one application."""

    key: Any
    manager: Any
    state: str = "draft"
    hand_ins: int = 0
    reviews: int = 0


class CallMachine(RuleBasedStateMachine):
    """Forty turns of applicants, office, evaluators, lead and clock; `scene` and `done` are set by the test."""

    scene: Scene
    done: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.travel = time_machine.travel(timezone.now(), tick=False)
        self.clock = self.travel.start()
        self.choose = random.Random(0)
        self.bids: list[Bid] = []
        self.call = Call.objects.get(pk=self.scene.call.pk)
        self.closes_at, self.is_open, self.is_released = self.call.closes_at, True, False
        self.selection: Selection | None = None

    def teardown(self) -> None:
        self.travel.stop()
        transaction.set_rollback(True)
        self.outer.__exit__(None, None, None)

    @initialize(seed=st.integers(0, 2**32 - 1))
    def begin(self, seed: int) -> None:
        self.choose = random.Random(seed)
        for _ in range(2):
            self.somebody_drafts()

    # -- taking steps

    def take(self, record: Any, step: str, by: Any, **data: Any) -> bool:
        """Whether the door let it through; refused, the row is as it was."""
        before = type(record)._base_manager.filter(pk=record.pk).values().first()
        given, files = (data, {}) if data else self.input_for(record, step, by)
        try:
            with transaction.atomic():
                record.perform(step, by=by, files=files, **given)
        except (NotAllowed, NotFound) as refused:
            raise AssertionError(f"{step}: {by} may do this") from refused
        except Refused:
            assert type(record)._base_manager.filter(pk=record.pk).values().first() == before
            return False
        self.done[step] += 1
        return True

    def input_for(self, record: Any, step: str, by: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Input that the form takes, as far as three tries find it."""
        declared, data, files = type(record).step(step), {}, {}
        for _ in range(3):
            data, files = inputs.generated(self.choose, record, declared, by)
            if inputs.is_valid(record, declared, by, data, files):
                break
        return data, files

    def one_in(self, step: str) -> Bid | None:
        """Mostly an application in a state from which the step leads somewhere."""
        fits = [bid for bid in self.bids if bid.state in COURSE[step][0]]
        pool = fits if fits and self.choose.random() < 0.9 else self.bids
        return self.choose.choice(pool) if pool else None

    def advance(self, step: str) -> Bid | None:
        """One application takes the step; answers it if it did."""
        bid = self.one_in(step)
        if bid is None:
            return None
        sources, targets = COURSE[step]
        record = Application.objects.get(pk=bid.key)
        by = self.scene.coordinator if step in OFFICE else self.scene.lead if step in LEAD else bid.manager
        if not self.take(record, step, by):
            return None
        assert bid.state in sources, f"{step} was taken from {bid.state}"
        bid.state = Application.objects.get(pk=bid.key).state
        assert bid.state in targets, f"{step} led to {bid.state}"
        return bid

    # -- the clock

    @rule(hours=st.sampled_from([1, 30, 200]))
    def time_passes(self, hours: int) -> None:
        self.clock.shift(dt.timedelta(hours=hours))
        self.relay()

    @rule(off=st.sampled_from([-1, 0, 1]), relay=st.booleans())
    def the_closing_hour_comes(self, off: int, relay: bool) -> None:
        """To the second before, at and after it; the relay may be late."""
        if timezone.now() < self.closes_at + off * SECOND:
            self.clock.move_to(self.closes_at + off * SECOND)
            if relay:
                self.relay()

    def relay(self) -> None:
        tasks.tick()
        if timezone.now() >= self.closes_at:
            self.is_open = False

    @rule(days=st.sampled_from([-40, 1, 9]))
    def the_lead_extends(self, days: int) -> None:
        later = self.closes_at + dt.timedelta(days=days)
        self.call.refresh_from_db()
        if self.take(self.call, "extend", self.scene.lead, closes_at=later.isoformat(), reason="Holidays."):
            assert self.is_open and later > max(self.closes_at, timezone.now())
            self.closes_at = later

    # -- applicants

    @rule()
    def somebody_drafts(self) -> None:
        """One draft for each cluster; a second one only after the first is withdrawn."""
        cluster, manager = self.choose.choice(self.scene.clusters)
        taken = Application.objects.filter(lead_cluster=cluster).exclude(state="withdrawn").exists()
        made = None
        with suppress(Refused), transaction.atomic():
            made = make.draft(self.call, manager, cluster)
        assert made is None or (self.is_open and not taken), "a draft in a closed call, or a second one"
        assert made is not None or not self.is_open or taken, "a draft is refused for nothing"
        if made is not None:
            self.bids.append(Bid(made.pk, manager))

    @rule(twice=st.booleans())
    def somebody_submits(self, twice: bool) -> None:
        for _ in range(1 + twice):
            bid = self.advance("submit")
            if bid is not None:
                assert timezone.now() < self.closes_at, "submitted after closing"
                bid.hand_ins += 1

    @rule()
    def somebody_clarifies(self) -> None:
        bid = self.advance("resubmit")
        if bid is not None:
            bid.hand_ins += 1

    @rule(step=st.sampled_from(["withdraw", "decline", "request_review"]))
    def somebody_gives_up_or_complains(self, step: str) -> None:
        bid = self.advance(step)
        if bid is not None and step == "request_review":
            bid.reviews += 1
            assert bid.reviews == 1, "a second review"

    @rule(step=st.sampled_from(["submit", "withdraw", "decline", "promote", "declare_eligible"]))
    def a_stranger_tries(self, step: str) -> None:
        bid = self.choose.choice(self.bids) if self.bids else None
        if bid is None:
            return
        with pytest.raises((NotAllowed, NotFound)), transaction.atomic():
            Application.objects.get(pk=bid.key).perform(step, by=self.scene.stranger)

    # -- office, evaluators, lead

    @rule(
        step=st.sampled_from(["return_for_clarification", "declare_eligible", "declare_eligible", "declare_ineligible"])
    )
    def the_office_checks(self, step: str) -> None:
        self.advance(step)

    @rule(value=st.integers(3, 10))
    def somebody_evaluates(self, value: int) -> None:
        """One evaluation, then the score."""
        bid = self.one_in("close_evaluation")
        if bid is None or bid.state != "eligible":
            return
        record, evaluator = Application.objects.get(pk=bid.key), self.scene.evaluator
        if not record.evaluations.filter(state="submitted").exists():
            asked = {"application": record, "evaluator": evaluator}
            judged = Evaluation().perform("assign", by=self.scene.coordinator, **asked)
            judged.perform("accept", by=evaluator)
            judged.perform("submit", by=evaluator, scores=make.scores(self.call, value), comment="Sound.")
        self.advance("close_evaluation")

    @rule()
    def the_ranking_is_proposed(self) -> None:
        if self.selection is None:
            self.selection = Selection().perform("create", by=self.scene.coordinator, call=self.call)
        self.selection.refresh_from_db()
        if self.take(self.selection, "propose", self.scene.coordinator, overrides=[]):
            assert not self.is_open, "ranked while the call was open"
            assert not [bid for bid in self.bids if bid.state in UNDECIDED], "ranked before all were evaluated"

    @rule()
    def the_lead_releases(self) -> None:
        if self.selection is None:
            return
        self.selection.refresh_from_db()
        self.take(self.selection, "approve", self.scene.lead)
        waiting = {bid.key: bid for bid in self.bids if bid.state == "evaluated"}
        if not self.take(self.selection, "release", self.scene.lead):
            return
        assert not self.is_released and not self.is_open
        self.is_released = True
        rows = {row.pk: row for row in Application.objects.filter(pk__in=waiting)}
        for key, row in rows.items():
            waiting[key].state = row.state
        passing = [row.score for row in rows.values() if row.score >= PASS_MARK]
        chosen = [row.score for row in rows.values() if row.state == "selected"]
        assert len(chosen) == min(PLACES, len(passing)), "a place is left, or one too many is given"
        assert sorted(chosen, reverse=True) == sorted(passing, reverse=True)[: len(chosen)], "not the best"

    @rule()
    def the_lead_promotes(self) -> None:
        there = Application.objects.filter(call=self.call, state="reserve").order_by("reserve_position")
        first = there.values_list("pk", flat=True).first()
        held = Application.objects.filter(call=self.call, state="selected").count()
        bid = self.advance("promote")
        if bid is not None:
            assert held < PLACES, "promoted into no place"
            assert bid.key == first, "promoted out of order"

    @rule(step=st.sampled_from(["uphold", "uphold_rejection", "overturn"]))
    def the_lead_reviews(self, step: str) -> None:
        self.advance(step)

    # -- what may never be

    @invariant()
    def no_application_is_lost_and_none_stands_elsewhere(self) -> None:
        there = dict(Application.objects.filter(call=self.scene.call).values_list("pk", "state"))
        assert there == {bid.key: bid.state for bid in self.bids}

    @invariant()
    def no_place_is_held_twice_and_none_that_is_not_there(self) -> None:
        rows = Application.objects.filter(call=self.scene.call)
        places = list(rows.filter(place__isnull=False).values_list("place", flat=True))
        assert len(places) == rows.filter(state="selected").count() <= PLACES
        assert len(set(places)) == len(places) and set(places) <= set(range(1, PLACES + 1))

    @invariant()
    def everything_handed_in_came_before_closing_and_has_its_receipt_once(self) -> None:
        keys = [bid.key for bid in self.bids if bid.hand_ins]
        rows = Application.objects.filter(pk__in=keys)
        assert all(row.submitted_at < self.closes_at and row.receipt and row.number for row in rows)
        assert len({row.number for row in rows}) == len(rows), "a number was given twice"
        others = Application.objects.filter(call=self.scene.call).exclude(pk__in=keys)
        assert not others.exclude(receipt="").exists() and not others.filter(submitted_at__isnull=False).exists()
        submitted = Counter(Entry.objects.filter(record_id__in=keys, step="submit").values_list("record_id", flat=True))
        assert all(submitted[key] == 1 for key in keys), "submitted twice"
        receipts = Notice.objects.filter(record_id__in=keys, key__contains="was received")
        told = Counter(receipts.values_list("record_id", flat=True))
        assert all(1 <= told[bid.key] <= bid.hand_ins for bid in self.bids if bid.hand_ins), "a receipt too many"

    @invariant()
    def the_call_is_open_exactly_until_the_relay_has_seen_its_end(self) -> None:
        state, closes_at = Call.objects.values_list("state", "closes_at").get(pk=self.scene.call.pk)
        assert (state == "open", closes_at) == (self.is_open, self.closes_at)


class Scene:
    """An open call, its people, and clusters that could apply."""

    def __init__(self) -> None:
        programme = make.programme()
        self.lead, self.coordinator, self.evaluator = (
            make.staff(role, programme) for role in ("lead", "coordinator", "evaluator")
        )
        self.call = make.call(programme, self.coordinator, places=PLACES, reserve_places=3)
        self.clusters = [(one, make.manager_of(one)) for one in (make.cluster() for _ in range(CLUSTERS))]
        self.stranger = make.manager_of(make.cluster("FR"))


@pytest.fixture
def machine(db):
    return type("Lived", (CallMachine,), {"scene": Scene(), "done": Counter()})


def live(machine, runs: int) -> None:
    """So many runs; not shrunk, since forty turns can be read."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=runs,
            stateful_step_count=STEPS + 1,  # the first is the beginning
            deadline=None,
            database=None,
            derandomize=runs <= 30,
            report_multiple_bugs=False,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.row("F03")
def test_a_call_lived_at_random_never_does_what_it_may_not(machine, capsys):
    live(machine, RUNS)
    with capsys.disabled():
        print(f"\n{RUNS} runs of {STEPS} turns: {dict(machine.done.most_common())}")
    never = set(COURSE) | {"extend", "propose", "approve", "release"}
    assert len(never - set(machine.done)) <= len(never) / 3, sorted(never - set(machine.done))


def found(machine, words: str) -> None:
    with pytest.raises((AssertionError, ExceptionGroup), match=words):
        live(machine, 30)


def loosened(monkeypatch, name: str, **changes: Any) -> None:
    steps = dict(Application.steps())
    steps[name] = dataclasses.replace(steps[name], **changes)
    monkeypatch.setattr(Application, "_steps", steps)


def test_control_without_the_look_at_the_closing_time_it_is_found(machine, monkeypatch):
    guards = tuple(one for one in Application.step("submit").guards if one.__name__ != "is_before_closing")
    loosened(monkeypatch, "submit", guards=guards)
    found(machine, "submitted after closing")


def test_control_a_place_too_many_is_found(machine, monkeypatch):
    guards = tuple(one for one in Application.step("promote").guards if one.__name__ != "has_free_place")
    loosened(monkeypatch, "promote", guards=guards)
    monkeypatch.setattr(Call, "free_places", lambda self: [PLACES + 1])
    found(machine, "promoted into no place")


def test_control_promoting_out_of_order_is_found(machine, monkeypatch):
    guards = tuple(one for one in Application.step("promote").guards if one.__name__ != "is_next_in_order")
    loosened(monkeypatch, "promote", guards=guards)
    found(machine, "promoted out of order")


def test_control_a_second_review_is_found(machine, monkeypatch):
    loosened(monkeypatch, "request_review", guards=())
    found(machine, "a second review")
