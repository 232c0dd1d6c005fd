"""Act six: a second programme, dated around today, in which something waits on everybody."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from advisory.advisor import Advisor
from advisory.assignment import Assignment
from advisory.curriculum import CurriculumVitae
from advisory.matchrun import MatchRun
from advisory.project import Project
from config.demo import facts
from config.demo.act_advisors import as_read
from config.demo.act_call import CHECKED, coordinator, describe, lead, manager
from config.demo.act_second_around import around, profile
from config.demo.act_second_support import support
from config.demo.act_support import sign_agreement
from config.demo.facts import DemoPerson
from config.demo.stage import ZONE, Now, Stage
from facility.application import Application
from facility.call import Call
from facility.evaluation import Evaluation
from facility.registry.programme import Programme
from facility.selection import Selection
from facility.workflow.engine import perform_many
from facility.workflow.steps import SYSTEM
from reporting.story import SuccessStory
from webinars.topic import Topic
from webinars.webinar import Webinar

ADVISORS = range(101, 113)
STAFF_ROLES = ("lead", "coordinator", "evaluator", "observer", "administrator", "policymaker")
CRITERIA = [
    {"name": "Need", "weight": 50, "guidance": "Is the challenge real and shared by members?"},
    {"name": "Capacity", "weight": 50, "guidance": "Are people and time enough?"},
]


def play(stage: Stage) -> None:
    """From half a year ago until this morning."""
    now = Now(stage, dt.datetime.now(ZONE).date())
    set_up(now)
    bids = [bid for bid in facts.applications().values() if bid.path == "rejected"]
    projects = first_call(now, bids[:5])
    advisors(now)
    team(now, projects)
    support(now, *projects)
    profile(now, projects[0])
    call_to_release(now, bids[12:15])
    second_call(now, bids[5:9])
    third_call(now, bids[9:12])
    exchange(now, projects)
    tell(now, projects[0])
    stage.kept["now"] = {"programme": now.programme, "projects": projects}
    stage.say("A second programme is in flight around today")
    strangers(stage)


def set_up(now: Now) -> None:
    """The programme and the same staff."""
    stage = now.stage
    starts = now.on(-150)
    now.programme = Programme().perform(
        "create",
        by=SYSTEM,
        slug="green-transition-now",
        name="Green Transition Support (demo in flight)",
        names={"nl": "Steun voor de groene transitie (demo)", "de": "Hilfe für den grünen Wandel (Demo)"},
        funder="European Commission",
        platform="European Cluster Collaboration Platform (ECCP)",
        operator="Operator (demo)",
        starts_on=starts,
        ends_on=now.today + dt.timedelta(days=240),
        zone="Europe/Brussels",
        evaluation_days=14,
        offer_days=7,
        confirm_days=10,
        days_per_project=20,
        is_demo=True,
    )
    for who in facts.staff():
        stage.give(stage.person(who), who.role, "programme", now.programme, now.programme)
    describe(stage, now.programme)


def call(now: Now, title: str, opens: int, closes: int, places: int) -> Call:
    """A call, published and opened by the clock."""
    now.on(opens - 5)
    made = Call().perform(
        "create",
        by=coordinator(now.stage),
        programme=now.programme,
        title_text=title,
        opens_at=now.at(opens, 9),
        closes_at=now.at(closes, 18),
        zone="Europe/Brussels",
        places=places,
        minimum_score=50,
        country_cap=None,
        reserve_places=5,
        evaluations_required=1,
        spread_threshold=25,
        criteria=CRITERIA,
    )
    made.perform("publish", by=coordinator(now.stage))
    now.on(opens, 9)
    now.stage.settle()
    return Call.objects.get(pk=made.pk)


def bid_for(now: Now, of: Call, bid: Any, *, submitted: bool = True) -> Application:
    """An application with the demo's texts."""
    who = manager(now.stage, bid.lead)
    made = Application().perform(
        "create",
        by=who,
        call=of,
        lead_cluster=now.stage.kept["clusters"][bid.lead],
        title_text=bid.title,
        motivation=bid.motivation,
        context=bid.context,
        training_needs=bid.training_needs,
        strategic_focus=bid.strategic_focus,
        has_signed=submitted,
        partners=[],
        needs=[{"area": need.area, "text": need.title} for need in bid.needs],
    )
    if submitted:
        made.perform("submit", by=who)
    return made


