"""The output of a record: declared once, it gives the API's JSON, its schema and the columns of exports.

`shape` is a dict: member -> field path ("call__title"), a nested dict (an object), `Many(...)` (an array of rows that
point here), or any database expression. Prefixes of a member's name restrict it: `staff:` only staff see it,
`participant:` staff and those who take part. PostgreSQL builds the JSON; no row passes through Python objects.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Case, F, OuterRef, Q, QuerySet, When
from django.db.models.functions import Cast, JSONObject

from .steps import any_of

FACES = {"staff": ("staff", "participant", "public"), "participant": ("participant", "public"), "public": ("public",)}


@dataclass(frozen=True)
class Many:
    """An array: rows of `model` whose `to` points to the record, in `order`, each in its own shape."""

    model: str
    to: str
    shape: dict[str, Any]
    order: tuple[str, ...] = ("pk",)
    only: Q = field(default_factory=Q)


def members(shape: dict[str, Any], face: str) -> dict[str, Any]:
    """The members of a shape that this face shows, without their prefixes."""
    shown = {}
    for name, value in shape.items():
        level, colon, bare = name.partition(":")
        if not colon:
            level, bare = "public", name
        if level in FACES[face]:
            shown[bare] = value
    return shown


def hidden(model: Any, face: str) -> set[str]:
    """The columns that the model's shape gives to a higher face only; pages keep them from this one as well.

    With them the methods that put such a column into words (`show.labelled`, `tells`).
    """
    unseen = _columns(model.shape, "staff") - _columns(model.shape, face) if face != "staff" else set()
    return unseen | {name for name in model.columns if getattr(getattr(model, name, None), "tells", None) in unseen}


def readers_of(model: Any, columns: set[str], person: Any) -> Q:
    """The rows of which the person may read these columns; an order or a search, which would tell them, keeps to it."""
    faces = model.faces
    if columns & hidden(model, "participant"):
        return faces.staff.q(person)
    if columns & hidden(model, "public"):
        return any_of(faces.staff, faces.participant or faces.staff).q(person)
    return Q()


def _columns(shape: dict[str, Any], face: str) -> set[str]:
    found: set[str] = set()
    for value in members(shape, face).values():
        found |= _columns(value, face) if isinstance(value, dict) else {value} if isinstance(value, str) else set()
    return found


def build(shape: dict[str, Any], face: str) -> JSONObject:
    """The SQL expression that makes the JSON object of one row."""
    return JSONObject(**{name: _value(value, face) for name, value in members(shape, face).items()})


def _value(value: Any, face: str) -> Any:
    if isinstance(value, str):
        return F(value)
    if isinstance(value, dict):
        return build(value, face)
    if isinstance(value, Many):
        from django.apps import apps

        rows = apps.get_model(value.model)._base_manager.filter(value.only, **{value.to: OuterRef("pk")})
        return ArraySubquery(rows.order_by(*value.order).values_list(build(value.shape, face)))
    return value


def select(rows: QuerySet, person: Any) -> QuerySet:
    """Adds `json` (text) to each row, in the face that the person sees."""
    model = rows.model
    faces = model.faces
    head = {"id": "pk", "version": "version"} | ({"state": "state"} if model.has_states() else {})
    shape = head | model.shape
    whens = [When(faces.staff.q(person), then=build(shape, "staff"))]
    if faces.participant:
        whens.append(When(faces.participant.q(person), then=build(shape, "participant")))
    made = Case(*whens, default=build(shape, "public"), output_field=models.JSONField())
    return rows.annotate(json=Cast(made, models.TextField()))


def schema(model: Any) -> dict[str, Any]:
    """The JSON Schema of the record's output (the staff face, which has every member)."""
    head = {"id": "pk", "version": "version"} | ({"state": "state"} if model.has_states() else {})
    return _schema(model, head | model.shape)


def _schema(model: Any, shape: dict[str, Any]) -> dict[str, Any]:
    properties = {name: _member_schema(model, value) for name, value in members(shape, "staff").items()}
    return {"type": "object", "properties": properties}


TYPES: list[tuple[type[models.Field], dict[str, Any]]] = [
    (models.UUIDField, {"type": "string", "format": "uuid"}),
    (models.DateTimeField, {"type": "string", "format": "date-time"}),
    (models.DateField, {"type": "string", "format": "date"}),
    (models.BooleanField, {"type": "boolean"}),
    (models.DecimalField, {"type": "number"}),
    (models.FloatField, {"type": "number"}),
    (models.IntegerField, {"type": "integer"}),
    (models.JSONField, {}),
    (models.ForeignKey, {"type": "string", "format": "uuid"}),
]


def _member_schema(model: Any, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return _schema(model, value)
    if isinstance(value, Many):
        from django.apps import apps

        return {"type": "array", "items": _schema(apps.get_model(value.model), value.shape)}
    found = _field(model, value) if isinstance(value, str) else getattr(value, "output_field", None)
    made: dict[str, Any] = next((dict(said) for kind, said in TYPES if isinstance(found, kind)), {"type": "string"})
    if getattr(found, "null", False) and "type" in made:
        made["type"] = [made["type"], "null"]
    return made


def _field(model: Any, path: str) -> Any:
    found: Any = None
    for part in path.split("__"):
        if part == "pk":
            return model._meta.pk
        try:
            found = model._meta.get_field(part)
        except Exception:
            return models.JSONField()
        model = found.related_model or model
    return found
