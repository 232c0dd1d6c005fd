"""The web of every record: list, page with timeline, and one page per step. Works without script.

An app shows a record in its own way by subclassing a page and marking it with `@page_of(Model)`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import structlog
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import QuerySet
from django.forms.utils import ErrorDict
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views import View

from . import clock, door, sheets
from .engine import Record, by_plural, by_type, title_of
from .input import Rows
from .lists import KINDS, KeysetPages, exports_of, narrowed, table_of
from .once import KeyReused, fingerprint, once
from .shape import hidden
from .show import carried, cell, is_inside, label_of, own_language, shown, state_tag, step_url, told
from .steps import Blocked, Invalid, NotAllowed, NotFound, Stale, Step, unmet
from .trail import Entry

log = structlog.get_logger()
P = TypeVar("P", bound="RecordPage")
_pages: dict[tuple[type[View], type[Record]], type[View]] = {}


def page_of(model: type[Record]) -> Callable[[type[P]], type[P]]:
    """Marks a subclass of ListPage, DetailPage or StepPage as the page of this record."""

    def mark(page: type[P]) -> type[P]:
        base = next(one for one in (ListPage, DetailPage, StepPage) if issubclass(page, one))
        page.model = model
        _pages[(base, model)] = page
        return page

    return mark


def _dispatch(base: type[View]) -> Callable[..., HttpResponseBase]:
    """A view that hands over to the page of the record named in the address."""

    def view(request: HttpRequest, records: str, **kwargs: Any) -> HttpResponseBase:
        try:
            model = by_plural(records)
        except LookupError:
            raise Http404 from None
        page = _pages.get((base, model), base)
        return page.as_view(model=model)(request, **kwargs)

    return view


class RecordPage(LoginRequiredMixin, View):
    """Base of the pages; `model` is set by the address."""

    model: type[Record] = None  # type: ignore[assignment]
    template: ClassVar[str] = ""

    @property
    def person(self) -> Any:
        """Who asks; signed in."""
        return self.request.user

    def page(self, context: dict[str, Any], status: int = 200) -> HttpResponse:
        """Renders the page's template."""
        return render(self.request, self.template, context | {"records": self.model.records}, status=status)


