"""One programme from its open call to its published report, by the pages and the API that people use."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import re
import zipfile
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile

from advisory.action import Action
from advisory.advisor import Advisor
from advisory.assignment import Assignment
from advisory.curriculum import CurriculumVitae
from advisory.matchrun import MatchRun
from advisory.needs import Need, NeedsAssessment
from advisory.project import Project
from advisory.session import SupportSession
from facility.application import Application
from facility.call import Call
from facility.eligibility import STANDARD
from facility.evaluation import Evaluation
from facility.registry.documents import Document
from facility.registry.organisation import Organisation
from facility.registry.programme import Programme
from facility.selection import Selection
from facility.workflow import jobs, tasks, trail
from facility.workflow.engine import all_records
from facility.workflow.jobs import Job
from reporting.report import Report
from reporting.story import SuccessStory
from tests import factories as make
from tests.journeys.browsing import Program, Visitor

pytestmark = [pytest.mark.journey, pytest.mark.usefixtures("committed")]
START = dt.datetime(2027, 2, 1, 9, tzinfo=dt.UTC)
CELL = "green.innovation.intelligence"
CV = """CURRICULUM VITAE

{name}
12 Sample Quay, Porto, Portugal
{email} | +351 900 000 000

PROFESSIONAL SUMMARY
{summary}

EMPLOYMENT HISTORY

Principal Consultant – Example Advisory, Porto                     Mar 2015 – Present
• {summary}

EDUCATION
MSc Environmental Engineering, University of Example, 2008

