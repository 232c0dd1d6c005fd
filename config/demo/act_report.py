"""Act five: success stories, trajectories and the final report."""

from __future__ import annotations

import datetime as dt
from typing import Any

from config.demo import facts
from config.demo.act_call import coordinator, expect, lead, manager
from config.demo.stage import Stage
from reporting.cut import SECTIONS
from reporting.report import Report
from reporting.story import SuccessStory
from reporting.trajectory import Trajectory


def play(stage: Stage) -> None:
    """From the first story in November 2021 to the published report in May 2022."""
    tell_stories(stage)
    tell_trajectories(stage)
    report(stage)


def tell_stories(stage: Stage) -> None:
    """Six stories, approved by the manager of each cluster they name."""
    for at, told in enumerate(facts.stories()["stories"]):
        stage.on(dt.date(2021, 12, 15) + dt.timedelta(days=at * 12))
        key = told["applications"][0]
        who = coordinator(stage, key)
        quote = told["quote_demo"]
        story = SuccessStory().perform(
            "create",
            by=who,
            project=stage.kept["projects"][key],
            title_text=told["title"],
            sector=told["sector"],
            result=told["outcome_kinds"][0],
            text=f"{told['facts']} {told['detail_demo']}",
            clusters=[{"cluster": str(stage.kept["clusters"][one].pk)} for one in told["clusters"]],
            partners=[{"name": p["name"], "kind": p.get("kind", "firm")} for p in told.get("partners", [])],
            quotes=[{"text": quote["text"], "lang": quote["lang"], "speaker": "Cluster manager", "has_consent": True}],
        )
        story.perform("request_approval", by=who)
        for cluster in told["clusters"]:
            story.perform("approve", by=manager(stage, cluster))
        story.perform("publish", by=who, place="ECCP", link="")
    stage.say("Six success stories are published")


def tell_trajectories(stage: Stage) -> None:
    """The way of each project in dated entries, released one by one."""
    for at, (key, course) in enumerate(facts.projects().items()):
        stage.on(dt.date(2022, 1, 10) + dt.timedelta(days=at % 15), 9, at)
        who = coordinator(stage, key)
        made = Trajectory().perform("open", by=who, project=stage.kept["projects"][key])
        steps: list[tuple[dt.date, str, str]] = [
            (dt.date(2021, 5, 3), "Selected", facts.applications()[key].title),
            (course.kick_off, "First meeting", "Advisors, manager and coordinator met and named the needs."),
            (dt.date(2021, 12, 14), "Closed", course.outcome),
        ]
        for day, title, text in steps:
            made.perform("add_entry", by=who, happened_on=day, title=title, text=text)
        for entry in made.entries.order_by("happened_on", "pk"):
            made.perform("release_entry", by=who, entry=str(entry.pk))
        made.perform("publish", by=who)
    stage.say("25 trajectories are published")


def report(stage: Stage) -> Any:
    """Requested in February, built by the worker section by section, approved and published on 4 May 2022."""
    stage.on("2022-02-07")
    made = Report().perform(
        "request",
        by=coordinator(stage),
        programme=stage.kept["programme"],
        title_text="Towards Green Transition Facility: final report",
        language="en",
        formats=["pdf", "docx", "xlsx", "json"],
        sections=list(SECTIONS),
    )
    stage.settle()
    made = Report.objects.get(pk=made.pk)
    expect(made.state == "built", f"The report ended as {made.state}.")
    stage.say("The report is built")
    stage.on("2022-04-11")
    made.perform("submit", by=coordinator(stage))
    stage.on("2022-04-29")
    made.perform("approve", by=lead(stage))
    stage.on("2022-05-04")
    made.perform("publish", by=lead(stage))
    stage.kept["report"] = made
    stage.say("The report is published")
    return made
