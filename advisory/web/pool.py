"""The pool: all advisors of own programmes, by filters and by a question, with the sentences that answer it (F06)."""

from __future__ import annotations

import datetime as dt
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import structlog
from babel import Locale
from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views import View
from django_countries import countries

from advisory import meaning
from advisory.advisor import KINDS, OPEN, Advisor
from advisory.facets import FACETS, Row, Wanted, sift
from advisory.forms.pool import PoolLimits
from advisory.pool import pool_rows, unsearchable
from advisory.searchable import CvSentence
from advisory.searching import QUESTION_LENGTH, Hit, found_by
from advisory.shortlist import Shortlist
from facility.bid import AREAS
from facility.registry.cluster import ECOSYSTEMS
from facility.registry.programme import Programme
from facility.roles import held, office
from facility.workflow import sheets
from facility.workflow.lists import KINDS as FILES
from facility.workflow.show import TONE_ICONS
from facility.workflow.steps import NotFound

log = structlog.get_logger()
PAGE = 50
# Values of a filter that are shown at once; the rest is folded.
UNFOLDED = 8
# Words that were asked lately, kept with the session: they may hold a name, and addresses stand in logs.
QUESTIONS, KEPT = "pool_questions", 20


class OfficeOnly(LoginRequiredMixin, View):
    """A page for coordinators; nobody else learns that it is there."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """404 for everybody else."""
        if request.user.is_authenticated and not request.user.roles_held() & office.roles:
            raise NotFound(_("There is no such page."))
        return super().dispatch(request, *args, **kwargs)


@dataclass
class Sight:
    """What a request for the pool asks, and what it gets."""

    request: Any
    limits: PoolLimits = field(init=False)

    def __post_init__(self) -> None:
        self.limits = PoolLimits(self.request.GET)

    @cached_property
    def wanted(self) -> Wanted:
        """The filters of the address; without a state, who was declined or has retired is left out."""
        kept = self.limits.kept()
        chosen: dict[str, Any] = {facet: tuple(self.request.GET.getlist(facet)) for facet in FACETS}
        chosen["state"] = chosen["state"] or OPEN
        limits = {name: kept[name] for name in ("level", "years", "free_from", "places", "days") if name in kept}
        return Wanted(**chosen, **limits)

    @cached_property
    def question(self) -> str:
        """The words behind the key in the address; empty when the session knows it no more."""
        return str(self.request.session.get(QUESTIONS, {}).get(self.request.GET.get("words", ""), ""))

    @cached_property
    def rows(self) -> list[Row]:
        """All advisors of own programmes."""
        return pool_rows(self.request.user)

    @cached_property
    def vector(self) -> Any:
        """What the question means; None when nobody can say it now."""
        return meaning.query(settings.EMBEDDER_SOCKET, self.question, timeout=1.0) if self.question else None

    @cached_property
    def hits(self) -> dict[Any, Hit]:
        """Who answers the question."""
        programmes = {row.programme for row in self.rows}
        return found_by(self.question, programmes, [(row.key, row.name) for row in self.rows], self.vector)

    @cached_property
    def sifted(self) -> tuple[list[Row], dict[str, Counter[str]]]:
        """(who fits, in order; the count of each value)."""
        rows = [row for row in self.rows if row.key in self.hits] if self.question else self.rows
        fitting, counts = sift(rows, self.wanted)
        return self.ordered(fitting), counts

    def ordered(self, rows: list[Row]) -> list[Row]:
        """By what the address asks for; rows of one rank stay in the order of their names."""
        sort = self.limits.cleaned_data.get("sort", "")
        last = dt.date.max
        by: dict[str, Any] = {
            "years": lambda row: -(row.years if row.years is not None else -1),
            "free": lambda row: row.free_from or dt.date.min if row.places else last,
            "places": lambda row: -row.places,
        }
        if sort in by:
            return sorted(rows, key=by[sort])
        if self.question and not sort:
            return sorted(rows, key=lambda row: (-("name" in self.hits[row.key].by), -self.hits[row.key].points))
        return rows

    def query(self, **changed: Any) -> str:
        """The address with some of its parts changed; None takes one away, a list gives one several values."""
        parts: dict[str, Any] = {name: self.request.GET.getlist(name) for name in self.request.GET}
        parts = parts | changed
        kept = {name: value for name, value in parts.items() if value not in (None, "", [], [""])}
        return f"?{urlencode(kept, doseq=True)}"


class PoolPage(OfficeOnly):
    """The page of the pool, its roster as a file, and the question by post."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The page, in a number of statements that does not grow with the pool."""
        sight = Sight(request)
        if (kind := request.GET.get("as", "")) in FILES:
            log.info("roster_exported", person_id=str(request.user.pk), rows=len(sight.sifted[0]), kind=kind)
            return sheets.answer(kind, "advisors", [roster(sight.sifted[0], names_of(sight))])
        return render(request, "advisory/pool.html", self.context(sight))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Keeps the question with the session and shows its answers."""
        question = " ".join(request.POST.get("question", "").replace("\x00", " ").split())[:QUESTION_LENGTH]
        question = question.encode("utf-8", "ignore").decode()
        sight = Sight(request)
        if not question:
            return HttpResponseRedirect(reverse("pool") + sight.query(words=None, page=None))
        asked = dict(list(request.session.get(QUESTIONS, {}).items())[-KEPT + 1 :])
        key = secrets.token_hex(6)
        request.session[QUESTIONS] = asked | {key: question}
        return HttpResponseRedirect(reverse("pool") + sight.query(words=key, page=None))

    def context(self, sight: Sight) -> dict[str, Any]:
        """What the template asks for."""
        names = names_of(sight)
        fitting, counts = sight.sifted
        number = sight.request.GET.get("page", "1")
        pages = max(1, -(-len(fitting) // PAGE))
        page = min(max(int(number) if number.isdecimal() and len(number) < len("10000") else 1, 1), pages)
        shown = fitting[(page - 1) * PAGE : page * PAGE]
        chosen = chips_of(sight, names)
        is_narrowed = bool(chosen or sight.question or "state" in sight.request.GET)
        return {
            "lede": lede_of(len(fitting), len(sight.rows), is_narrowed=is_narrowed),
            "question": sight.question,
            "is_forgotten": bool(sight.request.GET.get("words")) and not sight.question,
            "unsearchable": unsearchable(sight.request.user) if sight.question else 0,
            "is_wordy": bool(sight.question) and sight.vector is None,
            "limits": sight.limits,
            "facets": facets_of(sight, counts, names),
            "states": states_of(sight, counts),
            "chosen": chosen,
            "kept": kept_of(sight),
            "rows": [line(row, sight, names) for row in with_sentences(shown, sight)],
            "columns": columns(),
            "first": (page - 1) * PAGE + 1,
            "number": len(fitting),
            "is_empty": not sight.rows,
            "previous_url": sight.query(page=page - 1) if page > 1 else "",
            "next_url": sight.query(page=page + 1) if page < pages else "",
            "exports": [
                {"label": label, "url": sight.query(**{"as": kind}, page=None)} for kind, label in FILES.items()
            ],
            "all_url": reverse("pool"),
            "back": sight.query(),
        }


def lede_of(fitting: int, number: int, *, is_narrowed: bool) -> str:
    """How many there are."""
    if is_narrowed:
        return _("%(fitting)d of %(number)d advisors fit.") % {"fitting": fitting, "number": number}
    return ngettext("%(number)d advisor.", "%(number)d advisors.", number) % {"number": number}


def names_of(sight: Sight) -> dict[str, dict[str, str]]:
    """The words for the values of each filter; two statements, for shortlists and programmes."""
    spoken = Locale.parse(get_language() or "en", sep="-").languages
    codes = {code for row in sight.rows for code in row.speaks}
    lists = Shortlist.objects.filter(office.q(sight.request.user)).order_by("state", "name").values_list("pk", "name")
    own = Programme.objects.filter(pk__in=held(sight.request.user, "lead", "coordinator")).order_by("name")
    return {
        "area": {slug: str(label) for slug, label in AREAS},
        "language": {code: str(spoken.get(code, code)) for code in sorted(codes)},
        "country": {code: str(name) for code, name in countries},
        "kind": {kind: str(label) for kind, label in KINDS},
        "sector": dict(ECOSYSTEMS),
        "state": {str(state.value): str(state.label) for state in Advisor.State},
        "shortlist": {str(key): name for key, name in lists},
        "programme": {str(key): name for key, name in own.values_list("pk", "name")},
    }


def facets_of(sight: Sight, counts: dict[str, Counter[str]], names: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    """The filters of choices, each value with the number that it would leave; values that nobody has are left out."""
    labels = {
        "area": _("Areas"),
        "language": _("Languages"),
        "country": _("Countries"),
        "kind": _("Kind"),
        "sector": _("Industrial ecosystems"),
        "shortlist": _("Lists"),
        "programme": _("Programme"),
    }
    made = []
    for facet, label in labels.items():
        asked, found = set(getattr(sight.wanted, facet)), counts[facet]
        values = [value for value in names[facet] if found[value] or value in asked]
        if facet in {"language", "country"}:
            values.sort(key=lambda value: -found[value])
        if facet == "programme" and len(names[facet]) == 1:
            continue
        options = [
            {"value": value, "label": names[facet][value], "count": found[value], "checked": value in asked}
            for value in values
        ]
        made.append(
            {
                "name": facet,
                "label": label,
                "options": options[:UNFOLDED],
                "rest": options[UNFOLDED:],
                "is_open": bool(asked) or facet in {"area", "language"},
                "rest_open": any(one["checked"] for one in options[UNFOLDED:]),
            }
        )
    return made


def states_of(sight: Sight, counts: dict[str, Counter[str]]) -> list[dict[str, Any]]:
    """The states as chips with their numbers."""
    asked = set(sight.request.GET.getlist("state"))
    made = [{"label": _("Current"), "url": sight.query(state=None, page=None), "current": not asked}]
    for state in Advisor.State:
        number = counts["state"][state.value]
        if number or state.value in asked:
            url = sight.query(state=state.value, page=None)
            made.append({"label": f"{state.label} {number}", "url": url, "current": state.value in asked})
    return made


def kept_of(sight: Sight) -> list[tuple[str, str]]:
    """What travels with the filters: the key of the question, and the states, which have chips of their own."""
    asked = [("words", sight.request.GET["words"])] if sight.question else []
    return asked + [("state", state) for state in sight.request.GET.getlist("state")]


def chips_of(sight: Sight, names: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    """What is filtered by now, each with the address without it."""
    made = []
    for facet in FACETS:
        asked = getattr(sight.wanted, facet)
        for value in asked if facet != "state" else ():
            rest = [other for other in asked if other != value]
            made.append(
                {"label": names[facet].get(value, _("unknown")), "url": sight.query(**{facet: rest}, page=None)}
            )
    limits = sight.limits
    for name, value in limits.kept().items():
        if name != "sort":
            label = f"{limits.fields[name].label}: {value}"
            made.append({"label": label, "url": sight.query(**{name: None}, page=None)})
    return made


def columns() -> list[str]:
    """The headings of the table."""
    return [
        _("Advisor"),
        _("State"),
        _("Kind"),
        _("Areas"),
        _("Languages"),
        _("Countries"),
        _("Years"),
        _("Places left"),
        _("Available"),
    ]


def with_sentences(shown: Sequence[Row], sight: Sight) -> Iterator[tuple[Row, list[CvSentence]]]:
    """Each row with the sentences that answer the question; one statement for a page."""
    if not sight.question:
        yield from ((row, []) for row in shown)
        return
    curricula = {cv for row in shown for cv, _order in sight.hits[row.key].places}
    orders = {order for row in shown for _cv, order in sight.hits[row.key].places}
    found = CvSentence.objects.filter(curriculum__in=curricula, order__in=orders)
    texts = {(one.curriculum_id, one.order): one for one in found.defer("words", "vector")}
    for row in shown:
        yield row, [texts[place] for place in sight.hits[row.key].places if place in texts]


def line(found: tuple[Row, list[CvSentence]], sight: Sight, names: dict[str, dict[str, str]]) -> dict[str, Any]:
    """A row of the table."""
    row, sentences = found
    tone = Advisor.tones[row.state]
    hit = sight.hits.get(row.key) if sight.question else None
    return {
        "id": row.key,
        "title": row.name,
        "url": reverse("record", kwargs={"records": Advisor.records, "pk": row.key}),
        "cells": [
            {"label": names["state"][row.state], "tone": f"is-{tone}", "icon": TONE_ICONS[tone]},
            names["kind"][row.kind],
            [names["area"].get(area, area) for area in row.areas],
            ", ".join(language_words(row)),
            ", ".join(row.countries),
            "" if row.years is None else row.years,
            row.places,
            row.free_from or _("now"),
        ],
        "sentences": [{"text": one.text, "lang": one.language, "is_added": one.start is None} for one in sentences],
        "by": [label for name, label in by_words_of() if hit and name in hit.by],
    }


def by_words_of() -> list[tuple[str, str]]:
    """By what somebody was found."""
    return [("name", _("by name")), ("words", _("by words")), ("meaning", _("by meaning"))]


def language_words(row: Row) -> list[str]:
    """Languages with their levels."""
    return [f"{code} {level or ''}".strip() for code, level in row.speaks.items()]


def roster(rows: Sequence[Row], names: dict[str, dict[str, str]]) -> sheets.Table:
    """The advisors with a column for whatever the filters ask for."""
    head = [*columns(), _("Days left"), _("Industrial ecosystems"), _("Lists"), _("Programme")]
    return sheets.Table("advisors", head, (roster_line(row, names) for row in rows))


def roster_line(row: Row, names: dict[str, dict[str, str]]) -> list[Any]:
    """An advisor in the roster; several values stand in one cell, parted by semicolons."""
    return [
        row.name,
        names["state"][row.state],
        names["kind"][row.kind],
        "; ".join(names["area"].get(one, one) for one in row.areas),
        "; ".join(language_words(row)),
        "; ".join(row.countries),
        row.years,
        row.places,
        row.free_from,
        row.days,
        "; ".join(names["sector"].get(one, one) for one in row.sectors),
        "; ".join(names["shortlist"].get(one, "") for one in row.shortlists),
        names["programme"].get(row.programme, ""),
    ]
