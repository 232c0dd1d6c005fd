"""The pages of this app that no record has by itself: the shell, inbox, search, work in the background, the trail."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.storage import storages
from django.db.models import Case, Q, QuerySet, When
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from facility.registry.documents import ACCEPTED, Document, Download
from facility.registry.people import Person, SignedIn
from facility.roles import held
from facility.workflow import clock, sheets
from facility.workflow.engine import Record, all_records, by_type, title_of
from facility.workflow.jobs import Job, retry
from facility.workflow.lists import KeysetPages, searched
from facility.workflow.steps import Blocked, NotAllowed, NotFound
from facility.workflow.trail import Entry, Notice, fault_of
from facility.workflow.web import label_of, own_language, state_tag, told

FOUND_AT_MOST = 5
PAGE = 50

NAV: list[tuple[set[str], Any, str]] = [
    ({"lead", "coordinator", "observer"}, lambda: _("Projects"), "projects"),
    ({"advisor", "manager"}, lambda: _("My projects"), "projects"),
    ({"advisor"}, lambda: _("My assignments"), "my-assignments"),
    ({"lead", "coordinator", "observer"}, lambda: _("Calls"), "calls"),
    ({"lead", "coordinator", "observer"}, lambda: _("Clusters"), "clusters"),
    ({"lead", "coordinator", "observer", "manager"}, lambda: _("Applications"), "applications"),
    ({"lead", "coordinator", "manager"}, lambda: _("Questions"), "call-questions"),
    ({"evaluator"}, lambda: _("Evaluations"), "evaluations"),
    ({"lead", "coordinator", "evaluator"}, lambda: _("Evaluators"), "evaluator-profiles"),
    ({"lead", "coordinator"}, lambda: _("Selection"), "selections"),
    ({"lead", "coordinator"}, lambda: _("Advisors"), "advisors"),
    ({"lead", "coordinator"}, lambda: pgettext("navigation", "Matching"), "match-runs"),
    ({"lead", "coordinator", "advisor", "manager"}, lambda: _("Webinars"), "webinars"),
    ({"lead", "coordinator", "observer"}, lambda: _("Reports"), "reports"),
    ({"administrator"}, lambda: _("Programmes"), "programmes"),
    ({"lead", "administrator"}, lambda: _("People and roles"), "grants"),
]
# Those of the list above that are pages of their own, not the list of a record.
PAGES = {"my-assignments"}
FOOT: list[tuple[set[str], Any, str]] = [
    ({"lead", "coordinator", "observer"}, lambda: _("Trail"), "trail"),
    ({"lead", "coordinator"}, lambda: _("Work in the background"), "parked-jobs"),
]


def shell(request: HttpRequest) -> dict[str, Any]:
    """What every page's frame needs: brand, navigation by role, unread notices, time."""
    person: Any = getattr(request, "user", None)
    signed_in = person is not None and person.is_authenticated
    start = reverse("home" if signed_in else "public-home")
    nav = [{"label": _("Home"), "url": start, "current": request.path == start}]
    foot: list[dict[str, Any]] = []
    unread = 0
    if signed_in:
        roles = person.roles_held()
        seen = set()
        for whose, label, records in NAV:
            if roles & whose and records not in seen:
                seen.add(records)
                url = reverse(records) if records in PAGES else reverse("records", kwargs={"records": records})
                nav.append({"label": label(), "url": url, "current": request.path.startswith(url)})
        foot = [{"label": label(), "url": reverse(name)} for whose, label, name in FOOT if roles & whose]
        unread = Notice.objects.filter(to=person, read_at__isnull=True).count()
    nav.append(
        {"label": _("Toolkit"), "url": reverse("toolkit"), "current": request.path.startswith(reverse("toolkit"))}
    )
    return {
        "shell": {
            "brand": settings.PLATFORM_NAME,
            "nav": nav,
            "home_url": start,
            "inbox_url": reverse("inbox"),
            "search_url": reverse("search"),
            "unread": unread,
            "foot": foot,
            "person": person,
            "demo": bool(settings.DEMO_CLOCK) or settings.EMBEDDED,
            "now": clock.now(),
            "languages": settings.LANGUAGES,
        }
    }


@login_required
def inbox(request: SignedIn) -> HttpResponse:
    """The notices of a person, newest first; a post marks all as read."""
    mine = Notice.objects.filter(to=request.user)
    if request.method == "POST":
        mine.filter(read_at__isnull=True).update(read_at=clock.now())
        return HttpResponseRedirect(reverse("inbox"))
    page, links = by_key(mine, request)
    notices = [
        {
            "at": notice.created_at,
            "subject": notice.text(),
            "url": reverse("notice", kwargs={"pk": notice.pk}),
            "unread": notice.read_at is None,
        }
        for notice in page
    ]
    unread = mine.filter(read_at__isnull=True).count()
    return render(
        request, "facility/inbox.html", {"notices": notices, "unread": unread, "read_url": reverse("inbox"), **links}
    )


