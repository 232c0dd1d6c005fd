"""The input of the steps by which an application is written, and the form of its page."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.call_parts import worded
from facility.drafting import ANSWER, OWN_FIELDS, TEXTS
from facility.merging import Change, digest
from facility.papers import AREAS, ApplicationDocument, KeptText
from facility.questions import NotAnAnswer, Question, wording
from facility.registry import declaration
from facility.registry.documents import ACCEPTED
from facility.registry.programme import Programme
from facility.roles import held
from facility.workflow.input import ReasonForm, Rows, StepForm

from .registry import ReceiveDocument, long_text

# A draft holds more than may be handed in, so that nothing is cut off while somebody is still shortening it.
LONGEST, NEEDS_AT_MOST, FEW = 40_000, len(AREAS), 6
# An answer of more characters gets a large box.
LONG = 600
TAB = re.compile(r"[A-Za-z0-9-]{1,40}", re.ASCII)


def clean_value(record: Any, name: str, raw: Any) -> Any:
    """A value of one field of a draft as it is kept; ValidationError when the field cannot hold it."""
    if name.startswith(ANSWER):
        try:
            return record.asks.clean(name.removeprefix(ANSWER), raw)
        except NotAnAnswer as refused:
            raise ValidationError(worded(refused.sentence)) from None
    if name == "needs":
        return _needs(raw)
    if name == "strategic_focus":
        if raw in (None, ""):
            return None
        if not isinstance(raw, bool) and str(raw) in {"1", "2", "3", "4", "5"}:
            return int(raw)
        raise ValidationError(_t("Give a number from 1 to 5."))
    return _text(raw, TEXTS[name] if name == "title_text" else LONGEST)


def _text(raw: Any, longest: int) -> str:
    if raw is None:
        return ""
    if not isinstance(raw, str):
        raise ValidationError(_t("Give a text."))
    text = raw.replace("\r\n", "\n").replace("\r", "\n").strip()
    if "\x00" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise ValidationError(_t("The text holds signs that cannot be stored."))
    if len(text) > longest:
        raise ValidationError(_t("Give at most %d characters.") % longest)
    return text


def _needs(raw: Any) -> list[dict[str, str]]:
    if not isinstance(raw, list) or not all(isinstance(row, dict) and set(row) <= {"area", "text"} for row in raw):
        raise ValidationError(_t("Give a list of rows."))
    if len(raw) > NEEDS_AT_MOST:
        raise ValidationError(_t("Give at most %(n)d rows.") % {"n": NEEDS_AT_MOST})
    rows = [{"area": row.get("area") or "", "text": _text(row.get("text"), 500)} for row in raw]
    if any(row["area"] not in {"", *dict(AREAS)} for row in rows):
        raise ValidationError(_t("Choose an area of the list."))
    return [row for row in rows if row["area"] or row["text"]]


class AutosaveForm(StepForm):
    """What was changed in one tab: {field: {"value", "base"}}, the base being the digest of what it was typed over."""

    tab = forms.RegexField(TAB, max_length=40)
    turn = forms.IntegerField(min_value=0, max_value=2**31 - 1)
    changes = forms.JSONField()

    def clean_changes(self) -> dict[str, Change]:
        """Each change with a value that its field can hold; errors are named by field, such as changes.motivation."""
        raw, opened = self.cleaned_data["changes"], set(self.record.open_fields())
        if not isinstance(raw, dict):
            raise ValidationError(_t("Give an object with named fields."))
        writable = opened & set(self.record.draft())
        found, faults = {}, {}
        for name, one in raw.items():
            if name not in writable:
                faults[f".{name[:60]}"] = [_t("This field is not open now.")]
            elif not isinstance(one, dict) or set(one) != {"value", "base"} or not isinstance(one["base"], str):
                faults[f".{name}"] = [_t("Give the value and the base that it was typed over.")]
            else:
                try:
                    found[name] = Change(clean_value(self.record, name, one["value"]), one["base"])
                except ValidationError as refused:
                    faults[f".{name}"] = list(refused.messages)
        if faults:
            error = ValidationError(_t("Some fields are not right."))
            error.rows = faults  # type: ignore[attr-defined]
            raise error
        return found


class SettleForm(StepForm):
    """Which of two texts stands; `seen` is the digest of the saved one as it was compared."""

    kept = forms.ModelChoiceField(queryset=KeptText.objects.none(), widget=forms.HiddenInput)
    take = forms.BooleanField(label=_("Take this text"), required=False)
    seen = forms.CharField(max_length=16, required=False, widget=forms.HiddenInput)

    def prepare(self) -> None:
        """The texts of this application."""
        self.narrow_to("kept", self.record.kept_texts.all())

    def clean(self) -> dict[str, Any]:
        """What is overwritten is what was seen."""
        data = super().clean() or {}
        kept = data.get("kept")
        if kept is not None and kept.field not in self.record.draft():
            data["take"] = False
        elif kept is not None and data.get("take") and data.pop("seen", "") != digest(self.record.draft()[kept.field]):
            raise ValidationError(_t("The saved text has changed since you compared. Look at both again."))
        data.pop("seen", None)
        return data


class SignForm(StepForm):
    """The version of the declaration that was read."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def prepare(self) -> None:
        """The one in force."""
        if self.record.programme_id:
            self.initial["version"] = declaration.in_force(self.record.programme_id).number

    def clean_version(self) -> int:
        """It is still in force."""
        version = self.cleaned_data["version"]
        if version != self.initial.get("version"):
            raise ValidationError(_t("The declaration has a new text. Read it, then sign."))
        return version


