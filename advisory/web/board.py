"""The board: every project that staff look after, as lanes or as a table; and opening projects for a selection."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views import View

from advisory.forms.support import ProjectTerms
from advisory.ledger import flags, silent_days, time_gone, used, with_figures
from advisory.project import Project, open_for
from facility.application import Application
from facility.registry.people import SignedIn
from facility.roles import held, readers
from facility.workflow import clock
from facility.workflow.engine import title_of
from facility.workflow.show import state_tag
from facility.workflow.steps import Blocked, Invalid, NotFound

FULL_LANE = 8
SHOWN = (*Project.RUNNING, Project.State.PAUSED, Project.State.CLOSED, Project.State.STOPPED)


class BoardFilter(forms.Form):
    """What the board shows."""

    name = forms.CharField(label=gettext_lazy("Name or word"), required=False, max_length=80)
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[("", gettext_lazy("Any state")), *((s.value, s.label) for s in SHOWN)],
    )
    advisor = forms.ChoiceField(label=gettext_lazy("Advisor"), required=False)
    flag = forms.ChoiceField(
        label=gettext_lazy("Flag"),
        required=False,
        choices=[
            ("", gettext_lazy("Any or none")),
            ("any", gettext_lazy("Flagged")),
            ("none", gettext_lazy("Without a flag")),
        ],
    )

    def __init__(self, data: Any, advisors: dict[str, str]) -> None:
        super().__init__(data)
        ordered = sorted(advisors.items(), key=lambda pair: pair[1])
        self.fields["advisor"].choices = [("", _("Any advisor")), *ordered]  # type: ignore[attr-defined]


class Board(LoginRequiredMixin, View):
    """All projects of the programmes that a coordinator or observer looks after, flagged ones first."""

    def get(self, request: SignedIn) -> HttpResponse:
        """Lanes, or with `view=table` a table, in a number of queries that does not grow."""
        if not request.user.roles_held() & {"lead", "coordinator", "observer"}:
            raise NotFound(_("There is no such page."))
        rows = [self.read(project) for project in self.rows()]
        advisors = {
            str(row["project"].lead_advisor_id): row["project"].lead_advisor
            for row in rows
            if row["project"].lead_advisor_id
        }
        chosen = BoardFilter(request.GET, advisors)
        shown = [row for row in rows if self.fits(row, chosen)]
        is_table = request.GET.get("view") == "table"
        flagged = sum(bool(row["flags"]) for row in rows)
        lede = ngettext("%(n)d project, %(flagged)d flagged.", "%(n)d projects, %(flagged)d flagged.", len(rows)) % {
            "n": len(rows),
            "flagged": flagged,
        }
        common = {
            "lede": lede,
            "views": self.views(is_table=is_table),
            "filter": chosen,
            "saved": [
                {"label": _("All %d") % len(rows), "url": self.address(is_table=is_table)},
                {"label": _("Flagged %d") % flagged, "url": self.address(is_table=is_table, flag="any")},
            ],
            "unopened": self.unopened().count(),
        }
        if is_table:
            return render(request, "facility/board_table.html", common | self.table(shown))
        return render(request, "facility/board.html", common | {"lanes": self.lanes(shown)})

    def rows(self) -> QuerySet:
        """The projects of own programmes, with their figures."""
        mine = Project.objects.filter(readers.q(self.request.user))
        return with_figures(mine).select_related("programme", "application__lead_cluster").order_by("name", "pk")

    def unopened(self) -> QuerySet:
        """Selected applications of own programmes that have no project yet."""
        return unopened(self.request.user)

    def read(self, project: Any) -> dict[str, Any]:
        """A project with what is shown of it."""
        today = clock.today(project.programme.tz())
        return {
            "project": project,
            "flags": flags(project, today),
            "gone": time_gone(project, today),
            "silent": silent_days(project, today),
        }

    def fits(self, row: dict[str, Any], chosen: BoardFilter) -> bool:
        """Whether the filter lets it through; what is not valid filters nothing."""
        chosen.is_valid()
        wanted, project = chosen.cleaned_data, row["project"]
        names = f"{project.name} {project.lead_cluster.name}".lower()
        return (
            wanted.get("name", "").lower() in names
            and wanted.get("state", "") in {"", project.state}
            and wanted.get("advisor", "") in {"", str(project.lead_advisor_id)}
            and {"any": bool(row["flags"]), "none": not row["flags"]}.get(wanted.get("flag", ""), True)
        )

    def address(self, *, is_table: bool, **query: str) -> str:
        """The board with a query."""
        query |= {"view": "table"} if is_table else {}
        return f"{reverse('board')}?{urlencode(query)}" if query else reverse("board")

    def views(self, *, is_table: bool) -> list[dict[str, Any]]:
        """Lanes, table, list."""
        return [
            {"label": _("Board"), "url": self.address(is_table=False), "current": not is_table},
            {"label": _("Table"), "url": self.address(is_table=True), "current": is_table},
            {"label": _("List"), "url": reverse("records", kwargs={"records": "projects"})},
        ]

    def lanes(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One lane for each state that has projects; in a full one, those without a flag are folded."""
        made = []
        for state in SHOWN:
            here = sorted((row for row in rows if row["project"].state == state), key=lambda row: not row["flags"])
            cards = [self.card(row) for row in here]
            shown = max(FULL_LANE, sum(bool(row["flags"]) for row in here))
            if cards:
                lane = {
                    "id": str(state),
                    "label": state.label,
                    "count": len(cards),
                    "cards": cards[:shown],
                    "rest": cards[shown:],
                }
                made.append(lane | {"wide": len(cards) > FULL_LANE})
        return made

    def card(self, row: dict[str, Any]) -> dict[str, Any]:
        """A project at a glance."""
        project = row["project"]
        days = _("%(used)s of %(budget)d days") % {"used": f"{used(project):.1f}", "budget": project.days_budget}
        return {
            "title": project.name,
            "url": project.get_absolute_url(),
            "lang": project.lang,
            "meta": f"{project.lead_cluster.country} · {project.lead_advisor or _('no advisor yet')}",
            "used": used(project),
            "total": project.days_budget,
            "gone": row["gone"],
            "words": [days, ""],
            "flags": row["flags"],
        }

    def table(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """The same as a table."""
        sorts = [
            _("Project"),
            _("State"),
            _("Lead advisor"),
            _("Days agreed"),
            _("Days used"),
            _("of"),
            _("Firms"),
            _("Silent, days"),
        ]
        return {
            "sorts": [{"label": label, "align": "right" if at > 2 else ""} for at, label in enumerate(sorts)],  # noqa: PLR2004
            "rows": [self.line(row) for row in sorted(rows, key=lambda row: (not row["flags"], row["project"].name))],
            "totals": self.totals(rows),
            "bulk": [],
            "hidden": {},
        }

    def line(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row of the table."""
        project = row["project"]
        cells = [
            state_tag(project),
            project.lead_advisor or "",
            project.days_committed,
            round(used(project), 1),
            project.days_budget,
            project.firms_reached,
            row["silent"] if row["silent"] is not None else "",
        ]
        return {
            "id": project.pk,
            "title": project.name,
            "url": project.get_absolute_url(),
            "lang": project.lang,
            "country": str(project.lead_cluster.country),
            "cells": cells,
            "flags": row["flags"],
        }

    def totals(self, rows: list[dict[str, Any]]) -> list[Any]:
        """The sums under the table."""
        found = [row["project"] for row in rows]
        days = round(sum((used(one) for one in found), start=0), 1)
        budget, firms = sum(one.days_budget for one in found), sum(one.firms_reached for one in found)
        title = ngettext("%d project", "%d projects", len(found)) % len(found)
        agreed = sum(one.days_committed for one in found)
        return [title, "", "", agreed, days, budget, firms, ""]


def unopened(person: Any) -> QuerySet:
    """Selected applications without a project, of the programmes that the person coordinates."""
    rows = Application.objects.filter(Q(programme_id__in=held(person, "lead", "coordinator")), state="selected")
    return rows.filter(project__isnull=True).select_related("lead_cluster").order_by("place", "pk")


class OpenProjects(LoginRequiredMixin, View):
    """Opens a project for every selected application that has none, all on the same terms."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """For coordinators."""
        if request.user.is_authenticated and not request.user.roles_held() & {"lead", "coordinator"}:
            raise NotFound(_("There is no such page."))
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        """Exactly which applications it is about, and the terms to fill in."""
        found = list(unopened(request.user).select_related("programme"))
        form = ProjectTerms(record=Project(), by=request.user)
        if found:
            programme = found[0].programme
            form.initial = {
                **form.initial,
                "starts_on": clock.today(programme.tz()),
                "ends_on": programme.ends_on,
                "days_budget": programme.days_per_project,
            }
        return self.show(form, found)

    def show(self, form: Any, found: list[Application], *, blocked_by: Any = (), status: int = 200) -> HttpResponse:
        """The page."""
        title = ngettext("Open %d project", "Open %d projects", len(found)) % len(found)
        context = {
            "title": title,
            "lede": _("One for each selected application that has none. The managers of all their clusters are told."),
            "form": form,
            "hidden": {},
            "back_url": reverse("board"),
            "blocked_by": blocked_by or ([] if found else [_("Every selected application has its project.")]),
            "confirm": ", ".join(one.lead_cluster.name for one in found),
        }
        return render(self.request, "workflow/step.html", context, status=status)

    def post(self, request: HttpRequest) -> HttpResponse:
        """All of them or none; posted twice, the second finds nothing left to open."""
        found = list(unopened(request.user))
        names = ProjectTerms.base_fields
        terms = {name: request.POST.get(name, "") for name in names}
        try:
            made = open_for(found, by=request.user, **terms)
        except Invalid:
            form = ProjectTerms(request.POST, record=Project(), by=request.user)
            return self.show(
                form,
                found,
                blocked_by=None if form.errors else [_("Somebody else has just opened one of them.")],
                status=400,
            )
        except Blocked as refused:
            return self.show(
                ProjectTerms(request.POST, record=Project(), by=request.user),
                found,
                blocked_by=refused.sentences,
                status=409,
            )
        said = ngettext("%(n)d project is open: %(where)s.", "%(n)d projects are open: %(where)s.", len(made))
        messages.success(request, said % {"n": len(made), "where": title_of(Project)})
        return HttpResponseRedirect(reverse("board"))
