"""What is typed about one section or one question of a call while its form is being written.

These forms show and gather; what is right and wrong is judged for the whole form by `facility.questions.parse`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.forms.utils import ErrorDict
from django.http import QueryDict
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from facility.questions import COLUMN_KINDS, UNITS, wording
from facility.questions.drafting import Item, settings_of, slug
from facility.workflow.input import Rows

KIND_WORDS = {
    "text": _("Text"),
    "number": _("Number"),
    "choice": _("One of several answers"),
    "multiple": _("Any of several answers"),
    "date": _("Date"),
    "file": _("Document"),
    "table": _("Table"),
    "area_ranking": _("Ranking of the eleven areas"),
}
UNIT_WORDS = {"characters": _("characters"), "words": _("words")}
COLUMN_WORDS = {"text": _("Text"), "number": _("Number"), "date": _("Date")}
LANGUAGES = dict(settings.LANGUAGES)
BOUND_LABELS = {
    "number": (_("At least"), _("At most")),
    "multiple": (_("At least so many answers"), _("At most so many answers")),
    "area_ranking": (_("At least so many areas"), _("At most so many areas")),
}


def line(label: Any, lang: str, **attrs: Any) -> forms.CharField:
    """A text of one line in a language."""
    return forms.CharField(label=label, required=False, widget=forms.TextInput(attrs={"lang": lang, **attrs}))


class OptionRow(forms.Form):
    """An answer to choose; its name in the data is made of its English wording."""

    value = forms.CharField(required=False, widget=forms.HiddenInput)
    label_en = line(LANGUAGES["en"], "en")
    label_nl = line(LANGUAGES["nl"], "nl")
    label_de = line(LANGUAGES["de"], "de")
    label_fr = line(LANGUAGES["fr"], "fr")


class ColumnRow(OptionRow):
    """A column of a table."""

    kind = forms.ChoiceField(label=_("Holds"), choices=[(kind, COLUMN_WORDS[kind]) for kind in COLUMN_KINDS])


class Editor(forms.Form):
    """Shows an item and gathers it again. `errors` maps the rest of a path, as `options[0].label`, to a sentence."""

    def __init__(self, item: Item, errors: Mapping[str, str], fields: dict[str, forms.Field]) -> None:
        self.item, self.said = item, dict(errors)
        super().__init__(initial=self.flat(), auto_id="id_%s")
        self.fields.update(fields)
        self._errors = ErrorDict({name: self.error_class(self.about(name)) for name in self.fields if self.about(name)})

    def flat(self) -> dict[str, Any]:
        """The item as values of the fields."""
        return {
            f"{name}_{language}": _text(self.item.get(name)).get(language, "")
            for name in self.texts
            for language in LANGUAGES
        }

    def about(self, name: str) -> list[str]:
        """What is wrong with a field; what is wrong with a text as a whole is said at its English wording."""
        stem, _line, language = name.rpartition("_")
        paths = [name, f"{stem}.{language}"] + ([stem] if language == "en" else [])
        return [self.said[path] for path in paths if path in self.said]

    texts: tuple[str, ...] = ()

    def gathered(self, data: QueryDict) -> Item:
        """The item as posted."""
        raw = {name: field.widget.value_from_datadict(data, {}, name) for name, field in self.fields.items()}
        return {name: _languages(raw, name) for name in self.texts} | self.more(raw)

    def more(self, raw: dict[str, Any]) -> Item:
        """What an item has beside texts."""
        return {}

    def others(self) -> list[dict[str, Any]]:
        """The fields of the languages beside English."""
        return [
            {"language": words, "lang": code, "fields": [self[f"{name}_{code}"] for name in self.texts]}
            for code, words in LANGUAGES.items()
            if code != "en"
        ]


class SectionEditor(Editor):
    """A section: heading and what is said below it."""

    texts = ("title", "intro")

    def __init__(self, item: Item, errors: Mapping[str, str]) -> None:
        fields: dict[str, forms.Field] = {}
        for code in LANGUAGES:
            fields[f"title_{code}"] = line(_("Heading"), code)
            fields[f"intro_{code}"] = _paragraph(_("What is said below it"), code)
        super().__init__(item, errors, fields)


class QuestionEditor(Editor):
    """A question with the settings of its kind and its condition."""

    texts = ("label", "help")

    def __init__(self, item: Item, errors: Mapping[str, str], earlier: list[Item]) -> None:
        self.settings, self.earlier = settings_of(item), earlier
        made: dict[str, forms.Field] = {
            "kind": forms.ChoiceField(label=_("Kind of answer"), choices=list(KIND_WORDS.items()))
        }
        for code in LANGUAGES:
            made[f"label_{code}"] = line(_("Question"), code)
            made[f"help_{code}"] = _paragraph(_("Help"), code)
        made["required"] = forms.BooleanField(label=_("Must be answered"), required=False)
        made |= {name: field for name, field in _settings(str(item.get("kind"))).items() if name in self.settings}
        if earlier:
            made["when"] = forms.MultipleChoiceField(
                label=_("Ask it only where one of these is the answer"),
                choices=_conditions(earlier),
                required=False,
                widget=forms.CheckboxSelectMultiple,
            )
        super().__init__(item, errors, made)

    def flat(self) -> dict[str, Any]:
        """With settings, rows and condition."""
        item, condition = self.item, self.item.get("condition")
        held = {name: item.get(name) for name in ("kind", "required", "limit", "unit", "minimum", "maximum", "rows")}
        rows = {
            "options": [{"value": one.get("value", "")} | _flat_label(one) for one in _rows(item.get("options"))],
            "columns": [
                {"value": one.get("key", ""), "kind": one.get("kind")} | _flat_label(one)
                for one in _rows(item.get("columns"))
            ],
        }
        when = []
        if isinstance(condition, dict) and isinstance(condition.get("is"), list):
            key = condition.get("question")
            when = [value if ":" in str(value) else f"{key}:{value}" for value in condition["is"]]
        return super().flat() | held | rows | {"when": when}

    def about(self, name: str) -> list[str]:
        """With what is wrong with the condition, or with rows as a whole."""
        if name == "when":
            return [said for path, said in self.said.items() if path.startswith("condition")]
        return super().about(name)

    def shown_rows(self, name: str) -> list[forms.Form]:
        """The rows of answers or columns, each with what is wrong with it, and one that is empty."""
        field = self.fields[name]
        rows = field.formset(name, None, self.initial.get(name))  # type: ignore[attr-defined]
        for number, row in enumerate(rows):
            said = [said for path, said in self.said.items() if path.startswith(f"{name}[{number}]")]
            row._errors = ErrorDict({"label_en": row.error_class(said)} if said else {})
        return rows

    def more(self, raw: dict[str, Any]) -> Item:
        """Settings of the kind as numbers and lists; what cannot be read as a number stays as it was typed."""
        made: Item = {"kind": raw["kind"], "required": bool(raw["required"])}
        for name in ("limit", "minimum", "maximum", "rows"):
            if raw.get(name) not in (None, ""):
                made[name] = _number(raw[name])
        if raw.get("unit"):
            made["unit"] = raw["unit"]
        if "options" in raw:
            made["options"] = [
                {"value": row["value"], "label": _languages(row, "label")} for row in _named(raw["options"])
            ]
        if "columns" in raw:
            made["columns"] = [
                {"key": row["value"], "label": _languages(row, "label"), "kind": row["kind"] or "text"}
                for row in _named(raw["columns"])
            ]
        chosen = [one.partition(":") for one in raw.get("when") or []]
        if chosen:
            # Answers of several questions are no condition: those of the others stay ticked, and `parse` refuses them.
            first = chosen[0][0]
            values = [value if key == first else f"{key}:{value}" for key, _colon, value in chosen]
            made["condition"] = {"question": first, "is": values}
        return made


def _settings(kind: str) -> dict[str, forms.Field]:
    low, high = BOUND_LABELS.get(kind, BOUND_LABELS["number"])
    return {
        "limit": forms.CharField(label=_("At most"), required=False, widget=forms.NumberInput(attrs={"min": 1})),
        "unit": forms.ChoiceField(label=_("counted in"), choices=[(unit, UNIT_WORDS[unit]) for unit in UNITS]),
        "minimum": forms.CharField(label=low, required=False, widget=forms.NumberInput(attrs={"step": "any"})),
        "maximum": forms.CharField(label=high, required=False, widget=forms.NumberInput(attrs={"step": "any"})),
        "options": Rows(OptionRow, minimum=1, label=_("Answers")),
        "columns": Rows(ColumnRow, minimum=1, maximum=12, label=_("Columns")),
        "rows": forms.CharField(label=_("At most so many rows"), required=False, widget=forms.NumberInput),
    }


def _conditions(earlier: list[Item]) -> list[tuple[str, str]]:
    language = get_language() or "en"
    return [
        (f"{one.get('key')}:{option.get('value')}", f"{_say(one, language)}: {_say(option, language)}")
        for one in earlier
        for option in _rows(one.get("options"))
    ]


def _say(item: Item, language: str) -> str:
    return wording(_text(item.get("label")), language)


def _paragraph(label: Any, lang: str) -> forms.CharField:
    return forms.CharField(label=label, required=False, widget=forms.Textarea(attrs={"rows": 2, "lang": lang}))


def _rows(raw: Any) -> list[Item]:
    return [one for one in raw if isinstance(one, dict)] if isinstance(raw, list) else []


def _text(raw: Any) -> dict[str, str]:
    return {key: value for key, value in raw.items() if isinstance(value, str)} if isinstance(raw, dict) else {}


def _flat_label(row: Item) -> dict[str, str]:
    return {f"label_{code}": text for code, text in _text(row.get("label")).items()}


def _languages(raw: Mapping[str, Any], name: str) -> dict[str, str]:
    return {code: text for code in LANGUAGES if (text := (raw.get(f"{name}_{code}") or "").strip())}


def _number(raw: str) -> Any:
    try:
        value = float(raw)
    except ValueError:
        return raw
    return int(value) if value.is_integer() else value


def _named(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with a name in the data each: the one they have, else one made of their English wording."""
    taken = {row["value"] for row in rows if row["value"]}
    for row in rows:
        if not row["value"]:
            stem = slug(row.get("label_en") or "") or "answer"
            names = [stem, *(f"{stem}_{n}" for n in range(2, len(rows) + 2))]
            row["value"] = next(name for name in names if name not in taken)
            taken.add(row["value"])
    return rows
