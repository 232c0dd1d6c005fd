"""The page that asks for a match run, its weights side by side."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from advisory.matchrun import MatchRun
from facility.workflow.web import StepPage, page_of


@page_of(MatchRun)
class MatchRunStep(StepPage):
    """The steps of a match run; a new one asks for the weights of the terms apart from the rest."""

    def show(self, form: Any, status: int = 200, **more: Any) -> HttpResponse:
        """The form, its fields in two groups."""
        if self.step.name == "request":
            self.template = "advisory/match_request.html"  # type: ignore[misc]
            fields = form.visible_fields()
            more["weights"] = [field for field in fields if field.name.startswith("weight_")]
            more["others"] = [field for field in fields if field not in more["weights"]]
        return super().show(form, status, **more)


__all__ = ["MatchRunStep"]
