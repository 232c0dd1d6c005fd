"""The input of steps on calls."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.call import FULL_WEIGHT
from facility.registry.programme import Programme
from facility.roles import held
from facility.workflow import clock
from facility.workflow.input import ReasonForm, Rows

from .registry import IN_OFFICE_TIME, SHORT, Edits, zone_field


class CriterionRow(forms.Form):
    """One criterion."""

    name = forms.CharField(label=_("Criterion"), max_length=120)
    weight = forms.IntegerField(label=_("Weight"), min_value=1, max_value=FULL_WEIGHT)
    guidance = forms.CharField(label=_("Guidance"), max_length=1000, required=False)


class CallForm(Edits):
    """A call's particulars, rules and criteria."""

    programme = forms.ModelChoiceField(label=_("Programme"), queryset=Programme.objects.all())
    title_text = forms.CharField(label=_("Title"), max_length=SHORT)
    opens_at = forms.DateTimeField(label=_("Opens"), help_text=IN_OFFICE_TIME)
    closes_at = forms.DateTimeField(label=_("Closes"), help_text=IN_OFFICE_TIME)
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
    is_blind = forms.BooleanField(label=_("Evaluators see no names, countries or websites"), required=False)
    criteria = Rows(CriterionRow, minimum=1, maximum=20, label=_("Criteria"), help_text=_("Weights sum to 100."))

    def narrow(self) -> None:
        """Own programmes; criteria of the draft."""
        if self.by is not None:
            self.narrow_to("programme", Programme.objects.filter(pk__in=held(self.by, "lead", "coordinator")))
        if not self.record._state.adding:
            self.initial["criteria"] = list(self.record.criteria.order_by("order").values("name", "weight", "guidance"))

    def clean(self) -> dict[str, Any]:
        """Dates in order."""
        data = super().clean() or {}
        if data.get("opens_at") and data.get("closes_at") and data["closes_at"] <= data["opens_at"]:
            self.add_error("closes_at", _t("The closing time lies before the opening time."))
        return data


class ExtendCall(ReasonForm):
    """A later closing time."""

    closes_at = forms.DateTimeField(label=_("New closing time"), help_text=IN_OFFICE_TIME)

    def clean_closes_at(self) -> Any:
        """Later than now and than before."""
        closes = self.cleaned_data["closes_at"]
        if closes <= max(self.record.closes_at, clock.now()):
            raise ValidationError(_t("Give a time later than the present closing time."))
        return closes
