"""The figures of a call as pages with charts, and each table as CSV."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from facility.call import Call
from facility.figures import Figure, figures_of, public_figures_of
from facility.workflow import sheets
from facility.workflow.steps import NotFound

# The chart in units of its own, about the pixels of a phone: label above bar, number at the end of the bar.
WIDTH, LINE, BAR, ROOM = 340, 40, 14, 44


@login_required
def call_figures(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """All figures, for the office and the observers of the programme."""
    call = Call.objects.filter(Call.faces.staff.q(request.user), pk=pk).select_related("programme").first()
    if call is None:
        raise NotFound(_("There is no such record."))
    return _page(request, call, figures_of(call), reverse("call-export", kwargs={"pk": call.pk}))


def public_figures(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """Funnel and countries, for everybody once the selection is released."""
    released = Call.objects.filter(selections__state="released", pk=pk)
    call = released.filter(Call.visible().q(request.user)).select_related("programme").first()
    if call is None:
        raise NotFound(_("There is no such record."))
    return _page(request, call, public_figures_of(call), "")


def _page(request: HttpRequest, call: Call, figures: list[Figure], export_url: str) -> HttpResponseBase:
    if request.GET.get("as") == "csv":
        found = next((one for one in figures if one.name == request.GET.get("table")), None)
        if found is None:
            raise NotFound(_("There is no such table."))
        return sheets.answer("csv", found.name, [sheets.Table(found.name, found.head, found.rows)])
    context = {
        "call": call,
        "figures": [{"figure": one, "chart": chart(one), "csv_url": f"?as=csv&table={one.name}"} for one in figures],
        "exports": [
            {"label": _("The whole call as XLSX"), "url": export_url},
            {"label": _("The whole call as a ZIP of CSVs"), "url": f"{export_url}?as=zip"},
        ]
        if export_url
        else [],
        "call_url": call.get_absolute_url() if export_url else "",
    }
    return render(request, "facility/figures.html" if export_url else "facility/figures_public.html", context)


def chart(figure: Figure) -> dict[str, Any]:
    """Bars of the second column by the labels of the first, as SVG coordinates."""
    most = max((float(row[1]) for row in figure.rows), default=0) or 1
    room = WIDTH - ROOM
    return {
        "width": WIDTH,
        "height": LINE * len(figure.rows),
        "bars": [
            {
                "label": row[0],
                "value": row[1],
                "text_y": at * LINE + 14,
                "bar_y": at * LINE + 20,
                "width": round(room * float(row[1]) / most, 1),
                "value_x": round(room * float(row[1]) / most, 1) + 6,
                "value_y": at * LINE + 20 + BAR - 2,
            }
            for at, row in enumerate(figure.rows)
        ],
        "bar_height": BAR,
    }
