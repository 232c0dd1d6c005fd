"""Anybody tries any step on any record; after each the plain model, the database and the person's offers must agree."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import time_machine
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from facility.registry.people import Token
from facility.workflow import door
from facility.workflow.engine import all_records, by_type
from facility.workflow.jobs import Job
from facility.workflow.steps import SYSTEM, Blocked, Invalid, NotAllowed, NotFound, Refused, Stale, unmet
from facility.workflow.trail import Entry, Notice
from tests.machine import inputs
from tests.machine.model import MODEL, Held, Row, may
from tests.world import World

MODELS = {model._meta.label_lower: model for model in all_records() if model._meta.app_label != "tests"}
# Each run looks at one neighbourhood most of the time, so that fifty steps lead somewhere.
NEIGHBOURHOODS = [
    ("facility.call", "facility.application", "facility.evaluation", "facility.selection"),
    ("facility.application", "facility.selection"),
    ("facility.call", "facility.asked"),
    ("facility.evaluation", "facility.application"),
    ("advisory.project", "advisory.needsassessment", "advisory.need", "advisory.action"),
    ("advisory.supportsession", "advisory.project", "facility.document", "advisory.action"),
    ("advisory.advisor", "advisory.curriculumvitae", "facility.document"),
    ("advisory.matchrun", "advisory.assignment", "advisory.advisor", "advisory.project"),
    ("advisory.assignment", "advisory.agreement", "advisory.preference", "advisory.terms"),
    ("webinars.webinar", "webinars.registration", "webinars.topic"),
    ("reporting.successstory", "reporting.trajectory"),
    ("reporting.report",),
    ("facility.grant", "facility.cluster", "facility.organisation", "facility.conflict", "facility.programme"),
    ("facility.label", "facility.outsideassessment", "facility.cooperation", "facility.cluster"),
    ("facility.engagement", "facility.organisation"),
    ("facility.contact", "facility.aid"),
    ("facility.indicatorset", "facility.measurement"),
    ("facility.import", "facility.cluster"),
    tuple(MODELS),
]
# Who of the world could be what a step asks of whoever makes a new record.
MAKERS = {
    "office": ("coordinator", "lead"),
    "any_office": ("coordinator", "foreign lead"),
    "lead": ("lead",),
    "administrator": ("administrator",),
    "any_administrator": ("administrator",),
    "any_advisor": ("adviser",),
    "asking_manager": ("manager", "applicant"),
    "anybody": ("adviser", "manager", "project manager", "nobody"),
    "author": ("adviser", "other adviser"),
    "oneself": ("other evaluator", "adviser"),
    "participant": ("adviser", "project manager"),
    "system": ("system",),
    "adviser_on_project": ("adviser", "other adviser"),
    "advisor_of_record": ("adviser", "candidate"),
    "advisor_of_assignment": ("adviser", "third adviser"),
    "advisor_speaking": ("adviser", "other adviser"),
    "manager_speaking": ("project manager", "other project manager"),
    "advisor_oneself": ("adviser", "candidate"),
    "fellow_manager": ("manager", "applicant"),
    "manager_of_cluster": ("manager", "project manager"),
    "manager_of_other": ("partner manager",),
    "office_of_cluster": ("coordinator", "lead"),
    "office_of_none": ("coordinator", "foreign lead"),
    "office_of_other": ("lead",),
    "office_that_keeps_a_register": ("coordinator", "lead"),
    "manager_of_lead_cluster": ("manager", "applicant"),
    "manager_on_project": ("project manager", "other project manager"),
}
# Steps that look once more while they run: what they find then may refuse a step that was offered.
LOOKS_AGAIN = {
    ("advisory.need", "add"),
    ("advisory.assignment", "approve"),
    ("advisory.assignment", "offer_next"),
    ("facility.grant", "give"),  # of the system nobody asks whether the grant is there; the unique value says it
}
DONE = "done"


@dataclass
class Tally:
    """What was tried and what came of it, over all runs."""

    outcomes: Counter[str] = field(default_factory=Counter)
    steps: Counter[tuple[str, str]] = field(default_factory=Counter)
    tried: Counter[tuple[str, str]] = field(default_factory=Counter)
    runs: int = 0

    def coverage(self) -> tuple[int, int, list[str]]:
        """(steps that were done at least once, all steps, those never done)."""
        every = {(label, name) for label, table in MODEL.items() for name in table}
        never = sorted(f"{label}.{name}" for label, name in every - set(self.steps))
        return len(every) - len(never), len(every), never


@dataclass
class Act:
    """One try: who does what to which records, with which input, by which way."""

    person: str
    label: str
    step: str
    keys: list[Any]
    data: dict[str, Any]
    files: dict[str, Any]
    expected: int | None
    by_api: bool
    is_valid: bool = True

    def __str__(self) -> str:
        way = "by the API" if self.by_api else "many" if len(self.keys) > 1 else ""
        return f"{self.person}: {self.label}.{self.step} {self.keys} {self.data} {self.expected or ''} {way}"


def totals() -> tuple[int, int, int, int]:
    """Entries, the sum of all versions, notices and jobs, in one statement."""
    tables = " + ".join(f"(SELECT coalesce(sum(version), 0) FROM {m._meta.db_table})" for m in MODELS.values())
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT (SELECT count(*) FROM {Entry._meta.db_table}), {tables}, "
            f"(SELECT count(*) FROM {Notice._meta.db_table}), (SELECT count(*) FROM {Job._meta.db_table})"
        )
        return tuple(int(one) for one in cursor.fetchone())  # type: ignore[return-value]


def check_deferred() -> None:
    """What the database checks at the end of a transaction, checked now."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def columns(model: Any, keys: list[Any]) -> list[dict[str, Any]]:
    """The rows as they stand."""
    return list(model._base_manager.filter(pk__in=keys).order_by("pk").values())


