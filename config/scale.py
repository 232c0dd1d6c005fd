"""A synthetic Facility of any size, for measuring: a programme of its own, marked as demo, the same for a seed.

Rows are written in bulk and not by steps, which would take hours; the database still holds to its rules. Each record
has the entries that its course would have left, in order, with empty values: `load` where a step took data. Their
numbers, times and hashes are the database's own, so the chains verify, and a record that lacked one would be refused at
the end of the transaction. Dates lie around the day of loading; people and clusters are invented and say so.
"""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import models, transaction

from advisory.advisor import Advisor
from advisory.assignment import Assignment
from advisory.case import ProjectCluster
from advisory.project import Project
from facility.application import Application
from facility.call import Call
from facility.call_parts import Criterion
from facility.evaluation import Evaluation, Score
from facility.papers import AREAS, ApplicationNeed, ApplicationPartner
from facility.registry.cluster import ECOSYSTEMS, Cluster
from facility.registry.grants import Grant
from facility.registry.matrix import EU_MEMBERS
from facility.registry.organisation import Organisation
from facility.registry.people import Person
from facility.registry.programme import Programme
from facility.selection import Selection, SelectionLine
from facility.workflow import clock, trail
from facility.workflow.engine import Record

EVALUATIONS, NEEDS, MEMBERS = 3, 3, 2
EVALUATORS = 10
RESERVE = 10
INELIGIBLE_EACH = 20
BATCH = 2_000
WEIGHTS = (("Relevance", 40), ("Quality of the support asked for", 35), ("Capacity", 25))
SECTORS = ("textiles", "food", "wood", "ceramics", "packaging", "mobility", "water", "construction")
Say = Callable[[str], None]
# What each record has gone through, by the state that it ends in: (step, state after it).
HANDED_IN = [("create", "draft"), ("submit", "submitted")]
JUDGED = [*HANDED_IN, ("declare_eligible", "eligible"), ("close_evaluation", "evaluated")]
COURSE = {
    "facility.application": {
        "draft": HANDED_IN[:1],
        "submitted": HANDED_IN,
        "eligible": JUDGED[:3],
        "ineligible": [*HANDED_IN, ("declare_ineligible", "ineligible")],
        "selected": [*JUDGED, ("select", "selected")],
        "reserve": [*JUDGED, ("reserve", "reserve")],
        "rejected": [*JUDGED, ("reject", "rejected")],
    },
    "facility.evaluation": {
        "assigned": [("assign", "assigned")],
        "in_progress": [("assign", "assigned"), ("accept", "in_progress")],
        "submitted": [("assign", "assigned"), ("accept", "in_progress"), ("submit", "submitted")],
    },
}


class TooFew(ValueError):
    """More projects than applications could win."""


class AlreadyThere(ValueError):
    """The programme of this seed has been loaded before."""


