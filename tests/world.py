"""One of each: a record of every kind, and around it everybody who might want something of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile

from advisory.curriculum import CurriculumVitae
from facility.interests import InterestsDeclaration
from facility.evaluation import Evaluation
from facility.registry.conflicts import Conflict
from facility.registry.documents import Document
from facility.registry.grants import Grant, grant
from facility.registry.organisation import Organisation
from facility.registry.evaluator import EvaluatorProfile
from facility.selection import Selection
from facility.workflow.steps import SYSTEM
from tests import factories as make
from tests.advisory import making_matching as matching_making
from tests.advisory import making_support as support_making
from tests.reporting import making as report_making
from tests.webinars import making as webinar_making

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
    application.perform("declare_eligible", by=people["coordinator"], answers=make.MET)
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
    profile = {"person": people["evaluator"], "programme": programme, "languages": ["en"], "limit": 10}
    world.add(EvaluatorProfile().perform("describe", by=SYSTEM, **profile))
    blind = make.call(programme, people["coordinator"], is_blind=True)
    world.add(InterestsDeclaration().perform("declare", by=people["evaluator"], call=blind))
    grant(people["nobody"], "policymaker", "programme", programme.pk, by=SYSTEM, programme=programme)
    world.add(Grant.objects.get(person=people["nobody"]))
    people["holder"] = people["nobody"]
    people["nobody"] = make.person()
    support(world, programme)
    return world


def support(world: World, programme: Any) -> None:
    """The world of the other apps: two projects with their advisors and clusters, of which one is "own"."""
    people = world.people
    own, other = support_making.cases(2, programme)
    people["project manager"], people["other project manager"] = own.manager, other.manager
    people["adviser"], people["other adviser"] = own.adviser, other.adviser
    for _state, go in support_making.COURSE[:3]:
        go(own)
        own.again()
    # The other project stands at its beginning: nobody has ranked or signed there yet.
    support_making.kicked_off(other)
    world.add(other.project)
    world.add(other.assessment)
    world.add(own.project.needs.order_by("rank").first())
    world.add(own.project.actions.first())
    world.add(support_making.session(own))
    world.add(own.advisor)
    world.add(own.project.assignments.get())
    world.add(CurriculumVitae.objects.get(advisor=own.advisor))
    world.add(matching_making.requested(programme, own.coordinator, projects=[str(other.project.pk)]))
    house = webinar_making.House(programme, own.lead, own.coordinator, own.project, own.manager, own.adviser)
    world.add(webinar_making.topic(house, own.manager, "Reuse of water", other.adviser))
    webinar = world.add(webinar_making.announced(house))
    world.add(webinar_making.registration(webinar, own.adviser))
    world.add(report_making.story(own.project, own.coordinator, [own.project.lead_cluster]))
    world.add(report_making.trajectory(own.project, own.coordinator))
    world.add(report_making.requested(programme, own.coordinator))
