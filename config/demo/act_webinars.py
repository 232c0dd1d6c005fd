"""Act four: three synergy webinars with their topics, invitations and attendance reports."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from config.demo import facts
from config.demo.act_call import coordinator, manager
from config.demo.act_support import advisor_of
from config.demo.stage import ZONE, Stage
from webinars.registration import Registration
from webinars.topic import Topic
from webinars.webinar import Webinar

BEFORE = dt.timedelta(days=30)


def play(stage: Stage) -> None:
    """On the agenda, between the sessions of the projects."""
    stage.plan("2021-06-28", partial(draft, stage), 9)
    stage.plan("2021-07-05", partial(propose, stage), 9)
    stage.plan("2021-08-16", partial(decide, stage), 9)
    for told in facts.webinars()["webinars"]:
        day = told["date"]
        stage.plan(day - BEFORE, partial(announce, stage, told), 9)
        stage.plan(day - dt.timedelta(days=10), partial(register, stage, told), 9)
        stage.plan(day - dt.timedelta(days=1), partial(step, stage, told, "close_registration"), 18)
        stage.plan(day, partial(hold, stage, told), 16, 30)
        stage.plan(day + dt.timedelta(days=6), partial(document, stage, told), 9)


def draft(stage: Stage) -> None:
    """Three webinars, of which only the months are known."""
    for told in facts.webinars()["webinars"]:
        stage.kept[key_of(told)] = Webinar().perform(
            "create",
            by=coordinator(stage),
            programme=stage.kept["programme"],
            order=told["order"],
            title_text=told["title"],
            month=f"{told['date']:%Y-%m}",
            zone="Europe/Brussels",
            agenda=[],
        )


def participants(stage: Stage) -> list[Any]:
    """Managers and advisors of the projects, each once, in a stable order."""
    found: dict[str, Any] = {}
    for key, project in stage.kept["projects"].items():
        bid = facts.applications()[key]
        for cluster in (bid.lead, *bid.partners):
            who = manager(stage, cluster)
            found[who.email] = who
        for kind in ("business", "sustainability"):
            who = advisor_of(project, kind)
            found[who.email] = who
    return sorted(found.values(), key=lambda one: facts.draw(f"participant {one.email}", 10**9))


def propose(stage: Stage) -> None:
    """Topics from managers, advisors and coordinators, and one vote for each person and topic."""
    people = participants(stage)
    stage.kept["topics"] = {}
    for told in facts.webinars()["topics"]:
        who = {
            "manager": lambda told=told: manager(stage, told["cluster"]),
            "advisor": lambda told=told: advisor_of(next(iter(stage.kept["projects"].values())), "business"),
            "coordinator": lambda told=told: coordinator(stage, told["id"]),
        }[told["by"]]()
        topic = Topic().perform("propose", by=who, programme=stage.kept["programme"], title_text=told["title"], text="")
        stage.kept["topics"][told["id"]] = topic
        voters = sorted(people, key=lambda one: facts.draw(f"vote {told['id']} {one.email}", 10**9))
        for voter in [one for one in voters if one.pk != who.pk][: told["votes"]]:
            topic.perform("vote", by=voter)


def decide(stage: Stage) -> None:
    """Topics are merged, scheduled into a webinar, or answered."""
    who = coordinator(stage)
    topics = stage.kept["topics"]
    for told in facts.webinars()["topics"]:
        topic = Topic.objects.get(pk=topics[told["id"]].pk)
        if told["outcome"] == "merged":
            topic.perform("merge", by=who, into=topics[told["into"]])
    for told in facts.webinars()["topics"]:
        topic = Topic.objects.get(pk=topics[told["id"]].pk)
        if told["outcome"].startswith("webinar"):
            order = int(told["outcome"].split()[1])
            topic.perform("schedule", by=who, webinar=stage.kept[key_of({"order": order})])
        elif told["outcome"] in {"one_to_one", "declined"}:
            reason = told.get("reason", "The advisor of the cluster takes it up one to one.")
            topic.perform("answer", by=who, answer_kind=told["outcome"], answer_text=reason)


def key_of(told: Any) -> str:
    """Which webinar it is: numbers count within a kind."""
    return f"{told.get('kind', 'synergy')}-{told['order']}"


def current(stage: Stage, told: Any) -> Webinar:
    """The webinar as it is now."""
    return Webinar.objects.get(pk=stage.kept[key_of(told)].pk)


def step(stage: Stage, told: Any, name: str) -> None:
    """A step of the coordinator."""
    current(stage, told).perform(name, by=coordinator(stage))


def instant(told: Any, key: str) -> dt.datetime:
    """When it starts or ends."""
    return dt.datetime.combine(told["date"], dt.time.fromisoformat(told[key]), ZONE)


def announce(stage: Stage, told: Any) -> None:
    """The day is set, the agenda has its three elements, and everybody involved is invited once."""
    speakers = {
        "expert": facts.webinars()["speakers"][told["order"] - 1]["name"],
        "coordinator": coordinator(stage).name,
    }
    agenda = [
        {
            "element": row["element"],
            "title": row["title"],
            "speaker": speakers.get(row["by"], ""),
            "minutes": row["minutes"],
        }
        for row in told["agenda"]
    ]
    webinar = current(stage, told)
    webinar.perform(
        "edit",
        by=coordinator(stage),
        programme=stage.kept["programme"],
        order=told["order"],
        title_text=told["title"],
        summary="",
        starts_at=instant(told, "start"),
        ends_at=instant(told, "end"),
        zone="Europe/Brussels",
        link="https://meeting.example.org/synergy",
        agenda=agenda,
    )
    webinar.perform("announce", by=coordinator(stage))
    stage.settle()


def register(stage: Stage, told: Any) -> None:
    """As many as are known to have registered."""
    invited = Registration.objects.filter(webinar=current(stage, told), state="invited").select_related("person")
    order = sorted(invited, key=lambda one: facts.draw(f"registers {told['order']} {one.person.email}", 10**9))
    for one in order[: told["registered"]]:
        one.perform("register", by=one.person)


def hold(stage: Stage, told: Any) -> None:
    """Started, ended, and the attendance report of the platform taken in."""
    who = coordinator(stage)
    for name in ("start", "end"):
        step(stage, told, name)
    webinar = current(stage, told)
    registered = Registration.objects.filter(webinar=webinar, state="registered").select_related("person")
    order = sorted(registered, key=lambda one: facts.draw(f"comes {told['order']} {one.person.email}", 10**9))
    came = [one.person for one in order[: told["attended"]]]
    stayed_away = [one.person for one in order[told["attended"] :]]
    name, content = REPORTS[told["order"]](told, came, stayed_away)
    file = SimpleUploadedFile(name, content)
    webinar.perform("import_attendance", by=who, files={"file": file}, has_guests=True)
    stage.settle()


def document(stage: Stage, told: Any) -> None:
    """Summary and material, then published."""
    webinar, who = current(stage, told), coordinator(stage)
    link = f"https://material.example.org/{key_of(told)}"
    webinar.perform("add_material", by=who, title="Slides and notes", link=link)
    webinar.perform("document", by=who, summary="Harvest: " + "; ".join(told["harvest"]) + ".")
    webinar.perform("publish", by=who)
    stage.say(f"Webinar held and documented: {told['title']}")


def teams(told: Any, came: list[Any], away: list[Any]) -> tuple[str, bytes]:
    """The report of a Teams meeting: UTF-16, tabs, three sections; one participant joins twice."""
    start, end = instant(told, "start"), instant(told, "end")
    stamp = lambda at: f"{at.month}/{at.day}/{at:%y}, {at:%I:%M:%S %p}".replace(", 0", ", ")  # noqa: E731
    minutes = int((end - start).total_seconds() // 60)
    lines = ["1. Summary", f"Meeting title\t{told['title']}", f"Attended participants\t{len(came)}"]
    lines += [f"Start time\t{stamp(start)}", f"End time\t{stamp(end)}", "", "2. Participants"]
    lines.append("Name\tFirst Join\tLast Leave\tIn-Meeting Duration\tEmail\tParticipant ID (UPN)\tRole")
    for who in came:
        row = (who.name, stamp(start), stamp(end), f"{minutes}m", who.email, who.email, "Attendee")
        lines.append("\t".join(row))
    lines += ["", "3. In-Meeting Activities", "Name\tJoin Time\tLeave Time\tDuration\tEmail\tRole"]
    for at, who in enumerate(came):
        left = start + dt.timedelta(minutes=minutes - at % 20)
        lines.append("\t".join((who.name, stamp(start), stamp(left), f"{minutes - at % 20}m", who.email, "Attendee")))
    return "teams-attendance.csv", ("\ufeff" + "\r\n".join(lines)).encode("utf-16-le")


def zoom(told: Any, came: list[Any], away: list[Any]) -> tuple[str, bytes]:
    """The participants of a Zoom meeting, each once."""
    start, end = instant(told, "start"), instant(told, "end")
    minutes = int((end - start).total_seconds() // 60)
    out = io.StringIO()
    sheet = csv.writer(out)
    sheet.writerow(["Topic", "ID", "Host", "Duration (minutes)", "Start time", "End time", "Participants"])
    times = [f"{at:%m/%d/%Y %I:%M:%S %p}" for at in (start, end)]
    sheet.writerow([told["title"], "812 0000 2021", "Host", minutes, *times, len(came)])
    sheet.writerow([])
    sheet.writerow(["Name (original name)", "Email", "Total duration (minutes)", "Guest"])
    for at, who in enumerate(came):
        sheet.writerow([who.name, who.email, minutes - at % 25, "Yes"])
    return "zoom-participants.csv", b"\xef\xbb\xbf" + out.getvalue().encode()


def zoom_webinar(told: Any, came: list[Any], away: list[Any]) -> tuple[str, bytes]:
    """The attendee report of a Zoom webinar, with those who registered and stayed away."""
    start, end = instant(told, "start"), instant(told, "end")
    minutes = int((end - start).total_seconds() // 60)
    stamp = lambda at: f"{at:%b %d, %Y %H:%M:%S}"  # noqa: E731
    out = io.StringIO()
    sheet = csv.writer(out)
    sheet.writerow(["Attendee Report", ""])
    sheet.writerow(["Report Generated:", f"{end:%m/%d/%Y %I:%M %p}"])
    head = ["Topic", "Webinar ID", "Actual Start Time", "Actual Duration (minutes)", "# Registered", "# Cancelled"]
    sheet.writerow([*head, "Unique Viewers", "Total Users", "Max Concurrent Views", "Enable Registration"])
    sheet.writerow(
        [
            told["title"],
            "847 0000 2021",
            f"{start:%b %d, %Y %I:%M %p}",
            minutes,
            len(came) + len(away),
            0,
            len(came),
            len(came),
            len(came),
            "Yes",
        ]
    )
    sheet.writerow(["Attendee Details", ""])
    columns = ["Attended", "User Name (Original Name)", "First Name", "Last Name", "Email", "Registration Time"]
    sheet.writerow(
        [
            *columns,
            "Approval Status",
            "Join Time",
            "Leave Time",
            "Time in Session (minutes)",
            "Is Guest",
            "Country/Region Name",
        ]
    )
    registered = stamp(start - BEFORE)
    for at, who in enumerate(came):
        first, _space, last = who.name.partition(" ")
        stay = minutes - at % 30
        left = stamp(start + dt.timedelta(minutes=stay))
        sheet.writerow(
            ["Yes", who.name, first, last, who.email, registered, "approved", stamp(start), left, stay, "Yes", ""]
        )
    for who in away:
        first, _space, last = who.name.partition(" ")
        sheet.writerow(["No", who.name, first, last, who.email, registered, "approved", "--", "--", "--", "--", ""])
    return "zoom-webinar.csv", b"\xef\xbb\xbf" + out.getvalue().encode()


REPORTS: dict[int, Callable[[Any, list[Any], list[Any]], tuple[str, bytes]]] = {1: teams, 2: zoom, 3: zoom_webinar}
