"""The office's eligibility check: the checklist beside the application, one after the other, and the whole queue."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from facility import eligibility
from facility.application import Application
from facility.application_pages import answers, documents
from facility.call import Call
from facility.roles import office
from facility.workflow.show import carried, state_tag, step_url
from facility.workflow.steps import NotFound
from facility.workflow.web import StepPage

SUBMITTED = Application.State.SUBMITTED
PENDING = [SUBMITTED, Application.State.RETURNED]


class CheckPage(StepPage):
    """The checklist of one application; saving and deciding lead to the next that is open."""

    model = Application

    def show(self, form: Any, status: int = 200, **more: Any) -> HttpResponse:
        """The checklist; the general page where the application is elsewhere or somebody saved in between."""
        if self.record.state != SUBMITTED or "stale" in more:
            return super().show(form, status, **more)
        self.template = "facility/eligibility.html"  # type: ignore[misc]
        return self.page(self.checklist(form) | more, status)

    def checklist(self, form: Any) -> dict[str, Any]:
        """What the page shows."""
        record, facts = self.record, eligibility.facts_of(self.record)
        deciding = (
            form if "reason_code" in form.fields else record.form_for(record.step("declare_ineligible"), by=self.person)
        )
        rows = form.shown_rows("answers")
        for row in rows:
            row.fields["reason"].widget.attrs["placeholder"] = _("Note; needed for a waiver")
        reasons = _reasons()
        points = [
            {"text": point.text, "row": row, "fact": facts.get(point.fact), "reason": reasons[point.reason_code]}
            for point, row in zip(form.points, rows, strict=False)
        ]
        return {
            "record": record,
            "title": record.title(),
            "lang": record.lang,
            "lede": f"{record.number} · {record.lead_cluster.country.name} · {record.title_text}",
            "queue": Queue(record.call, record.pk).shown(),
            "form": form,
            "points": points,
            "answered": _("%(done)d of %(total)d answered") % {"done": len(form.saved), "total": len(points)},
            "deciding": deciding,
            "facts": self.facts(),
            "parts": record.parts_for("participant"),
            "documents": documents(record),
            "hidden": carried(record),
            **{f"{name}_url": step_url(record, record.step(name)) for name in STEPS},
            "return_url": step_url(record, record.step("return_for_clarification")),
            "record_url": record.get_absolute_url(),
            "blocked_by": [],
        }

    def facts(self) -> list[dict[str, Any]]:
        """What the applicant wrote."""
        record = self.record
        named = [
            (_("Motivation"), record.motivation),
            (_("Context"), record.context),
            (_("Training needs"), record.training_needs),
        ]
        return [{"label": label, "value": value} for label, value in named if value] + answers(record)

    def after(self, record: Application) -> str:
        """On to the next that is open; to the queue when none is left."""
        return Queue(record.call, record.pk).next_url()


STEPS = ("check_eligibility", "declare_eligible", "declare_ineligible")


def _reasons() -> dict[str, str]:
    return {code: str(said) for code, said in Application._meta.get_field("reason_code").choices or []}


class Queue:
    """The applications of a call that wait for a decision on eligibility, in the order of their numbers."""

    def __init__(self, call: Call, at: Any = None) -> None:
        self.call, self.at = call, at
        rows = call.applications.exclude(state__in=["draft", "withdrawn"]).order_by("number", "pk")
        self.rows = list(rows.values_list("pk", "state"))
        self.open = [key for key, state in self.rows if state == SUBMITTED]

    def next_url(self) -> str:
        """The next open one after this, from the start again after the last."""
        keys = [key for key, _state in self.rows]
        at = keys.index(self.at) if self.at in keys else -1
        later = [key for key in [*keys[at + 1 :], *keys[: max(at, 0)]] if key in self.open]
        return _page(later[0]) if later else reverse("eligibility-queue", kwargs={"pk": self.call.pk})

    def shown(self) -> dict[str, Any]:
        """Progress and neighbours."""
        at = self.open.index(self.at) if self.at in self.open else -1
        return {
            "done": sum(state not in PENDING for _key, state in self.rows),
            "total": len(self.rows),
            "url": reverse("eligibility-queue", kwargs={"pk": self.call.pk}),
            "call": self.call.title_text,
            "previous_url": _page(self.open[at - 1]) if at > 0 else "",
            "next_url": _page(self.open[at + 1]) if 0 <= at < len(self.open) - 1 else "",
        }


def _page(key: Any) -> str:
    return reverse("check-eligibility", kwargs={"pk": key})


def call_of_office(request: HttpRequest, pk: Any) -> Call:
    """The call, for its office; for everybody else there is none."""
    call = Call.objects.filter(office.q(request.user), pk=pk).select_related("programme").first()
    if call is None:
        raise NotFound(_("There is no such record."))
    return call


@login_required
def queue(request: HttpRequest, pk: Any, **fixed: Any) -> HttpResponse:
    """How far the eligibility check of a call is: every application with its answers, and where to go on."""
    call = call_of_office(request, pk)
    points = eligibility.points_of(call)
    said = Count("checks", distinct=True)
    refused = Count("checks", filter=Q(checks__answer=eligibility.NO), distinct=True)
    bids = (
        Application.objects.filter(call=call)
        .exclude(state__in=["draft", "withdrawn"])
        .select_related("lead_cluster")
        .annotate(said=said, refused=refused)
        .order_by("number", "pk")
    )
    rows = [
        [
            {"value": f"{one.number} {one.title()}", "url": _row_url(one), "lang": one.lang},
            one.lead_cluster.country.name,
            _("%(done)d of %(total)d") % {"done": one.said, "total": len(points)},
            one.refused or "",
            state_tag(one),
        ]
        for one in bids
    ]
    queue, reasons = Queue(call), _reasons()
    context = {
        "call": call,
        "call_url": call.get_absolute_url(),
        "queue": queue.shown(),
        "next_url": _page(first) if (first := next(iter(queue.open), None)) else "",
        "points": [{"text": point.text, "reason": reasons[point.reason_code]} for point in points],
        "columns": [_("Application"), _("Country"), _("Answered"), _("No"), _("State")],
        "rows": rows,
    }
    return render(request, "facility/eligibility_queue.html", context)


def _row_url(one: Application) -> str:
    return _page(one.pk) if one.state == SUBMITTED else one.get_absolute_url()
