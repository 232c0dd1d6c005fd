"""Reports, stories and trajectories, and a programme that they tell of; made through the door."""

from __future__ import annotations

from typing import Any

from facility.workflow import jobs
from facility.workflow.jobs import Job
from reporting.cut import SECTIONS
from reporting.report import Report
from reporting.story import SuccessStory
from reporting.trajectory import Trajectory
from tests.advisory import making_support as support
from tests.webinars import making as webinars


def requested(programme: Any, by: Any, **fields: Any) -> Report:
    """A report that is asked for; JSON alone unless asked otherwise, which needs no typesetting at the end."""
    values = {
        "programme": programme,
        "title_text": "Final report",
        "language": "en",
        "formats": ["json"],
        "sections": list(SECTIONS),
        **fields,
    }
    return Report().perform("request", by=by, **values)


def waiting(report: Report, name: str = "") -> list[Job]:
    """The jobs of a report that are to be run, in order."""
    found = Job.objects.filter(record_id=report.pk, state=Job.State.WAITING).order_by("pk")
    return list(found.filter(name=name) if name else found)


def work(report: Report, limit: int = 100) -> list[str]:
    """Runs the jobs of a report until none is waiting; answers what became of each."""
    done = []
    while found := waiting(report)[:1]:
        done.append(jobs.run(str(found[0].pk)))
        assert len(done) < limit, "the jobs of the report do not come to an end"
    return done


def built(programme: Any, by: Any, **fields: Any) -> Report:
    """A report whose files are there."""
    report = requested(programme, by, **fields)
    work(report)
    return Report.objects.get(pk=report.pk)


def published(programme: Any, by: Any, lead: Any, **fields: Any) -> Report:
    """A report that everybody can download."""
    report = built(programme, by, **fields)
    report.perform("submit", by=by)
    report.perform("approve", by=lead)
    return report.perform("publish", by=lead)


def story(project: Any, by: Any, clusters: list[Any], **fields: Any) -> SuccessStory:
    """A draft that names these clusters."""
    values = {
        "project": project,
        "title_text": "Light instead of lamps",
        "sector": "Lighting",
        "result": "circular_business_model",
        "text": "Luminaires used to be replaced.\n\nNow they are repaired.",
        "clusters": [{"cluster": one} for one in clusters],
        "partners": [{"name": "Mabbett", "kind": "expert"}],
        "quotes": [{"text": "We asked first.", "lang": "en", "speaker": "Cluster manager", "has_consent": True}],
        **fields,
    }
    return SuccessStory().perform("create", by=by, **values)


def trajectory(project: Any, by: Any) -> Trajectory:
    """An empty trajectory."""
    return Trajectory().perform("open", by=by, project=project)


def entry(of: Trajectory, by: Any, title: str, *, is_released: bool = False) -> Any:
    """An entry, released or not."""
    of.perform("add_entry", by=by, happened_on="2021-07-01", title=title, text=f"In words: {title}.")
    made = of.entries.get(title=title)
    if is_released:
        of.perform("release_entry", by=by, entry=str(made.pk))
    return made


def told(count: int = 2, programme: Any = None) -> list[support.Case]:
    """A programme with projects in support. In each: two agreed needs, an action that is done, two approved sessions
    of 4.5 hours (the first serves the action, the second stands in no cell) and one that is only logged. The first
    need of the first project is solved. There is one webinar with two people, a topic with a vote, and a story."""
    cases = support.cases(count, programme)
    for one in cases:
        for _state, go in support.COURSE[:3]:
            go(one)
            one.again()
        action = one.project.actions.get()
        support.session(one, "approved", actions=[str(action.pk)])
        support.session(one, "approved", form="one_to_one", kind="business", firms=[str(firm.pk) for firm in one.firms])
        support.session(one)
        action.perform("begin", by=one.adviser)
        action.perform("finish", by=one.adviser)
        one.project.perform("record_lesson", by=one.manager, area="energy-efficiency", text="Begin with an audit.")
    first = cases[0]
    need = first.project.needs.get(rank=1)
    need.perform("set_outcome", by=first.adviser, end_status="solved", end_reason="Two halls are insulated.")
    held_webinar(cases)
    published_story(first)
    return cases


def held_webinar(cases: list[support.Case]) -> Any:
    """A webinar to which the advisor and the manager of the first case came."""
    first = cases[0]
    house = webinars.House(
        programme=first.project.programme,
        lead=first.lead,
        coordinator=first.coordinator,
        project=first.project,
        manager=first.manager,
        advisor=first.adviser,
    )
    topic = webinars.topic(house, first.manager, "Digital product passport", first.adviser)
    made = webinars.announced(house)
    topic.perform("schedule", by=first.coordinator, webinar=str(made.pk))
    webinars.registered(made, first.adviser)
    webinars.hold(made, first.coordinator)
    rows = [(one.name, one.email, 90) for one in (first.adviser, first.manager)]
    made.perform("import_attendance", by=first.coordinator, files={"file": webinars.table(*rows)})
    return made


def published_story(of: support.Case) -> SuccessStory:
    """A story of one project that its cluster has approved."""
    made = story(of.project, of.coordinator, [of.project.lead_cluster])
    made.perform("request_approval", by=of.coordinator)
    made.perform("approve", by=of.manager)
    return made.perform("publish", by=of.coordinator, place="ECCP", link="")
