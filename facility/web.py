"""The pages of this app that no record has by itself: the shell, homes, inbox, trail, and the public site."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from facility.workflow import clock
from facility.workflow.trail import Notice

NAV: list[tuple[set[str], Any, str]] = [
    ({"lead", "coordinator", "observer"}, lambda: _("Projects"), "projects"),
    ({"advisor", "manager"}, lambda: _("My projects"), "projects"),
    ({"lead", "coordinator", "observer"}, lambda: _("Calls"), "calls"),
    ({"lead", "coordinator", "observer", "manager"}, lambda: _("Applications"), "applications"),
    ({"evaluator"}, lambda: _("Evaluations"), "evaluations"),
    ({"lead", "coordinator"}, lambda: _("Selection"), "selections"),
    ({"lead", "coordinator"}, lambda: _("Advisors"), "advisors"),
    ({"lead", "coordinator"}, lambda: pgettext("navigation", "Matching"), "match-runs"),
    ({"lead", "coordinator", "advisor", "manager"}, lambda: _("Webinars"), "webinars"),
    ({"lead", "coordinator", "observer"}, lambda: _("Reports"), "reports"),
]


def shell(request: HttpRequest) -> dict[str, Any]:
    """What every page's frame needs: brand, navigation by role, unread notices, time."""
    person = getattr(request, "user", None)
    nav = [{"label": _("Home"), "url": reverse("home"), "current": request.path == reverse("home")}]
    unread = 0
    if person is not None and person.is_authenticated:
        roles = person.roles_held()
        seen = set()
        for whose, label, records in NAV:
            if roles & whose and records not in seen:
                seen.add(records)
                url = reverse("records", kwargs={"records": records})
                nav.append({"label": label(), "url": url, "current": request.path.startswith(url)})
        unread = Notice.objects.filter(to=person, read_at__isnull=True).count()
    nav.append({"label": _("Toolkit"), "url": reverse("toolkit"), "current": request.path.startswith(reverse("toolkit"))})
    return {
        "shell": {
            "brand": settings.PLATFORM_NAME,
            "nav": nav,
            "home_url": reverse("home"),
            "inbox_url": reverse("inbox"),
            "search_url": reverse("search"),
            "unread": unread,
            "person": person,
            "demo": bool(settings.DEMO_CLOCK) or settings.EMBEDDED,
            "now": clock.now(),
            "languages": settings.LANGUAGES,
        }
    }


def home(request: HttpRequest) -> HttpResponse:
    """The first page after signing in."""
    raise Http404


def inbox(request: HttpRequest) -> HttpResponse:
    raise Http404


def search(request: HttpRequest) -> HttpResponse:
    raise Http404


def trail(request: HttpRequest) -> HttpResponse:
    raise Http404


def parked_jobs(request: HttpRequest) -> HttpResponse:
    raise Http404


def toolkit(request: HttpRequest) -> HttpResponse:
    raise Http404


def public_home(request: HttpRequest) -> HttpResponse:
    raise Http404


def toolkit_cell(request: HttpRequest, cell: str) -> HttpResponse:
    raise Http404


def public_programme(request: HttpRequest, programme: str) -> HttpResponse:
    raise Http404


def download(request: HttpRequest, pk: str) -> HttpResponse:
    raise Http404


def server_error(request: HttpRequest) -> HttpResponse:
    raise Http404
