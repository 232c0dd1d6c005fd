"""A call as its staff see it, and its public page."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import floatformat
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from facility.application import Application
from facility.bid import PARTNERS_AT_MOST
from facility.builder_pages import shown
from facility.call import Call
from facility.workflow import clock
from facility.workflow.show import state_tag, step_url
from facility.workflow.steps import NotFound
from facility.workflow.web import DetailPage, page_of

MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)


def figures_url(call: Call) -> str:
    """Where the call is shown in figures."""
    return reverse("call-figures", kwargs={"pk": call.pk})


@page_of(Call)
class CallPage(DetailPage):
    """A call; staff see in one table how many applications stand where."""

    def context(self, record: Call) -> dict[str, Any]:
        """Facts and criteria, and the applications by state."""
        context = super().context(record)
        if record.state not in {"draft", "cancelled"}:
            address = reverse("public-calls", kwargs={"pk": record.pk})
            context["facts"] += [{"label": _("Public page"), "value": _("Read it as everybody does"), "url": address}]
        context["parts"] = [*context["parts"], _questions(record)]
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


def _questions(call: Call) -> dict[str, Any]:
    """The questions in force as a table."""
    asked = call.question_set()
    title = _("Questions")
    if asked and asked.frozen_at:
        title = _("Questions, version %(number)d, frozen") % {"number": asked.number}
    elif asked:
        title = _("Questions, version %(number)d") % {"number": asked.number}
    sections = shown(asked.form()) if asked else []
    return {
        "title": title,
        "columns": [_("Question"), _("Section"), _("Answer")],
        "rows": [
            [question["label"], section["title"], _answer(question)]
            for section in sections
            for question in section["questions"]
        ],
        "empty": _("This call asks nothing of its own."),
    }


def _answer(question: dict[str, Any]) -> str:
    words = [str(question["kind_word"]), question["limits"], "" if question["required"] else _("optional")]
    return ", ".join(word for word in words if word)


def public_page(request: HttpRequest, pk: Any) -> HttpResponse:
    """All that everybody may know of a call, from the day it is announced; the same for whoever asks."""
    rows = Call.objects.visible_to(AnonymousUser()).select_related("programme")
    call = rows.filter(pk=pk).first()
    if call is None:
        raise NotFound(_("There is no such record."))
    form = shown(call.questions())
    asked = [question for section in form for question in section["questions"]]
    create = f"{step_url(Application(), Application.step('create'))}?call={call.pk}"
    context = {
        "call": call,
        "title": call.title_text,
        "state": state_tag(call, "public"),
        "countdown": countdown(call),
        "facts": _facts(call),
        "who": call.who_may_apply or _usual_conditions(call),
        "criteria": call.criteria.order_by("order"),
        "form": form,
        "documents": [question for question in asked if question["kind"] == "file"],
        "apply_url": create if call.state in {"announced", "open"} else "",
        "selected": _selected(call),
    }
    return render(request, "facility/public_call.html", context)


def countdown(call: Call) -> str:
    """How long it still takes until the call opens or closes, in words."""
    if call.state == "announced":
        return _("Opens in %(time)s.") % {"time": in_words(call.opens_at - clock.now())}
    if call.state == "open" and call.closes_at > clock.now():
        return _("Still open for %(time)s.") % {"time": in_words(call.closes_at - clock.now())}
    return _("The call is closed.")


def in_words(span: dt.timedelta) -> str:
    """A span in its two largest units, rounded down: what is left is never less than it says."""
    span = max(span, dt.timedelta())
    days, hours, minutes = span // DAY, span % DAY // HOUR, span % HOUR // MINUTE
    words = [
        (days, ngettext("%(n)d day", "%(n)d days", days) % {"n": days}),
        (hours, ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}),
        (minutes, ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}),
    ]
    first = next((at for at, (number, _words) in enumerate(words) if number), 0)
    largest, *next_one = [said for number, said in words[first : first + 2] if number] or [_("less than a minute")]
    return _("%(one)s and %(other)s") % {"one": largest, "other": next_one[0]} if next_one else largest


def _facts(call: Call) -> list[dict[str, Any]]:
    rules = [
        (_("Opens"), call.opens()),
        (_("Closes"), call.closes()),
        (_("Places"), str(call.places)),
        (_("Reserve list"), str(call.reserve_places) if call.reserve_places else ""),
        (_("Minimum score"), _("%s of 100") % floatformat(call.minimum_score, -2) if call.minimum_score else ""),
        (_("At most per country"), str(call.country_cap or "")),
        (_("Evaluations per application"), str(call.evaluations_required)),
        (_("Programme"), call.programme.title()),
        (_("Funded by"), call.programme.funder),
        (_("Contact"), call.programme.contact or call.programme.operator),
    ]
    return [{"label": label, "value": value} for label, value in rules if value]


def _usual_conditions(call: Call) -> str:
    """What eligibility is checked for where the call says nothing else."""
    registered = _("The lead cluster is registered on %s.") % call.programme.platform if call.programme.platform else ""
    sentences = [
        _("The lead cluster is established in a Member State of the European Union."),
        registered,
        _("Up to %d partner clusters may take part, also from other countries.") % PARTNERS_AT_MOST,
        _("A cluster leads one application."),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _selected(call: Call) -> list[list[Any]]:
    """The selected clusters with their countries: from the moment of release, and not before (F05)."""
    rows = Application.objects.visible_to(AnonymousUser()).filter(call=call).select_related("lead_cluster")
    return [
        [{"value": row.lead_cluster.name, "lang": row.lead_cluster.lang}, row.lead_cluster.country.name]
        for row in rows.order_by("lead_cluster__sort_name", "pk")
    ]