class ListPage(RecordPage):
    """The rows a person may see: filters, search, pages by key, and what may be made anew."""

    template = "workflow/list.html"
    lede: ClassVar[Any] = ""

    def rows(self) -> QuerySet:
        """The rows, narrowed by nothing yet."""
        columns = [name for name in self.model.columns if "__" not in name]
        relations = [name for name in columns if name in {f.name for f in self.model._meta.fields if f.is_relation}] + [
            name.rsplit("__", 1)[0] for name in self.model.columns if "__" in name
        ]
        rows = self.model.objects.visible_to(self.person).with_faces(self.person)
        return rows.with_offers(self.person).select_related(*relations, *self.model.list_related)

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The page, or all its rows as a file."""
        chosen, words, rows = narrowed(self.rows(), request)
        if (kind := request.GET.get("as", "")) in KINDS:
            return sheets.answer(kind, self.model.records, [table_of(rows)])
        pages = KeysetPages()
        first = self.model.order_by[:1]
        pages.ordering = first if first[0].lstrip("-") == "id" else (*first, "id")
        request.query_params = request.GET  # type: ignore[attr-defined]
        page = pages.paginate_queryset(rows, request)
        made = self.model.creating_steps(request.user)
        return self.page(
            {
                "title": title_of(self.model),
                "lede": self.lede or self.model.lede,
                "columns": [label_of(self.model, name) for name in self.model.columns],
                "rows": [self.row(record) for record in page],
                "filter": chosen,
                "query": words,
                "searchable": bool(self.model.search_in),
                "offers": [{"label": s.label, "url": step_url(self.model(), s)} for s in made],
                "next_url": pages.get_next_link(),
                "previous_url": pages.get_previous_link(),
                "empty": _("Nothing is here yet.") if not words else _("Nothing fits these words."),
                "exports": exports_of(self.model, request),
            }
        )

    def row(self, record: Any) -> dict[str, Any]:
        """One row of the table."""
        steps = record.offered_steps()
        awaited = [s for s in steps if s.name in self.model.awaits.get(record.state, ())]
        return {
            "url": record.get_absolute_url(),
            "title": record.title(),
            "lang": own_language(record),
            "state": state_tag(record, record.face),
            "facts": [
                cell(record, name) | ({"value": "", "url": ""} if name in hidden(self.model, record.face) else {})
                for name in self.model.columns
            ],
            "step": {"label": awaited[0].label, "url": step_url(record, awaited[0])} if awaited else None,
        }


class DetailPage(RecordPage):
    """One record: its facts, parts, steps and what has happened to it."""

    template = "workflow/detail.html"

    def get(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """The page."""
        record = self.find(pk)
        return self.page(self.common(record) | self.context(record))

    def find(self, pk: Any) -> Any:
        """The record with its face, or 404."""
        rows = self.model.objects.visible_to(self.person).with_faces(self.person)
        record = rows.with_offers(self.person).select_related(*self.model.door_related).filter(pk=pk).first()
        if record is None:
            raise NotFound(_("There is no such record."))
        return record

    def common(self, record: Any) -> dict[str, Any]:
        """What every detail page has."""
        return {
            "record": record,
            "title": record.title(),
            "lang": own_language(record),
            "lede": self.model.lede,
            "state": state_tag(record, record.face),
            "offers": self.offers(record),
            "timeline": self.timeline(record),
            "due": clock.Timer.objects.filter(record_id=record.pk, step="").first() if self.model.clocks else None,
            "timeline_url": f"{reverse('trail')}?record={record.pk}" if record.face == "staff" else "",
            "list_url": reverse("records", kwargs={"records": self.model.records}),
            "list_title": title_of(self.model),
        }

    def context(self, record: Any) -> dict[str, Any]:
        """What this record's page has beyond that: facts and tables."""
        return {
            "facts": [
                fact
                for name in record.facts_for(record.face)
                if name not in hidden(self.model, record.face) and (fact := cell(record, name))["value"] != ""
            ],
            "parts": record.parts_for(record.face),
        }

    def offers(self, record: Any) -> list[dict[str, Any]]:
        """The steps of this person, the awaited one first and filled; blocked ones with their sentences."""
        awaited = self.model.awaits.get(record.state, ())
        steps = sorted(record.offered_steps(), key=lambda s: s.name not in awaited)
        made: list[dict[str, Any]] = []
        for step in steps:
            blocked = unmet(step.guards, record)
            made.append(
                {
                    "name": step.name,
                    "label": step.label,
                    "url": step_url(record, step),
                    "blocked_by": blocked,
                    "filled": not blocked and step.name in awaited and not any(o["filled"] for o in made),
                    "direct": not step.form and not blocked and step.name in awaited,
                    "version": record.version,
                    "token": secrets.token_hex(12),
                }
            )
        return made

    def timeline(self, record: Any) -> list[dict[str, Any]]:
        """The last fifty entries of the record's trail; values and reasons only for staff, nothing for the public.

        Where two states have one name for outsiders, the step between them is not theirs to know.
        """
        if record.face == "public":
            return []
        staff = record.face == "staff"
        entries = Entry.objects.filter(record_id=record.pk).exclude(step__in=self.model.silent)
        entries = entries.select_related("actor", "detail").order_by("-number")[:50]
        return [
            told(entry, self.model, staff=staff)
            for entry in entries
            if staff or entry.actor_id == self.person.pk or not is_inside(entry, self.model)
        ]


