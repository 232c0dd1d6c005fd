"""Sections on single cases: a page for each project, and the stories."""

from __future__ import annotations

from typing import Any

from facility.registry.matrix import eu_code
from facility.registry.vocabulary_data import vocabulary
from reporting.cut import FORMS, Figures
from reporting.sections.delivery import end_of
from reporting.sections.material import WORKED, Material
from reporting.sections.registry import Cut, section
from reporting.sections.words import begun, counted, number, paragraphs, total


@section("projects")
def projects(m: Material, f: Figures) -> tuple[Cut, list[str]]:
    """Every project of the programme, whatever its state (F33)."""
    rows = [_project(m, f, one) for one in m.projects]
    closed = sum(one.state == "closed" for one in m.projects)
    text = (
        f"The {counted(len(rows), 'project')} of the programme: what each cluster set out from, the needs that were "
        f"agreed, what was done and what came of it. {begun(counted(closed, 'project is', 'projects are'))} closed. "
        f"A firm counts once in a project."
    )
    return {"projects": rows}, [text if rows else "No project is open yet."]


def _project(m: Material, f: Figures, one: Any) -> Cut:
    sessions = m.sessions_of[one.pk]
    closed = {record: day.isoformat() for day, record in m.marks["advisory.project", "close"]}
    quote = next(iter(m.quotes[one.pk]), None)
    ecosystem = one.application__lead_cluster__ecosystem
    return {
        "id": m.id(one.pk),
        "name": one.name,
        "lang": language(one.application__lead_cluster__lang)
        if one.name == one.application__lead_cluster__name
        else "en",
        "name_en": None,
        "short": m.label_of(one),
        "members": [party.cluster__name for party in m.parties[one.pk] if not party.is_lead],
        "country": eu_code(str(one.application__lead_cluster__country)),
        "countries": m.countries_of(one),
        "region": one.application__lead_cluster__nuts,
        "sector": one.application__lead_cluster__sector,
        "ecosystem": vocabulary("ecosystems")[ecosystem].label("en") if ecosystem else "",
        "firms": _members(m, one),
        "advisors": sorted({m.id(a.advisor_id) for a in m.assignments if a.project_id == one.pk and a.state in WORKED}),
        "context": one.application__context,
        "kick_off": one.kicked_off_on.isoformat() if one.kicked_off_on else None,
        "closed": closed.get(one.pk),
        "needs": [
            {
                "id": m.id(need.pk),
                "rank": need.rank or 0,
                "area": need.area,
                "text": need.text,
                "before": need.start_status,
                "after": end_of(need),
            }
            for need in m.needs_of_project[one.pk]
        ],
        "actions": _actions(m, one),
        "sessions": [
            {
                "id": m.id(s.pk),
                "date": s.held_on.isoformat(),
                "form": s.form,
                "kind": s.kind,
                "hours": plain(s.hours),
                "people": s.people_count,
                "firms": len(m.firms_of[s.pk]),
            }
            for s in sessions
        ],
        "totals": _totals(m, f, one, sessions),
        "forms": {form: _sum([s for s in sessions if s.form == form]) for form in FORMS},
        "months": [plain(total(s.hours for s in sessions if f"{s.held_on:%Y-%m}" == month)) for month in m.months],
        "days": m.days_of[one.pk],
        "satisfaction": None,
        "outcome": one.final_note if one.note_approved_at else "",
        "indicators": [],
        "quote": quote and {"text": quote.text, "lang": quote.lang, "translation": None, "by": quote.speaker},
        "cells": sorted({cell for s in sessions for cell in s.cells}),
    }


def plain(value: Any) -> int | float:
    """A number as JSON shall hold it."""
    return int(value) if value == int(value) else float(value)


def language(code: str) -> str:
    """The language of a code such as nl-BE."""
    return code[:3].strip("-").lower()


def _sum(sessions: list[Any]) -> Cut:
    return {"sessions": len(sessions), "hours": plain(total(s.hours for s in sessions))}


def _totals(m: Material, f: Figures, one: Any, sessions: list[Any]) -> Cut:
    """The sessions behind these three hold every plain number of the page."""
    name = m.id(one.pk)
    return {
        "sessions": f.figure(f"Sessions of {name}", "sessions", f"approved sessions of {name}", m.ids(sessions)),
        "hours": f.figure(
            f"Hours of {name}",
            "hours",
            f"hours of approved sessions of {name}",
            m.ids(sessions),
            total(s.hours for s in sessions),
        ),
        "firms": f.figure(
            f"Firms of {name}", "firms", f"different firms in approved sessions of {name}", m.firms_in(sessions)
        ),
    }


def _members(m: Material, one: Any) -> Cut:
    """Members of the project's clusters, as their profiles say."""
    parties = m.parties[one.pk]
    smes = sum(party.cluster__smes_count for party in parties)
    rest = sum(party.cluster__members_count for party in parties) - smes
    large = min(sum(m.large_firms.get(party.cluster_id, 0) for party in parties), rest)
    return {"sme": smes, "large": large, "other": rest - large}


def _actions(m: Material, one: Any) -> list[Cut]:
    """Actions for agreed needs; the page shows form and cell that come first, the matrix counts all."""
    agreed = {need.pk for need in m.needs_of_project[one.pk]}
    return [
        {
            "id": m.id(a.pk),
            "need": m.id(a.need_id),
            "form": a.forms[0],
            "cell": a.cells[0],
            "mode": a.mode,
            "text": a.title_text,
            "state": a.state,
        }
        for a in m.actions_of[one.pk]
        if a.need_id in agreed and a.forms and a.cells
    ]


@section("stories")
def stories(m: Material, f: Figures) -> tuple[Cut, list[str]]:
    """Published stories; one that names two clusters counts once as a story and twice as cluster."""
    rows = [
        {
            "id": m.id(one.pk),
            "title": one.title_text,
            "clusters": [c.cluster__name for c in m.story_clusters[one.pk]],
            "countries": list(dict.fromkeys(eu_code(str(c.cluster__country)) for c in m.story_clusters[one.pk])),
            "partners": [p.name for p in m.story_partners[one.pk]],
            "sector": one.sector,
            "text": paragraphs(one.text),
            "result": vocabulary("outcome_kinds")[one.result].label("en"),
            "project": m.id(one.project_id),
        }
        for one in m.stories
    ]
    clusters = len({name for row in rows for name in row["clusters"]})
    text = "No story is published yet."
    if rows:
        published = counted(len(rows), "story is", "stories are")
        text = f"{begun(published)} published. Every cluster named has approved: {number(clusters)} in all."
    return {"stories": rows}, [text]
