"""The evaluator's review: the declaration, the application beside the scores, the queue."""

from __future__ import annotations

import uuid
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from facility.application import Application
from facility.application_pages import answers
from facility.call import Call
from facility.evaluation import SCALE, Evaluation
from facility.interests import InterestsDeclaration
from facility.workflow import clock
from facility.workflow.show import carried
from facility.workflow.web import DetailPage, StepPage, page_of, step_url

ASSIGNED, IN_PROGRESS = Evaluation.State.ASSIGNED, Evaluation.State.IN_PROGRESS
OPEN = (ASSIGNED, IN_PROGRESS)
WRITING = ("submit", "save_draft")
# A question of the call is called by its first words where one goes to it.
SHORT = 28


class Queue:
    """The evaluations of one evaluator in one call, in the order of the applications' numbers."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        mine = Evaluation.objects.visible_to(evaluation.evaluator).filter(
            evaluator_id=evaluation.evaluator_id, application__call_id=evaluation.application.call_id
        )
        mine = mine.exclude(state=Evaluation.State.RECUSED)
        self.rows = list(mine.order_by("application__number", "id").values_list("pk", "state"))
        self.keys = [key for key, _state in self.rows]

    def next_open(self) -> str:
        """The page of the next one to judge after this; empty when none is left."""
        at = self.keys.index(self.evaluation.pk) if self.evaluation.pk in self.keys else -1
        later = self.rows[at + 1 :] + self.rows[: max(at, 0)]
        return next((_page(key) for key, state in later if state in OPEN), "")

    def shown(self) -> dict[str, Any]:
        """As parts/queue.html wants it."""
        at = self.keys.index(self.evaluation.pk)
        timer = clock.Timer.objects.filter(record_id=self.evaluation.pk, step="").first()
        return {
            "done": sum(state == Evaluation.State.SUBMITTED for _key, state in self.rows),
            "total": len(self.rows),
            "due_at": timer.due_at if timer else None,
            "url": reverse("home"),
            "previous_url": _page(self.keys[at - 1]) if at else "",
            "next_url": self.next_open(),
        }

    def context(self) -> dict[str, Any]:
        """The queue and the place of this evaluation in it."""
        return {"queue": self.shown(), "number": self.keys.index(self.evaluation.pk) + 1}


def _page(key: Any) -> str:
    return reverse("record", kwargs={"records": Evaluation.records, "pk": key})


@page_of(Evaluation)
class EvaluationPage(DetailPage):
    """For its evaluator first the declaration, then the application beside the scores; for others the facts."""

    def get(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """The page that fits the state and the person."""
        record = self.find(pk)
        if record.evaluator_id != request.user.pk or record.state not in OPEN:
            return self.page(self.common(record) | self.context(record))
        if record.state == ASSIGNED:
            self.template = "facility/review_conflict.html"  # type: ignore[misc]
            before = before_blind_reading if record.application.call.is_blind else before_reading
            return self.page(before(record, request))
        form = record.form_for(record.step("save_draft"), by=request.user)
        self.template = "facility/review.html"  # type: ignore[misc]
        return self.page(review(record, form))


@page_of(Evaluation)
class EvaluationStep(StepPage):
    """Writing the review: a refused post shows the same page again, a good one leads to the next in the queue."""

    def show(self, form: Any, status: int = 200, **more: Any) -> HttpResponse:
        """The review for the steps that write it, the general page for the others."""
        if self.step.name not in WRITING or self.record.state != IN_PROGRESS or "stale" in more:
            return super().show(form, status, **more)
        self.template = "facility/review.html"  # type: ignore[misc]
        return self.page(review(self.record, form) | more, status)

    def after(self, record: Evaluation) -> str:
        """On to the next in the queue; home when the last is judged."""
        if self.step.name == "save_draft" and "stay" in self.request.POST:
            return super().after(record)
        if self.step.name in {*WRITING, "recuse"}:
            last = super().after(record) if self.step.name == "save_draft" else reverse("home")
            return Queue(record).next_open() or last
        return super().after(record)


@page_of(InterestsDeclaration)
class InterestsStep(StepPage):
    """The list of the clusters of a blind call; afterwards on to what waits for the evaluator."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """The clusters of the call that the address names."""
        named = Call.objects.filter(is_blind=True, pk=pk) if (pk := _key(request.GET.get("call"))) else None
        self.record.call = named.first() if named else None
        return super().get(request, **kwargs)

    def after(self, record: InterestsDeclaration) -> str:
        """The first that can be opened now."""
        mine = Evaluation.objects.visible_to(self.person).filter(
            evaluator=self.person, application__call=record.call_id
        )
        first = mine.filter(state=ASSIGNED).order_by("application__number", "id").first()
        return first.get_absolute_url() if first else reverse("home")


def _key(text: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None


def before_reading(record: Evaluation, request: HttpRequest) -> dict[str, Any]:
    """What an evaluator sees before reading: who takes part, and nothing of what they wrote."""
    application = record.application
    partners = [
        {"value": f"{one.cluster.name}, {one.cluster.country.name}", "lang": one.cluster.lang}
        for one in application.partners.select_related("cluster").order_by("cluster__sort_name")
    ]
    managers = ", ".join(person.name for person in application.managers())
    facts = [
        {"label": _("Lead cluster"), "value": application.lead_cluster.name, "lang": application.lead_cluster.lang},
        {"label": _("Country"), "value": application.lead_cluster.country.name},
        {"label": _("Partner clusters"), "value": partners or _("No partners.")},
        {"label": _("Managers"), "value": managers or _("Nobody is named.")},
    ]
    accept, recuse = record.step("accept"), record.step("recuse")
    return Queue(record).context() | {
        "application": {
            "title": application.title(),
            "lang": application.lang,
            "lede": application.lead_cluster.country.name,
        },
        "facts": facts,
        "ties": [
            _("I work or worked for one of them, or help them now."),
            _("I have a share in one of them, or a family member or friend there."),
            _("I helped to write this application, or gain from how it is decided."),
        ],
        "form": record.form_for(recuse, by=request.user),
        "accept_url": step_url(record, accept),
        "recuse_url": step_url(record, recuse),
        "hidden": carried(record),
    }


def before_blind_reading(record: Evaluation, request: HttpRequest) -> dict[str, Any]:
    """The same where names are kept back: the list of the call comes first, and tells nothing of this one."""
    accept, recuse = record.step("accept"), record.step("recuse")
    may_open = record.has_declared() is True
    new = reverse("new", kwargs={"records": InterestsDeclaration.records, "step": "declare"})
    return Queue(record).context() | {
        "application": {"title": record.title(), "lang": "", "lede": ""},
        "is_blind": True,
        "declare_url": "" if may_open else f"{new}?call={record.application.call_id}",
        "facts": [],
        "ties": [
            _("Whom this application names, or who wrote it, is not known to me."),
            _("I did not help to write it, and gain nothing from how it is decided."),
        ],
        "form": record.form_for(recuse, by=request.user),
        "accept_url": step_url(record, accept),
        "recuse_url": step_url(record, recuse),
        "hidden": carried(record),
    }


def review(record: Evaluation, form: Any) -> dict[str, Any]:
    """The application at the left, the criteria at the right."""
    application = record.application
    form.fields["comment"].required = True  # a draft may do without, but the page is the one that submits
    marks = [
        _mark(criterion, row, application.call.scale)
        for criterion, row in zip(form.criteria, form.shown_rows("scores"), strict=False)
    ]
    given = [(mark["weight"], mark["given"]) for mark in marks if mark["given"] is not None]
    points = sum((weight * value / application.call.scale for weight, value in given), Decimal(0))
    of = sum(weight for weight, _value in given)
    return Queue(record).context() | {
        "application": {
            "title": record.title(),
            "lang": record.lang,
            "lede": "" if application.call.is_blind else _lede(application),
        },
        "answers": _answers(application),
        "areas": [f"{need.get_area_display()}: {need.words()}" for need in application.needs.order_by("rank")],
        "documents": [
            {"title": paper.document.name, "url": reverse("document-file", kwargs={"pk": paper.document_id})}
            for paper in ([] if application.call.is_blind else application.files())
        ],
        "form": form,
        "marks": marks,
        "scale": application.call.scale,
        "given": _("%(done)d of %(total)d given") % {"done": len(given), "total": len(marks)},
        "points": _("%(points)s of %(of)s points so far") % {"points": number_format(_tidy(points)), "of": of},
        "hidden": carried(record),
        "draft_key": f"{record.evaluator_id}:{record.pk}",
        "save_url": step_url(record, record.step("save_draft")),
        "submit_url": step_url(record, record.step("submit")),
        "blocked_by": [],
        "errors": {},
    }


def _mark(criterion: Any, row: Any, scale: int) -> dict[str, Any]:
    """One criterion with its row; the scale offers whole numbers, and a finer value that was given elsewhere stays."""
    raw = row["value"].value()
    value = _number(raw)
    steps = sorted({Decimal(n) for n in range(scale + 1)} | ({value} if value is not None else set()))
    # The choice that stands for what was given carries its very text, so that it is the one ticked.
    choices = [(str(raw) if n == value else f"{n:f}", number_format(n)) for n in steps]
    row.fields["value"].widget = forms.RadioSelect(choices=choices)
    row.fields["comment"].widget.attrs["placeholder"] = _("Reason for the score")
    row.fields["criterion"].widget = forms.HiddenInput()
    return {
        "criterion": criterion.name,
        "weight": criterion.weight,
        "guide": criterion.guidance,
        "points": criterion.points,
        "row": row,
        "given": value,
    }


def _number(value: Any) -> Decimal | None:
    """A score as given, without zeros at its end; None when there is none, or none on the scale."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    if not 0 <= number <= SCALE:
        return None
    return _tidy(number)


