"""The input of steps on selections, and of the rules that a call declares."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import translation
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from facility import letter
from facility.application import Application
from facility.call import Call
from facility.instruments.letter import left_open
from facility.quotas import KINDS, LIMIT, TieRule
from facility.registry.cluster import ECOSYSTEMS
from facility.registry.label import LEVELS
from facility.roles import held
from facility.workflow.input import Rows, StepForm

from .registry import SHORT, Edits, long_text

MOST_POINTS = 100
# What a quota of a kind may name; a sector is any word.
VALUES = {"ecosystem": [key for key, _word in ECOSYSTEMS], "label": [key for key, _word in LEVELS]}


class SelectionForm(StepForm):
    """Of which call."""

    call = forms.ModelChoiceField(label=_("Call"), queryset=Call.objects.all())

    def prepare(self) -> None:
        """Calls of own programmes that have no released selection."""
        if self.by is not None:
            mine = held(self.by, "lead", "coordinator")
            self.narrow_to("call", Call.objects.filter(programme_id__in=mine).exclude(selections__state="released"))


class QuotaRow(forms.Form):
    """One quota: of what, and at least or at most how many."""

    kind = forms.ChoiceField(label=_("Of what"), choices=[("", "–"), *KINDS])
    value = forms.CharField(
        label=_("Which"),
        max_length=120,
        required=False,
        help_text=_("A country by its two letters, a sector or ecosystem by its name. Empty: each one."),
    )
    at_least = forms.IntegerField(label=_("At least"), min_value=0, max_value=500, required=False)
    at_most = forms.IntegerField(label=_("At most"), min_value=0, max_value=500, required=False)

    def clean(self) -> dict[str, Any]:
        """Something that occurs, with a number, and numbers that do not exclude each other."""
        data = super().clean() or {}
        kind, value = data.get("kind", ""), data.get("value", "")
        if kind in {"country", "countries"}:
            data["value"] = value = value.upper()
            if value and value not in dict(countries):
                self.add_error("value", _t("Give a country by its two letters, as ES."))
        elif value and kind in VALUES and value not in VALUES[kind]:
            self.add_error("value", _t("Give one of: %s.") % ", ".join(VALUES[kind]))
        least, most = data.get("at_least"), data.get("at_most")
        if not least and most is None:
            self.add_error("at_most", _t("Say how many at least or at most."))
        elif least and most is not None and least > most:
            self.add_error("at_most", _t("At most is less than at least."))
        if least and kind and not value:
            self.add_error("at_least", _t("At least is possible only for one that is named."))
        return data


class RulesForm(Edits):
    """Quotas, and how equal scores are put in order."""

    quotas = Rows(QuotaRow, maximum=60, label=_("Quotas"))
    tie_rule = forms.ChoiceField(label=_("Of equal scores comes first"), choices=TieRule.choices, initial="received")
    tie_criterion = forms.CharField(
        label=_("Criterion that decides equal scores"),
        max_length=120,
        required=False,
        help_text=_("Its name, when the named criterion decides."),
    )
    label_weight = forms.IntegerField(
        label=_("Points for a label"),
        min_value=0,
        max_value=MOST_POINTS,
        initial=0,
        help_text=_("Added to the score for a gold label, less for silver and bronze; 0 leaves labels aside."),
    )

    def narrow(self) -> None:
        """The quotas there are."""
        self.initial["quotas"] = [{name: getattr(limit, name) for name in LIMIT} for limit in self.record.limits()]

    def clean(self) -> dict[str, Any]:
        """Each quota once, and a criterion that the call has."""
        data = super().clean() or {}
        named = [(row["kind"], row["value"]) for row in data.get("quotas") or []]
        if len(set(named)) < len(named):
            self.add_error("quotas", _t("Name each country, sector, ecosystem and label once."))
        call = getattr(self.record, "call", self.record)
        names = list(call.criteria.order_by("order").values_list("name", flat=True))
        if data.get("tie_rule") == TieRule.CRITERION and data.get("tie_criterion") not in names:
            self.add_error("tie_criterion", _t("Give one of the criteria of the call: %s.") % ", ".join(names))
        return data


class CallRulesForm(RulesForm):
    """What a call declares of its selection beside places, threshold and cap."""

    review_days = forms.IntegerField(label=_("Days to ask for a review"), min_value=1, max_value=90, initial=14)
    shares_comments = forms.BooleanField(
        label=_("Those who are not selected read the evaluators’ comments, without names"), required=False
    )


class SelectionRules(RulesForm):
    """The rules of one selection; the call's places are the most there can be."""

    field_order = ["places", "minimum_score", "country_cap", "reserve_places"]

    places = forms.IntegerField(label=_("Places"), min_value=1, max_value=500)
    minimum_score = forms.DecimalField(
        label=_("Minimum score"), min_value=0, max_value=100, max_digits=5, decimal_places=2
    )
    country_cap = forms.IntegerField(label=_("At most per country"), min_value=0, max_value=500, required=False)
    reserve_places = forms.IntegerField(label=_("Places on the reserve list"), min_value=0, max_value=500)
    reason = long_text(_("Why the rules depart from those of the call"), limit=2000, rows=3)

    def clean_places(self) -> int:
        """Never more than the call has."""
        places: int = self.cleaned_data["places"]
        if places > self.record.call.places:
            raise ValidationError(_t("The call has %d places.") % self.record.call.places)
        return places


