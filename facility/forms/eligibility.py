"""The input of the steps on eligibility: the checklist of a call, and the answers to it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility import eligibility
from facility.bid import INELIGIBLE
from facility.workflow.input import Rows, StepForm

POINTS_AT_MOST = 30


class PointRow(forms.Form):
    """One point of a call's checklist."""

    text = forms.CharField(label=_("What must be true"), max_length=300)
    reason_code = forms.ChoiceField(label=_("What the applicant reads if it is not"), choices=[("", "–"), *INELIGIBLE])
    fact = forms.ChoiceField(
        label=_("What the system shows beside it"), choices=[("", _("nothing")), *eligibility.FACTS], required=False
    )


class ChecklistForm(StepForm):
    """The points that make an application eligible in this call."""

    points = Rows(PointRow, maximum=POINTS_AT_MOST, label=_("Points"), help_text=_("Left empty, the usual five hold."))

    def prepare(self) -> None:
        """What holds now."""
        if not self.record._state.adding:
            self.initial["points"] = [
                {"text": str(point.text), "reason_code": point.reason_code, "fact": point.fact}
                for point in eligibility.points_of(self.record)
            ]

    def clean_points(self) -> list[dict[str, str]]:
        """Each point once, with a key that stands for it in the answers."""
        rows = [
            row | {"key": row["fact"] or f"{slugify(row['text'])[:30]}-{at}"}
            for at, row in enumerate(self.cleaned_data["points"], 1)
        ]
        facts = [row["fact"] for row in rows if row["fact"]]
        if len(set(facts)) < len(facts) or len({row["text"] for row in rows}) < len(rows):
            raise forms.ValidationError(_t("Name each point, and what is shown beside it, once."))
        return rows


class AnswerRow(forms.Form):
    """The answer to one point; one that has none yet is left for later."""

    point = forms.CharField(max_length=40, widget=forms.HiddenInput)
    answer = forms.ChoiceField(label=_("Answer"), choices=eligibility.ANSWERS, widget=forms.RadioSelect, required=False)
    reason = forms.CharField(label=_("Reason"), max_length=500, required=False)

    def clean(self) -> dict[str, Any]:
        """A waiver has its reason."""
        data = super().clean() or {}
        if data.get("answer") == eligibility.WAIVED and not data.get("reason"):
            self.add_error("reason", _t("Say why the point is waived."))
        return data


class EligibilityForm(StepForm):
    """Answers to points of the checklist; those that are not given stay as they were saved."""

    answers = Rows(AnswerRow, maximum=POINTS_AT_MOST, label=_("Checklist"))

    def prepare(self) -> None:
        """A row for each point, with what was saved."""
        if self.record._state.adding:
            return
        self.points = eligibility.points_of(self.record.call)
        self.saved = eligibility.answers_of(self.record)
        self.initial["answers"] = [{"point": point.key} | self.saved.get(point.key, {}) for point in self.points]

    def clean_answers(self) -> list[dict[str, str]]:
        """Known points, each once."""
        rows = self.cleaned_data["answers"]
        named = [row["point"] for row in rows]
        unknown = sorted(set(named) - {point.key for point in self.points})
        if unknown:
            raise forms.ValidationError(_t("The checklist has no such point: %s.") % ", ".join(unknown))
        if len(set(named)) < len(named):
            raise forms.ValidationError(_t("Answer each point once."))
        return [row for row in rows if row["answer"]]

    def answered(self) -> dict[str, Any]:
        """What holds once these answers are saved."""
        return self.saved | {row["point"]: row for row in self.cleaned_data.get("answers", [])}


class DeclareEligible(EligibilityForm):
    """The last answers, if any are missing."""

    def clean(self) -> dict[str, Any]:
        """Every point is met or waived."""
        data = super().clean() or {}
        if "answers" in data:
            for point in eligibility.not_met(self.points, self.answered()):
                answer = self.answered().get(point.key)
                said = _t("Answered with no: %s.") if answer else _t("Not answered yet: %s.")
                self.add_error("answers", said % point.text)
            self.check_country()
        return data

    def check_country(self) -> None:
        """Where a cluster is established is no judgement: what its profile says is waived or put right (E11)."""
        for point in self.points:
            answer = self.answered().get(point.key, {}).get("answer")
            if point.fact == "established" and answer == eligibility.YES:
                fact = eligibility.established(self.record)
                if not fact.holds:
                    said = _t("%(fact)s Answer with no, or waive the point with a reason.")
                    self.add_error("answers", said % {"fact": fact.said})


class DeclareIneligible(EligibilityForm):
    """Why an application is not eligible, by a point that is answered with no."""

    reason_code = forms.ChoiceField(label=_("Reason the applicant reads"), choices=[("", "–"), *INELIGIBLE])
    reason = forms.CharField(label=_("The reason in words"), widget=forms.Textarea(attrs={"rows": 3}), max_length=2000)

    def clean(self) -> dict[str, Any]:
        """The checklist bears the reason out."""
        data = super().clean() or {}
        code = data.get("reason_code")
        if code and "answers" in data and code not in eligibility.supported_reasons(self.points, self.answered()):
            self.add_error("reason_code", _t("No point with this reason is answered with no."))
        return data