def evaluator(now: Now, number: int) -> Any:
    """One of the evaluators."""
    known = facts.staff("evaluator")
    return now.stage.person(known[number % len(known)])


def judged(now: Now, of: Call, one: Application, who: Any, value: int) -> None:
    """One evaluation, submitted, and the score taken."""
    made = Evaluation().perform("assign", by=coordinator(now.stage), application=one, evaluator=who)
    made.perform("accept", by=who)
    rows = [{"criterion": str(c.pk), "value": value, "comment": "Read in full."} for c in of.criteria.order_by("order")]
    made.perform("submit", by=who, scores=rows, comment="Sound.")
    one.perform("close_evaluation", by=coordinator(now.stage))


def approved(stage: Stage, of: Call) -> Selection:
    """The ranking of a call, with its letters drafted."""
    selection = Selection().perform("create", by=coordinator(stage), call=of)
    selection.perform("propose", by=coordinator(stage), overrides=[])
    return selection.perform("approve", by=lead(stage))


def first_call(now: Now, bids: list[Any]) -> list[Project]:
    """Decided three months ago; three projects came out of it."""
    stage = now.stage
    first = call(now, "First call (demo)", -140, -110, 3)
    made = []
    for at, bid in enumerate(bids):
        now.on(-125 + at)
        made.append(bid_for(now, first, bid))
    now.on(-110, 19)
    stage.settle()
    now.on(-105)
    for at, one in enumerate(made):
        one.perform("declare_eligible", by=coordinator(stage), **CHECKED)
        judged(now, first, one, evaluator(now, at), 9 - at)
    now.on(-95)
    approved(stage, first).perform("release", by=lead(stage))
    Call.objects.get(pk=first.pk).perform("decide", by=lead(stage))
    now.on(-90)
    starts, ends = now.today - dt.timedelta(days=80), now.today + dt.timedelta(days=90)
    return [
        Project().perform(
            "open",
            by=coordinator(stage),
            application=Application.objects.get(pk=one.pk),
            starts_on=starts,
            ends_on=ends,
            days_budget=20,
            firms_targeted=10,
            deliverables="A roadmap of the cluster.",
        )
        for one in made[:3]
    ]


def advisors(now: Now) -> None:
    """Some of the people whose CVs the demo has, through the same reading and confirming."""
    stage, folder = now.stage, settings.DATA_ROOT / "demo" / "cvs"
    now.on(-88)
    files = [path for number in ADVISORS for path in folder.glob(f"cv-{number:03}.*")]
    made = [
        CurriculumVitae().perform(
            "receive",
            by=coordinator(stage),
            programme=now.programme,
            files={"file": SimpleUploadedFile(path.name, path.read_bytes())},
        )
        for path in files
    ]
    stage.settle()
    for at, one in enumerate(made):
        cv = CurriculumVitae.objects.get(pk=one.pk)
        if cv.state != CurriculumVitae.State.READ:
            continue
        kind = "business" if at % 2 else "sustainability"
        cv.perform("confirm", by=coordinator(stage), entries=as_read(cv, coordinator(stage)), kind=kind)
    pool = list(Advisor.objects.filter(programme=now.programme, state="candidate").select_related("person"))
    perform_many(pool, "shortlist", by=coordinator(stage))
    for one in pool:
        one.perform("declare_interests", by=coordinator(stage), consent=True, interests="None.", clusters=[])
        one.person.password, one.person.is_demo = stage.hash, True
        one.person.save(update_fields=["password", "is_demo"])
        stage.people[str(one.person.email)] = one.person
    perform_many(pool, "admit", by=coordinator(stage))
    stage.settle()


def team(now: Now, projects: list[Project]) -> None:
    """Two projects have their advisors; the offers for the third are still open."""
    stage = now.stage
    now.on(-80)
    run = MatchRun().perform(
        "request", by=coordinator(stage), programme=now.programme, kinds=["business", "sustainability"]
    )
    stage.settle()
    proposals = list(Assignment.objects.filter(match_run=run).select_related("advisor__person").order_by("pk"))
    perform_many(proposals, "approve", by=coordinator(stage))
    waiting = [one for one in proposals if one.project_id == projects[2].pk]
    for one in proposals:
        if one in waiting:
            continue
        one.perform("offer", by=coordinator(stage))
        one.perform("accept", by=one.advisor.person, has_signed_terms=True, has_declared_interests=True)
        sign_agreement(stage, one)
        one.perform("start", by=coordinator(stage))
    now.on(-2)
    for one in waiting:
        one.perform("offer", by=coordinator(stage))


