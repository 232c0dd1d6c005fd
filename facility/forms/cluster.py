"""The input of steps on what hangs on a cluster: labels, assessments, cooperation, contacts, engagements."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from facility.registry.cluster import Cluster, manages, office_of
from facility.registry.label import LEVELS
from facility.roles import any_of
from facility.workflow import clock
from facility.workflow.steps import SYSTEM

from .registry import SHORT, Edits

DAY = {"type": "date"}


def day_field(label: Any, **more: Any) -> forms.DateField:
    """A day."""
    return forms.DateField(label=label, widget=forms.DateInput(attrs=DAY), **more)


class OfCluster(Edits):
    """A form on something that belongs to a cluster: one may choose those that one manages or looks after."""

    cluster = forms.ModelChoiceField(label=_("Cluster"), queryset=Cluster.objects.order_by("sort_name"))

    def narrow(self) -> None:
        """Own clusters only; where there is but one, it stands there already."""
        if self.by is None or self.by is SYSTEM or self.is_consequence:
            return
        mine = any_of(manages, office_of("pk")).q(self.by)
        self.narrow_to("cluster", Cluster.objects.filter(mine).order_by("sort_name"))

    def not_after_today(self, name: str) -> None:
        """Says that what has happened cannot lie ahead."""
        day = self.cleaned_data.get(name)
        if day and day > clock.today():
            self.add_error(name, _t("This day lies ahead."))

    def in_order(self, first: str, last: str, said: str) -> None:
        """Says `said` at `last` where it lies before `first`."""
        one, other = self.cleaned_data.get(first), self.cleaned_data.get(last)
        if one and other and other < one:
            self.add_error(last, said)


class LabelForm(OfCluster):
    """A label as its certificate says it."""

    level = forms.ChoiceField(label=_("Level"), choices=LEVELS)
    awarded_on = day_field(_("Awarded on"))
    valid_until = day_field(_("Valid until"), help_text=_("The last day, as the certificate has it."))
    issuer = forms.CharField(label=_("Issuer"), max_length=SHORT)

    def clean(self) -> dict[str, Any]:
        """Awarded already, and days in order."""
        data = super().clean() or {}
        self.not_after_today("awarded_on")
        self.in_order("awarded_on", "valid_until", _t("The label ends before it was awarded."))
        return data
