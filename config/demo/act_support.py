"""Act three: projects, matching, needs, actions and sessions, from May to December 2021."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

import typst
from django.core.files.uploadedfile import SimpleUploadedFile

from advisory.action import Action
from advisory.agreement import Agreement
from advisory.assignment import Assignment
from advisory.matchrun import MatchRun
from advisory.needs import Need, NeedsAssessment
from advisory.project import Project
from advisory.session import SupportSession
from config.demo import facts
from config.demo.act_call import coordinator, expect, lead, manager
from config.demo.stage import Stage
from facility.application import Application
from facility.instruments.link import Link
from facility.instruments.signature import texts_of
from facility.registry.documents import Document
from facility.registry.organisation import Organisation
from facility.roles import holders
from facility.workflow.engine import perform_many

FIRMS = 14
LAST_SESSION = dt.date(2021, 11, 24)
ROADMAP = """#set document(title: "Roadmap")
#set text(lang: "en")
= Roadmap
#let told = json(bytes(sys.inputs.told))
#told.name

#for line in told.lines [- #line
]
"""


def play(stage: Stage) -> None:
    """The projects at once; the rest stands on the agenda and is run with the webinars."""
    open_projects(stage)
    stage.plan("2021-05-20", partial(match, stage))
    for key, course in facts.projects().items():
        stage.plan(course.kick_off, partial(kick_off, stage, key), 10)


def open_projects(stage: Stage) -> None:
    """One project for each selected application, and the member firms it wants to reach."""
    stage.on("2021-05-17")
    stage.kept["projects"] = {}
    for key, course in facts.projects().items():
        bid = facts.applications()[key]
        application = Application.objects.get(pk=stage.kept["applications"][key].pk)
        stage.kept["projects"][key] = Project().perform(
            "open",
            by=coordinator(stage, key),
            application=application,
            starts_on="2021-06-01",
            ends_on="2021-12-17",
            days_budget=course.days,
            firms_targeted=FIRMS,
            deliverables="A roadmap of the cluster and the outputs of the actions agreed.",
        )
        for firm in facts.firms(facts.clusters()[bid.lead], FIRMS):
            Organisation().perform(
                "create",
                by=manager(stage, bid.lead),
                name=firm.name,
                kind="firm",
                size=firm.size,
                country=firm.country,
                cluster=stage.kept["clusters"][bid.lead],
            )
    stage.say("25 projects are open")


def match(stage: Stage) -> None:
    """A business and a sustainability advisor for each project; one declines and a second run finds another."""
    run = _run_match(stage)
    proposals = list(Assignment.objects.filter(match_run=run).order_by("pk"))
    stage.plan("2021-05-21", partial(offer, stage, proposals))
    stage.plan("2021-05-22", partial(answer_offers, proposals))
    stage.plan("2021-05-25", partial(match_again, stage))
    stage.plan("2021-05-28", partial(start_teams, stage))


def offer(stage: Stage, proposals: list[Assignment]) -> None:
    """Every proposal is approved and offered."""
    perform_many(proposals, "approve", by=coordinator(stage))
    perform_many(proposals, "offer", by=coordinator(stage))


def answer_offers(proposals: list[Assignment]) -> None:
    """The first declines, all others accept."""
    proposals[0].perform("decline", by=_person(proposals[0]), reason="Bound to another assignment until August.")
    for one in proposals[1:]:
        _accept(one)


def match_again(stage: Stage) -> None:
    """Somebody else for the one place that is left."""
    run = _run_match(stage)
    for one in Assignment.objects.filter(match_run=run).order_by("pk"):
        for step in ("approve", "offer"):
            one.perform(step, by=coordinator(stage))
        _accept(one)


def start_teams(stage: Stage) -> None:
    """Whoever has accepted starts, once advisor and cluster have signed what they agree on."""
    accepted = list(Assignment.objects.filter(programme=stage.kept["programme"], state="accepted").order_by("pk"))
    for one in accepted:
        sign_agreement(stage, one)
        one.perform("start", by=coordinator(stage))
    expect(
        Project.objects.filter(programme=stage.kept["programme"], state="matched").count() == len(facts.projects()),
        "Not every project has an advisor.",
    )
    stage.say(f"{len(accepted)} assignments have started")


def _run_match(stage: Stage) -> MatchRun:
    run = MatchRun().perform(
        "request", by=coordinator(stage), programme=stage.kept["programme"], kinds=["business", "sustainability"]
    )
    stage.settle()
    run = MatchRun.objects.get(pk=run.pk)
    expect(run.state == "done", f"The match run ended as {run.state}.")
    return run


def _person(assignment: Assignment) -> Any:
    return assignment.advisor.person


def _accept(assignment: Assignment) -> None:
    assignment.perform("accept", by=_person(assignment), has_signed_terms=True, has_declared_interests=True)


def sign_agreement(stage: Stage, one: Assignment) -> None:
    """Drafted by the coordinator; the advisor signs on the page, the cluster by the link from the mail."""
    made = Agreement().perform(
        "draft",
        by=coordinator(stage),
        assignment=str(one.pk),
        targets=f"{one.get_kind_display()}: the needs of {one.project.name} in the order that is agreed.",
        days=one.days,
        deliverables=[{"text": "A roadmap with the outputs of the actions", "due_on": one.project.ends_on}],
    )
    seen = {"seen": texts_of(made)[0].sha256, "has_read": True}
    made.perform("sign", by=_person(one), **seen)
    head = holders("manager", scope="cluster", key=one.project.application.lead_cluster_id)[0]
    Link.find(Link.make(head, made, "sign")).take(seen)


def advisor_of(project: Any, kind: str) -> Any:
    """The person who advises the project on this kind of matter."""
    wanted = "business" if kind == "business" else "sustainability"
    return (
        Assignment.objects.select_related("advisor__person")
        .get(project=project, kind=wanted, state="active")
        .advisor.person
    )


def kick_off(stage: Stage, key: str) -> None:
    """The first meeting; the three voices name and rank the needs over the next days."""
    project = stage.kept["projects"][key]
    today = facts.projects()[key].kick_off
    project.perform("kick_off", by=coordinator(stage, key), held_on=today)
    stage.plan(today + dt.timedelta(days=3), partial(name_needs, stage, key), 11)
    stage.plan(today + dt.timedelta(days=8), partial(agree, stage, key), 15)
    stage.plan(today + dt.timedelta(days=11), partial(plan_actions, stage, key), 12)


def voices(stage: Stage, key: str) -> dict[str, Any]:
    """Advisor, manager and coordinator of a project."""
    bid = facts.applications()[key]
    return {
        "advisor": advisor_of(stage.kept["projects"][key], "business"),
        "manager": manager(stage, bid.lead),
        "coordinator": coordinator(stage, key),
    }


def name_needs(stage: Stage, key: str) -> None:
    """Each need by one of the three."""
    project, people = stage.kept["projects"][key], voices(stage, key)
    made = []
    for at, need in enumerate(facts.applications()[key].needs):
        who = list(people.values())[at % 3]
        made.append(
            Need().perform(
                "add",
                by=who,
                project=project,
                area=need.area,
                text=need.title,
                context=f"{need.context} {need.rule}".strip(),
                impact=need.impact,
                urgency=need.urgency,
                feasibility=need.feasibility,
                driver=need.driver or "business",
                start_status="open",
            )
        )
    stage.kept.setdefault("needs", {})[key] = made


def agree(stage: Stage, key: str) -> None:
    """Ranked in private by each, then signed by all."""
    people, needs = voices(stage, key), stage.kept["needs"][key]
    assessment = NeedsAssessment.objects.get(project=stage.kept["projects"][key])
    told = facts.applications()[key].needs
    for voice, who in people.items():
        order = sorted(zip(needs, told, strict=True), key=lambda pair: (pair[1].ranks[voice], str(pair[0].pk)))
        ranks = [{"need": str(need.pk), "rank": rank} for rank, (need, _told) in enumerate(order, 1)]
        assessment.perform("submit_ranking", by=who, ranks=ranks)
    for who in people.values():
        assessment.perform("agree", by=who)


def plan_actions(stage: Stage, key: str) -> None:
    """Actions for the agreed needs, the plan approved; sessions follow through the summer."""
    project, people, course = stage.kept["projects"][key], voices(stage, key), facts.projects()[key]
    by_area = {need.area: need for need in stage.kept["needs"][key]}
    start = course.kick_off + dt.timedelta(days=16)
    span = (LAST_SESSION - start).days
    actions = []
    for at, told in enumerate(course.actions):
        owner = advisor_of(project, told.kind)
        last = start + dt.timedelta(days=span * (at + 1) // len(course.actions))
        action = Action().perform(
            "plan",
            by=owner,
            need=by_area.get(told.area, stage.kept["needs"][key][0]),
            title_text=told.title,
            forms=[told.form],
            cells=list(told.cells),
            mode=told.mode,
            aim=told.aim,
            owner=str(owner.pk),
            due_on=min(last + dt.timedelta(days=7), dt.date(2021, 12, 10)),
        )
        actions.append((action, told, start + dt.timedelta(days=span * at // len(course.actions)), last))
    project.perform("approve_plan", by=people["coordinator"])
    for number, (action, told, first, last) in enumerate(actions):
        stage.plan(first, partial(begin, stage, key, action), 9)
        if told.end == "dropped":
            stage.plan(last, partial(drop, stage, key, action), 16)
            continue
        for nth, day in enumerate((first, first + (last - first) / 2)):
            stage.plan(workday(day), partial(hold, stage, key, action, told, number * 2 + nth), 14, number)
        stage.plan(last + dt.timedelta(days=2), partial(finish, stage, key, action), 17)
    stage.plan("2021-11-29", partial(wrap_up, stage, key), 9)


def workday(day: dt.date) -> dt.date:
    """The day itself, or the Monday after it."""
    return day + dt.timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)  # noqa: PLR2004


def begin(stage: Stage, key: str, action: Action) -> None:
    """The owner begins."""
    action.perform("begin", by=action.owner)


def drop(stage: Stage, key: str, action: Action) -> None:
    """The action is given up."""
    action.perform("drop", by=coordinator(stage, key), reason="The members chose another way in the meantime.")


def finish(stage: Stage, key: str, action: Action) -> None:
    """Its sessions prove it."""
    action.perform("finish", by=action.owner)


def hold(stage: Stage, key: str, action: Action, told: Any, number: int) -> None:
    """A session is logged the same day; the manager answers a day or two later."""
    project, bid = stage.kept["projects"][key], facts.applications()[key]
    seed = f"{key} {told.title} {number}"
    members = told.form in {"workshop", "online_webinar"} or facts.draw(f"for {seed}", 3) == 0
    firms = list(Organisation.objects.filter(cluster=stage.kept["clusters"][bid.lead]).order_by("sort_name"))
    chosen = firms[number * 2 % len(firms) :][: 2 + facts.draw(f"firms {seed}", 5)] if members else []
    outputs = facts.session_outputs()[told.form]
    made = SupportSession().perform(
        "log",
        by=action.owner,
        project=project,
        held_on=today(),
        form=told.form,
        kind=told.kind,
        audience="members" if chosen else "managers",
        contact_hours=["1.5", "2", "3", "4", "6"][facts.draw(f"hours {seed}", 5)],
        preparation_hours=["0.5", "1", "2"][facts.draw(f"preparation {seed}", 3)],
        people_count=2 + len(chosen) * 2,
        firms=[str(firm.pk) for firm in chosen],
        needs=[str(action.need_id)],
        actions=[str(action.pk)],
        result=told.output or outputs[facts.draw(f"output {seed}", len(outputs))],
        next_step="",
    )
    stage.plan(
        today() + dt.timedelta(days=1 + facts.draw(f"answer {seed}", 3)), partial(answer, stage, key, made, seed), 11
    )


def answer(stage: Stage, key: str, made: SupportSession, seed: str) -> None:
    """Confirmed signed in or from the mail; now and then disputed and put right; approved by the coordinator."""
    who, office = manager(stage, facts.applications()[key].lead), coordinator(stage, key)
    how = facts.draw(f"how {seed}", 20)
    if how == 0:
        made.perform("dispute", by=who, wrong="hours", reason="The meeting was half an hour shorter.")
        made.perform(
            "settle", by=office, decision="confirmed", reason="The calendar of the advisor shows the full time."
        )
        office = lead(stage)  # whoever settles does not approve
    elif how < 8:  # noqa: PLR2004
        Link.find(Link.make(who, made, "confirm")).take()
        made = SupportSession.objects.get(pk=made.pk)
    else:
        made.perform("confirm", by=who)
    stage.plan(today() + dt.timedelta(days=4), partial(made.perform, "approve", by=office), 16)


def today() -> dt.date:
    """The demo's day in Brussels."""
    from config.demo.stage import ZONE
    from facility.workflow import clock

    return clock.today(ZONE)


