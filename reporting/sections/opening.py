"""Sections that open the report: summary, course, selection."""

from __future__ import annotations

import datetime as dt
from statistics import mean
from typing import Any

from facility.registry.matrix import EU_MEMBERS, eu_code
from facility.registry.vocabulary_data import vocabulary
from reporting.cut import Figures
from reporting.sections.material import WORKED, Material
from reporting.sections.registry import Cut, section
from reporting.sections.words import begun, counted, listed, number, of_them, percent, total

HIGHLIGHTS = 6
SIZES = ((50, "1-49 members"), (100, "50-99 members"), (200, "100-199 members"), (None, "200 members and more"))
NO_ECOSYSTEM = "Not stated"
THIRD = 3
MOVED = ("eased", "solved")
FUNNEL = {
    "started": "Applications started",
    "submitted": "Submitted",
    "eligible": "Eligible",
    "above": "At or above the minimum score",
    "selected": "Selected",
}


@section("summary")
def summary(m: Material, f: Figures) -> tuple[Cut, list[str]]:
    """The ten key figures, and the projects whose outcome is shown."""
    key = _key(m, f)
    moved = key["needs_moved"]["n"]
    told = sorted(
        (one for one in m.projects if one.note_approved_at), key=lambda one: (-_moved_in(m, one), m.id(one.pk))
    )
    first = (
        f"From {_day(m.programme.starts_on)} to {_day(m.programme.ends_on)} the programme supported "
        f"{counted(len(m.projects), 'project')} in {counted(key['member_states']['value'], 'Member State')}. "
        f"{begun(counted(len(m.sessions), 'support session'))} with {number(key['hours']['value'])} hours of work "
        f"reached {counted(key['firms']['value'], 'firm')}."
    )
    second = "No need was agreed yet."
    if m.needs:
        second = (
            f"Advisors, cluster managers and coordinators agreed on {counted(len(m.needs), 'need')}; "
            f"{of_them(moved, 'of them was', 'of them were')} solved or eased by the day of these data."
        )
    return {"key": key, "highlights": m.ids(told[:HIGHLIGHTS])}, [first, second]


def _key(m: Material, f: Figures) -> dict[str, Cut]:
    members = {eu_code(code) for code in EU_MEMBERS}
    states = {code for one in m.projects for code in m.countries_of(one)} & members
    moved = [one for one in m.needs if one.end_status in MOVED]
    assigned = {one.advisor_id for one in m.assignments if one.state in WORKED}
    hours = total(one.hours for one in m.sessions)
    webinars = [one for one in m.held_webinars() if one.present_count is not None]
    average = round(mean(one.present_count for one in webinars), 1) if webinars else 0
    firms = m.firms_in(m.sessions)
    return {
        "projects": f.figure("Projects", "projects", "all projects of the programme", m.ids(m.projects)),
        "member_states": f.figure(
            "Member States",
            "Member States",
            "Member States of the clusters in projects",
            m.ids(m.projects),
            len(states),
        ),
        "cvs": f.figure("CVs", "CVs", "CVs handed in", m.ids(m.curricula)),
        "advisors": f.figure(
            "Advisors", "advisors", "advisors with an assignment active or completed", map(m.id, assigned)
        ),
        "sessions": f.figure("Support sessions", "sessions", "sessions in state approved", m.ids(m.sessions)),
        "hours": f.figure(
            "Hours of support",
            "hours",
            "sum of hours of contact and preparation of approved sessions",
            m.ids(m.sessions),
            hours,
        ),
        "firms": f.figure("Firms reached", "firms", "different firms that took part in approved sessions", firms),
        "needs_moved": f.figure(
            "Needs solved or eased",
            "%",
            "share of agreed needs with the end status solved or eased",
            m.ids(moved),
            percent(len(moved), len(m.needs)),
        ),
        "webinar_avg": f.figure(
            "Participants per webinar",
            "participants",
            "mean number of people present, webinars that were counted",
            m.ids(webinars),
            average,
        ),
        "satisfaction": f.figure("Satisfaction", "of 5", "mean of answers to final questionnaires", [], 0),
    }


def _moved_in(m: Material, project: Any) -> int:
    return sum(need.end_status in MOVED for need in m.needs_of_project[project.pk])


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%B %Y}"


