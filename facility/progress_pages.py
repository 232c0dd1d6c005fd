"""The office's view of an evaluation: how far it is, scores side by side, and how evaluators compare."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from facility import calibration
from facility.application import Application
from facility.call import Call
from facility.eligibility_pages import call_of_office
from facility.evaluation import Evaluation, Score
from facility.registry.people import Person
from facility.workflow.clock import Timer
from facility.workflow.show import carried, state_tag
from facility.workflow.web import StepPage

GOING = ("assigned", "in_progress")


# -- scores side by side


class ScoresPage(StepPage):
    """The submitted scores of one application side by side, and the way out of a wide spread."""

    model = Application

    def show(self, form: Any, status: int = 200, **more: Any) -> HttpResponse:
        """The table, the spread and the note."""
        self.template = "facility/scores.html"  # type: ignore[misc]
        record = self.record
        found = list(
            record.evaluations.exclude(state=Evaluation.State.RECUSED)
            .select_related("evaluator")
            .order_by("evaluator__sort_name", "pk")
        )
        given = [one for one in found if one.state == Evaluation.State.SUBMITTED]
        rows, comments = side_by_side(record.call, given)
        totals = [one.total for one in given if one.total is not None]
        spread, limit = (max(totals) - min(totals) if totals else Decimal()), record.call.spread_threshold
        context = {
            "title": record.title(),
            "lang": record.lang,
            "lede": f"{record.number} · {record.title_text}",
            "record_url": record.get_absolute_url(),
            "call": record.call,
            "progress_url": reverse("evaluation-progress", kwargs={"pk": record.call_id}),
            "columns": [_("Criterion"), _("Weight"), *[one.evaluator.name for one in given], _("Mean"), _("Apart")],
            "rows": rows if given else [],
            "comments": comments,
            "waiting": [one.evaluator.name for one in found if one.state in GOING],
            "is_wide": spread > limit,
            "spread": _("The evaluators are %(spread)s points apart; this call asks for a word above %(limit)s.")
            % {"spread": number_format(_tidy(spread)), "limit": number_format(_tidy(limit))},
            "third_url": f"{reverse('assign-evaluators', kwargs={'pk': record.call_id})}?third={record.pk}",
            "form": form,
            "hidden": carried(record),
            "blocked_by": more.pop("blocked_by", None) or self.blocked(),
            "submit_label": self.step.label,
        }
        return self.page(context | more, status)

    def after(self, record: Application) -> str:
        """On to the whole evaluation."""
        return reverse("evaluation-progress", kwargs={"pk": record.call_id})


def side_by_side(call: Call, given: list[Evaluation]) -> tuple[list[list[Any]], list[dict[str, Any]]]:
    """(a row for each criterion and one for the totals, the comments by criterion) of submitted evaluations."""
    scores: dict[tuple[Any, Any], Score] = {
        (one.criterion_id, one.evaluation_id): one for one in Score.objects.filter(evaluation__in=given)
    }
    rows, comments = [], []
    for criterion in call.criteria.order_by("order"):
        said = [scores.get((criterion.pk, one.pk)) for one in given]
        values = [one.value for one in said if one and one.value is not None]
        rows.append(_line(criterion.name, criterion.weight, [one.value if one else None for one in said], values))
        texts = [
            {"who": one.evaluator.name, "text": score.comment}
            for one, score in zip(given, said, strict=True)
            if score and score.comment
        ]
        comments.append({"criterion": criterion.name, "texts": texts})
    totals = [one.total for one in given if one.total is not None]
    rows.append(_line(_("Total"), 100, [one.total for one in given], totals))
    comments.append(
        {
            "criterion": _("Overall"),
            "texts": [{"who": one.evaluator.name, "text": one.comment} for one in given if one.comment],
        }
    )
    return rows, comments


def _line(name: str, weight: int, cells: list[Any], values: list[Any]) -> list[Any]:
    mean = sum(values) / len(values) if values else None
    apart = max(values) - min(values) if values else None
    shown = [{"value": "" if one is None else number_format(_tidy(one)), "align": "right"} for one in cells]
    ends = [{"value": "" if one is None else number_format(_tidy(one)), "align": "right"} for one in (mean, apart)]
    return [name, weight, *shown, *ends]


def _tidy(number: Decimal) -> Decimal:
    """To two places, without zeros at its end."""
    rounded = round(number, 2)
    return rounded.quantize(Decimal(1)) if rounded == rounded.to_integral_value() else rounded.normalize()


# -- the whole evaluation of a call


@login_required
def progress(request: HttpRequest, pk: Any, **fixed: Any) -> HttpResponse:
    """Every application with its evaluations, wide spreads first where asked for; every evaluator with what is open."""
    call = call_of_office(request, pk)
    only_wide = request.GET.get("only") == "wide"
    bids = (
        Application.objects.filter(call=call, state__in=["eligible", "evaluated"])
        .select_related("lead_cluster")
        .prefetch_related("evaluations__evaluator")
        .order_by("number", "pk")
    )
    lines = [_progress(call, one) for one in bids]
    wide = [line for line in lines if line["is_wide"]]
    here = reverse("evaluation-progress", kwargs={"pk": call.pk})
    context = {
        "call": call,
        "call_url": call.get_absolute_url(),
        "done": sum(line["is_done"] for line in lines),
        "total": len(lines),
        "views": [
            {"label": _("All"), "url": here, "current": not only_wide},
            {"label": _("Far apart: %d") % len(wide), "url": f"{here}?only=wide", "current": only_wide},
        ],
        "columns": [_("Application"), _("Submitted"), _("Mean"), _("Apart"), _("State"), ""],
        "rows": [line["cells"] for line in (wide if only_wide else lines)],
        "people_columns": [_("Evaluator"), _("Open"), _("Submitted"), _("Recused"), _("Next due")],
        "people": _people(call),
        "assign_url": reverse("assign-evaluators", kwargs={"pk": call.pk}),
        "calibration_url": reverse("calibration", kwargs={"pk": call.pk}),
        "eligibility_url": reverse("eligibility-queue", kwargs={"pk": call.pk}),
    }
    return render(request, "facility/evaluation_progress.html", context)


def _progress(call: Call, bid: Application) -> dict[str, Any]:
    found = [one for one in bid.evaluations.all() if one.state != Evaluation.State.RECUSED]
    totals = [one.total for one in found if one.state == Evaluation.State.SUBMITTED and one.total is not None]
    apart = max(totals) - min(totals) if totals else None
    is_wide = apart is not None and apart > call.spread_threshold
    mean = sum(totals, Decimal()) / len(totals) if totals else None
    shown = "" if apart is None else number_format(_tidy(apart))
    cells = [
        {"value": f"{bid.number} {bid.title()}", "url": bid.get_absolute_url(), "lang": bid.lang},
        _("%(done)d of %(total)d") % {"done": len(totals), "total": max(call.evaluations_required, len(found))},
        {"value": "" if mean is None else number_format(_tidy(mean)), "align": "right"},
        {"label": shown, "tone": "warn"} if is_wide else {"value": shown, "align": "right"},
        state_tag(bid),
        {"value": _("Side by side"), "url": reverse("close-evaluation", kwargs={"pk": bid.pk})},
    ]
    return {"cells": cells, "is_wide": is_wide, "is_done": bid.state == "evaluated"}


def _people(call: Call) -> list[list[Any]]:
    rows = list(
        Evaluation.objects.filter(application__call=call).values_list("pk", "evaluator_id", "evaluator__name", "state")
    )
    due = dict(Timer.objects.filter(record_id__in=[row[0] for row in rows], step="").values_list("record_id", "due_at"))
    people: dict[Any, list[Any]] = {}
    for key, person, name, state in sorted(rows, key=lambda row: (row[2], str(row[1]))):
        line = people.setdefault(person, [name, 0, 0, 0, ""])
        line[1 if state in GOING else 2 if state == "submitted" else 3] += 1
        if key in due:
            line[4] = min(line[4] or due[key], due[key])
    return list(people.values())


# -- how evaluators compare


@login_required
def calibrate(request: HttpRequest, pk: Any, **fixed: Any) -> HttpResponse:
    """Mean, spread and difference of every evaluator, and each score beside what the model makes of it."""
    call = call_of_office(request, pk)
    given = Evaluation.objects.filter(application__call=call, state="submitted", total__isnull=False)
    rows = given.order_by("application__number", "pk").values_list("application_id", "evaluator_id", "total")
    found = calibration.calibrate(
        calibration.Total(str(application), str(evaluator), float(total))
        for application, evaluator, total in rows
        if total is not None
    )
    names = {str(key): name for key, name in _judges(given)}
    judged = Application.objects.filter(call=call, evaluations__in=given).select_related("lead_cluster").distinct()
    bids = {str(one.pk): one for one in judged}
    widest = max([abs(one.effect) for one in found.evaluators], default=0) or 1
    context = {
        "call": call,
        "call_url": call.get_absolute_url(),
        "progress_url": reverse("evaluation-progress", kwargs={"pk": call.pk}),
        "evaluators": [_evaluator(names[one.id], one, widest) for one in found.evaluators],
        "columns": [_("Application"), _("Totals"), _("Score"), _("Adjusted"), _("Difference")],
        "rows": [_score(bids[one.id], one) for one in found.scores],
    }
    return render(request, "facility/calibration.html", context)


def _judges(given: QuerySet) -> QuerySet:
    return Person.objects.filter(evaluations__in=given).distinct().values_list("pk", "name")


def _evaluator(name: str, one: calibration.Evaluator, widest: float) -> dict[str, Any]:
    """A line of the table; the bar leaves the middle (100 of 200) to the right for mild, to the left for strict."""
    width = 96 * abs(one.effect) / widest
    return {
        "name": name,
        "count": one.count,
        "mean": one.mean,
        "deviation": one.deviation,
        "against": _signed(one.against),
        "effect": _signed(one.effect),
        "x": f"{100 - (width if one.effect < 0 else 0):.1f}",
        "width": f"{width:.1f}",
    }


def _score(bid: Application, one: calibration.Score) -> list[Any]:
    return [
        {"value": f"{bid.number} {bid.title()}", "url": bid.get_absolute_url(), "lang": bid.lang},
        one.count,
        one.raw,
        one.adjusted,
        {"value": _signed(one.adjusted - one.raw), "align": "right"},
    ]


def _signed(value: float | None) -> str:
    """With its sign; a minus as printers set it."""
    if value is None:
        return ""
    shown = round(value, 1)
    sign = "+" if shown > 0 else "\N{MINUS SIGN}" if shown < 0 else ""
    return f"{sign}{number_format(abs(shown), 1)}"
