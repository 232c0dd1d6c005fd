"""The input of the steps on match runs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from advisory.advisor import KINDS
from advisory.forms.advisors import own_programmes, programme_field
from advisory.forms.scoring import Weighed
from advisory.forms.solving import LimitsForm
from advisory.matchrun import OPEN_PROJECT, lacking, under_way
from advisory.project import Project
from facility.workflow.input import StepForm


class RequestMatch(LimitsForm, Weighed):
    """For which projects advisors are looked for."""

    programme = programme_field()
    kinds = forms.MultipleChoiceField(
        label=_("Kinds of advisor, one of each"),
        choices=KINDS[:2],
        initial=["business", "sustainability"],
        widget=forms.CheckboxSelectMultiple,
    )
    projects = forms.ModelMultipleChoiceField(
        label=_("Projects"),
        queryset=Project.objects.all(),
        required=False,
        help_text=_("None chosen: all that lack one."),
    )
    field_order = ("programme", "kinds", "projects")

    def prepare(self) -> None:
        """Own programmes and their open projects."""
        programmes = own_programmes(self.by)
        self.narrow_to("programme", programmes)
        rows = Project.objects.filter(programme__in=programmes, state__in=OPEN_PROJECT)
        self.narrow_to("projects", rows.select_related("application__lead_cluster").order_by("pk"))

    def clean(self) -> dict[str, Any]:
        """At least one project that lacks somebody."""
        data = super().clean() or {}
        if not data.get("programme") or not data.get("kinds"):
            return data
        rows = lacking(data["programme"], data["kinds"])
        chosen = [one.pk for one in data.get("projects") or []]
        data["projects"] = list(rows.filter(pk__in=chosen) if chosen else rows)
        if not data["projects"]:
            self.add_error("projects", _t("No project of this programme lacks an advisor of these kinds."))
        if said := under_way(data["programme"].pk, data["kinds"]):
            raise ValidationError(said)
        return data


class FinishMatch(StepForm):
    """From the solver: the result as a JSON object."""

    result = forms.JSONField()
    scores = forms.JSONField(required=False)


class FailMatch(StepForm):
    """From the solver: why there is no assignment."""

    why = forms.CharField(max_length=2000)


__all__ = ["FailMatch", "FinishMatch", "RequestMatch"]
