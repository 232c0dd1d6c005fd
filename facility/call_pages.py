"""A call as its staff see it."""

from __future__ import annotations

from typing import Any

from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext as _

from facility.application import Application
from facility.call import Call
from facility.workflow.web import DetailPage, page_of


@page_of(Call)
class CallPage(DetailPage):
    """A call; staff see in one table how many applications stand where."""

    def context(self, record: Call) -> dict[str, Any]:
        """Facts and criteria, and the applications by state."""
        context = super().context(record)
        if record.face != "staff":
            return context
        words = dict(Application.State.choices)
        url = reverse("records", kwargs={"records": Application.records})
        counted = (
            Application.objects.visible_to(self.person).filter(call=record).values("state").annotate(n=Count("pk"))
        )
        number = {row["state"]: row["n"] for row in counted.order_by("state")}
        rows = [
            [{"value": str(words[state]), "url": f"{url}?state={state}&call={record.pk}"}, number[state]]
            for state in words
            if state in number
        ]
        part = {
            "title": _("Applications"),
            "columns": [_("State"), _("Number")],
            "rows": rows,
            "empty": _("No application is handed in yet."),
        }
        return context | {"parts": [part, *self.ways(record), *context["parts"]]}

    def ways(self, record: Call) -> list[dict[str, Any]]:
        """For the office: where eligibility and evaluation of the call are worked on."""
        if record.state not in {"open", "closed", "decided"} or not getattr(record, "_may_edit", False):
            return []
        named = [
            ("eligibility-queue", _("Eligibility"), _("The checklist, application by application.")),
            ("evaluation-progress", _("Evaluation"), _("Who judges what, how far it is, and who is far apart.")),
            ("calibration", _("How evaluators compare"), _("Mild and strict, and the scores without it.")),
        ]
        rows = [[{"value": word, "url": reverse(name, kwargs={"pk": record.pk})}, said] for name, word, said in named]
        return [
            {"title": _("Eligibility and evaluation"), "columns": [_("Page"), _("What for")], "rows": rows, "empty": ""}
        ]
