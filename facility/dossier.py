"""Everything that a call holds as tables, for archives, statistics and audits: applications to the lines of selections.

All tables come from one SQL statement, whatever their size: each is a branch of a UNION ALL whose rows are JSON arrays,
read through a cursor of the database and handed on as they come.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import F, Func, IntegerField, JSONField, QuerySet, Value, Window
from django.db.models.functions import RowNumber
from django_countries.fields import CountryField

from facility.application import Application
from facility.call import Call
from facility.reasons import worded
from facility.workflow.sheets import Table


@dataclass(frozen=True)
class Sheet:
    """One table: the rows of `model` whose application, at `path`, is handed in; columns and order are field paths.

    `only` are further conditions on the rows.
    """

    name: str
    model: str
    path: str
    order: tuple[str, ...]
    columns: dict[str, str]
    only: dict[str, str] = field(default_factory=dict)


# What is not submitted yet is its evaluator's alone.
SHEETS = (
    Sheet(
        "applications",
        "facility.Application",
        "pk",
        ("number", "pk"),
        {
            "application": "number",
            "state": "state",
            "cluster": "lead_cluster__name",
            "country": "lead_cluster__country",
            "sector": "lead_cluster__sector",
            "ecosystem": "lead_cluster__ecosystem",
            "title": "title_text",
            "motivation": "motivation",
            "context": "context",
            "training needs": "training_needs",
            "strategic focus": "strategic_focus",
            "answers": "answers",
            "submitted": "submitted_at",
            "receipt": "receipt",
            "reason": "reason_code",
            "reason in words": "reason_text",
            "score": "score",
            "spread": "spread",
            "note on the spread": "spread_note",
            "place": "place",
            "position on the reserve list": "reserve_position",
            "key": "pk",
        },
    ),
    Sheet(
        "partners",
        "facility.ApplicationPartner",
        "application",
        ("application__number", "cluster__sort_name", "pk"),
        {
            "application": "application__number",
            "cluster": "cluster__name",
            "country": "cluster__country",
            "sector": "cluster__sector",
            "role": "role",
            "contribution": "contribution",
            "takes part": "answer",
        },
    ),
    Sheet(
        "needs",
        "facility.ApplicationNeed",
        "application",
        ("application__number", "rank", "pk"),
        {"application": "application__number", "rank": "rank", "area": "area", "in words": "text"},
    ),
    Sheet(
        "evaluations",
        "facility.Evaluation",
        "application",
        ("application__number", "evaluator__sort_name", "pk"),
        {
            "application": "application__number",
            "evaluator": "evaluator__name",
            "state": "state",
            "total": "total",
            "comment": "comment",
            "key": "pk",
        },
        {"state": "submitted"},
    ),
    Sheet(
        "scores",
        "facility.Score",
        "evaluation__application",
        ("evaluation__application__number", "evaluation__evaluator__sort_name", "evaluation_id", "criterion__order"),
        {
            "application": "evaluation__application__number",
            "evaluator": "evaluation__evaluator__name",
            "criterion": "criterion__name",
            "weight": "criterion__weight",
            "score": "value",
            "comment": "comment",
        },
        {"evaluation__state": "submitted"},
    ),
    Sheet(
        "selection",
        "facility.SelectionLine",
        "application",
        ("selection_id", "rank"),
        {
            "selection": "selection__state",
            "released": "selection__released_at",
            "rank": "rank",
            "application": "application__number",
            "cluster": "application__lead_cluster__name",
            "country": "application__lead_cluster__country",
            "score": "score",
            "outcome": "outcome",
            "position": "position",
            "reasons": "reasons",
            "override": "override",
            "reason of the override": "override_reason",
        },
    ),
)


def tables_of(call: Call, person: Any) -> Iterator[Table]:
    """The tables of a call, to be read in their order; what is not handed in is in none. One statement."""
    zone = zoneinfo.ZoneInfo(call.zone)
    dealt = itertools.groupby(_rows(call, person).iterator(chunk_size=1000), key=itemgetter(0))
    present = next(dealt, None)
    for number, sheet in enumerate(SHEETS):
        mine = present is not None and present[0] == number
        readers = [_reader(sheet, path, zone) for path in sheet.columns.values()]
        rows = present[1] if present is not None and mine else iter(())
        yield Table(sheet.name, list(sheet.columns), (_cells(row[2], readers) for row in rows))
        if mine:
            present = next(dealt, None)


def _rows(call: Call, person: Any) -> QuerySet:
    """(sheet, position in it, cells) of all sheets."""
    handed_in = Application.objects.filter(Application.faces.staff.q(person), call=call).values("pk")
    branches = []
    for number, sheet in enumerate(SHEETS):
        rows = apps.get_model(sheet.model)._base_manager.filter(**{f"{sheet.path}__in": handed_in}, **sheet.only)
        cells = Func(*sheet.columns.values(), function="jsonb_build_array", output_field=JSONField())
        order = Window(RowNumber(), order_by=[F(path).asc() for path in sheet.order])
        branches.append(
            rows.order_by()
            .annotate(sheet_=Value(number, IntegerField()), order_=order, cells_=cells)
            .values_list("sheet_", "order_", "cells_")
        )
    return branches[0].union(*branches[1:], all=True).order_by("sheet_", "order_")


def _cells(row: list[Any], readers: list[Callable[[Any], Any] | None]) -> list[Any]:
    return [
        cell if reader is None or cell in (None, "") else reader(cell)
        for cell, reader in zip(row, readers, strict=True)
    ]


def _in_words(held: Any) -> str:
    """What a JSON column holds, as text: reasons of a ranking in words, answers a line each."""
    if isinstance(held, dict):
        return "\n".join(
            f"{key}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
            for key, value in held.items()
        )
    return " ".join(worded(one) for one in held)


def _reader(sheet: Sheet, path: str, zone: zoneinfo.ZoneInfo) -> Callable[[Any], Any] | None:
    """What makes a cell of what JSON holds: an instant in the call's zone, a choice in words; None for as it is."""
    *relations, last = path.split("__")
    model = apps.get_model(sheet.model)
    for name in relations:
        model = model._meta.get_field(name).related_model
    column: Any = model._meta.pk if last == "pk" else model._meta.get_field(last)
    if isinstance(column, models.DateTimeField):
        return lambda text: dt.datetime.fromisoformat(text).astimezone(zone)
    if isinstance(column, models.JSONField):
        return _in_words
    if column.choices and not isinstance(column, CountryField):
        words = dict(column.flatchoices)
        return lambda code: str(words.get(code, code))
    return None
