"""The input of a step: one form for the web and the API, and the JSON Schema that follows from it.

A form field is a member of the JSON object; a `Rows` field is an array of objects (scores, partners, firms) and on the
web a formset. Errors are named by path: `firms[2].name`.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models
from django.db.models import QuerySet
from django.forms.fields import BaseTemporalField
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from . import door


class RowsWidget(forms.Widget):
    """Carries the raw rows of a formset from a posted form, or an array from JSON, to the field."""

    template_name = "workflow/rows.html"
    field: Rows

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """A list of raw rows: taken as it is from JSON, gathered by index from a posted form."""
        if not isinstance(data, QueryDict):
            return data.get(name)
        try:
            total = min(int(data.get(f"{name}-TOTAL_FORMS", 0)), self.field.maximum + 50)
        except ValueError:
            total = 0
        rows = []
        for at in range(total):
            prefix = f"{name}-{at}-"
            row = {n: f.widget.value_from_datadict(data, files, prefix + n) for n, f in self.field.row_fields().items()}
            if data.get(f"{prefix}DELETE") or not any(v not in (None, "", [], False) for v in row.values()):
                continue
            rows.append(row)
        return rows

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """Whether the form came without these rows at all."""
        return f"{name}-TOTAL_FORMS" not in data and name not in data


class Rows(forms.Field):
    """An array of rows, each validated by the form class `row`.

    minimum, maximum: how many rows are accepted. The cleaned value is a list of the rows' cleaned_data.
    """

    widget: Any = RowsWidget

    def __init__(self, row: type[forms.Form], *, minimum: int = 0, maximum: int = 100, **kwargs: Any) -> None:
        self.row, self.minimum, self.maximum = row, minimum, maximum
        self.row_context: dict[str, Any] = {}
        super().__init__(required=minimum > 0, **kwargs)
        self.widget.field = self

    def __deepcopy__(self, memo: dict[int, Any]) -> Rows:
        copied = super().__deepcopy__(memo)
        copied.row_context = dict(self.row_context)
        copied.widget.field = copied
        return copied

    def row_form(self, data: Any = None, *, prefix: str | None = None, initial: Any = None) -> forms.Form:
        """One row's form."""
        form = self.row(data, prefix=prefix, initial=initial)
        for name, value in self.row_context.items():
            form.fields[name].queryset = value  # type: ignore[attr-defined]
        for field in form.fields.values():
            # A browser sends a value for every select; without an empty one, no row would ever count as left empty.
            choices: Any = getattr(field, "choices", ())
            if type(field) is forms.ChoiceField and all(value != "" for value, _label in choices):
                field.choices = [("", "–"), *choices]
        return form

    def row_fields(self) -> dict[str, forms.Field]:
        """The fields of a row."""
        return self.row_form().fields

    def formset(
        self, name: str, data: Any = None, initial: list[Any] | None = None, extra: int = 1
    ) -> list[forms.Form]:
        """The row forms to show: those posted or those given, and `extra` empty ones."""
        given = self.widget.value_from_datadict(data, {}, name) if data is not None else None
        rows = given if isinstance(given, list) else None
        forms_ = []
        for at, row in enumerate(rows if rows is not None else initial or []):
            prefix = f"{name}-{at}"
            bound = {f"{prefix}-{key}": value for key, value in row.items()} if rows is not None else None
            forms_.append(self.row_form(bound, prefix=prefix, initial=None if bound else row))
        wanted = max(len(forms_) + extra, self.minimum)
        return forms_ + [self.row_form(prefix=f"{name}-{at}") for at in range(len(forms_), wanted)]

    def clean(self, value: Any) -> list[dict[str, Any]]:
        """The cleaned rows; raises ValidationError whose `rows` attribute maps paths to sentences."""
        if value in (None, ""):
            value = []
        if not isinstance(value, list):
            raise ValidationError(_("Give a list of rows."))
        if len(value) < self.minimum:
            raise ValidationError(_("Give at least %(n)d rows.") % {"n": self.minimum})
        if len(value) > self.maximum:
            raise ValidationError(_("Give at most %(n)d rows.") % {"n": self.maximum})
        cleaned, faults = [], {}
        for at, row in enumerate(value):
            if not isinstance(row, dict):
                faults[f"[{at}]"] = [_("Give an object with named fields.")]
                continue
            form = self.row_form(row)
            faults |= {f"[{at}].{name}": [_("There is no such field.")] for name in row if name not in form.fields}
            wrong = _wrong_types(form, row)
            faults |= {f"[{at}].{name}": said for name, said in wrong.items()}
            if form.is_valid() and not wrong:
                cleaned.append(dict(form.cleaned_data))
            else:
                for name, said in form.errors.items():
                    path = f"[{at}]" if name == NON_FIELD_ERRORS else f"[{at}].{name}"
                    faults.setdefault(path, [str(one) for one in said])
        if faults:
            error = ValidationError(_("Some rows are not right."))
            error.rows = faults  # type: ignore[attr-defined]
            raise error
        return cleaned


