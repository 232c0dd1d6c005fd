"""The pages that need data of all apps: the homes by role and the public site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django_countries import countries

from advisory.advisorcall import AdvisorCall
from advisory.project import Project
from advisory.session import SupportSession
from facility.application import Application
from facility.call import Call
from facility.evaluation import Evaluation
from facility.registry.matrix import EU_MEMBERS
from facility.registry.people import SignedIn
from facility.registry.programme import Programme
from facility.roles import held
from facility.selection import spread_by_country
from facility.workflow.clock import Timer
from facility.workflow.engine import Record
from facility.workflow.web import state_tag, step_url
from reporting import dashboard
from reporting.report import Report
from reporting.story import SuccessStory

FEW, EXCERPT = 6, 40
NOBODY = AnonymousUser()


# -- homes


@login_required
def home(request: SignedIn) -> HttpResponse:
    """The first page after signing in: what waits comes first. Who has several roles gets the widest view."""
    roles = request.user.roles_held()
    return next(page for whose, page in HOMES if not whose or roles & whose)(request)


def _common(person: Any) -> dict[str, Any]:
    return {
        "first_name": (str(person).split() or [""])[0],
        "tasks": dashboard.tasks(person),
        "coming": dashboard.coming(person),
    }


def _coordinator(request: HttpRequest) -> HttpResponse:
    person = request.user
    more = {"figures": dashboard.figures(held(person, *dashboard.STAFF)), "since": dashboard.since(person)}
    return render(request, "facility/home_coordinator.html", _common(person) | more)


def _manager(request: HttpRequest) -> HttpResponse:
    person = request.user
    new = Application.creating_steps(person)
    more = {
        "applications": dashboard.own_applications(person),
        "projects": dashboard.own_projects(person, "manager"),
        "offers": _offers(Application, new) if Call.objects.visible_to(person).filter(state="open").exists() else [],
    }
    return render(request, "facility/home_manager.html", _common(person) | more)


def _advisor(request: HttpRequest) -> HttpResponse:
    person = request.user
    offers = _offers(SupportSession, SupportSession.creating_steps(person))
    more = {"projects": dashboard.own_projects(person, "advisor"), "log_url": offers[0]["url"] if offers else ""}
    return render(request, "facility/home_advisor.html", _common(person) | more)


def _offers(model: type[Record], steps: list[Any]) -> list[dict[str, Any]]:
    return [{"label": step.label, "url": step_url(model(), step)} for step in steps]


def _evaluator(request: SignedIn) -> HttpResponse:
    mine = Evaluation.objects.visible_to(request.user).filter(evaluator=request.user).exclude(state="recused")
    mine = mine.with_faces(request.user)
    rows = list(
        mine.select_related(*Evaluation.door_related).order_by("-application__call_id", "application__number", "id")
    )
    due = dict(Timer.objects.filter(record_id__in=[row.pk for row in rows], step="").values_list("record_id", "due_at"))
    table = [
        [
            {"value": row.title(), "url": row.get_absolute_url(), "lang": row.lang},
            row.country(),
            state_tag(row, row.face),
            due.get(row.pk, ""),
            "" if row.total is None else row.total,
        ]
        for row in rows
    ]
    open_ = [due[row.pk] for row in rows if row.pk in due]
    context = {
        "call": ", ".join(dict.fromkeys(row.application.call.title_text for row in rows)),
        "queue": {
            "done": sum(row.state == "submitted" for row in rows),
            "total": len(rows),
            "due_at": min(open_, default=None),
        },
        "columns": [_("Application"), _("Country"), _("State"), _("Due"), _("Your total of 100")],
        "rows": table,
    }
    return render(request, "facility/home_evaluator.html", context)


def _observer(request: HttpRequest) -> HttpResponse:
    programmes = held(request.user, "observer")
    names = [programme.title() for programme in dashboard.programmes_of(programmes).order_by("-starts_on")]
    url = reverse("records", kwargs={"records": Project.records})
    words = dict(Project.State.choices)
    counted = Project.objects.filter(programme__in=programmes).values("state").annotate(n=Count("pk")).order_by("state")
    number = {row["state"]: row["n"] for row in counted}
    states = [
        [{"value": str(words[state]), "url": f"{url}?state={state}"}, number[state]]
        for state in words
        if state in number
    ]
    spread = spread_by_country(programmes)
    lands = [[countries.name(code), n, _("Member State") if code in EU_MEMBERS else ""] for code, n in spread.items()]
    reports = Report.objects.visible_to(request.user).with_faces(request.user).filter(programme__in=programmes)
    context = {
        "title": ", ".join(names) or _("Home"),
        "lede": _("Everything that the contracting authority follows, read only."),
        "figures": dashboard.figures(programmes),
        "tables": [
            {
                "title": _("Projects by state"),
                "sentence": "",
                "columns": [_("State"), _("Projects")],
                "rows": states,
                "url": url,
            },
            {
                "title": _("Selected clusters by country"),
                "sentence": _states_sentence(spread),
                "columns": [_("Country"), _("Clusters"), _("European Union")],
                "rows": lands,
                "url": "",
            },
        ],
        "reports": [
            {
                "title": one.title(),
                "url": one.get_absolute_url(),
                "at": one.frozen_at,
                "state": state_tag(one, one.face),
            }
            for one in reports.select_related(*Report.door_related).order_by("-id")[:FEW]
        ],
    }
    return render(request, "facility/home_observer.html", context)


def _states_sentence(spread: dict[str, int]) -> str:
    n = len(EU_MEMBERS & spread.keys())
    return ngettext("%(n)d Member State.", "%(n)d Member States.", n) % {"n": n}


def _anybody(request: HttpRequest) -> HttpResponse:
    return render(request, "facility/home_manager.html", _common(request.user))


HOMES: list[tuple[set[str], Callable[[SignedIn], HttpResponse]]] = [
    ({"lead", "coordinator"}, _coordinator),
    ({"manager"}, _manager),
    ({"advisor"}, _advisor),
    ({"evaluator"}, _evaluator),
    ({"observer"}, _observer),
    (set(), _anybody),
]


# -- the public site: what somebody who is not signed in may see, and nothing else


def public_home(request: HttpRequest) -> HttpResponse:
    """The first page of the public site."""
    programmes = list(Programme.objects.visible_to(NOBODY).order_by("-starts_on"))
    context = {
        "title": _("Support for clusters in the green transition"),
        "lede": _("Clusters apply, are matched with advisors, and share what they learn with everybody."),
        "programmes": [
            {
                "title": one.title(),
                "url": reverse("public-programme", kwargs={"programme": one.slug}),
                "text": one.funder,
            }
            for one in programmes
        ],
    }
    return render(request, "facility/public_home.html", context | _public(programmes))


def public_programme(request: HttpRequest, programme: str) -> HttpResponse:
    """The public page of one programme."""
    one = get_object_or_404(Programme.objects.visible_to(NOBODY), slug=programme)
    until = {"start": _day(one.starts_on), "end": _day(one.ends_on), "funder": one.funder, "operator": one.operator}
    lede = _("From %(start)s to %(end)s. Funded by %(funder)s, run by %(operator)s.") % until
    return render(request, "facility/public_home.html", {"title": one.title(), "lede": lede} | _public([one]))


def _public(programmes: list[Programme]) -> dict[str, Any]:
    call = (
        Call.objects.visible_to(NOBODY)
        .filter(programme__in=programmes, state__in=["open", "announced"])
        .order_by("closes_at")
        .first()
    )
    stories = SuccessStory.objects.visible_to(NOBODY).filter(programme__in=programmes).order_by("-published_at")
    reports = Report.objects.visible_to(NOBODY).filter(programme__in=programmes).order_by("-published_at")
    return {
        "call": _call(call) if call else None,
        "selected": _selected(programmes),
        "stories": [
            {"title": one.title_text, "url": _read(one), "text": Truncator(one.text).words(EXCERPT)}
            for one in stories[:FEW]
        ],
        "reports": [{"title": one.title_text, "url": _read(one), "at": one.published_at} for one in reports[:FEW]],
        "toolkit_url": reverse("toolkit"),
        "applying": [
            {"title": one.programme.title(), "url": reverse("apply", kwargs={"programme": one.programme.slug})}
            for one in AdvisorCall.open_ones()
            if one.programme in programmes
        ],
    }


def _read(record: Record) -> str:
    return reverse(f"public-{record.records}", kwargs={"pk": record.pk})


def _call(call: Call) -> dict[str, Any]:
    is_open = call.state == "open"
    sentence = (
        _("Open until %(when)s (%(zone)s). %(places)d places.")
        if is_open
        else _("Opens on %(when)s (%(zone)s). %(places)d places.")
    )
    when = timezone.localtime(call.closes_at if is_open else call.opens_at, ZoneInfo(call.zone))
    text = sentence % {
        "when": date_format(when, pgettext("full moment", "j F Y, H:i")),
        "zone": call.zone,
        "places": call.places,
    }
    return {
        "title": call.title_text,
        "text": text,
        "url": reverse("public-calls", kwargs={"pk": call.pk}),
        "label": _("Read the call and apply"),
        "state": state_tag(call, "public"),
    }


def _selected(programmes: list[Programme]) -> dict[str, Any] | None:
    """The list of the selected: it exists from the moment of release, and not before (F05)."""
    rows = Application.objects.visible_to(NOBODY).filter(programme__in=programmes).select_related("lead_cluster")
    clusters = [row.lead_cluster for row in rows.order_by("lead_cluster__sort_name", "id")]
    if not clusters:
        return None
    number = len(clusters)
    return {
        "title": ngettext("%(n)d selected cluster", "%(n)d selected clusters", number) % {"n": number},
        "columns": [_("Cluster"), _("Country"), _("Sector")],
        "rows": [[{"value": one.name, "lang": one.lang, "url": ""}, one.country.name, one.sector] for one in clusters],
    }


def _day(value: Any) -> str:
    return date_format(value, pgettext("day, month and year", "j F Y"))
