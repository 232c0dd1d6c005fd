"""What a coordinator sets for a match: its limits, and what is to be tried."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from advisory.equality import GENDERS, Equality
from facility.registry.evaluator import LANGUAGES
from facility.workflow.input import StepForm

LANGUAGE_DEMANDS = [
    ("", _("No demand beyond a common language")),
    ("official", _("An advisor of each project speaks a language of its country at B2 or better")),
]
WORDS = {
    "each_country": _("Projects of one country for an advisor, at most"),
    "each_sector": _("Projects of one ecosystem for an advisor, at most"),
    "country_places": _("Places for advisors from one country, at most"),
    "wish_points": _("Points for a wish of either side"),
}


def number(name: str, most: int, **kwargs: Any) -> forms.IntegerField:
    """A limit that may be left open."""
    return forms.IntegerField(label=WORDS[name], min_value=1, max_value=most, required=False, **kwargs)


class LimitsForm(StepForm):
    """The limits of a match run; what is left empty limits nothing."""

    language = forms.ChoiceField(label=_("Language of the country"), choices=LANGUAGE_DEMANDS, required=False)
    each_country = number("each_country", 20, help_text=_("Counted within this run, as are the limits below."))
    each_sector = number("each_sector", 20)
    country_places = number(
        "country_places", 500, help_text=_("Somebody who knows several countries counts for each of them.")
    )
    wish_points = number("wish_points", 50, help_text=_("Shown as a part of the score; empty: wishes do not count."))

    def limits(self) -> dict[str, Any]:
        """Those that were set."""
        return {name: self.cleaned_data.get(name) for name in LimitsForm.base_fields if self.cleaned_data.get(name)}


class Changes(forms.Form):
    """One or several things to try with a match run, each of two halves; choices are what the run knows."""

    do = forms.ChoiceField(
        label=_("What to do"), choices=[("", "–"), ("pin", _("Pin")), ("forbid", _("Forbid"))], required=False
    )
    advisor = forms.ChoiceField(label=_("Advisor"), required=False)
    project = forms.ChoiceField(label=_("Project"), required=False)
    capacity_of = forms.ChoiceField(label=_("Capacity of"), required=False)
    places = forms.IntegerField(label=_("Projects in this run"), min_value=0, max_value=20, required=False)
    language_for = forms.ChoiceField(label=_("An advisor at B2 for"), required=False)
    language = forms.ChoiceField(label=_("Language"), choices=[("", "–"), *LANGUAGES], required=False)

    def __init__(self, *args: Any, run: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind, names in (("advisors", ("advisor", "capacity_of")), ("projects", ("project", "language_for"))):
            known = sorted(((one["id"], one["label"]) for one in run.inputs.get(kind, ())), key=lambda one: one[1])
            for name in names:
                self.fields[name].choices = [("", "–"), *known]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Both halves of each, and at least one of them."""
        data = super().clean() or {}
        halves = (
            (("do", "advisor", "project"), _t("Say whether to pin or to forbid, and choose advisor and project.")),
            (("capacity_of", "places"), _t("Choose the advisor and the number of projects.")),
            (("language_for", "language"), _t("Choose the project and the language.")),
        )
        is_any = False
        for names, said in halves:
            given = [data.get(name) not in ("", None) for name in names]
            is_any = is_any or any(given)
            if any(given) and not all(given):
                self.add_error(names[given.index(False)], said)
        if not is_any and not self.errors:
            raise ValidationError(_t("Choose something to try."))
        return data

    def given(self) -> dict[str, Any]:
        """The input of the step that takes it over."""
        data = self.cleaned_data
        pair = {data["do"]: f"{data['advisor']}:{data['project']}"} if data["do"] else {}
        rest = {name: data[name] for name in ("capacity_of", "places", "language_for", "language")}
        return pair | {name: value for name, value in rest.items() if value not in ("", None)}


class AdjustMatch(StepForm):
    """A pair to pin, to forbid or to free, as `advisor:project`; a capacity, a demanded language.

    To free are also `capacity:<advisor>` and `language:<project>:<code>`.
    """

    pin = forms.CharField(max_length=80, required=False)
    forbid = forms.CharField(max_length=80, required=False)
    free = forms.CharField(max_length=120, required=False)
    capacity_of = forms.CharField(max_length=40, required=False)
    places = forms.IntegerField(min_value=0, max_value=20, required=False)
    language_for = forms.CharField(max_length=40, required=False)
    language = forms.ChoiceField(choices=[("", "–"), *LANGUAGES], required=False)

    def clean(self) -> dict[str, Any]:
        """At most one pair, something at all, and nobody whom the run does not know."""
        data = super().clean() or {}
        pairs = [(name, data[name]) for name in ("pin", "forbid", "free") if data.get(name)]
        has_capacity, has_language = bool(data.get("capacity_of")), bool(data.get("language_for"))
        if len(pairs) > 1 or not (pairs or has_capacity or has_language):
            raise ValidationError(_t("Give one pair to pin, to forbid or to free, a capacity, or a language."))
        inputs = self.record.inputs
        advisors, projects = ({one["id"] for one in inputs.get(kind, [])} for kind in ("advisors", "projects"))
        for name, pair in pairs:
            advisor, _colon, project = pair.partition(":")
            is_known = advisor in advisors and project in projects
            if not (is_known or (name == "free" and pair in self.held())):
                self.add_error(name, _t("The run knows no such pair."))
        if has_capacity and (data["capacity_of"] not in advisors or data.get("places") is None):
            self.add_error("capacity_of", _t("Choose an advisor of the run and the number of projects."))
        if has_language and (data["language_for"] not in projects or not data.get("language")):
            self.add_error("language_for", _t("Choose a project of the run and a language."))
        return data

    def held(self) -> set[str]:
        """What can be freed."""
        changes = self.record.changes
        languages = changes.get("languages", {}).items()
        return {
            *self.record.pins,
            *self.record.forbids,
            *(f"capacity:{advisor}" for advisor in changes.get("capacity", {})),
            *(f"language:{project}:{code}" for project, codes in languages for code in codes),
        }


class EqualityForm(StepForm):
    """What somebody tells of themselves; nothing is an answer too."""

    gender = forms.ChoiceField(label=_("Gender"), choices=[("", _("I do not say")), *GENDERS], required=False)

    def prepare(self) -> None:
        """What was told before."""
        if isinstance(self.record, Equality) and not self.record._state.adding:
            self.initial["gender"] = self.record.gender


__all__ = ["AdjustMatch", "Changes", "EqualityForm", "LimitsForm"]