def wrap_up(stage: Stage, key: str) -> None:
    """Outcomes, lessons, the roadmap and the final note; closed when the manager agrees."""
    project, people, course = stage.kept["projects"][key], voices(stage, key), facts.projects()[key]
    project = stage.kept["projects"][key] = Project.objects.get(pk=project.pk)
    project.perform("wrap_up", by=people["coordinator"])
    for need, told in zip(stage.kept["needs"][key], facts.applications()[key].needs, strict=True):
        reason = {"solved": "The members can go on alone.", "eased": "A first step is made."}
        Need.objects.get(pk=need.pk).perform(
            "set_outcome",
            by=people["advisor"],
            end_status=told.end_status or "open",
            end_reason=reason.get(told.end_status, "It goes on after the support."),
        )
    for lesson in course.lessons:
        project.perform("record_lesson", by=people["manager"], area=lesson["area"], text=lesson["text"])
    file = SimpleUploadedFile("roadmap.pdf", roadmap(project.name, [a.title for a in course.actions]))
    document = Document().perform(
        "receive",
        by=people["advisor"],
        files={"file": file},
        programme=stage.kept["programme"],
        audience="project",
        scope_key=str(project.pk),
    )
    project.perform("hand_over_roadmap", by=people["advisor"], roadmap=document)
    project.perform("write_note", by=people["advisor"], final_note=course.outcome)
    stage.plan("2021-12-06", partial(project.perform, "approve_note", by=people["manager"]), 10)
    stage.plan("2021-12-14", partial(close, stage, key), 10)


def close(stage: Stage, key: str) -> None:
    """The end of the project."""
    project = Project.objects.get(pk=stage.kept["projects"][key].pk)
    project.perform("close", by=coordinator(stage, key))
    stage.kept["projects"][key] = project


def roadmap(name: str, lines: list[str]) -> bytes:
    """A one-page PDF."""
    import json

    told = json.dumps({"name": name, "lines": lines})
    return typst.compile(ROADMAP.encode(), sys_inputs={"told": told}, ignore_system_fonts=True)