LANGUAGES
English (native), German (B2)
"""
ADVISORS = [
    ("Irena Lorenc", "business", "Energy efficiency of dyeing: heat recovery, energy audits, less energy in drying."),
    ("Owen Pryce", "business", "Marketing of furniture, brands and shops."),
    ("Lotte Maes", "sustainability", "Water saving and reuse of water in dye houses; energy audits."),
    ("Davide Conti", "sustainability", "Forestry and biodiversity of mountain woods."),
]


class Journey:
    """What happened so far: the people, and the clock that everybody lives by."""

    def __init__(self, clock: time_machine.Coordinates) -> None:
        self.clock = clock
        boot = make.programme()
        self.administrator = make.staff("administrator", boot)
        self.clusters = [make.cluster("PT", name="Têxteis do Vale"), make.cluster("DE", name="Garnring")]
        self.partner = make.cluster("ES", name="Hilo Verde")
        self.managers = [make.manager_of(one) for one in self.clusters]

    def days(self, number: float) -> None:
        """Time goes by, and what is due happens by itself."""
        self.clock.shift(dt.timedelta(days=number))
        tasks.tick()
        self.work()

    def work(self) -> None:
        """The workers take whatever waits, the mail goes out."""
        while keys := list(Job.objects.filter(state=Job.State.WAITING).order_by("id").values_list("pk", flat=True)):
            assert {jobs.run(str(key)) for key in keys} == {"done"}
        tasks.mail()

    def staff(self, programme: Programme) -> None:
        """The people of the programme."""
        self.programme = programme
        roles = ("lead", "coordinator", "evaluator", "observer")
        self.lead, self.coordinator, self.evaluator, self.observer = (make.staff(one, programme) for one in roles)
        self.second = make.staff("coordinator", programme)


@pytest.fixture
def journey():
    with time_machine.travel(START) as clock:
        yield Journey(clock)


def fresh(record: Any) -> Any:
    """The record as it is now."""
    return type(record).objects.select_related(*type(record).door_related).get(pk=record.pk)


def test_from_the_call_to_the_report(journey):
    programme_and_call(journey)
    applications(journey)
    evaluation(journey)
    selection(journey)
    pool(journey)
    matching(journey)
    needs_and_plan(journey)
    support(journey)
    closing(journey)
    report = published_report(journey)

    download(journey, report)
    assert trail.verify(all_records()) == []


def programme_and_call(of: Journey) -> None:
    """An administrator makes the programme; its coordinator calls, and the call opens by itself."""
    Visitor(of.administrator).make(
        "programmes",
        "create",
        slug="green-27",
        name="Green Facility 2027",
        names="{}",
        funder="European Commission",
        operator="Operator",
        starts_on="2027-01-01",
        ends_on="2028-12-31",
    )
    of.staff(Programme.objects.get(slug="green-27"))
    visitor = Visitor(of.coordinator)
    page = visitor.make(
        "calls",
        "create",
        title_text="First call",
        programme=of.programme.pk,
        opens_at="2027-02-04 09:00",
        closes_at="2027-03-05 17:00",
        places=1,
        minimum_score=50,
        reserve_places=5,
        evaluations_required=1,
        rows={
            "criteria": [
                {"name": "Relevance", "weight": 50, "guidance": "Do the members ask for it?"},
                {"name": "Capacity", "weight": 30},
                {"name": "Reach", "weight": 20},
            ]
        },
    )
    of.call = Call.objects.get()
    assert page.path == of.call.get_absolute_url()
    visitor.take(of.call, "publish")
    assert fresh(of.call).state == "announced"
    of.days(4)
    assert fresh(of.call).state == "open"
    assert "First call" in Visitor().read("/").text


def applications(of: Journey) -> None:
    """One cluster applies on the page, with a partner and two needs; another one by a program."""
    manager = Visitor(of.managers[0])
    assert manager.read("/workspace/").links("/workspace/applications/new/create/")
    manager.make(
        "applications",
        "create",
        call=of.call.pk,
        lead_cluster=of.clusters[0].pk,
        title_text="Less heat, less water",
    )
    first = Application.objects.get()
    manager.take(
        first,
        "autosave",
        motivation="Our dye houses lose half of their heat.",
        context="A mature cluster of a textile valley.",
        strategic_focus=5,
        rows={
            "needs": [
                {"area": "energy-efficiency", "text": "Less energy in drying"},
                {"area": "water-use", "text": "Rinsing water used twice"},
            ],
        },
    )
    answering = make.manager_of(of.partner)
    manager.take(first, "ask_partner", cluster=of.partner.pk, role="Tester")
    page = manager.read(first.get_absolute_url())
    assert "Sign the declaration" in page.text, "what is missing is said before it is tried"
    manager.take(first, "sign")
    assert f"{of.partner.name} has not confirmed its part yet." in manager.read(first.get_absolute_url()).text
    Visitor(answering).take(first, "confirm_part", contribution="Ten weavers try it.")
    manager.take(first, "submit")

    other = Program(of.managers[1])
    answer = other.post(
        "/api/applications/",
        {
            "call": str(of.call.pk),
            "lead_cluster": str(of.clusters[1].pk),
            "title_text": "Longer lives for yarn",
            "motivation": "Members ask for it.",
            "context": "Spinners of a river valley.",
            "has_signed": True,
            "needs": [{"area": "circular-materials", "text": "Yarn from yarn"}],
        },
        201,
    )
    second = Application.objects.get(pk=answer["id"])
    assert other.take(second, "submit")["state"] == "submitted"
    of.applications = [fresh(first), fresh(second)]
    assert Visitor(of.managers[1]).client.get(first.get_absolute_url()).status_code == 404
    of.days(1)


def evaluation(of: Journey) -> None:
    """Eligibility, then the evaluator's declaration and scores; the call closes by itself."""
    office, program = Visitor(of.coordinator), Program(of.coordinator)
    checks = [{"point": point.key, "answer": "yes"} for point in STANDARD]
    checklist = office.read(f"{of.applications[0].get_absolute_url()}check_eligibility/")
    decide = f"{of.applications[0].get_absolute_url()}declare_eligible/"
    checklist.submit(button=decide, **{f"answers-{at}-answer": "yes" for at in range(len(checks))})
    program.take(of.applications[1], "declare_eligible", {"answers": checks})
    for application, values in zip(of.applications, ([9, 8, 10], [6, 5, 6]), strict=True):
        office.make("evaluations", "assign", application=application.pk, evaluator=of.evaluator.pk)
        judged = Evaluation.objects.get(application=application)
        address = judged.get_absolute_url()
        reader = Visitor(of.evaluator)
        declaration = reader.read(address)
        assert application.motivation not in declaration.text, "nothing is read before the declaration"
        review = declaration.submit(f"{address}accept/")
        assert application.motivation in review.text
        given = {f"scores-{at}-value": value for at, value in enumerate(values)}
        said = {f"scores-{at}-comment": "As the text shows." for at in range(3)}
        reader.read(address).submit(f"{address}save_draft/", **given)
        kept = reader.read(address)
        assert float(kept.forms(f"{address}save_draft/")[0].fields["scores-1-value"]) == values[1]
        kept.submit(f"{address}save_draft/", button=f"{address}submit/", comment="", **said, refused=True)
        kept.submit(f"{address}save_draft/", button=f"{address}submit/", comment="Sound.", **said)
        office.take(application, "close_evaluation")
    assert [fresh(one).score for one in of.applications] == [89, 57]
    of.days(40)
    assert fresh(of.call).state == "closed"