class StepPage(RecordPage):
    """The page of one step: what it asks, what blocks it, and the step itself by post."""

    template = "workflow/step.html"
    step: Step
    record: Any

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Finds step and record first; both methods need them."""
        if not request.user.is_authenticated:
            return self.handle_no_permission()
        name, pk = kwargs["step"], kwargs.get("pk")
        if name not in self.model.steps() or self.model.step(name).creates() != (pk is None):
            raise Http404
        self.step = self.model.step(name)
        if pk is None and not self.step.who.could(request.user.roles_held()):
            raise NotAllowed(_("You may not take this step: %(step)s.") % {"step": self.step.label})
        self.record = self.model() if pk is None else self.find(pk)
        return super().dispatch(request, *args, **kwargs)

    def find(self, pk: Any) -> Any:
        """The record, if the person may see it and may take the step in some state."""
        record = (
            self.model.objects.visible_to(self.person)
            .with_faces(self.person)
            .with_offers(self.person)
            .select_related(*self.model.door_related)
            .filter(pk=pk)
            .first()
        )
        if record is None:
            raise NotFound(_("There is no such record."))
        if not getattr(record, f"_may_{self.step.name}"):
            raise NotAllowed(_("You may not take this step: %(step)s.") % {"step": self.step.label})
        return record

    def blocked(self) -> list[str]:
        """The sentences that stand in the way now."""
        if self.record.state not in self.step.sources:
            return [self.record.not_in_this_state(self.step)]
        return unmet(self.step.guards, self.record)

    def initial(self) -> dict[str, Any]:
        """First values from the address, as when a list offers "new … for this call"."""
        return dict(self.request.GET.items())

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """The form."""
        form = self.record.form_for(self.step, by=request.user)
        if form is not None:
            form.initial = {**{k: v for k, v in self.initial().items() if k in form.fields}, **form.initial}
        return self.show(form)

    def show(self, form: Any, status: int = 200, **more: Any) -> HttpResponse:
        """The page with this form."""
        new = self.step.creates()
        return self.page(
            {
                "title": self.step.label,
                "lede": _(self.step.doc) if self.step.doc else "",
                "record": self.record,
                "record_title": "" if new else self.record.title(),
                "lang": own_language(self.record),
                "state": None if new else state_tag(self.record, self.record.face),
                "back_url": reverse("records", kwargs={"records": self.model.records})
                if new
                else self.record.get_absolute_url(),
                "form": form,
                "blocked_by": more.pop("blocked_by", None) or ([] if new else self.blocked()),
                "hidden": carried(self.record),
                "submit_label": self.step.label,
                "confirm": None,
                "stale": None,
                **more,
            },
            status,
        )

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Takes the step; a repeated post of the same page is the same act."""
        asked = [name for name in request.POST if name.startswith("add-")]
        if asked:
            return self.with_more_rows(asked[0].removeprefix("add-"))
        expected = request.POST.get("_version", "")
        body = fingerprint(request.path, sorted((k, request.POST.getlist(k)) for k in request.POST if k[0] != "_"))
        token = request.POST.get("_token", "")
        try:
            _status, answer, _again = once(request.user, f"web:{token[:60]}" if token.isalnum() else "", body, self.act)
        except Invalid as refused:
            return self.show(refused.form, 400, errors=refused.errors)
        except Blocked as refused:
            return self.show(self.bound(), 409, blocked_by=refused.sentences)
        except Stale as refused:
            # Sent again, it is an answer to the version that is shown beside it.
            both, hidden = self.both(refused.record), carried(refused.record)
            return self.show(self.bound(), 409, stale=both, expected=expected, hidden=hidden)
        except KeyReused:
            said = _("This page was sent before with other content. Look, then send again.")
            return self.show(self.bound(), 422, blocked_by=[said])
        messages.success(request, answer["said"])
        return HttpResponseRedirect(answer["url"])

    def act(self) -> tuple[int, Any]:
        """The step itself."""
        version = self.request.POST.get("_version", "")
        expected = int(version) if version.isdecimal() and not self.step.creates() and self.step.edits else None
        record = self.model() if self.step.creates() else self.record
        done = door.perform(
            [record],
            self.step.name,
            by=self.person,
            raw=self.request.POST,
            files=self.request.FILES,
            expected=expected,
            via="web",
        )[0]
        return 200, {"url": self.after(done), "said": self.said(done)}

    def after(self, record: Any) -> str:
        """Where the person goes then."""
        return record.get_absolute_url()

    def said(self, record: Any) -> str:
        """What is said then."""
        return _("Done: %(step)s. %(title)s") % {"step": self.step.label, "title": record.title()}

    def bound(self) -> Any:
        """The form with what was typed; nothing is lost."""
        return self.record.form_for(self.step, by=self.person, raw=self.request.POST, files=self.request.FILES)

    def both(self, theirs: Any) -> dict[str, Any]:
        """Both versions side by side, for the fields of the form."""
        form = self.record.form_for(self.step, by=self.person)
        fields = form.fields if form else {}
        names = [name for name in fields if hasattr(theirs, name)]
        return {
            "theirs": [{"field": fields[n].label or n, "value": shown(getattr(theirs, n))} for n in names],
            "mine": [{"field": fields[n].label or n, "value": self.request.POST.get(n, "")} for n in names],
            "version": theirs.version,
        }

    def with_more_rows(self, name: str) -> HttpResponse:
        """One more empty row of a Rows field, asked for by a button."""
        form = self.bound()
        if form is None or not isinstance(form.fields.get(name), Rows):
            raise Http404
        form._errors = ErrorDict()
        return self.show(form)


def open_notice(request: HttpRequest, pk: Any) -> HttpResponse:
    """Marks a notice as read and goes to the record it is about."""
    from .trail import Notice

    if not request.user.is_authenticated:
        return HttpResponseRedirect(f"{reverse('account_login')}?next={request.path}")
    notice = Notice.objects.filter(pk=pk, to=request.user).first()
    if notice is None:
        raise NotFound(_("There is no such notice."))
    Notice.objects.filter(pk=pk, read_at__isnull=True).update(read_at=clock.now())
    if notice.link:
        return HttpResponseRedirect(notice.link)
    return HttpResponseRedirect(by_type(notice.record_type)(id=notice.record_id).get_absolute_url())


def urls() -> list[Any]:
    """The addresses of the workspace that every record has."""
    return [
        path("notices/<uuid:pk>/", open_notice, name="notice"),
        path("<slug:records>/", _dispatch(ListPage), name="records"),
        path("<slug:records>/new/<slug:step>/", _dispatch(StepPage), name="new"),
        path("<slug:records>/<uuid:pk>/", _dispatch(DetailPage), name="record"),
        path("<slug:records>/<uuid:pk>/<slug:step>/", _dispatch(StepPage), name="step"),
    ]