class OverrideRow(forms.Form):
    """A decision against the order, always with a reason."""

    application = forms.ModelChoiceField(label=_("Application"), queryset=Application.objects.all())
    decision = forms.ChoiceField(label=_("Decision"), choices=[("", "–"), ("in", _("in")), ("out", _("out"))])
    reason = forms.CharField(label=_("Reason"), max_length=500)

    def clean_application(self) -> str:
        """The key as text, as the ranking names it."""
        return str(self.cleaned_data["application"].pk)


class ProposeSelection(StepForm):
    """Overrides, if any."""

    overrides = Rows(OverrideRow, maximum=50, label=_("Overrides"))

    def prepare(self) -> None:
        """Evaluated applications of the call; the overrides of the last proposal."""
        if self.record._state.adding:
            return
        evaluated = Application.objects.filter(call=self.record.call_id, state="evaluated").select_related(
            "lead_cluster"
        )
        self.fields["overrides"].row_context = {"application": evaluated.order_by("lead_cluster__sort_name")}  # type: ignore[attr-defined]
        self.initial["overrides"] = [
            {"application": line.application_id, "decision": line.override, "reason": line.override_reason}
            for line in self.record.lines.exclude(override="")
        ]

    def clean(self) -> dict[str, Any]:
        """Each application once."""
        data = super().clean() or {}
        keys = [row["application"] for row in data.get("overrides") or []]
        if len(set(keys)) < len(keys):
            self.add_error("overrides", _t("Name each application once."))
        return data


class TriedOverride(OverrideRow):
    """The same in the simulator, where the number of the application is enough."""

    application = forms.CharField(label=_("Number of the application"), max_length=20)  # type: ignore[assignment]

    def clean_application(self) -> str:
        """The number as it stands; the simulation knows whose it is."""
        return str(self.cleaned_data["application"]).strip()


class Simulation(SelectionRules):
    """One set of rules as the simulator tries it; nothing is written, so no reason is needed."""

    reason = None  # type: ignore[assignment]
    overrides = Rows(TriedOverride, maximum=50, label=_("Overrides"))

    def narrow(self) -> None:
        """The present rules and overrides."""
        super().narrow()
        numbers = self.record.call.applications.filter(state="evaluated").values_list("number", "pk")
        self.keys = {number: str(pk) for number, pk in numbers}
        self.standing = [
            {"application": str(line.application_id), "decision": line.override, "reason": line.override_reason}
            for line in self.record.lines.exclude(override="")
        ]
        called = {key: number for number, key in self.keys.items()}
        self.initial["overrides"] = [
            row | {"application": called[row["application"]]} for row in self.standing if row["application"] in called
        ]

    def shown_rows(self, name: str) -> list[forms.Form]:
        """The row forms under the prefix of this set."""
        field: Any = self.fields[name]
        data = self.data if self.is_bound else None
        return list(field.formset(self.add_prefix(name), data, self.get_initial_for_field(field, name)))

    def clean_overrides(self) -> list[dict[str, Any]]:
        """Overrides of applications that are ranked, each once."""
        rows = self.cleaned_data["overrides"]
        unknown = sorted({row["application"] for row in rows} - self.keys.keys())
        if unknown:
            raise ValidationError(_t("No evaluated application has the number %s.") % ", ".join(unknown))
        if len({row["application"] for row in rows}) < len(rows):
            raise ValidationError(_t("Name each application once."))
        return [row | {"application": self.keys[row["application"]]} for row in rows]


class EditLetter(StepForm):
    """One letter that waits for the release."""

    letter = forms.ModelChoiceField(label=_("Letter"), queryset=letter.Letter.objects.all(), widget=forms.HiddenInput)
    subject = forms.CharField(label=_("Subject"), max_length=SHORT)
    body = long_text(_("Letter"), limit=10000, rows=16)

    def prepare(self) -> None:
        """Letters of this selection only."""
        self.narrow_to("letter", self.record.staged())


class WordLetter(StepForm):
    """What all letters of a kind say in a language."""

    kind = forms.ChoiceField(label=_("Kind of letter"), choices=letter.Kind.choices)
    language = forms.ChoiceField(
        label=_("Language"),
        choices=settings.LANGUAGES,
        help_text=_("Where a language has no wording, English is sent."),
    )
    subject = forms.CharField(label=_("Subject"), max_length=SHORT)
    body = long_text(_("Letter"), limit=10000, rows=16)

    def wording(self, kind: str, language: str) -> tuple[str, str]:
        """What letters of this kind say now."""
        own = self.record.call.letter_texts.filter(kind=kind, language=language).first()
        if own:
            return own.subject, own.body
        with translation.override(language):
            return letter.usual(kind)

    def clean(self) -> dict[str, Any]:
        """Only fields that have a value in every letter of the kind."""
        data = super().clean() or {}
        there = letter.fields_of(data.get("kind") or "")
        for name in ("subject", "body"):
            unknown = [field for field in left_open(data.get(name) or "") if field not in there]
            if unknown:
                said = _t("Letters of this kind have no %(fields)s. They have: %(all)s.")
                self.add_error(
                    name,
                    said
                    % {
                        "fields": ", ".join(f"{{{one}}}" for one in unknown),
                        "all": ", ".join(f"{{{one}}}" for one in there),
                    },
                )
        return data