@dataclass
class Scale:
    """What is made: `projects` selected ones among `applications`, and a tenth as many that are being evaluated."""

    projects: int
    applications: int
    seed: int = 1
    say: Say = print
    choose: random.Random = field(init=False)
    made: dict[type[models.Model], list[Any]] = field(init=False, default_factory=lambda: defaultdict(list))
    keys: Iterator[uuid.UUID] = field(init=False)
    programme: Programme = field(init=False)

    def __post_init__(self) -> None:
        if self.projects > self.applications:
            raise TooFew(f"{self.projects} projects need at least as many applications; {self.applications} are asked.")
        self.choose = random.Random(self.seed)  # noqa: S311 (invented data, the same each time)
        self.keys = _keys(self.choose, self.seed)
        self.now = clock.now()

    def load(self) -> Programme:
        """Writes everything in one transaction.

        Raises:
            AlreadyThere: there is a programme of this seed.
        """
        slug = f"scale-{self.seed}"
        if Programme.objects.filter(slug=slug).exists():
            raise AlreadyThere(f"The programme {slug} is loaded. Take another seed.")
        self.programme = self.new(
            Programme,
            slug=slug,
            name=f"Scale {self.seed} (demo)",
            funder="Invented",
            operator="Invented",
            starts_on=(self.now - dt.timedelta(days=200)).date(),
            ends_on=(self.now + dt.timedelta(days=400)).date(),
            is_demo=True,
        )
        self.people()
        bids = self.call("Decided call", "decided", self.applications)
        self.evaluate(bids)
        self.decide(bids)
        waiting = self.call("Call being evaluated", "closed", max(self.applications // 10, 2))
        for bid in waiting[1:]:  # the first waits for its eligibility
            bid.state = "eligible"
            self.judge(bid, self.choose.choices(["assigned", "in_progress", "submitted"], k=EVALUATIONS))
        with transaction.atomic():
            self.write()
        return self.programme

    def new(self, model: type[Any], **values: Any) -> Any:
        """A row to be written, with a key of its own."""
        one = model(id=next(self.keys), **values)
        self.made[model].append(one)
        return one

    def people(self) -> None:
        """The office, the observer and the evaluators."""
        self.staff = {role: self.person(role.capitalize(), role, "programme", self.programme.pk) for role in STAFF}
        self.evaluators = [
            self.person(f"Evaluator {n:02d}", "evaluator", "programme", self.programme.pk) for n in range(EVALUATORS)
        ]

    def person(self, name: str, role: str, scope: str, key: Any) -> Person:
        """An invented person with a role; nobody can sign in as them before they are invited."""
        number = len(self.made[Person])
        address = f"scale{self.seed}.{number}@example.org"
        one = self.new(Person, email=address, name=f"{name} (demo)", sort_name=name.lower(), is_demo=True)
        one.set_unusable_password()
        self.grant(one, role, scope, key)
        return one

    def grant(self, person: Person, role: str, scope: str, key: Any) -> None:
        """A role in force."""
        whose = {"programme": self.programme, "scope_type": scope, "scope_key": key}
        self.new(Grant, person=person, role=role, from_at=self.now - dt.timedelta(days=150), **whose)

    def call(self, title: str, state: str, number: int) -> list[Application]:
        """A call with its criteria and applications, each of a cluster of its own; a few are not eligible."""
        one = self.new(
            Call,
            programme=self.programme,
            title_text=f"{title} (demo)",
            state=state,
            opens_at=self.now - dt.timedelta(days=90),
            closes_at=self.now - dt.timedelta(days=45),
            places=max(self.projects, 1),
            minimum_score=50,
            reserve_places=RESERVE,
            evaluations_required=EVALUATIONS,
        )
        for order, (name, weight) in enumerate(WEIGHTS, 1):
            self.new(Criterion, call=one, order=order, name=name, weight=weight)
        clusters = [self.cluster() for _ in range(number)]
        return [self.bid(one, lead, at, clusters) for at, lead in enumerate(clusters, 1)]

    def cluster(self) -> Cluster:
        """A cluster with its manager and some of its members."""
        number = len(self.made[Cluster])
        name, members = f"Cluster {number:05d} of seed {self.seed} (demo)", self.choose.randint(20, 200)
        one = self.new(
            Cluster,
            name=name,
            sort_name=name.lower(),
            country=self.choose.choice(sorted(EU_MEMBERS)),
            sector=self.choose.choice(SECTORS),
            ecosystem=self.choose.choice(ECOSYSTEMS)[0],
            members_count=members,
            smes_count=self.choose.randint(5, members),
            is_demo=True,
        )
        self.person(f"Manager {number:05d}", "manager", "cluster", one.pk)
        for at in range(MEMBERS):
            firm = f"Firm {number:05d}-{at} (demo)"
            self.new(Organisation, name=firm, sort_name=firm.lower(), size="small", country=one.country, cluster=one)
        return one

    def bid(self, call: Call, lead: Cluster, number: int, clusters: list[Cluster]) -> Application:
        """An application with up to four partners and its needs; most come in the last days."""
        before = min(self.choose.expovariate(1 / 4), 44)
        one = self.new(
            Application,
            programme=self.programme,
            call=call,
            lead_cluster=lead,
            state="submitted",
            number=f"{number:03d}",
            title_text=f"Greener members of {lead.name}",
            motivation="Members ask for help with energy and water; two have tried alone. " * 3,
            context="A cluster of a region with an old industry and young firms. " * 3,
            strategic_focus=self.choose.randint(1, 5),
            signed_version=0,
            submitted_at=call.closes_at - dt.timedelta(days=before),
            receipt=f"{self.choose.getrandbits(256):064x}",
        )
        others = [other for other in self.choose.sample(clusters, min(len(clusters), 5)) if other is not lead]
        for partner in others[: self.choose.randint(0, 4)]:
            self.new(ApplicationPartner, application=one, cluster=partner, answer="yes")
        for rank, (area, _label) in enumerate(self.choose.sample(AREAS, NEEDS), 1):
            self.new(ApplicationNeed, application=one, rank=rank, area=area, text=f"Help with {area} for ten members")
        return one

    def evaluate(self, bids: list[Application]) -> None:
        """Three submitted evaluations each; every twentieth application is not eligible, as far as places allow."""
        spare = len(bids) - self.projects
        for at, bid in enumerate(bids):
            if at % INELIGIBLE_EACH == 1 and spare > 0:
                bid.state, bid.reason_code, bid.reason_text = "ineligible", "incomplete", "An annex is missing."
                spare -= 1
                continue
            totals = self.judge(bid, ["submitted"] * EVALUATIONS)
            bid.score = (sum(totals, Decimal()) / len(totals)).quantize(Decimal("0.01"))
            bid.spread = max(totals) - min(totals)

    def judge(self, bid: Application, states: list[str]) -> list[Decimal]:
        """Evaluations in these states, by different evaluators; answers the totals of those submitted."""
        quality = self.choose.gauss(6.5, 1.5)
        totals = []
        for evaluator, state in zip(self.choose.sample(self.evaluators, len(states)), states, strict=True):
            made = self.new(
                Evaluation,
                programme=self.programme,
                application=bid,
                evaluator=evaluator,
                state=state,
                comment="Sound.",
            )
            if state != "submitted":
                continue
            values = [Decimal(min(max(round(self.choose.gauss(quality, 1)), 0), 10)) for _ in WEIGHTS]
            criteria = [one for one in self.made[Criterion] if one.call is bid.call]
            for criterion, value in zip(criteria, values, strict=True):
                self.new(Score, evaluation=made, criterion=criterion, value=value, comment="Reasons are given.")
            made.total = sum((v * c.weight / 10 for v, c in zip(values, criteria, strict=True)), Decimal())
            totals.append(made.total)
        return totals

    def decide(self, bids: list[Application]) -> None:
        """The ranking by score, released: places, reserve list, and a project for each that is selected."""
        call = bids[0].call
        made = self.new(
            Selection,
            programme=self.programme,
            call=call,
            state="released",
            places=call.places,
            minimum_score=call.minimum_score,
            reserve_places=RESERVE,
            released_at=self.now - dt.timedelta(days=10),
        )
        ranked = sorted((one for one in bids if one.score is not None), key=lambda one: (-(one.score or 0), one.number))
        for rank, bid in enumerate(ranked, 1):
            at = rank - self.projects
            bid.state = "selected" if at <= 0 else "reserve" if at <= RESERVE else "rejected"
            bid.place = rank if at <= 0 else None
            bid.reserve_position = at if 0 < at <= RESERVE else None
            self.new(
                SelectionLine,
                selection=made,
                application=bid,
                rank=rank,
                score=bid.score,
                outcome=bid.state,
                position=bid.reserve_position,
                reasons=[f"Rank {rank} of {len(ranked)}."],
            )
        for bid in ranked[: self.projects]:
            self.project(bid)

    def project(self, bid: Application) -> None:
        """A project under way with an advisor at work on it."""
        number = len(self.made[Project])
        one = self.new(
            Project,
            programme=self.programme,
            application=bid,
            name=bid.title_text,
            state=self.choose.choice(["matched", "planning", "in_support", "in_support", "wrapping_up"]),
            starts_on=(self.now - dt.timedelta(days=9)).date(),
            ends_on=(self.now + dt.timedelta(days=300)).date(),
            days_budget=20,
            firms_targeted=10,
        )
        self.new(ProjectCluster, project=one, cluster=bid.lead_cluster, is_lead=True)
        person = self.person(f"Advisor {number:05d}", "advisor", "project", one.pk)
        advisor = self.new(
            Advisor, programme=self.programme, person=person, kind="business", state="pool", areas=["energy-efficiency"]
        )
        self.new(
            Assignment,
            programme=self.programme,
            project=one,
            advisor=advisor,
            kind="business",
            state="active",
            is_lead=True,
            days=20,
            has_signed_terms=True,
            has_declared_interests=True,
            started_at=self.now,
        )

    def write(self) -> None:
        """All rows in the order in which they name each other, and the entries of their chains."""
        timers: list[clock.Timer] = []
        for model in ORDER:
            rows = self.made.pop(model, [])
            if issubclass(model, Record):
                self.entries(model, rows)
                timers += [timer for one in rows for timer in clock.timers_for(one)] if model is Evaluation else []
            model._base_manager.bulk_create(rows, batch_size=BATCH)
            self.say(f"{len(rows)} {model._meta.verbose_name_plural}")
        clock.Timer.objects.bulk_create(timers, batch_size=BATCH)

    def entries(self, model: type[Any], rows: list[Any]) -> None:
        """What each record has gone through; its version is the number of its last entry."""
        label = model._meta.label_lower
        office, found, details = self.staff["coordinator"], [], []
        for one in rows:
            course = COURSE.get(label, {}).get(one.state) or [("load", one.state if model.has_states() else "kept")]
            state = "new"
            for name, after in course:
                entry = trail.Entry(
                    id=next(self.keys),
                    record_type=label,
                    record_id=one.pk,
                    scope_id=self.programme.pk,
                    actor_id=office.pk,
                    role="synthetic",
                    step=name,
                    from_state=state,
                    to_state=after,
                    effective_at=self.now,
                )
                details.append(trail.make(entry, "", {}))
                found.append(entry)
                state = after
            one.version = len(course)
        trail.Entry.objects.bulk_create(found, batch_size=BATCH)
        trail.Detail.objects.bulk_create(details, batch_size=BATCH)


STAFF = ("lead", "coordinator", "observer")
ORDER: tuple[type[Any], ...] = (
    Person,
    Programme,
    Grant,
    Cluster,
    Organisation,
    Call,
    Criterion,
    Application,
    ApplicationPartner,
    ApplicationNeed,
    Evaluation,
    Score,
    Selection,
    SelectionLine,
    Advisor,
    Project,
    ProjectCluster,
    Assignment,
)


def _keys(choose: random.Random, seed: int) -> Iterator[uuid.UUID]:
    """UUIDs of version 7 (RFC 9562) in ascending order; the seed shifts their time, so that two seeds never meet."""
    start = int(dt.datetime(2020, 1, 1, tzinfo=dt.UTC).timestamp() * 1000) + seed * 10**8
    for number in range(10**8):
        yield uuid.UUID(
            int=(start + number) << 80 | 0x7 << 76 | choose.getrandbits(12) << 64 | 0b10 << 62 | choose.getrandbits(62)
        )
