"""The input of the steps that make one of two."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from advisory.advisor import Advisor
from facility.workflow.input import StepForm

# The further along somebody is, the less can be taken over by the other.
RANK = ("candidate", "shortlisted", "suspended", "pool")


class ToAdvisor(StepForm):
    """To which advisor a record goes; set by the step that it follows from."""

    advisor = forms.ModelChoiceField(label=_("Advisor"), queryset=Advisor.objects.all())


class Absorb(StepForm):
    """The advisor who is the same person."""

    other = forms.ModelChoiceField(label=_("Other advisor"), queryset=Advisor.objects.all())


class MergeAdvisors(StepForm):
    """Which of the two records stays."""

    keep = forms.ModelChoiceField(
        label=_("The record that stays"),
        queryset=Advisor.objects.none(),
        widget=forms.RadioSelect,
        empty_label=None,
        help_text=_("Its name, address and state stay; everything else is brought together."),
    )

    def prepare(self) -> None:
        """The two of the pair."""
        pair = [self.record.advisor_id, self.record.other_id]
        self.narrow_to("keep", Advisor.objects.filter(pk__in=[one for one in pair if one]).select_related("person"))
        field: Any = self.fields["keep"]
        field.label_from_instance = lambda one: f"{one}, {one.person.email or '–'}: {one.get_state_display()}"

    def clean(self) -> dict[str, Any]:
        """The one that is further along stays, and the two work on no project together."""
        data = super().clean() or {}
        keep = data.get("keep")
        gone = self.record.other if keep and keep.pk == self.record.advisor_id else self.record.advisor
        if keep is None or gone is None:
            return data
        data["gone"] = gone
        if gone.state in RANK and keep.state in RANK and RANK.index(gone.state) > RANK.index(keep.state):
            self.add_error("keep", _t("Keep the one who is further along: %s.") % gone.get_state_display())
        both = set(keep.live_projects()) & set(gone.live_projects())
        for name in sorted(name for _key, name in both):
            self.add_error("keep", _t("Both are on %s. End one of the two assignments first.") % name)
        return data


__all__ = ["Absorb", "MergeAdvisors", "ToAdvisor"]
