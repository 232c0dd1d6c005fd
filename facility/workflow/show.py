"""How values, states and entries of records read on pages."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django_countries.fields import Country

from .engine import Record, words_of
from .input import choices_of
from .steps import Step
from .trail import Entry

Method = TypeVar("Method", bound=Callable[..., Any])


def carried(record: Any) -> dict[str, Any]:
    """What a form carries unseen: the version that the person has seen, and a key that makes repeated posts one act."""
    return {"_version": record.version, "_token": secrets.token_hex(12)}


def cell(record: Any, name: str) -> dict[str, Any]:
    """A named value of a record as a page shows it: {"label", "value", "align", "url", "lang"}."""
    owner: Any = record
    *path_, last = name.split("__")
    for part in path_:
        owner = getattr(owner, part, None)
    label = label_of(type(record), name)
    if owner is None:
        return {"label": label, "value": "", "align": "", "url": "", "lang": ""}
    try:
        column = type(owner)._meta.get_field(last)
    except FieldDoesNotExist:
        column = None
    value = getattr(owner, last)
    value = value() if callable(value) and not isinstance(value, models.Manager) else value
    url = lang = ""
    if isinstance(value, Record):
        url, lang, value = (
            (value.get_absolute_url() if value.records else ""),
            getattr(value, "lang", ""),
            value.title(),
        )
    elif isinstance(value, Country):
        value = value.name
    elif column is not None and getattr(column, "choices", None):
        value = words_of(column).get(value, value)
    align = "right" if isinstance(value, int | Decimal | float) and not isinstance(value, bool) else ""
    return {"label": label, "value": shown(value), "align": align, "url": url, "lang": lang}


def bare(record: Any, name: str) -> Any:
    """A named value of a record as a file holds it: numbers, days and instants as such, all else in words."""
    *path_, last = name.split("__")
    owner: Any = record
    for part in path_:
        owner = getattr(owner, part, None)
    value = getattr(owner, last, None)
    value = value() if callable(value) and not isinstance(value, models.Manager) else value
    if isinstance(value, dt.datetime):
        return timezone.localtime(value)
    if isinstance(value, bool | int | Decimal | float | dt.date):
        return value
    return str(cell(record, name)["value"])


def labelled(label: Any, tells: str = "") -> Callable[[Method], Method]:
    """Gives a method of a record its heading as a column or fact of pages, which `label_of` reads.

    tells: the column that it puts into words; where that one is hidden from a reader, so is this.
    """

    def mark(method: Method) -> Method:
        vars(method).update(label=label, tells=tells)
        return method

    return mark


def label_of(model: type[models.Model], name: str) -> str:
    """The heading of a named value: its field's name in words, or the `label` of a method."""
    *path_, last = name.split("__")
    owner: Any = model
    for part in path_:
        owner = owner._meta.get_field(part).related_model
    try:
        label = str(owner._meta.get_field(last).verbose_name)
    except FieldDoesNotExist:
        label = str(getattr(getattr(owner, last), "label", last.replace("_", " ")))
    return label[:1].upper() + label[1:]


def shown(value: Any) -> Any:
    """A value in the words of the active language."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, dt.datetime):
        return formats.date_format(timezone.localtime(value), "j M Y, H:i")
    if isinstance(value, dt.date):
        return formats.date_format(value, "j M Y")
    if isinstance(value, Decimal | float):
        number: Any = round(value, 2)
        return formats.number_format(number)
    if isinstance(value, list | tuple):
        return ", ".join(str(shown(one)) for one in value)
    return value if isinstance(value, int) else str(value) if isinstance(value, Promise) else value


TONE_ICONS = {
    "idle": "minus-outline",
    "active": "play-outline",
    "wait": "clock",
    "good": "check-filled",
    "warn": "warning-outline",
    "bad": "error-outline",
    "done": "check",
}


def state_tag(record: Any, face: str = "staff") -> dict[str, str] | None:
    """State as tone, icon and word; None for a plain record."""
    if not record.has_states():
        return None
    tone = record.tones.get(record.state, "idle")
    return {"value": record.state, "label": record.state_word(face), "tone": f"is-{tone}", "icon": TONE_ICONS[tone]}


def step_url(record: Any, step: Step) -> str:
    """The page of a step."""
    if step.creates():
        return reverse("new", kwargs={"records": record.records, "step": step.name})
    return reverse("step", kwargs={"records": record.records, "pk": record.pk, "step": step.name})


def own_language(record: Any) -> str:
    """The language of a record's title where it is known."""
    return getattr(record, "lang", "") or ""


def is_inside(entry: Entry, model: type[Record]) -> bool:
    """Whether an entry changes the state from one to another that outsiders know under the same name."""
    if not model.has_states() or entry.from_state == entry.to_state:
        return False
    words = {state: str(word) for state, word in choices_of(model, "state")}
    words |= {state: str(word) for state, word in model.outside_words.items()}  # type: ignore[attr-defined]
    return words.get(entry.from_state) == words.get(entry.to_state)


def told(entry: Entry, model: type[Record], *, staff: bool) -> dict[str, Any]:
    """One entry of the trail as pages show it."""
    step = model.steps().get(entry.step)
    words = dict(choices_of(model, "state")) if model.has_states() else {}
    if words and not staff:
        words |= model.outside_words  # type: ignore[attr-defined]
    detail = entry.detail
    changes = [
        {"field": name, "before": _as_kept(model, name, value[0]), "after": _as_kept(model, name, value[1])}
        for name, value in detail.changes.items()
        if not name.endswith("_id")
    ]
    return {
        "at": entry.effective_at,
        "who": str(entry.actor) if entry.actor else _("System"),
        "label": step.label if step else entry.step,
        "from": words.get(entry.from_state, entry.from_state) if words and entry.from_state != entry.to_state else "",
        "to": words.get(entry.to_state, entry.to_state) if words and entry.from_state != entry.to_state else "",
        "reason": detail.reason if staff else "",
        "changes": changes if staff else [],
        "number": entry.number,
        "via": entry.via,
    }


def _as_kept(model: type[Record], name: str, value: Any) -> Any:
    """A value of the trail, which keeps JSON, as its column would show it; as it is when the column is gone."""
    try:
        column: Any = model._meta.get_field(name)
    except FieldDoesNotExist:
        return shown(value)
    if getattr(column, "choices", None):
        return str(dict(column.flatchoices).get(value, value or ""))
    if isinstance(value, str) and isinstance(column, models.DateField | models.DecimalField):
        value = column.to_python(value)
    return shown(value)