@section("course")
def course(m: Material, f: Figures) -> tuple[Cut, list[str]]:
    """What was planned and what happened, phase by phase; what the programme did not plan by the day has no plan."""
    calls, webinars = m.calls, m.webinars
    running = [one for one in m.projects if one.state not in ("closed", "stopped")]
    days = [one.held_on for one in m.sessions]
    rows = [
        _row(
            "call",
            _marks(m, "facility.call", "open", "close"),
            m,
            plan=[d for one in calls[:1] for d in _dates(m, one)],
        ),
        _row(
            "selection",
            _marks(m, "facility.application", "declare_eligible")[:1] + _marks(m, "facility.selection", "approve")[-1:],
            m,
        ),
        _row("announce", _marks(m, "facility.selection", "release")[:1], m, is_milestone=True),
        _row("pool", _marks(m, "advisory.advisor", "admit"), m),
        _row("matching", _marks(m, "advisory.assignment", "offer", "start"), m),
        _row("needs", _marks(m, "advisory.project", "agree_needs"), m),
        {
            "id": "support",
            "planned": _iso(
                [min(one.starts_on for one in m.projects), max(one.ends_on for one in m.projects)] if m.projects else []
            ),
            "actual": _iso([min(days), *([] if running else [max(days)])] if days else []),
            "note": f"{begun(counted(len(running), 'project'))} still under way." if running else "",
            "evidence": m.ids(m.sessions),
        },
        {
            "id": "webinars",
            "planned": _milestones(sorted(m.day(one.starts_at) for one in webinars if one.starts_at)),
            "actual": _milestones(sorted(m.day(one.started_at) for one in m.held_webinars() if one.started_at)),
            "note": "",
            "evidence": m.ids(webinars),
        },
        _row("stories", _marks(m, "reporting.successstory", "create", "publish"), m),
        {"id": "report", "planned": [], "actual": [m.day(m.as_of).isoformat(), None], "note": "", "evidence": []},
    ]
    every = [day for row in rows for day in (*row["planned"], *row["actual"]) if day]
    first, last = min([m.programme.starts_on.isoformat(), *every]), max([m.programme.ends_on.isoformat(), *every])
    if first == last:
        last = (m.programme.ends_on + dt.timedelta(days=1)).isoformat()
    late = [row["id"] for row in rows if _last(row["planned"]) and _last(row["actual"]) > _last(row["planned"])]
    text = "No phase that was planned by the day ended later than planned."
    if late:
        names = {"call": "the call", "support": "the individual support", "webinars": "the webinars"}
        text = f"{begun(listed([names[one] for one in late]))} ended later than planned."
    return {"course": {"from": first, "to": last, "rows": rows}}, [
        f"{text} What was not planned by the day is shown without a plan."
    ]


def _dates(m: Material, call: Any) -> list[dt.date]:
    return [m.day(call.opens_at), m.day(call.closes_at)]


def _marks(m: Material, kind: str, *steps: str) -> list[tuple[dt.date, Any]]:
    """First and last of the days on which these steps were taken, with the records; one mark stands alone."""
    found = sorted(mark for step in steps for mark in m.marks[kind, step])
    return [found[0], found[-1]] if len(found) > 1 else found


def _row(
    name: str, marks: list[tuple[dt.date, Any]], m: Material, *, plan: Any = (), is_milestone: bool = False
) -> Cut:
    days = [day.isoformat() for day, _record in marks]
    return {
        "id": name,
        "planned": _iso(plan),
        "actual": [*days[:1], None] if days and (is_milestone or len(days) == 1) else days,
        "note": "",
        "evidence": sorted({m.id(record) for _day_, record in marks}),
    }


def _iso(days: Any) -> list[str]:
    return [day.isoformat() for day in days]


def _milestones(days: list[dt.date]) -> list[str | None]:
    return [*_iso(days[:1]), None, *_iso(days[1:])] if days else []


def _last(days: list[str | None]) -> str:
    return max((day for day in days if day), default="")


