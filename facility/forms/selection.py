"""The input of steps on selections."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from facility.application import Application
from facility.call import Call
from facility.roles import held
from facility.workflow.input import Rows, StepForm


class SelectionForm(StepForm):
    """Of which call."""

    call = forms.ModelChoiceField(label=_("Call"), queryset=Call.objects.all())

    def prepare(self) -> None:
        """Calls of own programmes that have no released selection."""
        if self.by is not None:
            mine = held(self.by, "lead", "coordinator")
            self.narrow_to("call", Call.objects.filter(programme_id__in=mine).exclude(selections__state="released"))


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
