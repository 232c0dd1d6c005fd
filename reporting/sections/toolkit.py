"""Sections on the toolkit and on what was learned: matrix, recommendations, lessons."""

from __future__ import annotations

from typing import Any

from facility.registry.matrix import matrix as toolkit
from reporting.cut import AREAS, Figures
from reporting.evidence import CellEvidence, unmapped
from reporting.sections.delivery import label_of
from reporting.sections.material import Material
from reporting.sections.registry import Cut, section
from reporting.sections.words import begun, counted, number, of_them

VOICES = {"advisor": "advisor", "manager": "cluster manager", "coordinator": "coordinator"}


@section("matrix")
def matrix(m: Material, f: Figures) -> tuple[Cut, list[str]]:
    """All 36 cells with what stands in them, and what stands in none (T16)."""
    found = m.cells
    cells = {cell: _cell(m, f, evidence) for cell, evidence in found.items()}
    stray = unmapped(m.programme)["sessions"]
    with_work = [cell for cell, one in found.items() if one.state != "empty"]
    bare = [cell for cell, one in found.items() if one.state == "no_outcome"]
    bare_sessions = {key for cell in bare for key in found[cell].sessions}
    members = {
        "themes": _axis(toolkit().themes),
        "challenges": _axis(toolkit().challenges),
        "functions": _axis(toolkit().functions),
        "cells": cells,
        "empty": f.figure(
            "Cells without activity",
            "cells",
            "cells in which no approved session stands",
            [],
            len(found) - len(with_work),
        ),
        "no_outcome": f.figure(
            "Cells without outcome",
            "cells",
            "cells with approved sessions and no need eased or solved",
            [m.id(key) for key in bare_sessions],
            len(bare),
        ),
        "unmapped": f.figure(
            "Sessions on no cell", "sessions", "approved sessions that serve no action with a cell", map(m.id, stray)
        ),
    }
    text = (
        f"The support was laid on the policy toolkit: three themes, four challenges and three functions of clusters. "
        f"A session "
        f"stands in the cells of the actions that it served. "
        f"{begun(counted(len(with_work), 'cell has', 'cells have'))} approved sessions, "
        f"{of_them(len(found) - len(with_work), 'has', 'have')} none, and "
        f"{counted(len(stray), 'session stands', 'sessions stand')} in no cell."
    )
    return {"matrix": members}, [text]


def _axis(terms: Any) -> list[Cut]:
    return [{"id": term.id, "label": term.label("en")} for term in terms]


def _cell(m: Material, f: Figures, one: CellEvidence) -> Cut:
    theme, challenge, function = one.cell.split(".")
    sessions, where = [m.id(key) for key in one.sessions], f"approved sessions in the cell {one.cell}"
    return {
        "id": one.cell,
        "theme": theme,
        "challenge": challenge,
        "function": function,
        "sessions": f.figure(f"Sessions in {one.cell}", "sessions", where, sessions),
        "hours": f.figure(f"Hours in {one.cell}", "hours", f"hours of {where}", sessions, one.hours),
        "clusters": sorted(m.id(key) for key in one.projects),
        "firms": f.figure(f"Firms in {one.cell}", "firms", f"different firms in {where}", map(m.id, one.firms)),
        "outcomes": f.figure(
            f"Outcomes in {one.cell}",
            "needs",
            f"needs eased or solved, served by a finished action in the cell {one.cell}",
            [m.id(key) for key in one.outcomes if key in m.short],
        ),
        "state": one.state,
        "action": toolkit().actions(one.cell)[0].text,
        "narrative": _in_words(one),
    }


def _in_words(one: CellEvidence) -> str:
    if one.state == "empty":
        return ""
    text = f"{begun(counted(len(one.sessions), 'session'))} in {counted(len(one.projects), 'project')}, "
    text += f"{number(one.hours)} hours, reached {counted(len(one.firms), 'firm')}."
    return f"{text} {begun(counted(len(one.outcomes), 'need was', 'needs were'))} eased or solved."


@section("recommendations")
def recommendations(m: Material, f: Figures) -> tuple[Cut, list[str]]:
    """The recommendations that the toolkit rests on, beside what this programme did in their cells."""
    rows: list[Cut] = []
    for one in toolkit().recommendations():
        cells = list(dict.fromkeys(cell for entry in one.entries for cell in entry.cells))
        sessions = {key for cell in cells for key in m.cells[cell].sessions}
        projects = {key for cell in cells for key in m.cells[cell].projects}
        said = f"In its cells: {counted(len(sessions), 'approved session')} of {counted(len(projects), 'project')}."
        text = said if sessions else "No support of this programme stands in its cells; a next one can begin here."
        rows.append(
            {
                "id": one.id,
                "title": one.title,
                "text": text,
                "to": "Cluster policy makers and cluster managers",
                "cells": cells,
                "gap": not sessions,
                "horizon": "",
            }
        )
    gaps = sum(row["gap"] for row in rows)
    text = (
        f"The toolkit rests on {len(rows)} recommendations of the European Expert Group on Clusters. Each is shown "
        f"with what this programme did in its cells; no support stands in the cells of {number(gaps)} of them."
    )
    return {"recommendations": rows}, [text]


@section("lessons")
def lessons(m: Material, f: Figures) -> tuple[Cut, list[str]]:
    """Lessons by area, eleven rows always (F34); those on no single area stand in the introduction."""
    names = {one.pk: m.label_of(one) for one in m.projects}

    def source(one: Any) -> str:
        return f"{names[one.project_id]}, {VOICES[one.role]}"

    def items(area: str) -> list[dict[str, str]]:
        """Each lesson once, with everybody who recorded it."""
        said: dict[str, list[str]] = {}
        for one in m.lessons:
            if one.area == area:
                said.setdefault(one.text, []).append(source(one))
        return [{"text": text, "source": "; ".join(sources)} for text, sources in said.items()]

    rows: list[Cut] = [{"area": area, "items": items(area)} for area in AREAS]
    filled = [label_of(row["area"]) for row in rows if row["items"]]
    text = (
        f"{begun(counted(len(m.lessons), 'lesson was', 'lessons were'))} recorded by advisors, cluster managers and "
        f"coordinators, "
        f"on {counted(len(filled), 'area')} of the eleven."
    )
    general = [f"{one.text} ({source(one)})" for one in m.lessons if not one.area]
    return {"lessons": rows}, [text, *general]