def call_to_release(now: Now, bids: list[Any]) -> None:
    """Ranked and approved; its letters are drafted and wait for the release."""
    stage = now.stage
    of = call(now, "Call for two more places (demo)", -60, -45, 2)
    now.on(-50)
    made = [bid_for(now, of, bid) for bid in bids]
    now.on(-45, 19)
    stage.settle()
    now.on(-43)
    for at, one in enumerate(made):
        one.perform("declare_eligible", by=coordinator(stage), **CHECKED)
        judged(now, of, one, evaluator(now, at), 9 - at)
    now.on(-1)
    approved(stage, of)


def second_call(now: Now, bids: list[Any]) -> None:
    """Closed ten days ago; the evaluators are at work."""
    stage = now.stage
    second = call(now, "Second call (demo)", -40, -10, 2)
    made = []
    for at, bid in enumerate(bids):
        now.on(-25 + at)
        made.append(bid_for(now, second, bid))
    now.on(-10, 19)
    stage.settle()
    for at, one in enumerate(made):
        now.on(-8 + at)
        one.perform("declare_eligible", by=coordinator(stage), **CHECKED)
        for number in (at, at + 1):
            judge = evaluator(now, number)
            asked = Evaluation().perform("assign", by=coordinator(stage), application=one, evaluator=judge)
            if number % 2:
                asked.perform("accept", by=judge)


def third_call(now: Now, bids: list[Any]) -> None:
    """Open now: one application is in, one is a draft."""
    third = call(now, "Third call (demo)", -6, 21, 2)
    now.on(-3)
    bid_for(now, third, bids[0])
    draft = bid_for(now, third, bids[1], submitted=False)
    around(now, third, draft.managers().first())


def exchange(now: Now, projects: list[Project]) -> None:
    """Topics to vote on, and a webinar in two weeks."""
    stage = now.stage
    now.on(-7)
    head = projects[0].managers().first()
    for title in ("What to charge for a shared service", "Footprint with the data of a small firm"):
        topic = Topic().perform("propose", by=head, programme=now.programme, title_text=title, text="")
        topic.perform("vote", by=projects[1].managers().first())
    agenda = [
        {"element": "expert_presentation", "title": "What changes for small firms", "speaker": "Expert", "minutes": 30},
        {"element": "experience_sharing", "title": "Two clusters tell how they began", "speaker": "", "minutes": 30},
        {"element": "participant_session", "title": "Tables on first customers", "speaker": "", "minutes": 40},
    ]
    webinar = Webinar().perform(
        "create",
        by=coordinator(stage),
        programme=now.programme,
        order=1,
        title_text="First exchange of the programme",
        summary="How clusters begin with their members.",
        starts_at=now.at(14, 10),
        ends_at=now.at(14, 12),
        zone="Europe/Brussels",
        link="https://meeting.example.org/exchange",
        agenda=agenda,
    )
    webinar.perform("announce", by=coordinator(stage))
    stage.settle()


def tell(now: Now, project: Project) -> None:
    """A story that waits for the approval of its cluster."""
    stage = now.stage
    now.on(-4)
    story = SuccessStory().perform(
        "create",
        by=coordinator(stage),
        project=project,
        title_text="A workshop that members asked for again",
        sector=project.application.lead_cluster.sector,
        result="training",
        text="Three members opened their books to each other and found the same loss. They now buy together.",
        clusters=[{"cluster": str(project.application.lead_cluster_id)}],
        partners=[],
        quotes=[],
    )
    story.perform("request_approval", by=coordinator(stage))


def strangers(stage: Stage) -> None:
    """One more of each role, who works for another programme and has no business with these two."""
    stage.on(dt.datetime.now(ZONE).date(), 8)
    other = Programme().perform(
        "create",
        by=SYSTEM,
        slug="another-programme",
        name="Another programme (demo)",
        names={},
        funder="European Commission",
        operator="Another operator (demo)",
        starts_on="2026-01-01",
        ends_on="2027-12-31",
        zone="Europe/Brussels",
        evaluation_days=14,
        offer_days=7,
        confirm_days=10,
        days_per_project=20,
        is_demo=True,
    )
    for role in STAFF_ROLES:
        person = stage.person(DemoPerson(f"Stranger {role.title()}", f"stranger.{role}@example.org", role))
        stage.give(person, role, "programme", other, other)
