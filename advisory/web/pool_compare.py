"""Up to four advisors side by side, with what sets them apart, and against a project where one is chosen (F06)."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from babel import Locale
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django_countries import countries

from advisory.advisor import Advisor
from advisory.assignment import LIVE, Assignment
from advisory.curriculum import CvField, worded
from advisory.matchrun import OPEN_PROJECT
from advisory.pool import advisors_of, days_left, with_load
from advisory.project import Project
from advisory.speaking import speaks_one_of, working_languages
from facility.registry.conflicts import ties_of
from facility.workflow.show import state_tag

from .pool import OfficeOnly

MOST = 4
# Facts of the CV that are compared, and how many of each an advisor shows.
FACTS, FACTS_SHOWN = ("employment", "degree", "green_experience", "certificate"), 6
RANK = ("A1", "A2", "B1", "B2", None, "C1", "C2", "native")


class Compare(OfficeOnly):
    """The comparison: `p` names the advisors, `project` the project; nothing is written."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page, in a number of statements that does not grow with the advisors."""
        keys = [key for text in request.GET.getlist("p") if (key := key_of(text))]
        rows = with_load(advisors_of(request.user)).select_related("person", "programme")
        found = {one.pk: one for one in rows.filter(pk__in=keys[: MOST * 2])}
        people = [found[key] for key in dict.fromkeys(keys) if key in found]
        shown = people[:MOST]
        projects = self.projects(shown)
        project = next((one for one in projects if str(one.pk) == request.GET.get("project")), None)
        context = {
            "people": [self.head(one, shown) for one in shown],
            "more": len(people) - len(shown),
            "rows": rows_of(shown, project) if len(shown) > 1 else [],
            "projects": [{"value": one.pk, "label": one.name, "chosen": one is project} for one in projects],
            "project": project,
            "pool_url": reverse("pool"),
        }
        return render(request, "advisory/pool_compare.html", context)

    def projects(self, people: Sequence[Any]) -> list[Any]:
        """The open projects of the advisors' programmes."""
        programmes = {one.programme_id for one in people}
        rows = Project.objects.filter(programme__in=programmes, state__in=OPEN_PROJECT)
        return list(rows.select_related("application__lead_cluster").order_by("name", "pk"))

    def head(self, one: Any, people: Sequence[Any]) -> dict[str, Any]:
        """The head of a column, with the way to go on without it."""
        rest = "&".join(f"p={other.pk}" for other in people if other is not one)
        return {"id": one.pk, "name": one.person.name, "url": one.get_absolute_url(), "without": rest}


