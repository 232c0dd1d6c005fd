"""Sections on what was done: needs, support with its ledger of days, webinars."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from decimal import Decimal
from typing import Any

from advisory.session import HOURS_PER_DAY
from facility.registry.vocabulary_data import vocabulary
from reporting.cut import AREAS, FORMS, LEDGER_STEPS, Figures
from reporting.sections.material import Material
from reporting.sections.registry import Cut, section
from reporting.sections.words import begun, counted, listed, number, of_them, paragraphs, total

END = ("solved", "eased", "open")
KINDS = ("technical", "business")
CUMULATIVE = {
    "logged": ("logged", "disputed", "confirmed", "approved"),
    "confirmed": ("confirmed", "approved"),
    "approved": ("approved",),
}


def end_of(need: Any) -> str:
    """The status of a need at the end; open as long as nobody has said otherwise."""
    return need.end_status or "open"


def label_of(area: str) -> str:
    """An area in words."""
    return vocabulary("areas")[area].label("en")


@section("needs")
def needs(m: Material, f: Figures) -> tuple[Cut, list[str]]:
    """Agreed needs by area, eleven rows always, and how they stood at the end (F27, F35)."""
    hours = _hours_by_area(m)
    areas = [_area(m, f, area, hours.get(area, {})) for area in AREAS]
    shift = {
        state: f.figure(
            f"Needs {state} at the end",
            "needs",
            f"agreed needs; at the end {state}",
            m.ids([one for one in m.needs if end_of(one) == state]),
        )
        for state in END
    }
    members = {
        "areas": areas,
        "total": f.figure("Needs agreed", "needs", "needs agreed by the three voices", m.ids(m.needs)),
        "shift": shift,
    }
    empty = [label_of(row["area"]) for row in areas if not row["total"]["value"]]
    ends = {state: of_them(figure["value"], "is", "are") for state, figure in shift.items()}
    text = (
        f"Advisor, cluster manager and coordinator ranked the needs of each project and agreed on their order. "
        f"{begun(counted(len(m.needs), 'need'))} stand in the list: {ends['solved']} solved, {ends['eased']} eased "
        f"and {ends['open']} open."
    )
    rest = f"No need was agreed on {listed(empty)}." if 0 < len(empty) < len(AREAS) else ""
    return {"needs": members}, [text, *([rest] if rest else [])]


def _area(m: Material, f: Figures, area: str, served: dict[Any, Decimal]) -> Cut:
    """One of the eleven rows; `served`: the hours of each session that served it."""
    mine = [one for one in m.needs if one.area == area]
    where = f"needs agreed by the three voices; area {area}"
    return {
        "area": area,
        "total": f.figure(f"Needs: {label_of(area)}", "needs", where, m.ids(mine)),
        **{
            state: f.figure(
                f"Needs {state}: {label_of(area)}",
                "needs",
                f"{where}; at the end {state}",
                m.ids([one for one in mine if end_of(one) == state]),
            )
            for state in END
        },
        "projects": f.figure(
            f"Projects: {label_of(area)}",
            "projects",
            f"projects with {where}",
            sorted({m.id(one.project_id) for one in mine}),
        ),
        "first": f.figure(
            f"Ranked first: {label_of(area)}",
            "needs",
            f"{where}; rank 1",
            m.ids([one for one in mine if one.rank == 1]),
        ),
        "hours": f.figure(
            f"Hours: {label_of(area)}",
            "hours",
            f"hours of approved sessions, shared evenly among the needs each served; area {area}",
            [m.id(key) for key in served],
            total(served.values()),
        ),
    }


def _hours_by_area(m: Material) -> dict[str, dict[Any, Decimal]]:
    """Hours by area and session; a session that served several needs is shared evenly among them."""
    area_of = {one.pk: one.area for one in m.needs}
    found: dict[str, dict[Any, Decimal]] = {}
    for one in m.sessions:
        served = [need for need in m.needs_of[one.pk] if need in area_of]
        for need in served:
            mine = found.setdefault(area_of[need], {})
            mine[one.pk] = mine.get(one.pk, Decimal(0)) + one.hours / len(served)
    return found


@section("support")
def support(m: Material, f: Figures) -> tuple[Cut, list[str]]:
    """Approved sessions by form and month, five rows always (F16), and the ledger of days."""
    forms = [_form(m, f, form) for form in FORMS]
    kinds = {}
    for kind in KINDS:
        mine = [one for one in m.sessions if one.kind == kind]
        kinds[kind] = f.figure(
            f"Hours, {kind}",
            "hours",
            f"hours of approved sessions; {kind} support",
            m.ids(mine),
            total(one.hours for one in mine),
        )
    ledger = {"steps": _steps(m, f), "rows": [_days(m, f, one) for one in m.projects]}
    hours = total(one.hours for one in m.sessions)
    budgeted, approved = ledger["steps"][0]["value"], ledger["steps"][3]["value"]
    text = (
        "Support came in five forms. A session counts once the cluster has confirmed it and a coordinator has "
        f"approved it: {counted(len(m.sessions), 'session')} with {number(hours)} hours. "
        f"Of {number(budgeted)} days budgeted {number(approved)} are approved; a day has {HOURS_PER_DAY} hours."
    )
    return {"support": {"months": m.months, "forms": forms, "kinds": kinds}, "ledger": ledger}, [text]


def _form(m: Material, f: Figures, form: str) -> Cut:
    mine = [one for one in m.sessions if one.form == form]
    label, where = vocabulary("forms")[form].label("en"), f"approved sessions; form {form}"
    row: Cut = {
        "form": form,
        "hours": f.figure(
            f"Hours: {label}", "hours", f"hours of {where}", m.ids(mine), total(one.hours for one in mine)
        ),
        "sessions": f.figure(f"Sessions: {label}", "sessions", where, m.ids(mine)),
        "people": f.figure(
            f"People: {label}", "people", f"people in {where}", m.ids(mine), sum(one.people_count for one in mine)
        ),
        "months": [],
    }
    for month in m.months:
        part = [one for one in mine if f"{one.held_on:%Y-%m}" == month]
        row["months"].append(
            {
                "sessions": f.figure(f"Sessions: {label}, {month}", "sessions", f"{where}; {month}", m.ids(part)),
                "hours": f.figure(
                    f"Hours: {label}, {month}",
                    "hours",
                    f"hours of {where}; {month}",
                    m.ids(part),
                    total(one.hours for one in part),
                ),
            }
        )
    return row


def _in_days(sessions: list[Any]) -> Decimal:
    return round(sum((one.hours for one in sessions), Decimal(0)) / HOURS_PER_DAY, 3)


def _steps(m: Material, f: Figures) -> list[Cut]:
    """Days from budget to approval; each step holds the days of the later ones, and what is left is not approved."""
    reached = {step: [one for one in m.logged if one.state in states] for step, states in CUMULATIVE.items()}
    budgeted = sum(one.days_budget for one in m.projects)
    rows: dict[str, tuple[list[str], Any]] = {"budgeted": (m.ids(m.projects), budgeted)}
    rows |= {step: (m.ids(mine), _in_days(mine)) for step, mine in reached.items()}
    rows["left"] = (m.ids(m.projects), budgeted - _in_days(reached["approved"]))
    return f.series(
        "Days",
        "days",
        "days of the ledger; a step holds the later ones, left is budgeted less approved",
        [(step, *rows[step]) for step in LEDGER_STEPS],
    )


def _days(m: Material, f: Figures, project: Any) -> Cut:
    """The days of one project; its page shows the same figures."""
    mine, name, key = m.sessions_of[project.pk], m.id(project.pk), [m.id(project.pk)]
    approved = _in_days(mine)
    row = {
        "project": name,
        "short": m.label_of(project),
        "budgeted": f.figure(f"Days budgeted: {name}", "days", f"days budgeted for {name}", key, project.days_budget),
        "approved": f.figure(
            f"Days approved: {name}", "days", f"approved sessions of {name}, in days", m.ids(mine), approved
        ),
        "left": f.figure(
            f"Days left: {name}",
            "days",
            f"days budgeted for {name} less those approved",
            key,
            project.days_budget - approved,
        ),
    }
    m.days_of[project.pk] = {step: row[step] for step in ("budgeted", "approved", "left")}
    return row


@section("webinars")
def webinars(m: Material, f: Figures) -> tuple[Cut, list[str]]:
    """Every webinar that was held, and what became of each topic."""
    held = m.held_webinars()
    events = [_event(m, f, one) for one in held]
    topics = [_topic(m, f, one) for one in m.topics]
    topics.sort(key=lambda row: (-row["votes"]["value"], row["title"]))
    attended = [row["attended"]["value"] for row in events]
    text = f"{begun(counted(len(events), 'webinar was', 'webinars were'))} held."
    if attended:
        least, most = min(attended), max(attended)
        people = counted(most, "person", "people")
        text += (
            f" {begun(people)} took part."
            if least == most
            else f" Between {number(least)} and {people} took part in each."
        )
    voted = sum(row["votes"]["value"] for row in topics)
    more = f"Participants proposed {counted(len(topics), 'topic')} and cast {counted(voted, 'vote')}."
    return {"webinars": {"events": events, "topics": topics}}, [text, more]


def _event(m: Material, f: Figures, one: Any) -> Cut:
    name, mine = m.id(one.pk), [r for r in m.registrations if r.webinar_id == one.pk]
    came = [r for r in mine if r.state == "attended"]
    start, end = (one.started_at, one.ended_at) if one.started_at and one.ended_at else (one.starts_at, one.ends_at)
    counted_all = len(came) if one.present_count is None else one.present_count
    return {
        "id": name,
        "date": m.day(one.started_at or one.starts_at, zoneinfo.ZoneInfo(one.zone)).isoformat(),
        "title": one.title_text,
        "registered": f.figure(
            f"{name} registered",
            "people",
            f"people who had registered for {name} and not cancelled, whether they came or not",
            m.ids([r for r in mine if r.registered_at and r.state in ("registered", "attended", "absent")]),
        ),
        "attended": f.figure(
            f"{name} attended",
            "people",
            f"registrations for {name} in state attended, and {one.guests_count} guests of the report",
            m.ids(came),
            counted_all,
        ),
        "speakers": len({item.speaker for item in m.agenda[one.pk] if item.speaker}),
        "elements": list(dict.fromkeys(item.element for item in m.agenda[one.pk])),
        "harvest": paragraphs(one.summary),
        "feedback": [0, 0, 0, 0, 0],
        "score": None,
        "minutes": int((end - start) / dt.timedelta(minutes=1)),
    }


def _topic(m: Material, f: Figures, one: Any) -> Cut:
    votes = [m.id(vote.pk) for vote in m.votes if vote.topic_id == one.pk]
    answers = {"one_to_one": "dealt with one-to-one", "declined": "declined, with the reason"}
    outcome = m.id(one.webinar_id) if one.webinar_id in m.short else answers.get(one.answer_kind, "")
    return {
        "title": one.title_text,
        "votes": f.figure(f"Votes: {m.id(one.pk)}", "votes", f"votes for topic {m.id(one.pk)}", votes),
        "outcome": outcome,
    }