class DeclarationForm(StepForm):
    """A version of the declaration of honour."""

    programme = forms.ModelChoiceField(label=_("Programme"), queryset=Programme.objects.all())
    text = long_text(_("Text"), limit=4000, rows=8)
    texts = forms.JSONField(label=_("Text by language"), required=False, initial=dict)

    def prepare(self) -> None:
        """Programmes that the person leads."""
        if getattr(self.by, "pk", None):
            self.narrow_to("programme", Programme.objects.filter(pk__in=held(self.by, "lead")))

    def clean_texts(self) -> dict[str, str]:
        """An object of language to text."""
        texts = self.cleaned_data["texts"] or {}
        if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
            raise ValidationError(_t('Give an object of language to text, such as {"nl": "…"}.'))
        return texts


class AddDocument(StepForm):
    """A file, and the question that it answers."""

    file = forms.FileField(label=_("File"), max_length=200)
    question = forms.ChoiceField(label=_("For"), required=False, choices=[])

    clean_file = ReceiveDocument.clean_file

    def prepare(self) -> None:
        """Questions that ask for a file and are open now; or none, for a supporting document."""
        opened, language = self.record.open_fields(), get_language() or "en"
        found = [
            (one.key, wording(one.label, language))
            for one in self.record.asks.questions.values()
            if one.kind == "file" and f"{ANSWER}{one.key}" in opened
        ]
        general = [("", _("Supporting document"))] if "documents" in opened else []
        said = {"kinds": ", ".join(ACCEPTED), "limit": settings.DOCUMENT_MAX_BYTES // 1_000_000}
        self.fields["file"].help_text = _t("Accepted are: %(kinds)s; up to %(limit)d MB.") % said
        field: Any = self.fields["question"]
        field.choices, field.required = [*general, *found], not general


class RemoveDocument(StepForm):
    """Which file."""

    paper = forms.ModelChoiceField(label=_("Document"), queryset=ApplicationDocument.objects.none())

    def prepare(self) -> None:
        """Files of fields that are open now."""
        opened = self.record.open_fields()
        keys = [name.removeprefix(ANSWER) for name in opened] + ([""] if "documents" in opened else [])
        self.narrow_to("paper", self.record.files().filter(question__in=keys))


class AskClarification(ReasonForm):
    """A question to the applicant, and the fields that are opened for the answer."""

    reason = long_text(_("Your question"), limit=2000)

    def prepare(self) -> None:
        """Own fields and those of the call; `fields` cannot be a name in the class, where Django keeps its own."""
        record, names = self.record, [*OWN_FIELDS, "documents"]
        names += [f"{ANSWER}{question.key}" for question in record.asks.asked(record.all_answers())]
        self.fields["fields"] = forms.MultipleChoiceField(
            label=_("Fields that the applicant may change"),
            choices=[(name, record.field_label(name)) for name in names],
            widget=forms.CheckboxSelectMultiple,
        )
        self.fields["days"] = forms.IntegerField(label=_("Days to answer"), min_value=1, max_value=60, initial=7)


class ClarifyApplication(StepForm):
    """The answer to a request for clarification."""

    clarification = long_text(_("Your answer"))


# -- the page on which an application is written


class RankingWidget(forms.Widget):
    """A number for each of the eleven areas; the value is the list of areas, the first first."""

    template_name = "facility/ranking_widget.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """The areas with their ranks."""
        context, value = super().get_context(name, value, attrs), value or []
        ranks = {area: at for at, area in enumerate(value, 1)}
        context["areas"] = [{"key": key, "label": label, "rank": ranks.get(key, "")} for key, label in AREAS]
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        """Those that have a number, in the order of the numbers."""
        given = [(data.get(f"{name}-{area}", "").strip(), area) for area, _label in AREAS]
        return [area for _rank, area in sorted((int(rank), area) for rank, area in given if rank.isdecimal())]

    def id_for_label(self, id_: str, index: Any = None) -> str:
        """The group itself."""
        return id_


class DraftNeed(forms.Form):
    """One need of a draft, perhaps half said."""

    area = forms.ChoiceField(label=_("Area"), choices=[("", "–"), *AREAS], required=False)
    text = forms.CharField(label=_("In your words"), max_length=500, required=False)


class WriteApplication(StepForm):
    """The fields that are open now, with what stands in them. Nothing is refused here: see `clean_value`."""

    def prepare(self) -> None:
        """Own fields first, then the questions of the call."""
        values, opened = self.record.draft(), self.record.open_fields()
        made = own_fields() | {
            f"{ANSWER}{key}": field_for(one) for key, one in self.record.asks.questions.items() if one.kind != "file"
        }
        for name, field in made.items():
            if name in opened:
                self.fields[name] = field
                self.initial[name] = values[name]

    def keep_to_columns(self) -> None:
        """Numbers come as they are typed."""

    def sent(self) -> dict[str, Any]:
        """What was posted, by field, as `clean_value` takes it."""
        return {
            name: field.widget.value_from_datadict(self.data, self.files, name) for name, field in self.fields.items()
        }


def own_fields() -> dict[str, forms.Field]:
    """The fields that every application has."""
    focus = [("", _("Not rated")), *((str(n), str(n)) for n in range(1, 6))]
    return {
        "title_text": forms.CharField(label=_("Title"), max_length=TEXTS["title_text"], required=False),
        "motivation": _counted(_("Motivation"), TEXTS["motivation"], _("Why your cluster, why now.")),
        "context": _counted(_("Context"), TEXTS["context"], _("Region, maturity, members and sector.")),
        "training_needs": _counted(
            _("Training needs"), TEXTS["training_needs"], _("What your members or your team should learn.")
        ),
        "strategic_focus": forms.ChoiceField(
            label=_("Strategic focus on the green transition"),
            choices=focus,
            required=False,
            widget=forms.RadioSelect,
            help_text=_("1: we have not chosen yet, 5: it leads what we do."),
        ),
        "needs": Rows(DraftNeed, maximum=NEEDS_AT_MOST, label=_("Needs, the most important first")),
    }


def _counted(label: Any, limit: int, help_text: Any, unit: str = "characters", rows: int = 8) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows, "data-limit": limit, "data-unit": unit})
    return forms.CharField(label=label, required=False, help_text=help_text, widget=widget)


def field_for(question: Question) -> forms.Field:
    """The field in which a question is answered."""
    language = get_language() or "en"
    said: dict[str, Any] = {
        "label": wording(question.label, language),
        "help_text": wording(question.help, language),
        "required": False,
    }
    options = [(one.value, wording(one.label, language)) for one in question.options]
    if question.kind == "text" and question.limit:
        rows = 8 if length_of(question) > LONG else 3
        return _counted(said["label"], question.limit, said["help_text"], question.unit, rows)
    if question.kind == "text":
        return forms.CharField(**said, widget=forms.Textarea(attrs={"rows": 3}))
    if question.kind == "number":
        return forms.CharField(**said, widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "few"}))
    if question.kind == "choice":
        widget = forms.RadioSelect if len(options) <= FEW else forms.Select
        return forms.ChoiceField(**said, choices=[("", _t("No answer")), *options], widget=widget)
    if question.kind == "multiple":
        return forms.MultipleChoiceField(**said, choices=options, widget=forms.CheckboxSelectMultiple)
    if question.kind == "date":
        return forms.DateField(**said, widget=forms.DateInput(attrs={"type": "date"}))
    if question.kind == "table":
        cells = {column.key: _cell(column, language) for column in question.columns}
        row = type("TableRow", (forms.Form,), cells)
        del said["required"]
        return Rows(row, maximum=question.rows, **said)
    return forms.Field(**said, widget=RankingWidget)


def length_of(question: Question) -> int:
    """About how many characters an answer may have."""
    return (question.limit or 0) * (6 if question.unit == "words" else 1)


def _cell(column: Any, language: str) -> forms.Field:
    label = wording(column.label, language)
    if column.kind == "date":
        return forms.DateField(label=label, required=False, widget=forms.DateInput(attrs={"type": "date"}))
    widget = forms.TextInput(attrs={"inputmode": "decimal"} if column.kind == "number" else {})
    return forms.CharField(label=label, required=False, max_length=500, widget=widget)
