"""Beside the acts of 2021, on the agenda: the events and the questions around the call."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

from config.demo import facts
from config.demo.act_call import coordinator, manager
from config.demo.act_webinars import document, hold, instant, key_of, register, step
from config.demo.stage import Stage
from facility.asked import Asked
from webinars.webinar import Webinar

DAY = dt.timedelta(days=1)


def play(stage: Stage) -> None:
    """Everything is planned here, and happens when the acts come to its day."""
    for told in facts.webinars()["events"]:
        stage.plan(told["announced"], partial(announce, stage, told), 11)
        stage.plan(told["date"] - 2 * DAY, partial(take_places, stage, told), 11)
        stage.plan(told["date"] - DAY, partial(step, stage, told, "close_registration"), 18)
        stage.plan(told["date"], partial(hold, stage, told), 16, 30)
        stage.plan(told["date"] + 3 * DAY, partial(document, stage, told), 9)
    for told in facts.programme()["call"]["asked"]:
        stage.plan(told["day"], partial(ask, stage, told), 12)


def announce(stage: Stage, told: Any) -> None:
    """Planned and announced at once; whoever it is for is invited, and who joins them later."""
    stage.kept[key_of(told)] = made = Webinar().perform(
        "create",
        by=coordinator(stage),
        programme=stage.kept["programme"],
        call=stage.kept["call"],
        kind=told["kind"],
        audience=told["audience"],
        order=told["order"],
        title_text=told["title"],
        starts_at=instant(told, "start"),
        ends_at=instant(told, "end"),
        zone="Europe/Brussels",
        link=f"https://meeting.example.org/{told['kind']}",
        agenda=[],
    )
    made.perform("announce", by=coordinator(stage))


def take_places(stage: Stage, told: Any) -> None:
    """Once everybody is invited who has joined by then."""
    stage.settle()
    register(stage, told)


def ask(stage: Stage, told: Any) -> None:
    """A manager asks, and is answered the day after."""
    who = manager(stage, told["cluster"])
    asked = Asked().perform("ask", by=who, call=stage.kept["call"], text=told["text"])
    stage.plan(told["day"] + DAY, partial(answer, stage, asked, told), 12)


def answer(stage: Stage, asked: Asked, told: Any) -> None:
    """Everybody reads question and answer at the same moment."""
    asked.perform("prepare_answer", by=coordinator(stage), wording=told["wording"], reply=told["reply"])
    asked.perform("publish", by=coordinator(stage))
