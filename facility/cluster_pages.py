"""The profile of a cluster, section by section, and the pages of what hangs on it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables

from facility.instruments.link import Link, Tries
from facility.instruments.signature import texts_of
from facility.profile_sections import public_sections, sections
from facility.registry.aid import Aid
from facility.registry.cluster import Cluster
from facility.registry.cooperation import Cooperation, links_between
from facility.registry.engagement import Engagement
from facility.registry.organisation import Organisation
from facility.registry.programme import Programme
from facility.roles import held
from facility.workflow import clock
from facility.workflow.engine import by_type
from facility.workflow.shape import hidden
from facility.workflow.show import carried, cell, own_language
from facility.workflow.steps import Blocked, Invalid, NotAllowed, NotFound
from facility.workflow.web import DetailPage, ListPage, StepPage, page_of


@page_of(Cluster)
class ClusterPage(DetailPage):
    """The profile in sections; each is edited on its own."""

    template = "facility/cluster.html"

    def context(self, record: Cluster) -> dict[str, Any]:
        """The sections that this person may read."""
        url = reverse("public-clusters", kwargs={"pk": record.pk})
        return {"sections": sections(record, self.person), "public_url": url, "offers": [], "lede": ""}


def public_profile(request: HttpRequest, pk: Any, records: str) -> HttpResponse:
    """What everybody may read of a cluster, whoever asks."""
    nobody = AnonymousUser()
    cluster = Cluster.objects.visible_to(nobody).with_faces(nobody).filter(pk=pk).first()
    if cluster is None:
        raise NotFound(_("There is no such record."))
    context = {"title": cluster.name, "lang": cluster.lang, "sections": public_sections(cluster)}
    return render(request, "facility/cluster_public.html", context)


@page_of(Organisation)
class OrganisationStep(StepPage):
    """Steps on an organisation."""

    def after(self, record: Organisation) -> str:
        """Back to the cluster that was left, since its managers no longer see the organisation."""
        if self.step.name == "leave":
            cluster: Cluster = self.record.cluster
            return cluster.get_absolute_url()
        return super().after(record)


# -- cooperation


class Period(forms.Form):
    """From day to day; the current year unless it is said."""

    first = forms.DateField(label=gettext_lazy("From"), widget=forms.DateInput(attrs={"type": "date"}))
    last = forms.DateField(label=gettext_lazy("To"), widget=forms.DateInput(attrs={"type": "date"}))


@page_of(Cooperation)
class CooperationList(ListPage):
    """The links, and how many of them crossed a border in a period."""

    template = "facility/cooperations.html"

    def page(self, context: dict[str, Any], status: int = 200) -> HttpResponse:
        """With the figures of the period that was asked for."""
        today = clock.today()
        asked = {"first": dt.date(today.year, 1, 1), "last": dt.date(today.year, 12, 31)}
        given = {name: self.request.GET.get(name) for name in asked}
        form = Period(given if any(given.values()) else asked)
        figures = []
        if form.is_valid():
            counted = links_between(rows=Cooperation.objects.visible_to(self.person), **form.cleaned_data)
            figures = [
                {"value": counted["links"], "label": _("links in this period")},
                {"value": counted["cross_border"], "label": _("of them cross a border")},
            ]
        return super().page(context | {"period": form, "figures": figures}, status)


# -- aid: pages only where a programme of the person keeps the register


class OnlyWhereKept:
    """404 unless a programme that the person has to do with keeps a register of de minimis aid."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """As if there were no such address."""
        person = request.user
        if person.is_authenticated:
            keeps = Programme.objects.filter(de_minimis=True)
            staff = Q(pk__in=held(person, "lead", "coordinator", "observer"))
            named = Q(pk__in=Aid.objects.visible_to(person).values("programme_id"))
            if not keeps.filter(staff | named).exists():
                raise Http404
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]


@page_of(Aid)
class AidList(OnlyWhereKept, ListPage):
    """The register."""


@page_of(Aid)
class AidPage(OnlyWhereKept, DetailPage):
    """A grant."""


@page_of(Aid)
class AidStep(OnlyWhereKept, StepPage):
    """A step of a grant."""


# -- signing, on the page and from the mail


@page_of(Engagement)
class EngagementStep(StepPage):
    """Steps of a declaration; whoever signs reads the text above the button."""

    def show(self, form: Any, status: int = 200, **more: Any) -> HttpResponse:
        """The text stands before the form."""
        if self.step.name == "sign":
            self.template = "facility/sign.html"  # type: ignore[misc]
        return super().show(form, status, **more)


@method_decorator(never_cache, name="dispatch")
class ByLink(View):
    """One step of one record by the link from a mail, without signing in."""

    link: Link
    record: Any

    @sensitive_variables("code")
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Counts posts and codes that are not known; the page is kept by nobody."""
        found = self.known(kwargs["code"])
        if (found is None or request.method == "POST") and not Tries().allow_request(request, self):
            title, text = _("Too many tries"), _("Wait a minute, then open the link from the mail again.")
            return self.said("warn", title, text, 429)
        if found is None:
            raise NotFound(_("This link is not known or no longer valid."))
        self.link = found
        return super().dispatch(request, *args, **kwargs)

    def known(self, code: str) -> Link | None:
        """The link of a step that is taken here, of a person who sees the record."""
        try:
            link = Link.find(code)
        except NotFound:
            return None
        if link.step == Link.SIGN_IN:
            return None
        model = by_type(link.record_type)
        rows = model.objects.visible_to(link.person).with_faces(link.person).select_related(*model.door_related)
        self.record = rows.filter(pk=link.record_id).first()
        return link if self.record is not None else None

    def said(self, tone: str, title: str, text: str, status: int = 200) -> HttpResponse:
        """A page that says one thing."""
        words = {"tone": tone, "title": title, "text": text}
        return render(self.request, "advisory/confirm_done.html", words, status=status)

    def is_open(self) -> bool:
        """Whether the step still waits for the person."""
        steps = [offer.step.name for offer in self.record.steps_for(self.link.person)]
        return not self.link.used_at and self.link.step in steps

    def over(self, status: int) -> HttpResponse:
        """Nothing is left to do."""
        title = _("Nothing is left to answer")
        return self.said("wait", title, _("This link has been used, or it was answered in another way."), status)

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """What is asked."""
        if not self.is_open():
            return self.over(200)
        return self.show(self.record.form_for(self.record.step(self.link.step), by=self.link.person))

    def show(self, form: Any, status: int = 200) -> HttpResponse:
        """The record, its text where it has one, and the form."""
        record, step = self.record, self.record.step(self.link.step)
        names = [name for name in record.facts_for(record.face) if name not in hidden(type(record), record.face)]
        text = texts_of(record).first()
        context = {
            "title": step.label,
            "lede": _(step.doc),
            "person": self.link.person,
            "record_title": record.title(),
            "lang": own_language(record),
            "facts": [
                fact | {"url": ""} for name in names if name != "text" and (fact := cell(record, name))["value"] != ""
            ],
            "text": text.text if text else "",
            "form": form,
            "hidden": carried(record),
        }
        return render(self.request, "facility/by_link.html", context, status=status)

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        """Takes the step, and with it the link is used up."""
        if not self.is_open():
            return self.over(410)
        try:
            self.link.take(request.POST)
        except Invalid as refused:
            return self.show(refused.form, 400)
        except Blocked as refused:
            return self.said("warn", _("Not done"), " ".join(refused.sentences), 409)
        except (NotFound, NotAllowed):
            return self.over(410)
        return HttpResponseRedirect(reverse("by-link-done"))


def by_link_done(request: HttpRequest) -> HttpResponse:
    """Thanks."""
    words = {"tone": "good", "title": _("Done, thank you"), "text": _("Those who asked you see your answer now.")}
    return render(request, "advisory/confirm_done.html", words)


__all__ = ["ByLink", "by_link_done", "public_profile"]
