"""The world of the tests, and beside it records that stand further on, so that fifty steps can come to any end."""

from __future__ import annotations

import datetime as dt
from typing import Any

import time_machine
from django.utils import timezone

from advisory.needs import NeedsAssessment
from advisory.project import Project
from facility.application import Application
from facility.evaluation import Evaluation
from facility.registry.grants import grant
from facility.selection import Selection
from facility.workflow.steps import SYSTEM
from tests import factories as make
from tests.advisory import making_matching as matching
from tests.advisory import making_support as support
from tests.world import World, build
from webinars.webinar import Webinar


def staged() -> World:
    """The world with a decided call, a project to be agreed on, an advisor to be assigned, and a webinar to be held."""
    world = build()
    people = world.people
    people["applicant"] = make.person()
    decided_soon(world)
    project_opened(world)
    advisor_proposed(world)
    needs_ranked(world)
    webinar_held(world)
    return world


def application(world: World, call: Any) -> Application:
    """A draft of the applicant, for one more cluster."""
    cluster = make.cluster()
    grant(world.people["applicant"], "manager", "cluster", cluster.pk, by=SYSTEM)
    return make.draft(call, world.people["applicant"], cluster)


def closed(call: Any, coordinator: Any) -> Selection:
    """The closing time comes, and the ranking is proposed."""
    with time_machine.travel(timezone.now() + dt.timedelta(days=21), tick=False):
        call.perform("close", by=SYSTEM)
    selection = Selection().perform("create", by=coordinator, call=call)
    return selection.perform("propose", by=coordinator, overrides=[])


def project_opened(world: World) -> None:
    """A project that waits for its advisor, and somebody asked to evaluate."""
    people, programme = world.people, world.records["facility.programme"]
    call = make.call(programme, people["coordinator"], places=1)
    made = make.evaluated(call, people["coordinator"], make.staff("evaluator", programme))
    grant(people["applicant"], "manager", "cluster", made.lead_cluster_id, by=SYSTEM)
    selection = closed(call, people["coordinator"])
    for name in ("approve", "release"):
        selection.perform(name, by=people["lead"])
    today = timezone.now().date()
    terms = {"starts_on": today, "ends_on": today + dt.timedelta(days=99), "days_budget": 20, "firms_targeted": 5}
    Project().perform("open", by=people["coordinator"], application=made.pk, **terms)
    asked = {"application": world.records["facility.application"], "evaluator": people["other evaluator"]}
    Evaluation().perform("assign", by=people["coordinator"], **asked)


def decided_soon(world: World) -> None:
    """A closed call of one place: two evaluated, one found ineligible, one withdrawn; the ranking is approved."""
    people, programme = world.people, world.records["facility.programme"]
    evaluator = make.staff("evaluator", programme)
    call = make.call(programme, people["coordinator"], places=1)
    for value in (9, 7):
        made = make.evaluated(call, people["coordinator"], evaluator, value=value)
        grant(people["applicant"], "manager", "cluster", made.lead_cluster_id, by=SYSTEM)
    refused = application(world, call).perform("submit", by=people["applicant"])
    refused.perform(
        "declare_ineligible", by=people["coordinator"], answers=make.UNMET, reason_code="other", reason="No."
    )
    application(world, call)
    selection = closed(call, people["coordinator"])
    selection.perform("approve", by=people["lead"])
    application(world, world.records["facility.call"])


def advisor_proposed(world: World) -> None:
    """An advisor of the other kind, proposed for both projects; and a candidate."""
    people, project = world.people, world.records["advisory.project"]
    programme = world.records["facility.programme"]
    advisor = matching.pooled(programme, people["coordinator"], kind="sustainability", capacity=3)
    people["third adviser"] = advisor.person
    own = world.records["advisory.action"].project
    matching.proposed(own, advisor, people["coordinator"], "sustainability")
    matching.offered(project, advisor, people["coordinator"], "sustainability")
    candidate = matching.candidate(programme, people["coordinator"], email="candidate@example.org")
    matching.confirmed(candidate, people["coordinator"])
    candidate.perform("declare_interests", by=people["coordinator"], consent=True, interests="none", clusters=[])
    people["candidate"] = candidate.person
    newer = matching.received(programme, people["coordinator"], candidate)
    matching.run("facility.scan_document")
    newer.perform("read", by=SYSTEM, reading=matching.reading(candidate))
    opened = Project.objects.get(state="opened")
    signed = {"has_signed_terms": True, "has_declared_interests": True}
    matching.offered(opened, advisor, people["coordinator"], "sustainability").perform(
        "accept", by=advisor.person, **signed
    )


def needs_ranked(world: World) -> None:
    """The project at its beginning: two needs, ranked by two of the three voices."""
    people, project = world.people, world.records["advisory.project"]
    assessment = NeedsAssessment.objects.get(project=project)
    advisor = project.assignments.get(kind="business").advisor
    firm = support.firm(project.application.lead_cluster)
    case = support.Case(
        project, people["lead"], people["coordinator"], None, people["other project manager"], advisor, [firm]
    )
    needs = [support.need(case), support.need(case)]
    for voice in (people["other adviser"], people["other project manager"]):
        assessment.perform("submit_ranking", by=voice, ranks=support.ranks(*needs))


def webinar_held(world: World) -> None:
    """A second webinar that is over, with those who registered."""
    people = world.people
    starts = timezone.now() + dt.timedelta(days=3)
    values = {
        "programme": world.records["facility.programme"],
        "order": 99,
        "title_text": "Held",
        "starts_at": starts,
        "ends_at": starts + dt.timedelta(hours=2),
        "zone": "Europe/Brussels",
        "agenda": [],
    }
    made = Webinar().perform("create", by=people["coordinator"], **values)
    made.perform("announce", by=people["coordinator"], reason="All will come of itself.")
    made.perform("invite_latecomers", by=people["coordinator"])
    for one in made.registrations.all()[:2]:
        one.perform("register", by=one.person)
    for name in ("close_registration", "start", "end"):
        made.perform(name, by=people["coordinator"])
