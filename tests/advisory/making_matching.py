"""Advisors, CVs, projects and match runs for tests, made through the door like everything else."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Any

import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from advisory.advisor import Advisor
from advisory.advisorcall import AdvisorCall
from advisory.agreement import Agreement
from advisory.assignment import Assignment
from advisory.curriculum import CurriculumVitae
from advisory.duplicate import Duplicate
from advisory.intake import CvIntake
from advisory.matchrun import MatchRun
from advisory.preference import Preference
from advisory.project import Project
from advisory.terms import Terms
from facility.application import Application
from facility.instruments.signature import texts_of
from facility.roles import holders
from facility.workflow import jobs
from facility.workflow.jobs import Job
from facility.workflow.steps import SYSTEM
from tests import factories as make

_counter = iter(range(1, 10**9))


def candidate(programme: Any, by: Any, **fields: Any) -> Advisor:
    """A candidate who was entered by hand."""
    number = next(_counter)
    values = {
        "programme": programme,
        "name": f"Advisor {number}",
        "email": f"a{number}@example.org",
        "kind": "business",
        "areas": ["energy-efficiency"],
        "languages": [{"code": "en", "cefr": "C1"}],
        "countries": ["ES"],
        "capacity": 2,
        **fields,
    }
    return Advisor().perform("create", by=by, **values)


def text_file(name: str = "", content: bytes = b"") -> SimpleUploadedFile:
    """A CV as a text file, its content different each time."""
    number = next(_counter)
    return SimpleUploadedFile(name or f"cv-{number}.txt", content or f"Curriculum vitae {number}".encode())


def received(programme: Any, by: Any, advisor: Any = None, file: Any = None) -> CurriculumVitae:
    """A CV as it comes in."""
    given = {"advisor": advisor} if advisor else {"programme": programme}
    return CurriculumVitae().perform("receive", by=by, files={"file": file or text_file()}, **given)


def reading(advisor: Any = None, *, without: str = "", text: str = "", areas: tuple[str, ...] = ()) -> dict[str, Any]:
    """What the reader answers for a complete CV."""
    number = next(_counter)
    found = [
        ("full_name", advisor.person.name if advisor else f"Newcomer {number}"),
        ("email", advisor.person.email if advisor else f"n{number}@example.org"),
        ("country", "ES"),
        ("language", {"code": "en", "cefr": "C1"}),
        ("language", {"code": "de", "cefr": "A2"}),
        ("employment", {"title": "Adviser", "employer": "Acme", "start": "2010-03", "end": None, "country": "PT"}),
        *(("area", area) for area in areas or ("energy-efficiency",)),
        ("skill", text or "Audits"),
    ]
    rows = [
        {"name": name, "value": value, "snippet": f"{name} as it stands", "place": f"line {at}", "confidence": 0.9}
        for at, (name, value) in enumerate(found, 1)
        if name != without
    ]
    reason = f"Not found in the CV: {without}." if without else None
    return {
        "format": "text",
        "language": "en",
        "status": "incomplete" if without else "read",
        "reason": reason,
        "fields": rows,
        "text": text or "Energy audits in dyeing and finishing of textiles.",
    }


def entries(of: CurriculumVitae) -> list[dict[str, Any]]:
    """The lines of the form as it is shown: everything as it was read."""
    return of.form_for(of.step("confirm"), by=None).initial["entries"]


def confirmed(advisor: Any, by: Any, **said: Any) -> CurriculumVitae:
    """A CV that was read and confirmed."""
    made = received(advisor.programme, by, advisor)
    run("facility.scan_document")
    made.perform("read", by=SYSTEM, reading=reading(advisor, **said))
    return made.perform("confirm", by=by, entries=entries(made))


def pooled(programme: Any, by: Any, *, text: str = "", **fields: Any) -> Advisor:
    """An advisor in the pool, whose CV says the same as the record."""
    made = candidate(programme, by, **fields)
    languages = made.languages
    confirmed(made, by, text=text, areas=tuple(made.areas))
    made = Advisor.objects.select_related("person", "programme").get(pk=made.pk)
    particulars = {"kind": made.kind, "areas": made.areas, "countries": made.countries, "capacity": made.capacity}
    made.perform("edit", by=by, languages=languages, **particulars)
    made.perform("declare_interests", by=by, consent=True, interests="none", clusters=[])
    made.perform("shortlist", by=by)
    return made.perform("admit", by=by)


def office(programme: Any) -> tuple[Any, Any, Any]:
    """Lead, coordinator and evaluator."""
    lead, coordinator, evaluator = (make.staff(role, programme) for role in ("lead", "coordinator", "evaluator"))
    return lead, coordinator, evaluator


def projects(programme: Any, people: tuple[Any, Any, Any], needs: list[dict[str, Any]]) -> list[Project]:
    """One opened project for each dict of needs: {"areas": […], "country", "text", "partners"}."""
    lead, coordinator, evaluator = people
    call = make.call(programme, coordinator, places=len(needs), minimum_score=0)
    made = [_application(call, coordinator, evaluator, one) for one in needs]
    with time_machine.travel(timezone.now() + dt.timedelta(days=21), tick=False):
        call.perform("close", by=SYSTEM)
        make.released(call, coordinator, lead)
    return [_opened(Application.objects.get(pk=one.pk), coordinator) for one in made]


def _application(call: Any, coordinator: Any, evaluator: Any, asked: dict[str, Any]) -> Application:
    from facility.evaluation import Evaluation

    cluster = make.cluster(asked.get("country", "ES"))
    manager = make.manager_of(cluster)
    text = asked.get("text", "Help us.")
    rows = [{"area": area, "text": f"{text} {area}"} for area in asked.get("areas", ["energy-efficiency"])]
    partners = [{"cluster": one} for one in asked.get("partners", [])]
    said = {"motivation": text, "training_needs": "Reading an energy bill."}
    made = make.draft(call, manager, cluster, needs=rows, partners=partners, **said)
    made.perform("submit", by=manager)
    made.perform("declare_eligible", by=coordinator, answers=make.MET)
    judged = Evaluation().perform("assign", by=coordinator, application=made, evaluator=evaluator)
    judged.perform("accept", by=evaluator)
    judged.perform("submit", by=evaluator, scores=make.scores(call, 8), comment="Sound.")
    made.perform("close_evaluation", by=coordinator)
    return made


def _opened(application: Application, by: Any) -> Project:
    today = timezone.now().date()
    values = {
        "application": application,
        "starts_on": today,
        "ends_on": today + dt.timedelta(days=150),
        "days_budget": 20,
        "firms_targeted": 5,
    }
    made = Project().perform("open", by=by, **values)
    return Project.objects.select_related("application__lead_cluster", "programme").get(pk=made.pk)


def proposed(project: Any, advisor: Any, by: Any, kind: str = "business") -> Assignment:
    """An assignment proposed by hand."""
    return Assignment().perform(
        "propose", by=by, project=project, advisor=advisor, kind=kind, reason="Knows the trade."
    )


def offered(project: Any, advisor: Any, by: Any, kind: str = "business") -> Assignment:
    """An offer."""
    made = proposed(project, advisor, by, kind)
    made.perform("approve", by=by)
    return made.perform("offer", by=by)


def accepted(project: Any, advisor: Any, by: Any, kind: str = "business") -> Assignment:
    """An offer that was accepted, with both signatures of the advisor."""
    made = offered(project, advisor, by, kind)
    return made.perform("accept", by=advisor.person, has_signed_terms=True, has_declared_interests=True)


def drafted(assignment: Assignment, by: Any, **fields: Any) -> Agreement:
    """An agreement that nobody has signed."""
    due = assignment.project.ends_on
    values = {
        "assignment": str(assignment.pk),
        "targets": "Five firms measure their use of energy.",
        "days": assignment.days,
        "deliverables": [{"text": "A plan for each firm", "due_on": due}],
        **fields,
    }
    return Agreement().perform("draft", by=by, **values)


def sign(agreement: Agreement, *people: Any) -> Agreement:
    """Signed by these people, who have read the text as it stands."""
    for person in people:
        agreement.perform("sign", by=person, seen=texts_of(agreement)[0].sha256, has_read=True)
    return agreement


def head_of(project: Any) -> Any:
    """Who signs for the lead cluster."""
    return holders("manager", scope="cluster", key=project.application.lead_cluster_id).first()


def signed(assignment: Assignment, by: Any) -> Agreement:
    """An agreement that both sides have signed."""
    return sign(drafted(assignment, by), assignment.advisor.person, head_of(assignment.project))


def active(project: Any, advisor: Any, by: Any, kind: str = "business") -> Assignment:
    """An advisor at work."""
    made = accepted(project, advisor, by, kind)
    signed(made, by)
    return made.perform("start", by=by)


def requested(programme: Any, by: Any, **fields: Any) -> MatchRun:
    """A match run for all projects that lack somebody."""
    values = {"programme": programme, "kinds": ["business", "sustainability"], **fields}
    return MatchRun().perform("request", by=by, **values)


def advisor_call(programme: Any, by: Any) -> AdvisorCall:
    """A call for advisors that takes applications."""
    said = {"consent_text": "The CV is kept to find projects.", "retention_months": 24}
    return AdvisorCall().perform("create", by=by, programme=str(programme.pk), **said).perform("open", by=by)


def intake(programme: Any, by: Any) -> CvIntake:
    """A bulk upload of one CV."""
    space = io.BytesIO()
    with zipfile.ZipFile(space, "w") as archive:
        archive.writestr("cv.txt", "Curriculum vitae")
    file = SimpleUploadedFile("cvs.zip", space.getvalue())
    return CvIntake().perform("upload", by=by, programme=str(programme.pk), files={"files": [file]})


def duplicate(advisor: Advisor, by: Any) -> Duplicate:
    """A CV that may be an advisor's."""
    made = received(advisor.programme, by)
    run("facility.scan_document")
    made.perform("read", by=SYSTEM, reading=reading(advisor))
    return Duplicate.objects.get(curriculum=made)


def run(name: str) -> list[str]:
    """Runs the waiting jobs of a name; answers what became of each."""
    waiting = Job.objects.filter(name=name, state=Job.State.WAITING).order_by("id").values_list("pk", flat=True)
    return [jobs.run(str(key)) for key in list(waiting)]


def statements(client: Any, page: str) -> int:
    """How many statements a page takes once the session is warm."""
    client.get(page)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(page).status_code == 200
    return len(queries)


def preferred(project: Any, manager: Any, named: str, kind: str = "exclusion") -> Preference:
    """What the manager of the lead cluster says of an advisor they know by name."""
    values = {
        "kind": kind,
        "side": "manager",
        "programme": str(project.programme_id),
        "named": named,
        "cluster": str(project.application.lead_cluster_id),
        "reason": "We have worked together.",
    }
    return Preference().perform("state_preference", by=manager, **values)


def terms(programme: Any, lead: Any, text: str = "You log what you do.") -> Terms:
    """A version of the terms, in English and Dutch."""
    return Terms().perform("write", by=lead, programme=str(programme.pk), text=text, texts={"nl": f"NL: {text}"})