class StepForm(forms.Form):
    """Base of every step's input. `record` and `by` are set before the fields are prepared by `prepare`."""

    def __init__(self, data: Any = None, files: Any = None, *, record: Any, by: Any, **kwargs: Any) -> None:
        self.record, self.by = record, by
        self.row_errors: dict[str, list[str]] = {}
        super().__init__(data, files, **kwargs)
        self.prepare()
        self.keep_to_columns()

    def keep_to_columns(self) -> None:
        """A number that its column cannot hold is refused by the field."""
        columns = {column.name: column for column in self.record._meta.concrete_fields}
        for name, field in self.fields.items():
            if isinstance(field, forms.IntegerField) and isinstance(columns.get(name), models.IntegerField):
                field.validators = [*field.validators, *columns[name].validators]

    def prepare(self) -> None:
        """Narrows choices and sets first values from `self.record` and `self.by`."""

    def narrow_to(self, name: str, rows: QuerySet) -> None:
        """Leaves only these rows to choose from in the field of this name."""
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 (a programming error, not an input)
        field.queryset = rows

    @property
    def is_consequence(self) -> bool:
        """Whether the step follows from another record's step; its input then comes from code, not from people."""
        passage = door.current()
        return passage is not None and passage.outer is not None

    def _clean_fields(self) -> None:
        self._check_json()
        super()._clean_fields()  # type: ignore[misc]  # Django's own; its types leave it out
        for name in list(self.errors):
            for error in self.errors[name].as_data():
                for path, said in getattr(error, "rows", {}).items():
                    self.row_errors[f"{name}{path}"] = said

    def _check_json(self) -> None:
        """From JSON and code: no unknown field, and each value of a type that its field can take."""
        if isinstance(self.data, QueryDict):
            return
        for name in self.data:
            if name not in self.fields:
                self.add_error(
                    None, ValidationError(_("There is no field “%(name)s” here.") % {"name": str(name)[:60]})
                )
        for name, said in _wrong_types(self, self.data).items():
            self.add_error(name, ValidationError(said))
            self.data = {key: value for key, value in self.data.items() if key != name}

    def flat_errors(self) -> dict[str, list[str]]:
        """Every error by path; errors of the form as a whole stand under an empty path."""
        flat = {
            "" if name == NON_FIELD_ERRORS else name: [str(one) for one in said]
            for name, said in self.errors.items()
            if not any(path.startswith((f"{name}[", f"{name}.")) for path in self.row_errors)
        }
        return flat | self.row_errors

    def shown_rows(self, name: str) -> list[forms.Form]:
        """The row forms of a Rows field as a page shows them."""
        field = self.fields[name]
        data = self.data if self.is_bound else None
        return field.formset(name, data, self.get_initial_for_field(field, name))  # type: ignore[attr-defined]


def _wrong_types(form: forms.Form, data: Mapping[str, Any]) -> dict[str, list[str]]:
    given = {name: data.get(name) for name in form.fields}
    said = {name: _wrong_type(form.fields[name], value) for name, value in given.items() if value not in (None, "")}
    return {name: [sentence] for name, sentence in said.items() if sentence}


