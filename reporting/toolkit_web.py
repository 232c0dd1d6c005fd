"""The pages of the toolkit, with the evidence that projects gave for its fields."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django_countries import countries

from facility.registry.matrix import Axis, Cell, matrix
from reporting.evidence import CellEvidence, cells_with_evidence


class ToolkitFilter(forms.Form):
    """Which fields of the matrix to show."""

    theme = forms.ChoiceField(label=gettext_lazy("Theme"), required=False)
    challenge = forms.ChoiceField(label=gettext_lazy("Challenge"), required=False)
    function = forms.ChoiceField(label=gettext_lazy("Function"), required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        known = {"theme": matrix().themes, "challenge": matrix().challenges, "function": matrix().functions}
        for name, axis in known.items():
            choices = [("", _("All")), *((one.id, _word(one)) for one in axis)]
            self.fields[name].choices = choices  # type: ignore[attr-defined]

    def kept(self, name: str, axis: tuple[Axis, ...]) -> list[Axis]:
        """The values of an axis that the filter leaves."""
        wanted = self.cleaned_data.get(name) if self.is_valid() else ""
        return [one for one in axis if not wanted or one.id == wanted]


def _word(one: Axis) -> str:
    return one.label(get_language() or "en")


def toolkit(request: HttpRequest) -> HttpResponse:
    """The matrix of 36 fields with what each holds, and the sessions behind it once a report is published."""
    chosen, evidence = ToolkitFilter(request.GET), cells_with_evidence(only_published=True)
    functions = chosen.kept("function", matrix().functions)
    challenges = chosen.kept("challenge", matrix().challenges)
    themes = [
        {
            "label": _word(theme),
            "rows": [
                {
                    "label": _word(challenge),
                    "cells": [_shown(evidence[f"{theme.id}.{challenge.id}.{one.id}"]) for one in functions],
                }
                for challenge in challenges
            ],
        }
        for theme in chosen.kept("theme", matrix().themes)
    ]
    context = {
        "title": _("Toolkit for cluster policy"),
        "lede": _(
            "What cluster policy can do, in 36 fields: a theme, a challenge and a function of clusters. "
            "Each holds actions and examples."
        ),
        "filter": chosen,
        "exports": [{"label": _("As JSON"), "url": reverse("api-toolkit-cells")}],
        "functions": [_word(one) for one in functions],
        "themes": themes,
        "evidence": any(one.sessions for one in evidence.values()),
    }
    return render(request, "facility/toolkit.html", context)


def _url(cell: Cell) -> str:
    return reverse("toolkit-cell", kwargs={"cell": cell.id})


def _shown(evidence: CellEvidence) -> dict[str, Any]:
    cell = matrix().cell(evidence.cell)
    return {
        "url": _url(cell),
        "actions": len(cell.actions),
        "examples": len(cell.examples),
        "sessions": len(evidence.sessions),
    }


def toolkit_cell(request: HttpRequest, cell: str) -> HttpResponse:
    """One field: its actions, its examples with or without a link, and the evidence for it."""
    try:
        field = matrix().cell(cell)
    except KeyError:
        raise Http404 from None
    evidence = cells_with_evidence(only_published=True)[field.id]
    facts = [
        {"label": _("Approved sessions"), "value": len(evidence.sessions)},
        {"label": _("Hours"), "value": evidence.hours},
        {"label": _("Projects"), "value": len(evidence.projects)},
        {"label": _("Clusters"), "value": len(evidence.clusters)},
        {"label": _("Firms"), "value": len(evidence.firms)},
        {"label": _("Actions of projects"), "value": len(evidence.actions)},
        {"label": _("Needs eased or solved"), "value": len(evidence.outcomes)},
    ]
    context = {
        "title": _title(field),
        "lede": _("Theme %(theme)s, challenge %(challenge)s, function %(function)s.") % _words(field),
        "crumbs": [{"label": _("Toolkit for cluster policy"), "url": reverse("toolkit")}],
        "actions": [{"text": action.text, "code": action.id} for action in field.actions],
        "examples": {
            "columns": [_("Example"), _("Country"), _("Note")],
            "rows": [
                [{"value": one.name, "url": one.url or "", "lang": "en"}, countries.name(one.country), one.note]
                for one in matrix().examples(cell=field.id)
            ],
        },
        "evidence": facts if evidence.sessions or evidence.actions else [],
        "beside": [
            {"label": _title(one), "url": _url(one)}
            for one in matrix().cells(theme=field.theme)
            if (one.challenge == field.challenge) != (one.function == field.function)
        ],
    }
    return render(request, "facility/toolkit_cell.html", context)


def _words(cell: Cell) -> dict[str, str]:
    axes = {"theme": matrix().themes, "challenge": matrix().challenges, "function": matrix().functions}
    return {name: next(_word(one) for one in axis if one.id == getattr(cell, name)) for name, axis in axes.items()}


def _title(cell: Cell) -> str:
    return " · ".join(_words(cell).values())
