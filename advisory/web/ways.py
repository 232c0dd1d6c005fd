"""The ways between the lists of matching: runs, assignments, agreements, wishes and terms."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.text import capfirst

from advisory.agreement import Agreement
from advisory.assignment import Assignment
from advisory.matchrun import MatchRun
from advisory.preference import Preference
from advisory.terms import Terms
from facility.workflow.web import ListPage

LISTS = (MatchRun, Assignment, Agreement, Preference, Terms)


class WithWays(ListPage):
    """A list of matching; whoever reads as staff goes from one to the next."""

    def page(self, context: dict[str, Any], status: int = 200) -> HttpResponse:
        """With the ways, for the office and observers."""
        if self.person.roles_held() & {"lead", "coordinator", "observer"}:
            context["views"] = [
                {
                    "label": capfirst(str(model._meta.verbose_name_plural)),
                    "url": reverse("records", kwargs={"records": model.records}),
                    "current": model is self.model,
                }
                for model in LISTS
            ]
        return super().page(context, status)


__all__ = ["WithWays"]