@section("selection")
def selection(m: Material, f: Figures) -> tuple[Cut, list[str]]:
    """The way from applications to projects, and how even it was."""
    minimum = {one.pk: one.minimum_score for one in m.calls}
    eligible = {
        record for step in ("declare_eligible", "overturn") for _d, record in m.marks["facility.application", step]
    }
    through = {
        "started": m.applications,
        "submitted": [one for one in m.applications if one.submitted_at],
        "eligible": [one for one in m.applications if one.pk in eligible],
        "above": [one for one in m.applications if one.score is not None and one.score >= minimum[one.call_id]],
        "selected": [one for one in m.applications if one.state == "selected"],
    }
    funnel = [
        {"key": key, **f.figure(FUNNEL[key], "applications", f"applications by step; {key}", m.ids(rows))}
        for key, rows in through.items()
    ]
    codes = sorted({code for one in m.projects for code in m.countries_of(one)})
    by_code = [(code, m.ids([one for one in m.projects if code in m.countries_of(one)])) for code in codes]
    countries = f.series(
        "Projects with a cluster from", "projects", "projects with at least one cluster from the country", by_code
    )
    ecosystems = f.series(
        "Industrial ecosystem", "projects", "projects by ecosystem of the lead cluster", _by_ecosystem(m)
    )
    sizes = f.series(
        "Size of the lead cluster", "projects", "projects by number of members of the lead cluster", _by_size(m)
    )
    reserve = [one for one in m.applications if one.state == "reserve"]
    third = [one for one in m.applications if m.evaluations.get(one.pk, 0) >= THIRD]
    members = {
        "funnel": funnel,
        "countries": countries,
        "ecosystems": ecosystems,
        "sizes": sizes,
        "reserve": f.figure("On the reserve list", "applications", "applications in state reserve", m.ids(reserve)),
        "third": f.figure(
            "Third evaluation", "applications", "applications with three or more evaluations submitted", m.ids(third)
        ),
        "consortia": f.figure(
            "Projects of more than one cluster",
            "projects",
            "projects with at least one partner cluster",
            m.ids([one for one in m.projects if len(m.parties[one.pk]) > 1]),
        ),
        **_success(m, f, through),
    }
    text = (
        f"The call drew {counted(len(through['submitted']), 'application')}; "
        f"{of_them(len(through['eligible']), 'was', 'were')} "
        f"eligible and {of_them(len(through['selected']), 'holds', 'hold')} a place. "
        f"{begun(counted(len(third), 'application'))} had a third evaluation."
    )
    return {"selection": members}, [text, *_eco_sectors(m, f)]


def _eco_sectors(m: Material, f: Figures) -> list[str]:
    """Core and other eco-sectors apart (E02, E06); nothing is said where no lead cluster is marked."""
    words = {"core": "core eco-sectors", "non_core": "other sectors"}
    found = {
        name: m.ids([one for one in m.projects if one.application__lead_cluster__eco_sector == name]) for name in words
    }
    if not any(found.values()):
        return []
    figures = [
        f.figure(f"Projects in {words[name]}", "projects", f"projects whose lead cluster is marked {name}", ids)
        for name, ids in found.items()
    ]
    core, other = (figure["value"] for figure in figures)
    share = percent(other, core + other)
    return [
        f"{begun(counted(core, 'project'))} came from core eco-sectors and {counted(other, 'project')} from other "
        f"sectors, {number(share)} % of those that are marked."
    ]


def _success(m: Material, f: Figures, through: dict[str, list[Any]]) -> Cut:
    """Submitted and selected by country of the lead cluster, and what was submitted from elsewhere."""

    def of(rows: list[Any]) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for one in rows:
            found.setdefault(eu_code(str(one.lead_cluster__country)), []).append(one)
        return found

    submitted, selected = of(through["submitted"]), of(through["selected"])
    rows = []
    for code in sorted(selected):
        mine, chosen = submitted.get(code, []), selected[code]
        rows.append(
            {
                "country": code,
                "submitted": f.figure(
                    f"Submitted: {code}", "applications", f"applications submitted; lead cluster in {code}", m.ids(mine)
                ),
                "selected": f.figure(
                    f"Selected: {code}", "applications", f"applications selected; lead cluster in {code}", m.ids(chosen)
                ),
                "share": percent(len(chosen), len(mine)),
            }
        )
    others = [one for code, found in submitted.items() if code not in selected for one in found]
    return {
        "success_by_country": rows,
        "other_submitted": f.figure(
            "Submitted from other countries",
            "applications",
            "applications submitted; no selected lead cluster in the country",
            m.ids(others),
        ),
    }


def _by_ecosystem(m: Material) -> list[tuple[str, list[str]]]:
    terms = vocabulary("ecosystems")
    names = {one.pk: one.application__lead_cluster__ecosystem for one in m.projects}
    labels = {key: terms[name].label("en") if name else NO_ECOSYSTEM for key, name in names.items()}
    return [
        (label, [m.id(key) for key, mine in labels.items() if mine == label]) for label in sorted(set(labels.values()))
    ]


def _by_size(m: Material) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {label: [] for _below, label in SIZES}
    for one in m.projects:
        members = one.application__lead_cluster__members_count
        found[next(label for below, label in SIZES if below is None or members < below)].append(m.id(one.pk))
    return list(found.items())
