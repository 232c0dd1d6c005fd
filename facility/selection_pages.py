"""The pages of a selection: its ranking, the simulator, the release with its letters, the reserve list."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from facility import letter
from facility.application import Application
from facility.forms.selection import Simulation
from facility.letter_pages import as_paper, outcome_tag, release_context, sent_letters
from facility.quotas import Line
from facility.reasons import worded
from facility.selection import Selection
from facility.simulator_pages import SETS
from facility.workflow.show import carried, step_url
from facility.workflow.web import DetailPage, StepPage, page_of


@page_of(Selection)
class SelectionPage(DetailPage):
    """The ranking with its reasons, the rules, the spread; after the release who moves up."""

    template = "facility/selection.html"

    def offers(self, record: Selection) -> list[dict[str, Any]]:
        """The release is taken from the page that shows whom it touches, never straight from here."""
        return [one | {"direct": one["direct"] and one["name"] != "release"} for one in super().offers(record)]

    def context(self, record: Selection) -> dict[str, Any]:
        """For staff everything; for others the list of the selected."""
        context = super().context(record)
        if record.face != "staff":
            return context
        lines = list(record.lines.select_related("application__lead_cluster").order_by("rank"))
        names = {str(one.application_id): _called(one.application) for one in lines}
        selected = [one.application for one in lines if one.outcome == "selected"]
        return context | {
            "rules": record.declared(),
            "contradiction": [worded(reason, names) for reason in record.contradiction],
            "ranking": [_ranked(line, names) for line in lines],
            "cut": max((line.rank for line in lines if line.outcome == "selected"), default=0),
            "spread": _spread(selected) if lines else [],
            "links": _links(record, bool(lines)),
            "line": _reserve_list(record, self.person) if record.state == "released" else None,
            "sent": sent_letters(record) if record.state == "released" else None,
        }


def _called(application: Any) -> str:
    return f"{application.lead_cluster.name} ({application.number})"


def _ranked(line: Any, names: dict[str, str]) -> dict[str, Any]:
    return {
        "rank": line.rank,
        "score": line.score,
        "points": line.points if line.points not in {None, line.score} else None,
        "title": line.application.title(),
        "lang": line.application.lang,
        "url": line.application.get_absolute_url(),
        "country": line.application.lead_cluster.country.code,
        "outcome": outcome_tag(line.outcome, line.position),
        "is_out": line.outcome == "rejected",
        # Rank and score stand in the row.
        "why": [said for one in line.reasons if _code(one) != "in_order" and (said := worded(one, names))],
    }


def _code(reason: Any) -> str:
    return reason["code"] if isinstance(reason, dict) else ""


def _spread(applications: list[Any]) -> list[dict[str, Any]]:
    """How the selected spread over countries and ecosystems."""
    by_country = Counter(one.lead_cluster.country.name for one in applications)
    by_ecosystem = Counter(one.lead_cluster.get_ecosystem_display() or _("not given") for one in applications)
    return [
        {"title": _("By country"), "columns": [_("Country"), _("Selected")], "rows": _most(by_country)},
        {"title": _("By ecosystem"), "columns": [_("Ecosystem"), _("Selected")], "rows": _most(by_ecosystem)},
    ]


def _most(counted: Counter[Any]) -> list[list[Any]]:
    return [[name, n] for name, n in sorted(counted.items(), key=lambda one: (-one[1], str(one[0])))]


def _links(record: Selection, is_ranked: bool) -> list[dict[str, str]]:
    links = []
    if record.state in {"draft", "proposed"}:
        links.append({"label": _("Try other rules"), "url": reverse("simulator", kwargs={"pk": record.pk})})
    if record.state in {"approved", "released"}:
        links.append({"label": _("The letters"), "url": reverse("release-preview", kwargs={"pk": record.pk})})
    if is_ranked:
        links.append({"label": _("Decision record (PDF)"), "url": reverse("decision-record", kwargs={"pk": record.pk})})
    return links


def _reserve_list(record: Selection, person: Any) -> dict[str, Any]:
    """Who stands on the list, who is next, and who was passed over and why."""
    line = Line(record.call)
    names, skipped = line.pool.names(), dict(line.promotion.skipped)
    following = line.pool.rows.get(line.promotion.id or "")
    promote = Application.step("promote")
    may = following is not None and Application.objects.filter(promote.who.q(person), pk=following.pk).exists()
    rows = [
        [
            row.reserve_position,
            {"value": row.title(), "url": row.get_absolute_url(), "lang": row.lang},
            row.lead_cluster.country.code,
            row.score,
            [worded(reason, names) for reason in skipped.get(str(row.pk), ())],
        ]
        for row in line.waiting
    ]
    return {
        "free": line.free,
        "next": following,
        "promote_url": step_url(following, promote) if may else "",
        "hidden": carried(following) if following else {},
        "letter": _previewed(record.call, following) if following else None,
        "columns": [_("Position"), _("Cluster"), _("Country"), _("Score"), _("Why not next")],
        "rows": rows,
        "unreachable": [worded(reason) for reason in line.promotion.unreachable],
    }


def _previewed(call: Any, application: Any) -> list[Any]:
    """The letters that leave with a promotion."""
    letters = letter.drafted(call, [letter.Decision(application, letter.Kind.PROMOTED)])
    return [as_paper(one) for one in letters]


# -- the steps


@page_of(Selection)
class SelectionStep(StepPage):
    """The steps: filled from the simulator or from the letter that is edited; the release shown whole."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """The form, with what the page before it has brought along."""
        form = self.record.form_for(self.step, by=request.user) if self.record.pk else None
        if form is not None and not self.step.creates():
            form.initial = {**form.initial, **self.brought(form)}
            return self.show(form)
        return super().get(request, **kwargs)

    def brought(self, form: Any) -> dict[str, Any]:
        """First values from the address."""
        given = self.request.GET
        if self.step.name == "edit_letter":
            one = next((one for one in self.record.staged() if str(one.pk) == given.get("letter")), None)
            return {"letter": one.pk, "subject": one.subject, "body": one.body} if one else {}
        if self.step.name == "word_letter":
            kinds, languages = dict(form.fields["kind"].choices), dict(form.fields["language"].choices)
            kind = given.get("kind") if given.get("kind") in kinds else next(iter(kinds))
            language = given.get("language") if given.get("language") in languages else "en"
            subject, body = form.wording(kind, language)
            return {"kind": kind, "language": language, "subject": subject, "body": body}
        if self.step.name in {"set_quotas", "propose"} and given.get("set") in SETS:
            trial = Simulation(given, record=self.record, by=None, prefix=given["set"])
            if trial.is_valid():
                return {name: value for name, value in trial.cleaned_data.items() if name in form.fields}
        return {}

    def show(self, form: Any, status: int = 200, **more: Any) -> HttpResponse:
        """The release shows whom it touches and every letter; the wording of letters says which fields there are."""
        if self.step.name == "release" and self.record.state == "approved":
            self.template = "facility/release.html"  # type: ignore[misc]
            more = release_context(self.record, self.request) | more
        if self.step.name == "word_letter":
            self.template = "facility/word_letter.html"  # type: ignore[misc]
            more["merge_fields"] = [{"name": f"{{{name}}}", "words": words} for name, words in letter.FIELDS.items()]
            more["wordings"] = self.wordings()
        return super().show(form, status, **more)

    def wordings(self) -> list[dict[str, Any]]:
        """Links to each kind of letter in each language, with those that have a wording of their own marked."""
        own = set(self.record.call.letter_texts.values_list("kind", "language"))
        url = step_url(self.record, self.step)
        form = self.record.form_for(self.step, by=self.person)
        return [
            {
                "label": f"{words} ({language})" + (f" · {_('own wording')}" if (kind, language) in own else ""),
                "url": f"{url}?{urlencode({'kind': kind, 'language': language})}",
            }
            for kind, words in letter.Kind.choices
            for language, _name in form.fields["language"].choices
        ]

    def after(self, record: Any) -> str:
        """Back to the letters after one was changed."""
        if self.step.name in {"edit_letter", "draft_letters", "word_letter"} and record.state == "approved":
            return reverse("release-preview", kwargs={"pk": record.pk})
        return super().after(record)
