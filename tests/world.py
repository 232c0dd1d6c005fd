"""One of each: a record of every kind, and around it everybody who might want something of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile

from advisory.curriculum import CurriculumVitae
from advisory.equality import Equality
from facility.asked import Asked
from facility.evaluation import Evaluation
from facility.instruments.exchange import Import
from facility.interests import InterestsDeclaration
from facility.registry.conflicts import Conflict
from facility.registry.declaration import Declaration
from facility.registry.documents import Document
from facility.registry.evaluator import EvaluatorProfile
from facility.registry.grants import Grant, grant
from facility.registry.organisation import Organisation
from facility.selection import Selection
from facility.workflow.steps import SYSTEM
from tests import factories as make
from tests.advisory import making_matching as matching_making
from tests.advisory import making_pool as pool_making
from tests.advisory import making_support as support_making
from tests.facility import making_registry as registry_making
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
    world.add(Declaration().perform("write", by=people["lead"], programme=programme, text="On our honour.", texts={}))
    world.add(Selection().perform("create", by=people["coordinator"], call=call))
    world.add(Asked().perform("ask", by=people["manager"], call=call, text="May a partner come from outside?"))
    world.add(
        Organisation().perform(
            "create", by=people["manager"], name="Demo Firm", kind="firm", size="small", cluster=cluster
        )
    )
    registry(world, programme, cluster, partner)
    file = SimpleUploadedFile("note.txt", b"A note.")
    world.add(
        Document().perform("receive", by=people["manager"], files={"file": file}, programme=programme, audience="owner")
    )
    table = SimpleUploadedFile("table.csv", b"name,country,sector,members,smes\nWood and Water,AT,wood,12,9\n")
    world.add(Import().perform("upload", by=people["coordinator"], files={"file": table}))
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


def registry(world: World, programme: Any, cluster: Any, partner: Any) -> None:
    """What hangs on a cluster."""
    people = world.people
    people["signatory"] = make.person("Sig Natory")
    firm = world.records["facility.organisation"]
    world.add(registry_making.label(cluster))
    world.add(registry_making.outside_assessment(cluster, people["manager"]))
    world.add(registry_making.indicator_set(people["coordinator"]))
    world.add(registry_making.measurement(cluster, world.records["facility.indicatorset"], people["manager"]))
    world.add(registry_making.cooperation(cluster, partner, people["manager"]))
    world.add(registry_making.engagement(cluster, people["manager"], [(firm, people["signatory"])]))
    world.add(registry_making.contact(programme, cluster, people["manager"], people["signatory"]))
    programme.perform("edit", by=people["lead"], **registry_making.keeps_register(programme))
    world.add(registry_making.aid(programme, firm, people["coordinator"]))


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
    world.add(Equality().perform("tell_gender", by=own.adviser, gender="woman"))
    world.add(own.project.assignments.get())
    world.add(own.project.agreements.get())
    world.add(matching_making.preferred(own.project, own.manager, "Somebody Else"))
    world.add(matching_making.terms(programme, own.lead))
    world.add(CurriculumVitae.objects.get(advisor=own.advisor))
    world.add(pool_making.shortlist(programme, own.coordinator, own.advisor))
    world.add(pool_making.note(own.advisor, own.coordinator))
    world.add(matching_making.advisor_call(programme, own.coordinator))
    world.add(matching_making.intake(programme, own.coordinator))
    world.add(matching_making.duplicate(own.advisor, own.coordinator))
    world.add(matching_making.requested(programme, own.coordinator, projects=[str(other.project.pk)]))
    house = webinar_making.House(programme, own.lead, own.coordinator, own.project, own.manager, own.adviser)
    world.add(webinar_making.topic(house, own.manager, "Reuse of water", other.adviser))
    webinar = world.add(webinar_making.announced(house))
    world.add(webinar_making.registration(webinar, own.adviser))
    world.add(report_making.story(own.project, own.coordinator, [own.project.lead_cluster]))
    world.add(report_making.trajectory(own.project, own.coordinator))
    world.add(report_making.requested(programme, own.coordinator))