def selection(of: Journey) -> None:
    """Proposed, approved and released; the public list is there from then on, and not before."""
    office, lead = Visitor(of.coordinator), Visitor(of.lead)
    office.make("selections", "create", call=of.call.pk)
    made = Selection.objects.get()
    office.take(made, "propose")
    assert not office.read(made.get_absolute_url()).links(f"{made.get_absolute_url()}approve/")
    lead.take(made, "approve")
    assert "Têxteis do Vale" not in Visitor().read("/").text
    lead.take(made, "release")
    public = Visitor().read("/p/green-27/").text
    assert "Têxteis do Vale" in public
    assert "Garnring" not in public
    assert [fresh(one).state for one in of.applications] == ["selected", "reserve"]
    lead.take(of.call, "decide")
    of.work()
    assert any(of.managers[0].email in one.to for one in mail.outbox)


def pool(of: Journey) -> None:
    """Candidates, their CVs as files, read by the workers, confirmed and admitted."""
    office = Visitor(of.coordinator)
    for name, _kind, summary in ADVISORS:
        email = f"{name.split(maxsplit=1)[0].lower()}@example.org"
        text = CV.format(name=name, email=email, summary=summary)
        file = SimpleUploadedFile(f"{email}.txt", text.encode())
        office.make("curricula", "receive", file=file, programme=of.programme.pk)
    of.work()
    kinds = {name: kind for name, kind, _summary in ADVISORS}
    for curriculum in CurriculumVitae.objects.order_by("pk"):
        name = curriculum.fields.get(name="full_name").value
        office.take(curriculum, "confirm", kind=kinds[name])
    of.work()
    of.advisors = list(Advisor.objects.select_related("person").order_by("person__name"))
    assert [one.person.name for one in of.advisors] == sorted(one[0] for one in ADVISORS)
    for one in of.advisors:
        office.take(one, "shortlist")
        Visitor(one.person).take(one, "declare_interests", consent=True, interests="none")
        office.take(one, "admit")


def matching(of: Journey) -> None:
    """The project is opened from the board, advisors are found, asked, and begin."""
    office = Visitor(of.coordinator)
    board = office.read("/workspace/board/")
    assert board.links("/workspace/board/open/")
    office.read("/workspace/board/open/").submit(ends_on="2027-12-31", days_budget=12, firms_targeted=3)
    of.project = Project.objects.get()
    office.make("match-runs", "request", programme=of.programme.pk)
    run = MatchRun.objects.get()
    of.work()
    page = office.read(run.get_absolute_url())
    assert fresh(run).state == "done"
    assert "Proven" in page.text
    assert "Irena Lorenc" in page.text
    assert "Lotte Maes" in page.text
    for one in Assignment.objects.select_related("advisor__person").order_by("kind"):
        office.take(one, "approve")
        office.take(one, "offer")
        answer = {"has_signed_terms": True, "has_declared_interests": True}
        Visitor(one.advisor.person).take(one, "accept", **answer)
        sign_agreement(of, one)
        office.take(one, "start")
    of.project = fresh(of.project)
    assert of.project.state == "matched"
    of.adviser = Advisor.objects.get(person__name="Irena Lorenc").person


