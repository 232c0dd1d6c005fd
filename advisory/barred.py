"""Pairs of an advisor and a project that must not be, as a match run freezes them, each with its reason (F07)."""

from __future__ import annotations

import uuid
from typing import Any

from advisory.assignment import Assignment
from advisory.checks import LIVE
from advisory.preference import pairs as preferred
from advisory.speaking import speaks_one_of
from facility.registry.conflicts import ties_of

GONE = ("declined", "replaced", "withdrawn")


def conflicts(advisors: list[Any], projects: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Pairs that the register of conflicts forbids, with the cluster; partners count like the lead."""
    ties = ties_of([one.person_id for one in advisors])
    return [
        {"advisor": str(one.pk), "project": project["id"], "why": "conflict", "cluster": cluster["label"]}
        for one in advisors
        for project in projects
        for cluster in project["clusters"]
        if uuid.UUID(cluster["id"]) in ties[one.person_id]
    ]


def unspoken(advisors: list[dict[str, Any]], projects: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Pairs without a common language."""
    return [
        {"advisor": advisor["id"], "project": project["id"], "why": "language"}
        for advisor in advisors
        for project in projects
        if not speaks_one_of(advisor["languages"], project["languages"])
    ]


def settled(projects: list[tuple[Any, list[str]]]) -> list[dict[str, str]]:
    """Nobody is put twice on a project, nor proposed again where they declined or were replaced."""
    keys = [one.pk for one, _lacking in projects]
    rows = Assignment.objects.filter(project__in=keys, state__in=[*LIVE, *GONE]).order_by("pk")
    return [
        {
            "advisor": str(one.advisor_id),
            "project": str(one.project_id),
            "why": "declined or replaced" if one.state in GONE else "on the project",
        }
        for one in rows
    ]


def excluded_pairs(advisors: list[dict[str, Any]], projects: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Pairs of which one side does not want the other; which side, and why, stays with the office."""
    found = preferred("exclusion", advisors, projects)
    told = dict.fromkeys((one["advisor"], one["project"]) for one in found)
    return [{"advisor": advisor, "project": project, "why": "excluded"} for advisor, project in told]
