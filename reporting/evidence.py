"""What stands in which cell of the toolkit: approved sessions and actions of the programmes (T16).

A session counts once it is approved, as everywhere in the report. An outcome of a cell is a need that was eased or
solved and that a finished action of this cell served.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from facility.registry.matrix import matrix

WHERE = {
    "one": "programme_id = %(programme)s",
    "all": "programme_id IS NOT NULL",
    "published": "programme_id IN (SELECT programme_id FROM reporting_report WHERE state = 'published')",
}
SESSIONS = """
    SELECT cell, array_agg(s.id ORDER BY s.id), sum(s.contact_hours + s.preparation_hours),
           array_agg(DISTINCT s.project_id)
    FROM advisory_supportsession s, jsonb_array_elements_text(s.cells) cell
    WHERE s.state = 'approved' AND s.{where} GROUP BY cell"""
FIRMS = """
    SELECT cell, array_agg(DISTINCT f.organisation_id)
    FROM advisory_supportsession s JOIN advisory_sessionfirm f ON f.session_id = s.id,
         jsonb_array_elements_text(s.cells) cell
    WHERE s.state = 'approved' AND s.{where} GROUP BY cell"""
CLUSTERS = """
    SELECT cell, array_agg(DISTINCT c.cluster_id)
    FROM advisory_supportsession s JOIN advisory_projectcluster c ON c.project_id = s.project_id,
         jsonb_array_elements_text(s.cells) cell
    WHERE s.state = 'approved' AND s.{where} GROUP BY cell"""
ACTIONS = """
    SELECT cell, array_agg(a.id ORDER BY a.id),
           array_agg(DISTINCT a.need_id) FILTER (WHERE a.state = 'done' AND n.end_status IN ('eased', 'solved'))
    FROM advisory_action a JOIN advisory_need n ON n.id = a.need_id, jsonb_array_elements_text(a.cells) cell
    WHERE a.state <> 'dropped' AND a.{where} GROUP BY cell"""
UNMAPPED = """
    SELECT 'sessions', array_agg(id ORDER BY id) FROM advisory_supportsession
    WHERE state = 'approved' AND cells = '[]' AND {where}
    UNION ALL
    SELECT 'actions', array_agg(id ORDER BY id) FROM advisory_action
    WHERE state <> 'dropped' AND cells = '[]' AND {where}"""


@dataclass(frozen=True)
class CellEvidence:
    """What happened in one cell: keys of records in order, each once; `hours` of contact and preparation."""

    cell: str
    sessions: tuple[Any, ...] = ()
    hours: Decimal = Decimal(0)
    projects: tuple[Any, ...] = ()
    clusters: tuple[Any, ...] = ()
    firms: tuple[Any, ...] = ()
    actions: tuple[Any, ...] = ()
    outcomes: tuple[Any, ...] = ()

    @property
    def state(self) -> str:
        """empty (no approved session), no_outcome, or active."""
        return "empty" if not self.sessions else "active" if self.outcomes else "no_outcome"


def cells_with_evidence(programme: Any = None, *, only_published: bool = False) -> dict[str, CellEvidence]:
    """All 36 cells in the order of the toolkit, each with its evidence; one without any has the state `empty`.

    programme: this one alone, or None for all of them. only_published: of all of them, those with a published report.
    """
    found: dict[str, dict[str, Any]] = {cell.id: {} for cell in matrix().cells()}
    for cell, sessions, hours, projects in _rows(SESSIONS, programme, only_published):
        found[cell] |= {"sessions": sessions, "hours": hours, "projects": projects}
    for name, sql in (("firms", FIRMS), ("clusters", CLUSTERS)):
        for cell, keys in _rows(sql, programme, only_published):
            found[cell][name] = keys
    for cell, actions, outcomes in _rows(ACTIONS, programme, only_published):
        found[cell] |= {"actions": actions, "outcomes": outcomes}
    return {
        cell: CellEvidence(cell, **{name: _tuple(value) for name, value in row.items()}) for cell, row in found.items()
    }


def unmapped(programme: Any) -> dict[str, tuple[Any, ...]]:
    """The approved `sessions` and the `actions` of a programme that stand in no cell."""
    return {kind: tuple(keys or ()) for kind, keys in _rows(UNMAPPED, programme, False)}


def _tuple(value: Any) -> Any:
    return value if isinstance(value, Decimal) else tuple(value or ())


def _rows(sql: str, programme: Any, only_published: bool) -> Iterable[tuple[Any, ...]]:
    where = WHERE["one" if programme is not None else "published" if only_published else "all"]
    with connection.cursor() as cursor:
        cursor.execute(sql.format(where=where), {"programme": getattr(programme, "pk", None)})
        return cursor.fetchall()