def sign_agreement(of: Journey, one: Assignment) -> None:
    """Drafted by the coordinator, signed by the advisor and by the manager of the lead cluster."""
    Visitor(of.coordinator).make(
        "agreements",
        "draft",
        f"?assignment={one.pk}",
        assignment=one.pk,
        targets="Three dyers save heat.",
        days="4",
        **{"deliverables-0-text": "A plan for each dyer", "deliverables-0-due_on": "2027-10-31"},
    )
    for person in (one.advisor.person, of.managers[0]):
        Visitor(person).take(one.agreement, "sign", has_read=True)


def needs_and_plan(of: Journey) -> None:
    """The first meeting, needs ranked by three who do not see each other's order, and the plan."""
    office, manager, adviser = map(Visitor, (of.coordinator, of.managers[0], of.adviser))
    office.take(of.project, "kick_off", held_on="2027-03-17")
    query = f"?project={of.project.pk}"
    for area, text in (("energy-efficiency", "Less energy in drying"), ("water-use", "Water used twice")):
        adviser.make("needs", "add", query, project=of.project.pk, area=area, text=text, impact="4")
    heat, water = Need.objects.order_by("pk")
    assessment = NeedsAssessment.objects.get()
    for visitor, order in ((adviser, (1, 2)), (manager, (2, 1)), (office, (1, 2))):
        page = visitor.read(f"{assessment.get_absolute_url()}submit_ranking/")
        ranks = {f"rank-{need.pk}": rank for need, rank in zip((heat, water), order, strict=True)}
        page.submit(button="do=send", **ranks)
    for visitor in (adviser, manager, office):
        visitor.take(assessment, "agree")
    assert [fresh(one).rank for one in (heat, water)] == [1, 2]
    adviser.make(
        "actions",
        "plan",
        query,
        need=heat.pk,
        title_text="Heat audit of three dryers",
        forms=["workshop"],
        cells=[CELL],
        mode="promote_new",
        aim="uptake",
        due_on="2027-05-31",
    )
    office.take(of.project, "approve_plan")
    of.needs, of.project = [heat, water], fresh(of.project)
    assert of.project.state == "in_support"


def support(of: Journey) -> None:
    """A session is logged, confirmed by the link in the mail without signing in, and approved."""
    manager = Visitor(of.managers[0])
    manager.make(
        "organisations", "create", name="Tinturaria Demo", kind="firm", size="small", cluster=of.clusters[0].pk
    )
    firm, action = Organisation.objects.get(), Action.objects.get()
    of.days(10)
    mail.outbox.clear()
    adviser = Visitor(of.adviser)
    adviser.make(
        "sessions",
        "log",
        f"?project={of.project.pk}",
        held_on="2027-03-26",
        form="workshop",
        kind="technical",
        audience="members",
        contact_hours="3",
        preparation_hours="1.5",
        people_count=4,
        firms=[firm.pk],
        needs=[of.needs[0].pk],
        actions=[action.pk],
        result="Two dryers leak. Lids save a third of the gas.",
    )
    session = SupportSession.objects.get()
    of.work()
    (message,) = [one for one in mail.outbox if of.managers[0].email in one.to and "/c/" in one.body]
    code = re.search(r"/c/[\w-]+/", message.body)[0]
    page = Visitor().read(code)
    assert "Two dryers leak." in page.text
    assert "Confirmed, thank you" in page.submit(button="step=confirm").text
    Visitor(of.second).take(session, "approve")
    assert fresh(session).state == "approved"
    adviser.take(action, "begin")
    adviser.take(action, "finish")


