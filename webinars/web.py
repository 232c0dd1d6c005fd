"""The pages of this app that differ from the general ones: a webinar, its attendance, the topics, the calendar file."""

from __future__ import annotations

import secrets
from itertools import groupby
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from facility.registry.documents import Document
from facility.workflow import door
from facility.workflow.steps import NotFound
from facility.workflow.web import DetailPage, ListPage, StepPage, page_of, state_tag, step_url
from webinars.calendar_file import calendar_file
from webinars.registration import Registration
from webinars.topic import Ranked, Topic, ranked
from webinars.webinar import Webinar

HAS_A_PLACE = ("registered", "attended", "absent")


@page_of(Webinar)
class WebinarPage(DetailPage):
    """Agenda, how many come, my place with its one button, and the material."""

    template = "webinars/webinar.html"

    def context(self, record: Any) -> dict[str, Any]:
        """The general page with agenda and material before the tables, and the person's own registration."""
        person = self.request.user
        mine = record.registrations.filter(person=person).with_offers(person).first()
        context = super().context(record)
        material = [self.material(record)] if record.face != "public" else []
        context["parts"] = [self.agenda(record), *material, *context["parts"]]
        context["figures"] = self.figures(record)
        if record.kind == "information" and record.state == "announced":
            context["public_url"] = reverse("public-webinar", kwargs={"pk": record.pk})
        if mine is not None:
            context["offers"] = [*self.offers(record), *DetailPage(model=Registration).offers(mine)]
            context["mine"] = state_tag(mine, "participant")
            if mine.state == "registered":
                context["calendar_url"] = reverse("webinar-calendar", kwargs={"pk": record.pk})
                context["join_url"] = record.link
        return context

    def agenda(self, record: Any) -> dict[str, Any]:
        """The points of the agenda."""
        rows = [[i.title, i.get_element_display(), i.speaker, i.minutes or ""] for i in record.agenda.order_by("order")]
        columns = [_("Point"), _("Element"), _("Speaker"), _("Minutes")]
        return {"title": _("Agenda"), "columns": columns, "rows": rows, "empty": _("The agenda is not set yet.")}

    def material(self, record: Any) -> dict[str, Any]:
        """Files and links; a file is fetched through the check of permissions."""
        rows = [
            [{"value": m.title, "url": m.link or reverse("document-file", kwargs={"pk": m.document_id})}]
            for m in record.materials.order_by("pk")
        ]
        return {"title": _("Material"), "columns": [_("Title")], "rows": rows, "empty": _("There is no material yet.")}

    def figures(self, record: Any) -> list[dict[str, Any]]:
        """How many come, or came."""
        if record.present_count is not None:
            return [{"value": record.present_count, "label": _("Took part")}]
        states = list(record.registrations.values_list("state", flat=True))
        figures = [{"value": states.count("registered"), "label": _("Registered")}]
        if record.capacity:
            note = _("of %d places") % record.capacity
            figures[0]["note"] = note
            figures.append({"value": states.count("waitlisted"), "label": _("On the waiting list")})
        return figures