def key_of(text: str) -> uuid.UUID | None:
    """A key of an address; None for what is none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def rows_of(people: Sequence[Any], project: Any) -> list[dict[str, Any]]:
    """The lines of the table: a label, a cell for each advisor, and whether they differ."""
    facts, work, spoken = facts_of(people), work_of(people), Locale.parse(get_language() or "en", sep="-").languages
    plain: list[tuple[str, list[Any]]] = [
        (_("State"), [state_tag(one) for one in people]),
        (_("Kind"), [one.get_kind_display() for one in people]),
        (_("Years of experience"), ["" if one.years is None else one.years for one in people]),
        (_("Projects now"), [_("%(busy)d of %(all)d") % {"busy": one.busy, "all": one.capacity} for one in people]),
        (_("Available from"), [one.available_from or _("now") for one in people]),
        (_("Days left"), ["" if (left := days_left(one)) is None else round(left, 1) for one in people]),
    ]
    lists: list[tuple[str, list[list[str]]]] = [
        (_("Areas"), [one.area_words() for one in people]),
        (_("Languages"), [language_lines(one, spoken) for one in people]),
        (_("Countries"), [[str(dict(countries).get(code, code)) for code in one.countries] for one in people]),
        (_("Industrial ecosystems"), [one.sector_words() for one in people]),
        (_("Works on"), [work[one.pk] for one in people]),
        *((label, [facts[one.pk][name] for one in people]) for name, label in labels_of_facts()),
    ]
    made = [
        told(label, [{"plain": cell} for cell in cells], differs=len(set(map(str, cells))) > 1)
        for label, cells in plain
    ]
    made += [told(label, marked(cells), differs=len({frozenset(one) for one in cells}) > 1) for label, cells in lists]
    return [*against(people, project), *filter(says_something, made)]


def says_something(row: dict[str, Any]) -> bool:
    """Whether any advisor has anything in this line."""
    return any(cell["entries"] if "entries" in cell else cell["plain"] != "" for cell in row["cells"])


def told(label: str, cells: list[dict[str, Any]], *, differs: bool) -> dict[str, Any]:
    """A line of the table."""
    return {"label": label, "cells": cells, "differs": differs}


def marked(cells: list[list[str]]) -> list[dict[str, Any]]:
    """Lists with what nobody else has set apart."""
    counts = Counter(value for values in cells for value in set(values))
    return [{"entries": [{"text": value, "is_own": counts[value] == 1} for value in values]} for values in cells]


def language_lines(one: Any, names: Any) -> list[str]:
    """Languages with their levels, the best first."""
    spoken = sorted(one.languages, key=lambda row: -RANK.index(row.get("cefr") or None))
    return [f"{names.get(row['code'], row['code'])} {row.get('cefr') or ''}".strip() for row in spoken]


def labels_of_facts() -> list[tuple[str, str]]:
    """The facts of a CV that are compared."""
    return [
        ("employment", _("Jobs")),
        ("green_experience", _("Green experience")),
        ("degree", _("Degrees")),
        ("certificate", _("Certificates")),
    ]


def facts_of(people: Sequence[Any]) -> dict[Any, dict[str, list[str]]]:
    """By advisor and kind the confirmed facts of the CV that counts."""
    rows = CvField.objects.filter(
        curriculum__advisor__in=people, curriculum__state="confirmed", confirmed=True, name__in=FACTS
    )
    found: dict[Any, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for one in rows.select_related("curriculum").defer("curriculum__text").order_by("order"):
        own = found[one.curriculum.advisor_id][one.name]
        if len(own) < FACTS_SHOWN:
            own.append(fact_words(one))
    return found


def fact_words(one: CvField) -> str:
    """A fact on one line, its empty parts left out."""
    return ", ".join(part.strip() for part in worded(one.name, one.value).split("|") if part.strip())


def work_of(people: Sequence[Any]) -> dict[Any, list[str]]:
    """By advisor the projects that take a place."""
    rows = Assignment.objects.filter(advisor__in=people, state__in=LIVE).select_related("project").order_by("pk")
    found: dict[Any, list[str]] = defaultdict(list)
    for one in rows:
        found[one.advisor_id].append(f"{one.project.name} ({one.get_state_display()})")
    return found


def against(people: Sequence[Advisor], project: Any) -> list[dict[str, Any]]:
    """What stands between each advisor and the project, and what speaks for them; nothing without a project."""
    if project is None:
        return []
    clusters = {party.cluster_id: party.cluster.name for party in project.parties.select_related("cluster")}
    ties = ties_of([one.person_id for one in people])
    needs = {need.area for need in project.application.needs.all()}
    languages = working_languages(project.lead_cluster.country.code)
    conflicts, spoken, areas = [], [], []
    for one in people:
        tied = [name for key, name in clusters.items() if key in ties.get(one.person_id, set())]
        conflicts.append(
            {"tone": "bad", "plain": _("Tied to %s") % ", ".join(tied)}
            if tied
            else {"tone": "good", "plain": _("None")}
        )
        can = speaks_one_of(one.languages, languages)
        spoken.append({"tone": "good", "plain": _("Yes")} if can else {"tone": "bad", "plain": _("No")})
        shared = len(needs & set(one.areas))
        areas.append({"plain": _("%(shared)d of %(all)d") % {"shared": shared, "all": len(needs)}})
    rows = [
        (_("Conflict of interest"), conflicts),
        (_("Speaks a language of the project"), spoken),
        (_("Areas that the project asks for"), areas),
    ]
    return [told(label, cells, differs=len({one["plain"] for one in cells}) > 1) for label, cells in rows]
