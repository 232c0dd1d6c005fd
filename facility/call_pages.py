"""A call as its staff see it."""

from __future__ import annotations

from typing import Any

from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext as _

from facility.application import Application
from facility.call import Call
from facility.workflow.web import DetailPage, page_of


def figures_url(call: Call) -> str:
    """Where the call is shown in figures."""
    return reverse("call-figures", kwargs={"pk": call.pk})


@page_of(Call)
class CallPage(DetailPage):
    """A call; staff see in one table how many applications stand where."""

    def context(self, record: Call) -> dict[str, Any]:
        """Facts and criteria, and the applications by state."""
        context = super().context(record)
        if record.face != "staff":
            return context
        figures = {"label": _("Figures"), "value": _("Charts, tables and files"), "url": figures_url(record)}
        context["facts"] += [figures]
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
        return context | {"parts": [part, *context["parts"]]}