def closing(of: Journey) -> None:
    """Outcomes, lesson, roadmap and note; the project is closed, and its story told."""
    of.days(150)
    office, manager, adviser = map(Visitor, (of.coordinator, of.managers[0], of.adviser))
    office.take(of.project, "wrap_up")
    for need, status in zip(of.needs, ("solved", "eased"), strict=True):
        adviser.take(need, "set_outcome", end_status=status, end_reason="Lids are on.")
    adviser.take(of.project, "record_lesson", area="energy-efficiency", text="Begin with an audit.")
    query = f"?audience=project&scope_key={of.project.pk}&programme={of.programme.pk}"
    roadmap = SimpleUploadedFile("roadmap.txt", b"Where the valley wants to be in 2030.")
    adviser.make("documents", "receive", query, file=roadmap)
    of.work()
    document = Document.objects.get(name="roadmap.txt")
    assert document.state == "clean"
    adviser.take(of.project, "hand_over_roadmap", roadmap=document.pk)
    adviser.take(of.project, "write_note", final_note="A third of the gas is saved.")
    assert not office.read(of.project.get_absolute_url()).forms(f"{of.project.get_absolute_url()}close/")
    manager.take(of.project, "approve_note")
    office.take(of.project, "close")
    assert fresh(of.project).state == "closed"
    office.make(
        "stories",
        "create",
        project=of.project.pk,
        title_text="A valley keeps its heat",
        sector="Textiles",
        result="circular_business_model",
        text="Dryers used to leak.\n\nNow they have lids.",
        rows={"clusters": [{"cluster": of.clusters[0].pk}]},
    )
    story = SuccessStory.objects.get()
    office.take(story, "request_approval")
    manager.take(story, "approve")
    assert "A valley keeps its heat" not in Visitor().read("/").text
    office.take(story, "publish")
    assert "A valley keeps its heat" in Visitor().read("/").text


def published_report(of: Journey) -> Report:
    """Asked for, made by the workers, approved and published."""
    of.days(30)
    office, lead = Visitor(of.coordinator), Visitor(of.lead)
    office.make("reports", "request", programme=of.programme.pk, formats=["json", "docx", "xlsx", "pdf"])
    report = Report.objects.get()
    of.work()
    assert fresh(report).state == "built"
    assert Visitor().client.get(f"/reports/{report.pk}/json/").status_code == 404
    office.take(report, "submit")
    lead.take(report, "approve")
    lead.take(report, "publish")
    assert Program(of.observer).get(f"/api/reports/{report.pk}/")["state"] == "published"
    return fresh(report)


def download(of: Journey, report: Report) -> None:
    """Anybody can fetch every format, and what it tells is what happened."""
    anybody = Visitor()
    page = anybody.read(f"/reports/{report.pk}/")
    assert anybody.read("/").links(f"/reports/{report.pk}/")
    content = {}
    for file in report.files.all():
        address = f"/reports/{report.pk}/{file.format}/"
        assert page.links(address), f"no way to the {file.format}"
        content[file.format] = b"".join(anybody.client.get(address).streaming_content)
        assert hashlib.sha256(content[file.format]).hexdigest() == file.sha256
    assert content["pdf"].startswith(b"%PDF")
    assert all(zipfile.is_zipfile(io.BytesIO(content[kind])) for kind in ("docx", "xlsx"))
    told = json.loads(content["json"])
    assert [one["title"] for one in told["stories"]] == ["A valley keeps its heat"]
    hours = {cell: row["hours"]["value"] for cell, row in told["matrix"]["cells"].items()}
    assert {cell: value for cell, value in hours.items() if value} == {CELL: 4.5}
    assert of.managers[0].email.encode() not in content["json"]
    assert "Approved sessions" in anybody.read(f"/toolkit/{CELL}/").text