@login_required
def search(request: HttpRequest) -> HttpResponse:
    """The records that hold the words, of every kind that the person may see."""
    words = request.GET.get("q", "").strip()
    groups = [found for model in all_records() if (found := _found(model, words, request.user))] if words else []
    return render(request, "facility/search.html", {"query": words, "groups": groups})


def _found(model: type[Record], words: str, person: Any) -> dict[str, Any] | None:
    if not model.records or not model.search_in:
        return None
    rows = searched(model.objects.visible_to(person).with_faces(person), words, person).select_related(
        *model.door_related
    )
    found = list(rows.order_by("-id")[: FOUND_AT_MOST + 1])
    if not found:
        return None
    url = reverse("records", kwargs={"records": model.records})
    return {
        "title": title_of(model),
        "rows": [
            {
                "title": one.title(),
                "url": one.get_absolute_url(),
                "lang": own_language(one),
                "state": state_tag(one, one.face),
            }
            for one in found[:FOUND_AT_MOST]
        ],
        "all_url": f"{url}?{urlencode({'search': words})}" if len(found) > FOUND_AT_MOST else "",
    }


@login_required
def parked_jobs(request: HttpRequest) -> HttpResponse:
    """The work that runs or got stuck in the own programmes; a post tries one again."""
    programmes = list(held(request.user, "lead", "coordinator"))
    if not programmes:
        raise NotAllowed(_("The work in the background is looked after by the coordinators."))
    mine = Job.objects.filter(scope_id__in=programmes)
    if request.method == "POST":
        key = _key(request.POST.get("job"))
        parked = mine.filter(pk=key, state=Job.State.PARKED).first() if key else None
        if parked is None:
            raise NotFound(_("There is no such job waiting for another try."))
        retry(parked)
        messages.success(request, _("It is tried again."))
        return HttpResponseRedirect(reverse("parked-jobs"))
    stuck = Case(When(state=Job.State.PARKED, then=0), default=1)
    jobs = mine.filter(state__in=[Job.State.PARKED, Job.State.RUNNING]).order_by(stuck, "-made_at")[:PAGE]
    return render(request, "facility/jobs.html", {"jobs": [_job(one) for one in jobs]})


def _job(one: Job) -> dict[str, Any]:
    model = by_type(one.record_type)
    parked = one.state == Job.State.PARKED
    return {
        "id": one.pk,
        "title": one.name.rpartition(".")[2].replace("_", " ").capitalize(),
        "about": {"value": capfirst(str(model._meta.verbose_name)), "url": model(id=one.record_id).get_absolute_url()},
        "at": one.made_at,
        "state": {"label": one.get_state_display(), "tone": "bad" if parked else "active"},
        "progress": _("%(done)d of %(total)d") % {"done": one.progress, "total": one.total} if one.total else "",
        "reason": one.reason,
        "parked": parked,
    }


def download(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """A document as a file, for whoever may see it; each download is written down (F17)."""
    document = Document.objects.visible_to(request.user).filter(pk=pk).first()
    if document is None:
        raise NotFound(_("There is no such record."))
    if document.state != Document.State.CLEAN:
        raise Blocked(
            [_("The file %(name)s has not been accepted, so it cannot be fetched.") % {"name": document.name}]
        )
    person = request.user if request.user.is_authenticated else None
    Download.objects.create(document=document, person=person)
    file = storages["documents"].open(document.stored)
    answer = FileResponse(file, as_attachment=True, filename=document.name, content_type=ACCEPTED[document.kind])
    answer["Content-Security-Policy"] = "sandbox"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


# -- the trail


class TrailFilter(forms.Form):
    """What of the trail to show."""

    type = forms.ChoiceField(label=gettext_lazy("Record"), required=False)
    step = forms.ChoiceField(label=gettext_lazy("Step"), required=False)
    actor = forms.ModelChoiceField(label=gettext_lazy("Person"), queryset=Person.objects.none(), required=False)
    since = forms.DateField(label=gettext_lazy("From"), required=False)
    until = forms.DateField(label=gettext_lazy("Until"), required=False)
    record = forms.UUIDField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any, programmes: list[Any]) -> None:
        super().__init__(data)
        kinds = [(model._meta.label_lower, title_of(model)) for model in all_records() if model.records]
        steps = {
            name: str(step.label) for model in all_records() if model.records for name, step in model.steps().items()
        }
        self.fields["type"].choices = [("", "–"), *sorted(kinds, key=lambda kind: kind[1])]  # type: ignore[attr-defined]
        self.fields["step"].choices = [("", "–"), *sorted(steps.items(), key=lambda one: one[1])]  # type: ignore[attr-defined]
        actors = Entry.objects.filter(scope_id__in=programmes).values("actor_id")
        self.fields["actor"].queryset = Person.objects.filter(pk__in=actors).order_by("sort_name")  # type: ignore[attr-defined]

    def narrow(self, entries: QuerySet) -> QuerySet:
        """The entries that fit; none when the filter itself is wrong."""
        if not self.is_valid():
            return entries.none()
        given = self.cleaned_data
        lookups = {
            "record_type": given["type"],
            "step": given["step"],
            "actor": given["actor"],
            "effective_at__date__gte": given["since"],
            "effective_at__date__lte": given["until"],
            "record_id": given["record"],
        }
        return entries.filter(**{name: value for name, value in lookups.items() if value})


