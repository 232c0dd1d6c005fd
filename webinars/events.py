"""The public pages of information webinars: what a call's page says of them, registering, and one's place by link."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables

from facility.call import Call
from facility.instruments.link import Tries
from facility.templatetags.around import beside_a_call
from facility.workflow import door
from facility.workflow.show import state_tag
from facility.workflow.steps import NotFound, Refused
from webinars.forms import Come
from webinars.signup import SignUp
from webinars.web import as_calendar
from webinars.webinar import Webinar


def told() -> Any:
    """The information webinars that everybody may know of, whoever asks."""
    rows = Webinar.objects.visible_to(AnonymousUser()).filter(kind="information")
    return rows.exclude(state="cancelled").select_related(*Webinar.door_related)


@beside_a_call
def events_of(call: Call, request: HttpRequest) -> SafeString:
    """The information webinars of a call, with the way to register."""
    rows = [
        {
            "title": one.title_text,
            "when": one.planned(),
            "url": reverse("public-webinar", kwargs={"pk": one.pk}),
            "is_open": one.state == "announced",
        }
        for one in told().filter(call=call).order_by("starts_at", "pk")
    ]
    return render_to_string("webinars/beside_call.html", {"rows": rows}, request) if rows else SafeString("")


class PublicEvent(View):
    """An information webinar for everybody, with its registration."""

    webinar: Webinar

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Finds it first; one that is not announced yet is not there."""
        found = told().filter(pk=kwargs["pk"]).first()
        if found is None:
            raise NotFound(_("There is no such record."))
        self.webinar = found
        return super().dispatch(request, *args, **kwargs)

    def show(self, form: Any, status: int = 200, **more: Any) -> HttpResponse:
        """The page."""
        webinar = self.webinar
        context = {
            "title": webinar.title_text,
            "webinar": webinar,
            "agenda": list(webinar.agenda.order_by("order")),
            "form": form if webinar.state == "announced" else None,
        }
        return render(self.request, "webinars/public.html", context | more, status=status)

    def get(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """The page with the form; whoever is signed in registers without one."""
        return self.show(Come())

    def post(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Registers whoever is signed in; sends a mail to the address of anybody else, and says the same of each."""
        if request.user.is_authenticated:
            door.perform([self.webinar], "join", by=request.user, raw={}, via="web")
            return HttpResponseRedirect(self.webinar.get_absolute_url())
        if not Tries().allow_request(request, self):
            return self.show(Come(request.POST), 429, is_too_often=True)
        form = Come(request.POST)
        if not form.is_valid():
            return self.show(form, 400)
        if self.webinar.state == "announced":
            SignUp.ask(self.webinar, **form.cleaned_data, language=(get_language() or "en")[:2])
        return self.show(None, is_on_its_way=True)


@method_decorator([never_cache, sensitive_variables("code")], name="dispatch")
class Place(View):
    """One's place in a webinar by the link from the mail: take it, give it back, fetch the calendar file."""

    is_calendar = False
    sign_up: SignUp

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """One answer for every link that does not work; tries are counted."""
        found = SignUp.find(kwargs["code"])
        if (found is None or request.method == "POST") and not Tries().allow_request(request, self):
            return render(request, "webinars/place_over.html", {"is_too_often": True}, status=429)
        if found is None:
            return render(request, "webinars/place_over.html", status=404)
        self.sign_up = found
        return super().dispatch(request, *args, **kwargs)

    def show(self, code: str, status: int = 200, problems: list[str] | None = None) -> HttpResponse:
        """The place as it stands."""
        place, webinar = self.sign_up.registration(), self.sign_up.webinar
        has_place = place is not None and place.state == "registered"
        context = {
            "title": webinar.title_text,
            "webinar": webinar,
            "place": state_tag(place, "participant") if place else None,
            "takes": webinar.state == "announced" and (place is None or place.state in {"invited", "cancelled"}),
            "gives_back": webinar.state in {"announced", "closed"}
            and place is not None
            and place.state in {"registered", "waitlisted"},
            "join_url": webinar.link if has_place else "",
            "calendar_url": reverse("place-calendar", kwargs={"code": code}) if has_place else "",
            "problems": problems or [],
        }
        return render(self.request, "webinars/place.html", context, status=status)

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """The page, or the calendar file of whoever has a place."""
        if not self.is_calendar:
            return self.show(code)
        place = self.sign_up.registration()
        if place is None or place.state != "registered":
            raise NotFound(_("There is no such record."))
        return as_calendar(self.sign_up.webinar)

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        """Takes the place or gives it back; looking at the page alone, as scanners of mail do, does neither."""
        try:
            if request.POST.get("step") == "cancel":
                self.sign_up.give_back()
            else:
                self.sign_up.confirm()
        except Refused as refused:
            return self.show(code, 409, [str(refused)])
        return HttpResponseRedirect(reverse("place", kwargs={"code": code}))
