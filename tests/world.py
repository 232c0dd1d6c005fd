"""One of each: a record of every kind, and around it everybody who might want something of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile

from facility.evaluation import Evaluation
from facility.registry.conflicts import Conflict
from facility.registry.documents import Document
from facility.registry.grants import Grant, grant
from facility.registry.organisation import Organisation
from facility.selection import Selection
from facility.workflow.steps import SYSTEM
from tests import factories as make

STAFF = ("lead", "coordinator", "observer", "administrator", "policymaker")


@dataclass
class World:
    """`people` by name as the matrix names them; `records` by label."""

    people: dict[str, Any] = field(default_factory=dict)
    records: dict[str, Any] = field(default_factory=dict)

    def add(self, record: Any) -> Any:
        """Keeps a record as the one of its kind."""
        self.records[record._meta.label_lower] = record
        return record


def build() -> World:
    """The world of the facility app."""
    world = World()
    programme = world.add(make.programme())
    other = make.programme()
    people = world.people
    for role in STAFF:
        people[role] = make.staff(role, programme)
        people[f"foreign {role}"] = make.staff(role, other)
    people["evaluator"], people["fellow evaluator"], people["other evaluator"] = (
        make.staff("evaluator", programme) for _ in range(3)
    )
    cluster, partner, stranger = world.add(make.cluster("ES")), make.cluster("PT"), make.cluster("FR")
    people["manager"], people["partner manager"], people["other manager"] = map(
        make.manager_of, (cluster, partner, stranger)
    )
    people["nobody"] = make.person()
    people["anonymous"] = AnonymousUser()
    people["system"] = SYSTEM
    call = world.add(make.call(programme, people["coordinator"]))
    application = world.add(make.draft(call, people["manager"], cluster, partners=[{"cluster": str(partner.pk)}]))
    application.perform("submit", by=people["manager"])
    application.perform(
        "declare_eligible", by=people["coordinator"], is_established_in_eu=True, is_registered=True, is_complete=True
    )
    for name in ("evaluator", "fellow evaluator"):
        made = Evaluation().perform("assign", by=people["coordinator"], application=application, evaluator=people[name])
        made.perform("accept", by=people[name])
        made.perform("submit", by=people[name], scores=make.scores(call, 8), comment="Sound.")
        if name == "evaluator":
            world.add(made)
    world.add(Selection().perform("create", by=people["coordinator"], call=call))
    world.add(
        Organisation().perform(
            "create", by=people["manager"], name="Demo Firm", kind="firm", size="small", cluster=cluster
        )
    )
    file = SimpleUploadedFile("note.txt", b"A note.")
    world.add(
        Document().perform("receive", by=people["manager"], files={"file": file}, programme=programme, audience="owner")
    )
    world.add(
        Conflict().perform(
            "declare", by=SYSTEM, person=people["other evaluator"], cluster=stranger, kind="other", note=""
        )
    )
    grant(people["nobody"], "policymaker", "programme", programme.pk, by=SYSTEM, programme=programme)
    world.add(Grant.objects.get(person=people["nobody"]))
    people["holder"] = people["nobody"]
    people["nobody"] = make.person()
    return world