def _wrong_type(field: forms.Field, value: Any) -> str:
    """What is wrong with a value as JSON has it; empty when the field can judge it."""
    if isinstance(value, str):
        cannot_be_kept = "\x00" in value or any("\ud800" <= sign <= "\udfff" for sign in value)
        return _("The text holds signs that cannot be stored.") if cannot_be_kept else ""
    if isinstance(field, forms.JSONField):
        return ""
    if isinstance(value, dict):
        return _("Give a plain value, not an object.")
    if isinstance(value, list | tuple):
        listed = isinstance(field, Rows | forms.MultipleChoiceField | forms.ModelMultipleChoiceField)
        return "" if listed else _("Give one value, not a list.")
    is_number = isinstance(value, bool | int | float | Decimal)
    if is_number and isinstance(field, BaseTemporalField):
        return _("Give a date or a time as text, as 2027-01-31.")
    if is_number and isinstance(field, forms.CharField):
        return _("Give a text.")
    if isinstance(value, bool) and isinstance(field, forms.IntegerField):
        return _("Give a number.")
    return ""


def choices_of(model: type[models.Model], name: str) -> list[tuple[Any, Any]]:
    """The values of a column and their words."""
    column: Any = model._meta.get_field(name)
    return list(column.choices)


class ReasonForm(StepForm):
    """A step that needs nothing but a reason."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"), widget=forms.Textarea(attrs={"rows": 3}), max_length=2000, strip=True
    )


def json_schema(form: forms.Form) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a form's input."""
    properties = {name: field_schema(field) for name, field in form.fields.items()}
    required = [name for name, field in form.fields.items() if field.required]
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})


SIMPLE: list[tuple[type[forms.Field], dict[str, Any]]] = [
    (forms.FileField, {"type": "string", "format": "binary"}),
    (forms.JSONField, {}),
    (forms.ModelMultipleChoiceField, {"type": "array", "items": {"type": "string", "format": "uuid"}}),
    (forms.ModelChoiceField, {"type": "string", "format": "uuid"}),
    (forms.MultipleChoiceField, {"type": "array", "items": {"type": "string"}}),
    (forms.NullBooleanField, {"type": ["boolean", "null"]}),
    (forms.BooleanField, {"type": "boolean"}),
    (forms.DateTimeField, {"type": "string", "format": "date-time"}),
    (forms.DateField, {"type": "string", "format": "date"}),
    (forms.DecimalField, {"type": ["number", "string"]}),
    (forms.FloatField, {"type": "number"}),
    (forms.IntegerField, {"type": "integer"}),
    (forms.EmailField, {"type": "string", "format": "email"}),
    (forms.URLField, {"type": "string", "format": "uri"}),
]


def field_schema(field: forms.Field) -> dict[str, Any]:
    """The JSON Schema of one field."""
    if isinstance(field, Rows):
        made: dict[str, Any] = {"type": "array", "items": json_schema(field.row_form()), "maxItems": field.maximum}
        if field.minimum:
            made["minItems"] = field.minimum
    else:
        made = next((dict(said) for kind, said in SIMPLE if isinstance(field, kind)), {"type": "string"})
    if isinstance(field, forms.ChoiceField) and not isinstance(field, forms.ModelChoiceField):
        values = [str(value) for value, _label in _flat_choices(field.choices) if value != ""]
        target = made["items"] if made.get("type") == "array" else made
        target["enum"] = values + ([""] if not field.required and target is made else [])
    for name, attribute in (("minimum", "min_value"), ("maximum", "max_value"), ("maxLength", "max_length")):
        limit = getattr(field, attribute, None)
        if limit is not None and "format" not in made:
            made[name] = float(limit) if isinstance(limit, Decimal) else limit
    if field.label:
        made["title"] = str(field.label)
    if field.help_text:
        made["description"] = str(field.help_text)
    return made


def _flat_choices(choices: Any) -> list[tuple[Any, Any]]:
    flat: list[tuple[Any, Any]] = []
    for value, label in choices:
        flat.extend(label if isinstance(label, list | tuple) else [(value, label)])
    return flat


def plain(value: Any) -> Any:
    """A value of a form as JSON can hold it, for the fingerprint of a request."""
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    return json.loads(json.dumps(value, default=str, sort_keys=True))