class Machine(RuleBasedStateMachine):
    """Fifty tries by anybody. `world` and `tally` are set by the test, `only` narrows what is looked at."""

    world: World
    tally: Tally
    only: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.travel = time_machine.travel(timezone.now(), tick=True)
        self.clock = self.travel.start()
        self.clients: dict[str, Client] = {}
        self.last = Entry.objects.order_by("-id").values_list("id", flat=True).first()
        self.focus: tuple[str, ...] = ()
        self.seed = self.turns = 0
        self.trace: list[str] = []
        self.taken: Counter[tuple[str, str]] = Counter()
        self.holds: dict[str, Held] = {}

    def teardown(self) -> None:
        made = Entry.objects.filter(id__gt=self.last).values_list("record_type", "step")
        self.tally.steps.update(made)
        self.tally.runs += 1
        self.travel.stop()
        transaction.set_rollback(True)
        self.outer.__exit__(None, None, None)

    @initialize(seed=st.integers(0, 2**64 - 1), focus=st.sampled_from(NEIGHBOURHOODS))
    def begin(self, seed: int, focus: tuple[str, ...]) -> None:
        self.seed, self.focus = seed, self.only or focus

    @rule(turn=st.integers(0, 2**32 - 1))
    def somebody_tries_something(self, turn: int) -> None:
        self.turns += 1
        choose = random.Random(f"{self.seed} {self.turns} {turn}")
        if choose.random() < 0.04:
            self.clock.shift(dt.timedelta(days=choose.choice([1, 3, 10, 25])))
            self.holds.clear()
            return
        act = self.choose_act(choose)
        if act is not None:
            self.trace[-1] = str(act)
            self.try_it(act)

    # -- choosing

    def choose_act(self, choose: random.Random) -> Act | None:
        label = choose.choice(self.focus if self.only or choose.random() < 0.9 else tuple(MODELS))
        model, table = MODELS[label], MODEL[label]
        keys = list(model._base_manager.order_by("pk").values_list("pk", flat=True))
        name, way = choose.choice(sorted(table)), choose.random()
        makes = [one for one, row in table.items() if "new" in row.sources]
        if way < 0.12:
            name = choose.choice(makes)
        elif way < 0.85 and keys:
            # A record first, then a step that its state allows.
            keys = [choose.choice(keys)]
            name = self.next_step(choose, label, model._base_manager.get(pk=keys[0])) or name
        step = model.step(name)
        if step.creates() and table[name].who == ("nobody",):
            return None  # such a record is put together by the step that it follows from
        if step.creates():
            keys = []
        elif not keys:
            return None
        elif len(keys) > 1:
            keys = choose.sample(keys, min(len(keys), choose.choice([1, 1, 2, 3])))
        return self.fill(choose, label, name, keys)

    def next_step(self, choose: random.Random, label: str, record: Any) -> str:
        """A step that the state allows: rarely one that was taken in this run already, or that something blocks."""
        legal = [one for one, row in MODEL[label].items() if record.state in row.sources]
        name = ""
        for _try in range(3 if legal else 0):
            name = choose.choices(legal, [1 / (1 + 3 * self.taken[label, one]) for one in legal])[0]
            if choose.random() < 0.3 or not unmet(type(record).step(name).guards, record):
                break
        return name

    def fill(self, choose: random.Random, label: str, name: str, keys: list[Any]) -> Act:
        model = MODELS[label]
        step = model.step(name)
        records = [model._base_manager.get(pk=key) for key in keys] or [model()]
        who = self.somebody(choose, MODEL[label][name], records[0], step)
        if step.creates() and (who == "anonymous" or (who == "system" and "system" not in MODEL[label][name].who)):
            who = "nobody"  # the forms of new records are made for people
        person = self.person(who)
        self.trace.append(f"{who}: {label}.{name} {keys}")
        data, files, good = {}, {}, False
        if self.gets_as_far_as_the_form(who, person, MODEL[label][name], records, step):
            for _try in range(3):
                data, files = inputs.generated(choose, records[0], step, person)
                if person is not SYSTEM and choose.random() < 0.06:  # what the system sends is made by code
                    data = inputs.spoiled(choose, data)
                good = all(inputs.is_valid(one, step, person, data, files) for one in records)
                if good:
                    break
        expected = records[0].version if keys and len(keys) == 1 and choose.random() < 0.3 else None
        if expected is not None and choose.random() < 0.3:
            expected += choose.choice([-1, 1, 7])
        by_api = choose.random() < 0.2 and len(keys) < 2 and not files and bool(model.records) and person is not SYSTEM
        return Act(who, label, name, keys, data, files, expected, by_api, good)

    def gets_as_far_as_the_form(self, who: str, person: Any, row: Row, records: list[Any], step: Any) -> bool:
        """Of a new record the form is asked first, of one that is there the permission."""
        if step.creates():
            return bool(getattr(person, "pk", None)) or (person is SYSTEM and "system" in row.who)
        held = self.held(who)
        return all(may(held, one, row) and one.state in row.sources for one in records)

    def somebody(self, choose: random.Random, row: Row, record: Any, step: Any) -> str:
        """Mostly one who may."""
        names = list(self.world.people)
        choose.shuffle(names)
        if choose.random() < 0.75:
            if step.creates():
                return choose.choice([name for word in row.who for name in MAKERS.get(word, ("nobody",))])
            for name in names:
                if may(self.held(name), record, row):
                    return name
        return names[0]

    def held(self, name: str) -> Held:
        """What a person holds, read again after whatever has changed."""
        if name not in self.holds:
            self.holds[name] = Held(self.person(name))
        return self.holds[name]

    def person(self, name: str) -> Any:
        person = self.world.people[name]
        getattr(person, "__dict__", {}).pop("_roles", None)  # kept for a request only
        return person

    # -- what must come of it, by the plain model

    def predicted(self, act: Act, person: Any, records: list[Any]) -> tuple[type | str, ...]:
        """What may come of the act; one thing, save where input or a second look decides."""
        row, step, held = MODEL[act.label][act.step], MODELS[act.label].step(act.step), self.held(act.person)
        for record in records:
            if not may(held, record, row):
                if act.by_api and not getattr(person, "pk", None):
                    return (NotAllowed, NotFound)  # 401, whatever there is
                seen = MODELS[act.label].objects.visible_to(person).filter(pk=record.pk).exists()
                return (NotAllowed,) if seen else (NotFound,)
        for record in records:
            if record.state not in row.sources:
                return (Blocked,)
            if act.expected is not None and act.expected != record.version:
                return (Stale,)
            if unmet(step.guards, record):
                return (Blocked,)
        if not act.is_valid:
            return (Invalid,)
        if (act.label, act.step) in LOOKS_AGAIN or len(records) > 1:
            return (DONE, Blocked)
        return (DONE,)

    def check_offers(self, act: Act, person: Any, record: Any) -> None:
        """The offers are exactly the steps that the model allows, each with the sentences of its guards."""
        held = self.held(act.person)
        meant = {
            name
            for name, row in MODEL[act.label].items()
            if record.state in row.sources and may(held, record, row) and not type(record).step(name).quiet
        }
        offers = {one.step.name: one.blocked_by for one in record.steps_for(person)}
        assert set(offers) == meant, f"{act}: offered {sorted(offers)}, meant {sorted(meant)}"
        for name, sentences in offers.items():
            assert list(sentences) == unmet(type(record).step(name).guards, record)

    # -- trying

    def try_it(self, act: Act) -> None:
        model, person = MODELS[act.label], self.person(act.person)
        records = [model._base_manager.get(pk=key) for key in act.keys]
        if not records:
            self.try_to_make(act, person)
            return
        self.check_offers(act, person, records[0])
        expected = self.predicted(act, person, records)
        before, counts = columns(model, act.keys), totals()
        outcome = self.by_api(act, person, records) if act.by_api else self.by_door(act, person, records)
        self.tally.tried[act.label, act.step] += 1
        self.tally.outcomes[outcome if isinstance(outcome, str) else outcome.__name__] += 1
        assert outcome in expected, f"{act}: {outcome}, meant {expected}"
        self.check_after(act, outcome, before, counts)

    def try_to_make(self, act: Act, person: Any) -> None:
        """A new record: allowed by what it would be, which is known only once it is there."""
        model, counts = MODELS[act.label], totals()
        record = model()
        outcome = self.by_api(act, person, [record]) if act.by_api else self.by_door(act, person, [record])
        self.tally.tried[act.label, act.step] += 1
        self.tally.outcomes[outcome if isinstance(outcome, str) else outcome.__name__] += 1
        if outcome == DONE:
            made = model._base_manager.get(pk=self.made)
            row = MODEL[act.label][act.step]
            assert may(self.held(act.person), made, row), f"{act}: made by somebody who may not"
            assert (made.version, made.state in row.targets) == (1, True), str(act)
            assert act.is_valid, f"{act}: made of input that its form refuses"
        elif act.is_valid:
            looks = (act.label, act.step) in LOOKS_AGAIN
            assert outcome in (NotAllowed, NotFound) or (looks and outcome is Blocked), f"{act}: {outcome}"
        self.check_totals(act, outcome, counts)

    def by_door(self, act: Act, person: Any, records: list[Any]) -> type | str:
        try:
            with self.as_alone():
                done = door.perform(records, act.step, by=person, raw=act.data, files=act.files, expected=act.expected)
        except Refused as refused:
            return type(refused)
        self.made = done[0].pk
        return DONE

    def by_api(self, act: Act, person: Any, records: list[Any]) -> type | str:
        model = MODELS[act.label]
        at = f"/api/{model.records}/" + (f"{act.keys[0]}/perform/{act.step}/" if act.keys else "")
        if not act.keys and model.step(act.step) is not next(s for s in model.steps().values() if s.creates()):
            return self.by_door(act, person, records)  # the API makes records by the first step that does
        head = {"If-Match": "*" if act.expected is None else f'"{act.expected}"'}
        with self.as_alone():
            answer = self.client(act.person, person).post(at, act.data, content_type="application/json", headers=head)
        if answer.status_code in (200, 201):
            self.made = answer.json()["id"]
            return DONE
        said = {400: Invalid, 401: NotFound, 403: NotAllowed, 404: NotFound, 409: Blocked, 412: Stale}
        assert answer.status_code in said, f"{act}: {answer.status_code} {answer.content[:500]!r}"
        return said[answer.status_code]

    def client(self, name: str, person: Any) -> Client:
        if name not in self.clients:
            token = Token.make(person, "machine", days=9999) if getattr(person, "pk", None) else ""
            self.clients[name] = Client(headers={"Authorization": f"Bearer {token}"} if token else {})
        return self.clients[name]

    @contextmanager
    def as_alone(self) -> Any:
        """As outside any transaction: there the door says of a unique value in general words that it is taken."""
        try:
            with transaction.atomic():
                yield
        except IntegrityError as error:
            if getattr(error.__cause__, "sqlstate", None) != door.TAKEN:
                raise
            raise Blocked(["taken"]) from error

    # -- what must hold afterwards

    def check_after(self, act: Act, outcome: type | str, before: Any, counts: Any) -> None:
        model, row = MODELS[act.label], MODEL[act.label][act.step]
        after = columns(model, act.keys)
        if outcome == DONE:
            for old, new in zip(before, after, strict=True):
                assert new["version"] == old["version"] + 1, str(act)
                state, was = new.get("state", "kept"), old.get("state", "kept")
                assert state in row.targets or ("=" in row.targets and state == was), f"{act}: {was} to {state}"
        else:
            assert after == before, f"{act}: refused, and something changed"
        self.check_totals(act, outcome, counts)

    def check_totals(self, act: Act, outcome: type | str, counts: Any) -> None:
        if outcome == DONE:
            self.holds.clear()
            self.taken[act.label, act.step] += 1
        now = totals()
        assert now[0] == now[1], f"{act}: {now[0]} entries, versions add up to {now[1]}"
        if outcome == DONE:
            assert now[0] > counts[0]
            check_deferred()
        else:
            assert now == counts, f"{act}: refused, and {counts} became {now}"


def steps_of_the_code() -> set[tuple[str, str]]:
    """Every step that the code names."""
    return {(label, name) for label, model in MODELS.items() for name in model.steps()}


__all__ = ["MODEL", "Machine", "Tally", "by_type", "steps_of_the_code"]
