"""The toolkit as public JSON: cells, actions, examples, recommendations, each with filters (T13, T14, T18, T25)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils.translation import gettext as _

from facility.registry.matrix import Cell, Example, Recommendation, matrix
from facility.workflow import door

AXES = ("theme", "challenge", "function")
TRUTH = {"true": True, "1": True, "false": False, "0": False}


class Unfit(ValueError):
    """A filter that does not exist, or a value that it does not take."""


def _asked(request: HttpRequest, *allowed: str) -> dict[str, str]:
    """The filters of the address; Unfit when one is not known here."""
    for name in request.GET:
        if name not in allowed:
            known = ", ".join(allowed)
            raise Unfit(
                _("There is no filter “%(name)s” here. Filters are: %(known)s.") % {"name": name[:60], "known": known}
            )
    return {name: str(value) for name, value in request.GET.items() if value}


def _truth(asked: dict[str, str], name: str) -> bool | None:
    if name not in asked:
        return None
    if asked[name].lower() not in TRUTH:
        raise Unfit(_("Give true or false for “%(name)s”.") % {"name": name})
    return TRUTH[asked[name].lower()]


def _cells(asked: dict[str, str]) -> tuple[Cell, ...]:
    try:
        return matrix().cells(**{axis: asked.get(axis) for axis in AXES})
    except KeyError as error:
        raise Unfit(str(error.args[0])) from None


def cells(request: HttpRequest) -> list[dict[str, Any]]:
    """The fields of the matrix by theme, challenge and function."""
    return [
        {
            "id": one.id,
            "theme": one.theme,
            "challenge": one.challenge,
            "function": one.function,
            "actions": [action.id for action in one.actions],
            "examples": list(one.examples),
        }
        for one in _cells(_asked(request, *AXES))
    ]


def actions(request: HttpRequest) -> list[dict[str, Any]]:
    """The policy actions of these fields."""
    return [
        {
            "id": action.id,
            "cell": one.id,
            "theme": one.theme,
            "challenge": one.challenge,
            "function": one.function,
            "text": action.text,
            "same_as": list(action.same_as),
        }
        for one in _cells(_asked(request, *AXES))
        for action in one.actions
    ]


def examples(request: HttpRequest) -> list[dict[str, Any]]:
    """Each example once, with the fields it stands in; `url` is null where no link is known."""
    asked = _asked(request, *AXES, "country", "eu")
    eu, wanted = _truth(asked, "eu"), _cells(asked)
    by_id: dict[str, list[str]] = {}
    for one in wanted:
        for key in one.examples:
            by_id.setdefault(key, []).append(one.id)
    known = {one.id for one in matrix().examples(country=asked.get("country", "").upper() or None, eu=eu)}
    alone = not any(axis in asked for axis in AXES)
    keys = [one.id for one in matrix().examples() if one.id in known and (alone or one.id in by_id)]
    return [_example(matrix().example(key), by_id.get(key, [])) for key in keys]


def _example(one: Example, where: list[str]) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "country": one.country,
        "eu": one.is_eu,
        "url": one.url,
        "note": one.note,
        "cells": where,
    }


def recommendations(request: HttpRequest) -> list[dict[str, Any]]:
    """The fifteen recommendations; those whose title is not certain say so."""
    asked = _asked(request, *AXES, "uncertain")
    uncertain, touched = _truth(asked, "uncertain"), {one.id for one in _cells(asked)}
    narrowed = any(axis in asked for axis in AXES)
    return [
        _recommendation(one)
        for one in matrix().recommendations(uncertain=uncertain)
        if not narrowed or any(cell in touched for entry in one.entries for cell in entry.cells)
    ]


def _recommendation(one: Recommendation) -> dict[str, Any]:
    return {
        "id": one.id,
        "number": one.number,
        "heading": one.heading,
        "title": one.title,
        "uncertain": one.uncertain,
        "entries": [
            {
                "function": entry.function,
                "cells": list(entry.cells),
                "actions": list(entry.actions),
                "examples": list(entry.examples),
                "new_action": entry.new_action and {"id": entry.new_action[0], "text": entry.new_action[1]},
            }
            for entry in one.entries
        ],
    }


def _answers(rows: Callable[[HttpRequest], list[dict[str, Any]]]) -> Callable[[HttpRequest], HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        try:
            return JsonResponse({"results": rows(request)})
        except Unfit as error:
            problem = {"type": "about:blank", "title": "Input not accepted", "status": 400, "detail": str(error)}
            body = problem | {"request_id": door.request_id.get()}
            return JsonResponse(body, status=400, content_type="application/problem+json")

    return view


def urls() -> list[Any]:
    """The addresses of the toolkit in the API."""
    made = {"cells": cells, "actions": actions, "examples": examples, "recommendations": recommendations}
    return [path(f"{name}/", _answers(rows), name=f"api-toolkit-{name}") for name, rows in made.items()]
