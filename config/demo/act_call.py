"""Act one: the programme, its people, the call, the applications, the evaluations and the selection."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

from config.demo import facts
from config.demo.stage import ZONE, DemoFailed, Stage
from facility.application import Application
from facility.assigning_pages import Desk
from facility.call import Call
from facility.eligibility import STANDARD
from facility.evaluation import Evaluation
from facility.registry.cluster import Cluster
from facility.registry.conflicts import Conflict
from facility.registry.evaluator import EvaluatorProfile
from facility.registry.label import Label
from facility.registry.programme import Programme
from facility.selection import Selection
from facility.workflow.steps import SYSTEM

CHECKED: dict[str, Any] = {"answers": [{"point": point.key, "answer": "yes"} for point in STANDARD]}
FAILED = [*CHECKED["answers"][:-1], {"point": STANDARD[-1].key, "answer": "no"}]
PAUSE = dt.timedelta(days=1)
PARTNER_ROLE = "Partner (demo)"
PARTNER_PART = "Firms of our own that try what is found, and a place to meet (demo)."
# Beside the places, the minimum score and the cap of the call.
DECLARED = {
    "quotas": [{"kind": "country", "value": "ES", "at_least": 1}],
    "tie_rule": "received",
    "label_weight": 0,
    "review_days": 14,
    "shares_comments": True,
}


def play(stage: Stage) -> None:
    """From the set-up in January 2021 to the last promotion in May."""
    set_up(stage)
    clusters(stage)
    call = open_call(stage)
    apply(stage, call)
    judge(stage, call)
    select(stage, call)


def set_up(stage: Stage) -> None:
    """The programme and those who work for it."""
    told = facts.programme()["programme"]
    stage.on("2021-01-11")
    programme = Programme().perform(
        "create",
        by=SYSTEM,
        slug=told["slug"],
        name=told["names"]["en"],
        names=told["names"] | told["names_demo"],
        funder=told["funder"],
        platform=told["framework"],
        operator=told["operator"],
        starts_on="2021-01-11",
        ends_on="2022-06-30",
        zone=told["zone"],
        evaluation_days=30,
        offer_days=7,
        confirm_days=10,
        days_per_project=20,
        is_demo=True,
    )
    stage.kept["programme"] = programme
    for who in facts.staff():
        stage.give(stage.person(who), who.role, "programme", programme, programme)
    describe(stage, programme)
    stage.say(f"Programme {programme.name}, {len(facts.staff())} people on its staff")


def describe(stage: Stage, programme: Programme) -> None:
    """Each evaluator says what they read and know."""
    for who in facts.staff("evaluator"):
        person = stage.person(who)
        EvaluatorProfile().perform(
            "describe", by=person, person=person, programme=programme, limit=25, **facts.profile(who)
        )


def clusters(stage: Stage) -> None:
    """Every cluster with its managers."""
    made = {}
    for key, one in facts.clusters().items():
        made[key] = Cluster().perform(
            "create",
            by=SYSTEM,
            name=one.name,
            lang=facts.LANGUAGE_OF.get(one.country, one.country.lower()) if not one.is_demo else "en",
            country=one.country,
            nuts=one.nuts2,
            sector=one.sector,
            ecosystem=one.ecosystem,
            members_count=one.members_demo,
            smes_count=one.smes_demo,
            is_demo=one.is_demo,
        )
        if one.label_demo:
            Label().perform(
                "record",
                by=SYSTEM,
                cluster=made[key],
                level=one.label_demo,
                awarded_on="2020-02-01",
                valid_until="2022-01-31",
                issuer="Invented for the demo",
            )
        for who in facts.managers()[key]:
            stage.give(stage.person(who), "manager", "cluster", made[key])
    stage.kept["clusters"] = made
    stage.say(f"{len(made)} clusters with their managers")


def lead(stage: Stage) -> Any:
    """The lead coordinator."""
    return stage.person(facts.staff("lead")[0])


def coordinator(stage: Stage, key: str = "") -> Any:
    """A coordinator, always the same one for a key."""
    known = facts.staff("coordinator")
    return stage.person(known[facts.draw(f"coordinator {key}", len(known))])


def manager(stage: Stage, cluster: str) -> Any:
    """The first manager of a cluster."""
    return stage.person(facts.managers()[cluster][0])


def open_call(stage: Stage) -> Call:
    """Drafted, published, and opened by the clock."""
    told = facts.programme()["call"]
    stage.on("2021-01-25")
    call = Call().perform(
        "create",
        by=coordinator(stage),
        programme=stage.kept["programme"],
        title_text="Towards Green Transition Facility: call for clusters",
        opens_at=dt.datetime(2021, 2, 3, 9, 0, tzinfo=ZONE),
        closes_at=dt.datetime(2021, 3, 5, 18, 0, tzinfo=ZONE),
        zone="Europe/Brussels",
        places=facts.programme()["figures"]["places"],
        minimum_score=told["minimum_score"],
        country_cap=told["country_cap"],
        reserve_places=told["reserve_places"],
        evaluations_required=told["evaluations_required"],
        spread_threshold=told["spread_threshold"],
        summary=told["summary"],
        criteria=[
            {"name": c["label"]["en"], "weight": c["weight"], "guidance": c["asks"], "points": told["points"]}
            for c in told["criteria"]
        ],
    )
    call.perform("write_questions", by=coordinator(stage), sections=told["questions"])
    call.perform("set_quotas", by=coordinator(stage), **DECLARED)
    stage.on("2021-01-29")
    call.perform("publish", by=coordinator(stage))
    stage.on("2021-02-03", 9, 1)
    stage.settle()
    expect(Call.objects.get(pk=call.pk).state == "open", "The call did not open at its time.")
    stage.kept["call"] = call
    stage.say("The call is open")
    return call


def apply(stage: Stage, call: Call) -> None:
    """Drafts and submissions over the four weeks, and what was planned around them."""
    stage.kept["applications"] = {}
    bids = sorted(facts.applications().values(), key=lambda bid: facts.draw(f"day {bid.key}", 1000))
    for at, bid in enumerate(bids):
        day = dt.date(2021, 2, 8) + PAUSE * (at * 25 // len(bids))
        stage.plan(day, partial(draft, stage, call, bid), 8 + at % 9, at % 60)
        if bid.path != "draft":
            stage.plan(day, partial(hand_in, stage, bid), 17 + at % 6, (at * 7) % 60)
    stage.run(until=dt.date(2021, 3, 5))
    stage.on("2021-03-05", 18, 1)
    stage.settle()
    expect(Call.objects.get(pk=call.pk).state == "closed", "The call did not close at its time.")
    stage.say(f"{len(bids)} applications; the call is closed")


def draft(stage: Stage, call: Call, bid: Any) -> None:
    """An application as it is written."""
    stage.kept["applications"][bid.key] = Application().perform(
        "create",
        by=manager(stage, bid.lead),
        call=call,
        lead_cluster=stage.kept["clusters"][bid.lead],
        title_text=bid.title,
        motivation=bid.motivation,
        context=f"{bid.context} Maturity: {bid.maturity}.",
        training_needs=bid.training_needs,
        strategic_focus=bid.strategic_focus,
        has_signed=bid.path != "draft",
        partners=[{"cluster": str(stage.kept["clusters"][key].pk)} for key in bid.partners],
        needs=[{"area": need.area, "text": need.title} for need in bid.needs],
    )


def hand_in(stage: Stage, bid: Any) -> None:
    """Its partners confirm, it is submitted, and perhaps withdrawn."""
    one, who = stage.kept["applications"][bid.key], manager(stage, bid.lead)
    for key in bid.partners:
        partner = one.partners.get(cluster=stage.kept["clusters"][key])
        said = {"role": PARTNER_ROLE, "contribution": PARTNER_PART}
        one.perform("confirm_part", by=manager(stage, key), partner=partner.pk, **said)
    one.perform("submit", by=who)
    if bid.path == "withdrawn":
        one.perform("withdraw", by=who, reason=facts.programme()["call"]["withdrawal_reason"])


def judge(stage: Stage, call: Call) -> None:
    """Eligibility, then two evaluations each and a third where two differ much."""
    Conflict().perform(
        "declare",
        by=SYSTEM,
        person=stage.person(facts.staff("evaluator")[6]),
        cluster=stage.kept["clusters"]["cluster-aec"],
        kind="employment",
        note="Worked there until 2018 (demo).",
    )
    check(stage)
    evaluated = [bid for bid in facts.applications().values() if bid.path in facts.EVALUATED]
    ask(stage, call, "2021-03-15")
    for at, bid in enumerate(evaluated):
        asked = stage.kept["applications"][bid.key].evaluations.select_related("evaluator")
        for reading, one in enumerate(asked.order_by("evaluator__sort_name"), 1):
            day = dt.date(2021, 3, 22) + PAUSE * (at % 12)
            stage.plan(day, partial(read, stage, call, bid, one, reading), 9 + reading, at % 60)
    stage.run(until=dt.date(2021, 4, 12))
    disputed = [(bid, stage.kept["applications"][bid.key]) for bid in evaluated if bid.disputed]
    for _bid, one in disputed:
        ask(stage, call, "2021-04-12", third=str(one.pk))
    stage.on("2021-04-19")
    for bid, one in disputed:
        read(stage, call, bid, one.evaluations.select_related("evaluator").get(state="assigned"), 3)
    for at, bid in enumerate(evaluated):
        stage.on("2021-04-28", 9 + at % 8, at % 60)
        note = (
            "Two readers stood far apart; a third one read, and the mean of the three stands." if bid.disputed else ""
        )
        one = stage.kept["applications"][bid.key]
        one.perform("close_evaluation", by=coordinator(stage, bid.key), spread_note=note)
    stage.say("Evaluations are in")


def check(stage: Stage) -> None:
    """Who meets the conditions of the call."""
    for at, (key, bid) in enumerate(facts.applications().items()):
        one, who = stage.kept["applications"][key], coordinator(stage, key)
        stage.on(dt.date(2021, 3, 8) + PAUSE * (at % 5), 10, at % 60)
        if bid.path == "ineligible":
            reason = bid.ineligible_reason or "The application does not meet the conditions of the call."
            one.perform("declare_ineligible", by=who, answers=FAILED, reason_code="other", reason=reason)
        if bid.path in facts.EVALUATED:
            one.perform("declare_eligible", by=who, **CHECKED)


def ask(stage: Stage, call: Call, day: str, third: str = "") -> None:
    """The assignment as it is proposed: by languages and expertise, evenly, past every conflict of interest."""
    stage.on(day, 11)
    plan = Desk(call, third).plan()
    expect(plan.is_complete, "There are not enough evaluators.")
    pairs = [{"application": pair.paper, "evaluator": pair.reader} for pair in plan.pairs]
    call.perform("assign_evaluators", by=coordinator(stage), pairs=pairs)


def read(stage: Stage, call: Call, bid: Any, one: Evaluation, reading: int) -> None:
    """One evaluation, begun and handed in."""
    one.perform("accept", by=one.evaluator)
    points = facts.scores(bid, reading)
    names = {c["label"]["en"]: c["id"] for c in facts.programme()["call"]["criteria"]}
    rows = []
    for criterion in stage.kept.setdefault("criteria", list(call.criteria.order_by("order"))):
        value = points[names[criterion.name]]
        rows.append(
            {
                "criterion": str(criterion.pk),
                "value": value,
                "comment": facts.comment(bid, reading, names[criterion.name], value),
            }
        )
    one.perform("submit", by=one.evaluator, scores=rows, comment="Read in full; the scores stand for the comments.")


def select(stage: Stage, call: Call) -> None:
    """Proposed, approved, released on 3 May 2021; one declines, the next that fits is promoted."""
    told = facts.programme()
    stage.on("2021-04-29")
    selection = Selection().perform("create", by=coordinator(stage), call=call)
    selection.perform("propose", by=coordinator(stage), overrides=[])
    stage.on("2021-04-30")
    selection.perform("approve", by=lead(stage))
    stage.on("2021-05-03", 10)
    selection.perform("release", by=lead(stage))
    call = Call.objects.get(pk=call.pk)
    call.perform("decide", by=lead(stage))
    stage.on("2021-05-10")
    declined = stage.kept["applications"][told["selection"]["declined"]]
    reason = told["call"]["decline_reason"]
    Application.objects.get(pk=declined.pk).perform("decline", by=manager(stage, declined_lead(told)), reason=reason)
    stage.on("2021-05-12")
    promoted = stage.kept["applications"][told["selection"]["promoted"]]
    Application.objects.get(pk=promoted.pk).perform("promote", by=lead(stage))
    review(stage, call)
    chosen = Application.objects.filter(call=call, state="selected")
    expect(chosen.count() == call.places, f"{chosen.count()} applications are selected instead of {call.places}.")
    stage.say("25 applications are selected and announced; one declined and the reserve moved up")


def review(stage: Stage, call: Call) -> None:
    """The first of those not selected asks for a review, and the decision stands."""
    key = min(key for key, bid in facts.applications().items() if bid.path == "rejected")
    one = Application.objects.get(pk=stage.kept["applications"][key].pk)
    who = manager(stage, facts.applications()[key].lead)
    stage.on("2021-05-13")
    one.perform("request_review", by=who, reason="One comment seems to be about another application (demo).")
    stage.on("2021-05-14")
    one.perform("uphold_rejection", by=lead(stage), reason="The comment is about this one; the scores stand (demo).")
    expect(one.state == "rejected", "The review did not end.")


def declined_lead(told: Any) -> str:
    """The lead cluster of the application that declines."""
    return facts.applications()[told["selection"]["declined"]].lead


def expect(is_so: bool, otherwise: str) -> None:
    """Ends the demo with a sentence when something did not happen."""
    if not is_so:
        raise DemoFailed(otherwise)