@page_of(Webinar)
class WebinarStep(StepPage):
    """The steps of a webinar. Attendance is shown as it would be kept before anything of it is written."""

    record: Any

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Attendance has a page of its own."""
        self.is_import = kwargs["step"] == "import_attendance"
        if kwargs["step"] in {"announce", "invite_latecomers"}:
            self.template = "webinars/invite.html"  # type: ignore[misc]
        if self.is_import:
            self.template = "webinars/import_attendance.html"  # type: ignore[misc]
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """The form, or what a report that was handed in says."""
        if not self.is_import or "document" not in request.GET:
            return super().get(request, **kwargs)
        raw = {"document": request.GET["document"], "has_guests": True}
        form: Any = self.record.form_for(self.step, by=request.user, raw=raw)
        if not form.is_valid():
            return self.show(form, 400, errors=form.flat_errors())
        return self.show(form, preview=self.preview(form.cleaned_data["reading"]))

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """A new report is kept as a document and shown; the post of what was shown takes the step."""
        if not self.is_import or request.POST.get("document"):
            return super().post(request, **kwargs)
        form = self.bound()
        if self.blocked() or not form.is_valid():
            return self.show(form, 409 if self.blocked() else 400, errors=form.flat_errors())
        raw = {"programme": str(self.record.programme_id), "audience": "owner"}
        report = door.perform([Document()], "receive", by=request.user, raw=raw, files=request.FILES, via="web")[0]
        return HttpResponseRedirect(f"{request.path}?document={report.pk}")

    def page(self, context: dict[str, Any], status: int = 200) -> HttpResponse:
        """Before anybody is invited, with the names of those who would be."""
        if self.template == "webinars/invite.html":
            context["to_invite"] = list(self.record.uninvited().order_by("sort_name", "pk"))
        return super().page(context, status)

    def preview(self, reading: dict[str, Any]) -> dict[str, Any]:
        """Who matches, who does not, and who is missing."""
        found = self.record.reconciled(reading)
        names = dict(self.record.registrations.values_list("pk", "person__name"))
        ways = {"e-mail": _("e-mail"), "name": _("name")}
        by_key = {str(key): name for key, name in names.items()}
        return {
            "figures": [
                {"value": len(found.present), "label": _("Match a registration")},
                {"value": len(found.unmatched), "label": _("Match none")},
                {"value": len(found.absent), "label": _("Did not come")},
            ],
            "present": [[by_key[one.key], one.name, ways[one.by], one.minutes] for one in found.present],
            "unmatched": [[one.name, one.email, one.minutes] for one in found.unmatched],
            "hosts": [one.name for one in found.hosts],
            "absent": sorted(by_key[key] for key in found.absent),
            "warnings": found.warnings,
        }


@page_of(Registration)
class RegistrationStep(StepPage):
    """After registering one is back at the webinar."""

    def after(self, record: Any) -> str:
        """The webinar's page."""
        return record.webinar.get_absolute_url()


@page_of(Topic)
class TopicList(ListPage):
    """The topics with their votes, a button for each, and those that most people want."""

    template = "webinars/topics.html"

    def row(self, record: Any) -> dict[str, Any]:
        """A row whose step is the person's vote, or taking it back."""
        row = super().row(record)
        votes = [step for step in record.offered_steps() if step.name in {"vote", "take_back_vote"}]
        row["votes"] = record.votes_count
        row["vote"] = votes and {
            "label": votes[0].label,
            "url": step_url(record, votes[0]),
            "version": record.version,
            "token": secrets.token_hex(12),
        }
        return row

    def page(self, context: dict[str, Any], status: int = 200) -> HttpResponse:
        """With the ranking of each programme."""
        open_ones = Topic.objects.visible_to(self.request.user).filter(state="proposed").select_related("programme")
        groups = groupby(open_ones.order_by("programme_id", "pk"), key=lambda topic: topic.programme)
        wanted = [self.ranking(programme, ranked(list(topics))) for programme, topics in groups]
        return super().page(context | {"wanted": [one for one in wanted if one["rows"]]}, status)

    def ranking(self, programme: Any, places: list[Ranked]) -> dict[str, Any]:
        """The first places as a table; a tie at the last one is said."""
        rows = [
            [
                {"value": place.topic.title_text, "url": place.topic.get_absolute_url()},
                place.rank,
                place.topic.votes_count,
                _("tied for the last place") if place.is_tied_at_cut else "",
            ]
            for place in places
        ]
        return {"programme": programme, "columns": [_("Topic"), _("Place"), _("Votes"), _("Tie")], "rows": rows}


@page_of(Topic)
class TopicStep(StepPage):
    """After voting one is back at the list."""

    def after(self, record: Any) -> str:
        """The list for votes, the topic for the rest."""
        if self.step.name in {"vote", "take_back_vote"}:
            return reverse("records", kwargs={"records": Topic.records})
        return super().after(record)


@login_required
def calendar(request: HttpRequest, pk: Any) -> HttpResponse:
    """The webinar for the calendar of somebody who has a place in it."""
    places = Registration.objects.filter(webinar=pk, person=request.user.pk, state__in=HAS_A_PLACE)
    place = places.select_related("webinar").first()
    if place is None:
        raise NotFound(_("There is no such record."))
    return as_calendar(place.webinar)


def as_calendar(webinar: Webinar) -> HttpResponse:
    """The calendar file as an attachment."""
    answer = HttpResponse(calendar_file(webinar), content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="webinar-{webinar.order}.ics"'
    return answer
