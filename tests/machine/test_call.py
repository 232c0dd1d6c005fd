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

RUNS = int(os.environ.get("RUNS", "10"))
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
# How likely each act is before closing, before the release, and after it.
WEIGHTS = {
    "time_passes": (2, 1, 1),
    "the_closing_hour_comes": (14, 0, 0),
    "the_lead_extends": (1, 1, 0),
    "somebody_drafts": (4, 1, 0),
    "somebody_submits": (9, 1, 1),
    "somebody_clarifies": (2, 7, 1),
    "somebody_gives_up_or_complains": (1, 1, 8),
    "a_stranger_tries": (1, 1, 1),
    "the_office_checks": (2, 14, 2),
    "somebody_evaluates": (1, 12, 3),
    "the_ranking_is_proposed": (1, 9, 1),
    "the_lead_releases": (1, 9, 1),
    "the_lead_promotes": (1, 1, 8),
    "the_lead_reviews": (1, 4, 6),
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
        self.seed = self.turns = 0
        self.has_changed = True
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
        self.seed, self.choose = seed, random.Random(seed)
        for _ in range(3):
            self.somebody_drafts()

    @rule(turn=st.integers(0, 2**32 - 1))
    def somebody_acts(self, turn: int) -> None:
        """Anything at any time, and mostly what belongs to the time: before closing, before the release, after it."""
        self.choose = random.Random(f"{self.seed} {self.turns} {turn}")
        self.turns += 1
        phase = 2 if self.is_released else 1 if not self.is_open else 0
        acts = list(WEIGHTS)
        early = phase == 0 and self.turns < STEPS / 6
        weights = [0 if early and act == "the_closing_hour_comes" else WEIGHTS[act][phase] for act in acts]
        self.has_changed = False
        getattr(self, self.choose.choices(acts, weights)[0])()

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
        self.has_changed = True
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

    def time_passes(self) -> None:
        self.clock.shift(dt.timedelta(hours=self.choose.choice([1, 30, 100])))
        self.relay()

    def the_closing_hour_comes(self) -> None:
        """To the second before, at and after it; the relay may be late."""
        off, relay = self.choose.choice([-1, 0, 1, 1]), self.choose.random() < 0.6
        if timezone.now() < self.closes_at + off * SECOND:
            self.clock.move_to(self.closes_at + off * SECOND)
            if relay:
                self.relay()

    def relay(self) -> None:
        self.has_changed = tasks.tick() > 0 or self.has_changed
        if timezone.now() >= self.closes_at:
            self.is_open = False

    def the_lead_extends(self) -> None:
        later = self.closes_at + dt.timedelta(days=self.choose.choice([-40, 1, 9]))
        self.call.refresh_from_db()
        if self.take(self.call, "extend", self.scene.lead, closes_at=later.isoformat(), reason="Holidays."):
            assert self.is_open and later > max(self.closes_at, timezone.now())
            self.closes_at = later

    # -- applicants

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
            self.has_changed = True
            self.bids.append(Bid(made.pk, manager))

    def somebody_submits(self) -> None:
        for _ in range(self.choose.choice([1, 2, 3])):
            bid = self.advance("submit")
            if bid is not None:
                assert timezone.now() < self.closes_at, "submitted after closing"
                bid.hand_ins += 1

    def somebody_clarifies(self) -> None:
        bid = self.advance("resubmit")
        if bid is not None:
            bid.hand_ins += 1

    def somebody_gives_up_or_complains(self) -> None:
        step = self.choose.choice(["withdraw", "decline", "decline", "request_review", "request_review"])
        bid = self.advance(step)
        if bid is not None and step == "request_review":
            bid.reviews += 1
            assert bid.reviews == 1, "a second review"

    def a_stranger_tries(self) -> None:
        step = self.choose.choice(["submit", "withdraw", "decline", "promote", "declare_eligible"])
        bid = self.choose.choice(self.bids) if self.bids else None
        if bid is None:
            return
        with pytest.raises((NotAllowed, NotFound)), transaction.atomic():
            Application.objects.get(pk=bid.key).perform(step, by=self.scene.stranger)

    # -- office, evaluators, lead

    def the_office_checks(self) -> None:
        for _ in range(self.choose.choice([1, 2, 3])):
            self.advance(
                self.choose.choice(["return_for_clarification", *["declare_eligible"] * 7, "declare_ineligible"])
            )

    def somebody_evaluates(self) -> None:
        """One evaluation, then the score."""
        bid = self.one_in("close_evaluation")
        if bid is None or bid.state != "eligible":
            return
        record, evaluator = Application.objects.get(pk=bid.key), self.scene.evaluator
        if not record.evaluations.filter(state="submitted").exists():
            asked = {"application": record, "evaluator": evaluator}
            judged = Evaluation().perform("assign", by=self.scene.coordinator, **asked)
            judged.perform("accept", by=evaluator)
            judged.perform(
                "submit", by=evaluator, scores=make.scores(self.call, self.choose.randint(3, 10)), comment="Sound."
            )
        self.advance("close_evaluation")

    def the_ranking_is_proposed(self) -> None:
        if self.selection is None:
            self.selection = Selection().perform("create", by=self.scene.coordinator, call=self.call)
        self.selection.refresh_from_db()
        if self.take(self.selection, "propose", self.scene.coordinator, overrides=[]):
            assert not self.is_open, "ranked while the call was open"
            assert not [bid for bid in self.bids if bid.state in UNDECIDED], "ranked before all were evaluated"

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

    def the_lead_promotes(self) -> None:
        there = Application.objects.filter(call=self.call, state="reserve").order_by("reserve_position")
        first = there.values_list("pk", flat=True).first()
        held = Application.objects.filter(call=self.call, state="selected").count()
        bid = self.advance("promote")
        if bid is not None:
            assert held < PLACES, "promoted into no place"
            assert bid.key == first, "promoted out of order"

    def the_lead_reviews(self) -> None:
        self.advance(self.choose.choice(["uphold", "uphold_rejection", "overturn"]))

    # -- what may never be

    @invariant()
    def nothing_is_what_it_may_not_be(self) -> None:
        """Looked at after whatever has changed something."""
        if not self.has_changed:
            return
        rows = list(Application.objects.filter(call=self.scene.call))
        self.no_application_is_lost_and_none_stands_elsewhere(rows)
        self.no_place_is_held_twice_and_none_that_is_not_there(rows)
        self.everything_handed_in_came_in_time_and_has_its_receipt(rows)
        state, closes_at = Call.objects.values_list("state", "closes_at").get(pk=self.scene.call.pk)
        assert (state == "open", closes_at) == (self.is_open, self.closes_at), "open for too long, or not long enough"

    def no_application_is_lost_and_none_stands_elsewhere(self, rows: list[Application]) -> None:
        assert {row.pk: row.state for row in rows} == {bid.key: bid.state for bid in self.bids}

    def no_place_is_held_twice_and_none_that_is_not_there(self, rows: list[Application]) -> None:
        places = [row.place for row in rows if row.place is not None]
        assert len(places) == sum(row.state == "selected" for row in rows) <= PLACES
        assert len(set(places)) == len(places) and set(places) <= set(range(1, PLACES + 1))

    def everything_handed_in_came_in_time_and_has_its_receipt(self, rows: list[Application]) -> None:
        hand_ins = {bid.key: bid.hand_ins for bid in self.bids if bid.hand_ins}
        there = [row for row in rows if row.pk in hand_ins]
        assert all(row.submitted_at < self.closes_at and row.receipt and row.number for row in there)
        assert len({row.number for row in there}) == len(there), "a number was given twice"
        assert not [row for row in rows if row.pk not in hand_ins and (row.receipt or row.submitted_at)]
        submitted = Entry.objects.filter(record_id__in=hand_ins, step="submit").values_list("record_id", flat=True)
        assert Counter(submitted) == Counter(list(hand_ins)), "submitted twice"
        receipts = Notice.objects.filter(record_id__in=hand_ins, key__contains="was received")
        told = Counter(receipts.values_list("record_id", flat=True))
        assert all(1 <= told[key] <= number for key, number in hand_ins.items()), "a receipt too many"


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


def live(machine, runs: int, turns: int = STEPS) -> None:
    """So many runs; not shrunk, since forty turns can be read."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=runs,
            stateful_step_count=turns + 1,  # the first is the beginning
            deadline=None,
            database=None,
            derandomize=runs <= 12,
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
    assert len(never - set(machine.done)) <= len(never) / 2, sorted(never - set(machine.done))


def found(machine, words: str) -> None:
    """Within a few long runs: most of them come to a release and beyond."""
    with pytest.raises((AssertionError, ExceptionGroup), match=words):
        live(machine, 12, turns=3 * STEPS)


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
    found(machine, "promoted into no place|Extra items in the left set")  # or a place that the call does not have


def test_control_a_second_review_is_found(machine, monkeypatch):
    loosened(monkeypatch, "request_review", guards=())
    found(machine, "a second review")