def told_entries(person: Any) -> QuerySet:
    """The entries of records whose staff face the person sees: no draft that is not theirs to read."""
    kinds = Q()
    for model in all_records():
        seen = model._base_manager.filter(model.faces.staff.q(person)).values("pk")
        kinds |= Q(record_type=model._meta.label_lower, record_id__in=seen)
    return Entry.objects.filter(kinds).select_related("actor", "detail")


@login_required
def trail(request: HttpRequest) -> HttpResponseBase:
    """Who did what in the own programmes, or to one record; as a page or as CSV."""
    programmes = list(held(request.user, "lead", "coordinator", "observer"))
    if not programmes:
        raise NotAllowed(_("The trail is read by the coordinators and the contracting authority."))
    chosen = TrailFilter(request.GET, programmes)
    entries = chosen.narrow(told_entries(request.user))
    if not request.GET.get("record"):
        entries = entries.filter(scope_id__in=programmes)
    if request.GET.get("as") == "csv":
        return _as_csv(entries)
    record = _record_of(entries, chosen)
    page, links = by_key(entries, request)
    asked = request.GET.copy()
    asked["as"] = "csv"
    context = {
        "title": _("Trail of %(title)s") % {"title": record.title()} if record else _("Trail"),
        "crumbs": [{"label": record.title(), "url": record.get_absolute_url(), "lang": own_language(record)}]
        if record
        else [],
        "entries": [_line(entry) for entry in page],
        "chain": _chain(record) if record else None,
        "filter": None if record else chosen,
        "exports": [{"label": _("As CSV"), "url": f"?{asked.urlencode()}"}],
        **links,
    }
    return render(request, "facility/trail.html", context)


def _record_of(entries: QuerySet, chosen: TrailFilter) -> Any:
    """The record that the filter names; 404 when the person may not read its trail."""
    key = chosen.cleaned_data.get("record") if chosen.is_valid() else None
    if key is None:
        return None
    first = entries.first()
    if first is None:
        raise NotFound(_("There is no such record."))
    model = by_type(first.record_type)
    return model._base_manager.select_related(*model.door_related).get(pk=key)


def _line(entry: Entry) -> dict[str, Any]:
    model = by_type(entry.record_type)
    line = told(entry, model, staff=True)
    names = {field.name for field in model._meta.concrete_fields}
    line["changes"] = [
        one | {"field": label_of(model, one["field"])} if one["field"] in names else one
        for one in line["changes"]
        if one["before"] != one["after"]
    ]
    url = model(id=entry.record_id).get_absolute_url() if model.records else ""
    about = {"value": f"{capfirst(str(model._meta.verbose_name))} #{entry.number}", "url": url}
    return line | {"role": entry.role, "about": about, "digest": entry.sha256[:16]}


def _chain(record: Any) -> dict[str, Any]:
    fault = fault_of(record)
    count = {"number": record.version}
    if fault:
        return {"holds": False, "title": _("The chain is broken"), "text": fault.text()}
    text = ngettext(
        "One entry, unchanged since it was written.",
        "%(number)d entries, unchanged since they were written.",
        record.version,
    )
    return {"holds": True, "title": _("The chain holds"), "text": text % count}


COLUMNS = ("at", "record", "id", "number", "step", "person", "role", "via", "from", "to", "reason", "sha256")


def _as_csv(entries: QuerySet) -> HttpResponseBase:
    lines = (
        [
            entry.effective_at.isoformat(),
            entry.record_type,
            entry.record_id,
            entry.number,
            entry.step,
            entry.actor or "",
            entry.role,
            entry.via,
            entry.from_state,
            entry.to_state,
            entry.detail.reason,
            entry.sha256,
        ]
        for entry in entries.order_by("-id").iterator(chunk_size=500)
    )
    return sheets.answer("csv", "trail", [sheets.Table("trail", COLUMNS, lines)])


def by_key(rows: QuerySet, request: HttpRequest) -> tuple[list[Any], dict[str, Any]]:
    """(a page of the rows, newest first, the links before and after) by key."""
    pages = KeysetPages()
    pages.ordering = ("-id",)
    request.query_params = request.GET  # type: ignore[attr-defined]
    page = pages.paginate_queryset(rows, request)
    return page, {"next_url": pages.get_next_link(), "previous_url": pages.get_previous_link()}


def _key(text: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None
