"""The input of steps on calls."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility import questions
from facility.call import FULL_WEIGHT, SCALE_AT_MOST
from facility.call_parts import worded
from facility.registry.programme import Programme
from facility.roles import held
from facility.workflow import clock
from facility.workflow.input import ReasonForm, Rows, StepForm

from .registry import SHORT, Edits, long_text, zone_field
from .zoned import ZonedTimeField, in_zone, wall

IN_ITS_ZONE = _("As 2021-02-04 09:00, in the time zone given below.")

LINE_OF_A_POINT = re.compile(r"(\d{1,2})\s*[:=–-]?\s+(\S.{0,299})", re.ASCII)


class PointsField(forms.CharField):
    """What points of the scale stand for, one to a line: “5 sufficient”. Cleaned: [{"points", "means"}]."""

    widget = forms.Textarea(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        """The lines again."""
        return "\n".join(f"{one['points']} {one['means']}" for one in value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[dict[str, Any]]:
        """Each point once, in order; ValidationError names the line that is none."""
        found: dict[int, str] = {}
        for line in super().clean(value).splitlines():
            if not line.strip():
                continue
            match = LINE_OF_A_POINT.fullmatch(line.strip())
            if match is None:
                raise ValidationError(
                    _t("Begin each line with a point of the scale, as “5 sufficient”: %s") % line[:60]
                )
            if int(match[1]) in found:
                raise ValidationError(_t("The point %s stands here twice.") % match[1])
            found[int(match[1])] = match[2]
        return [{"points": points, "means": found[points]} for points in sorted(found)]


class CriterionRow(forms.Form):
    """One criterion."""

    name = forms.CharField(label=_("Criterion"), max_length=120)
    weight = forms.IntegerField(label=_("Weight"), min_value=1, max_value=FULL_WEIGHT)
    guidance = forms.CharField(label=_("Guidance"), max_length=1000, required=False)
    threshold = forms.DecimalField(
        label=_("Points needed to pass"),
        min_value=0,
        max_value=SCALE_AT_MOST,
        max_digits=4,
        decimal_places=2,
        required=False,
    )
    points = PointsField(
        label=_("What the points mean"),
        max_length=2000,
        required=False,
        help_text=_("A line for each point that you want to explain, as “5 sufficient”."),
    )


class CallForm(Edits):
    """A call's particulars, rules and criteria."""

    programme = forms.ModelChoiceField(label=_("Programme"), queryset=Programme.objects.all())
    title_text = forms.CharField(label=_("Title"), max_length=SHORT)
    summary = long_text(_("What it offers"), required=False)
    who_may_apply = long_text(
        _("Who may apply"), required=False, help_text=_("Empty: the usual conditions, as the public page says them.")
    )
    opens_at = ZonedTimeField(label=_("Opens"), help_text=IN_ITS_ZONE)
    closes_at = ZonedTimeField(label=_("Closes"), help_text=IN_ITS_ZONE)
    zone = zone_field()
    places = forms.IntegerField(label=_("Places"), min_value=1, max_value=500)
    minimum_score = forms.DecimalField(
        label=_("Minimum score"), min_value=0, max_value=100, max_digits=5, decimal_places=2
    )
    country_cap = forms.IntegerField(label=_("At most per country"), min_value=1, required=False)
    reserve_places = forms.IntegerField(label=_("Places on the reserve list"), min_value=0, max_value=500, initial=10)
    evaluations_required = forms.IntegerField(
        label=_("Evaluations per application"), min_value=1, max_value=5, initial=2
    )
    spread_threshold = forms.DecimalField(label=_("Spread that needs a note"), min_value=0, max_value=100, initial=25)
    scale = forms.IntegerField(
        label=_("Highest score of a criterion"),
        min_value=1,
        max_value=SCALE_AT_MOST,
        initial=SCALE_AT_MOST,
        required=False,
    )
    question_days = forms.IntegerField(
        label=_("Days before closing without questions"),
        min_value=0,
        max_value=60,
        required=False,
        help_text=_("Questions can be asked until so many days before the call closes. Empty: until it closes."),
    )
    is_blind = forms.BooleanField(label=_("Evaluators see no names, countries or websites"), required=False)
    criteria = Rows(CriterionRow, minimum=1, maximum=20, label=_("Criteria"), help_text=_("Weights sum to 100."))

    def narrow(self) -> None:
        """Own programmes; criteria of the draft."""
        if self.by is not None:
            self.narrow_to("programme", Programme.objects.filter(pk__in=held(self.by, "lead", "coordinator")))
        if not self.record._state.adding:
            for name in ("opens_at", "closes_at"):
                self.initial[name] = wall(getattr(self.record, name), self.record.zone)
            self.initial["criteria"] = list(self.record.criteria.order_by("order").values(*CriterionRow.base_fields))

    def clean(self) -> dict[str, Any]:
        """Times in the zone of the call and in order, points on the scale."""
        data = super().clean() or {}
        for name in ("opens_at", "closes_at"):
            if data.get(name) and data.get("zone"):
                try:
                    data[name] = in_zone(data[name], data["zone"])
                except ValidationError as refused:
                    self.add_error(name, refused)
        if data.get("opens_at") and data.get("closes_at") and data["closes_at"] <= data["opens_at"]:
            self.add_error("closes_at", _t("The closing time lies before the opening time."))
        scale = data["scale"] = data.get("scale") or SCALE_AT_MOST
        for criterion in data.get("criteria") or []:
            if max([criterion["threshold"] or 0, *(one["points"] for one in criterion["points"])]) > scale:
                said = _t("%(criterion)s: nothing lies above the highest score, which is %(scale)d.")
                self.add_error("criteria", said % {"criterion": criterion["name"], "scale": scale})
        return data


class ExtendCall(ReasonForm):
    """A later closing time."""

    closes_at = ZonedTimeField(label=_("New closing time"))

    def prepare(self) -> None:
        """The present closing time, in the zone of the call."""
        self.fields["closes_at"].help_text = _t("As 2021-02-04 09:00, in the time of %s.") % self.record.zone
        self.initial["closes_at"] = wall(self.record.closes_at, self.record.zone)

    def clean_closes_at(self) -> Any:
        """Later than now and than before."""
        closes = in_zone(self.cleaned_data["closes_at"], self.record.zone)
        if closes <= max(self.record.closes_at, clock.now()):
            raise ValidationError(_t("Give a time later than the present closing time."))
        return closes


class WriteQuestions(StepForm):
    """All questions of a call; the form is replaced as a whole."""

    sections = forms.JSONField(label=_("Questions"), required=False)

    def clean_sections(self) -> questions.Form:
        """The form, or a sentence for every path that is wrong."""
        try:
            return questions.parse(self.cleaned_data["sections"])
        except questions.Malformed as refused:
            error = ValidationError(_t("The questions are not right."))
            error.rows = {path.removeprefix("sections"): [worded(said)] for path, said in refused.errors.items()}  # type: ignore[attr-defined]
            raise error from None