def _tidy(number: Decimal) -> Decimal:
    """Without zeros at its end."""
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize()


def _lede(application: Application) -> str:
    countries = [one.cluster.country.name for one in application.partners.select_related("cluster")]
    parts = [application.lead_cluster.country.name, application.lead_cluster.sector]
    if countries:
        with_partners = ngettext("with one partner in %(where)s", "with %(n)d partners in %(where)s", len(countries))
        parts.append(with_partners % {"n": len(countries), "where": ", ".join(sorted(set(countries)))})
    return " · ".join(part for part in parts if part)


def _answers(application: Application) -> list[dict[str, str]]:
    asked = [
        ("motivation", _("Motivation"), _("Why this cluster, why now?"), application.motivation),
        ("context", _("Context"), _("Region, maturity, members and sector"), application.context),
        ("training", _("Training"), _("Which training is needed?"), application.training_needs),
    ]
    found = [
        {"id": key, "short": short, "question": question, "text": text} for key, short, question, text in asked if text
    ]
    if application.strategic_focus:
        focus = _("%(n)d of 5") % {"n": application.strategic_focus}
        found.append(
            {
                "id": "focus",
                "short": _("Focus"),
                "question": _("Strategic focus on the green transition"),
                "text": focus,
            }
        )
    for at, row in enumerate(answers(application), 1):
        short = Truncator(row["label"]).chars(SHORT)
        found.append({"id": f"asked-{at}", "short": short, "question": row["label"], "text": row["value"]})
    return found
