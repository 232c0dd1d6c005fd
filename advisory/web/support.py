"""The project file, and the list of projects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Count
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from advisory.action import Action
from advisory.advisor import Advisor
from advisory.case import Signature
from advisory.ledger import counts_by_form, figures_of, flags, ledger, reach, time_gone, used
from advisory.needs import Need, NeedsAssessment
from advisory.project import SUPPORTED, Project
from advisory.session import SupportSession
from advisory.voices import VOICES
from facility.registry.documents import Document
from facility.registry.vocabulary_data import vocabulary
from facility.workflow import clock
from facility.workflow.engine import title_of
from facility.workflow.input import choices_of
from facility.workflow.show import state_tag, step_url
from facility.workflow.web import DetailPage, ListPage, StepPage, page_of

RARE = {"edit", "pause", "stop", "reopen", "reorder", "replace"}
SHOWN_SESSIONS, SHOWN_EVENTS, APART = 6, 8, 2
TRACK = (*Project.RUNNING, Project.State.CLOSED)
NEED_TONES = {"open": "wait", "eased": "active", "solved": "good"}

# Downstream apps add a table to the project file, as webinars that its people attended (F10).
_tables: list[Callable[[Project, Any], dict[str, Any]]] = []


def project_table(make: Callable[[Project, Any], dict[str, Any]]) -> Callable[[Project, Any], dict[str, Any]]:
    """Adds a table to every project file: {"id", "title", "columns", "rows", "empty"} for a project and a person."""
    _tables.append(make)
    return make


@page_of(Project)
class ProjectList(ListPage):
    """The list of projects; staff may look at it as a board too."""

    def page(self, context: dict[str, Any], status: int = 200) -> HttpResponse:
        """With the way to the board."""
        if self.person.roles_held() & {"lead", "coordinator", "observer"}:
            here = {"label": _("List"), "url": self.request.path, "current": True}
            context["views"] = [here, {"label": _("Board"), "url": reverse("board")}]
        return super().page(context, status)


@page_of(Project)
class ProjectFile(DetailPage):
    """The project file, for all three voices."""

    template = "advisory/project.html"

    def context(self, record: Any) -> dict[str, Any]:
        """Everything on one page, each thing in a number of queries that does not grow with it."""
        assessment = self.assessment(record)
        offers = self.all_offers(record, assessment)
        figures = figures_of(record)
        today = clock.today(record.programme.tz())
        people = {"advisor": list(record.advisors()), "manager": list(record.managers())}
        tables = [
            self.plan(record),
            self.forms(record),
            self.firms(record),
            self.documents(record),
            self.lessons(record),
        ]
        return {
            "crumbs": [{"label": title_of(Project), "url": reverse("records", kwargs={"records": "projects"})}],
            "lede": self.sentence(record, people),
            "states": [state_tag(record, record.face)],
            "offers": [offer for offer in offers if offer["name"] not in RARE],
            "rare": [offer for offer in offers if offer["name"] in RARE],
            "track": self.track(record),
            "flags": flags(figures, today) if record.face == "staff" else [],
            "needs": self.needs(record, assessment, people),
            "sessions": self.sessions(record),
            "days": self.days(figures, today),
            "tables": tables + [make(record, self.person) for make in _tables],
            "line": self.line(record),
        }

    def assessment(self, record: Any) -> NeedsAssessment | None:
        """The assessment with what this person may do on it."""
        rows = NeedsAssessment.objects.filter(project=record).with_faces(self.person).with_offers(self.person)
        return rows.select_related(*NeedsAssessment.door_related).first()

    def all_offers(self, record: Any, assessment: NeedsAssessment | None) -> list[dict[str, Any]]:
        """The steps on the needs first while they are open, then those of the project; one of them is filled."""
        made = self.offers(record)
        if assessment is not None:
            page = DetailPage(model=NeedsAssessment)
            page.request = self.request
            made = [*page.offers(assessment), *made]
        filled = [offer for offer in made if offer["filled"]]
        for offer in filled[1:]:
            offer["filled"] = False
        return made

    def sentence(self, record: Any, people: dict[str, list[Any]]) -> str:
        """Where, who and with whom, in one line."""
        cluster = record.lead_cluster
        words = [cluster.country.name, cluster.sector]
        words += (
            [_("advisor %s") % ", ".join(map(str, people["advisor"]))] if people["advisor"] else [_("no advisor yet")]
        )
        words += (
            [_("manager %s") % ", ".join(map(str, people["manager"]))] if people["manager"] else [_("no manager yet")]
        )
        return " · ".join(words)

    def track(self, record: Any) -> list[dict[str, str]]:
        """The course from opened to closed; a paused project stands where it was."""
        state = record.before_pause if record.state == "paused" else record.state
        names = [str(one) for one in TRACK]
        at = names.index(state) if state in names else len(names)
        places = ["past" if i < at else "now" if i == at else "ahead" for i in range(len(names))]
        return [{"label": str(one.label), "note": "", "place": place} for one, place in zip(TRACK, places, strict=True)]

    def needs(
        self, record: Any, assessment: NeedsAssessment | None, people: dict[str, list[Any]]
    ) -> dict[str, Any] | None:
        """The needs; the three orders only once all are in (F13)."""
        if assessment is None:
            return None
        is_told = assessment.state != "open"
        ranks: dict[Any, dict[str, int]] = {}
        for voice, need, rank in assessment.rankings.values_list("voice", "need_id", "rank") if is_told else ():
            ranks.setdefault(need, {})[voice] = rank
        rows = [
            {
                "agreed": need.rank,
                "title": need.text,
                "url": need.get_absolute_url(),
                "area": need.get_area_display(),
                "ranks": [_rank(ranks.get(need.pk, {}).get(voice), need.rank) for voice, _label in VOICES],
                "start": need.get_start_status_display(),
                "now": {"label": need.get_end_status_display(), "tone": NEED_TONES[need.end_status]}
                if need.end_status
                else None,
            }
            for need in assessment.standing().order_by("rank", "pk")
        ]
        there = list(record.signatures.filter(subject="order").select_related("by").order_by("at")) if is_told else []
        said = _("%d of 3 voices have ranked; the orders are shown when all three are in.")
        return {
            "title": _("Needs and their order"),
            "note": "" if is_told else said % assessment.ranked_count,
            "voices": [_voice(voice, label, there, people) for voice, label in VOICES] if is_told else [],
            "voice_labels": [label for _voice_name, label in VOICES],
            "rows": rows,
            "add_url": self.new(Need, "add", record) if not is_told and not assessment.ranked_count else "",
        }

    def new(self, model: Any, step: str, record: Any) -> str:
        """The page of a step that makes something for this project."""
        return f"{step_url(model(), model.step(step))}?project={record.pk}"

    def sessions(self, record: Any) -> dict[str, Any]:
        """The latest sessions."""
        rows = record.sessions.select_related("advisor__person").annotate(firm_count=Count("firms"))
        latest = rows.order_by("-held_on", "-pk")[: SHOWN_SESSIONS + 1]
        is_advisor = Advisor.objects.filter(person=self.person, programme=record.programme_id).exists()
        return {
            "columns": [_("Day"), _("Form"), _("What came of it"), _("Hours"), _("Firms"), _("State")],
            "rows": [
                [
                    {"value": one.held_on, "url": one.get_absolute_url()},
                    one.form_label(),
                    one.result,
                    one.contact_hours,
                    one.firm_count,
                    state_tag(one, record.face),
                ]
                for one in latest[:SHOWN_SESSIONS]
            ],
            "all": f"{reverse('records', kwargs={'records': 'sessions'})}?project={record.pk}",
            "total": record.sessions.count(),
            "log_url": self.new(SupportSession, "log", record) if is_advisor else "",
        }

    def days(self, figures: Any, today: Any) -> dict[str, Any]:
        """The ledger of days."""
        amounts = ledger(figures)
        words = {
            "approved": (_("Approved"), _("confirmed by the cluster, approved by the coordinator; frozen")),
            "confirmed": (_("Confirmed"), _("waits for approval")),
            "logged": (_("Logged"), _("waits for the cluster")),
        }
        gone = time_gone(figures, today)
        said = _("%(used)s of %(budget)d days are approved, confirmed or logged, with %(gone)d %% of the time gone.")
        return {
            "sentence": said
            % {"used": f"{used(figures):.1f}", "budget": figures.days_budget, "gone": round(gone * 100)},
            "parts": [{"label": label, "value": amounts[name], "note": note} for name, (label, note) in words.items()],
            "total": figures.days_budget,
            "gone": gone,
        }

    def plan(self, record: Any) -> dict[str, Any]:
        """The actions."""
        actions = record.actions.select_related("need", "owner").order_by("need__rank", "due_on", "pk")
        rows = [
            [
                {"value": a.title_text, "url": a.get_absolute_url()},
                a.need.text,
                str(a.owner),
                a.due_on,
                state_tag(a, record.face),
            ]
            for a in actions
        ]
        columns = [_("Action"), _("Need"), _("Responsible"), _("Due"), _("State")]
        table: dict[str, Any] = {
            "id": "plan",
            "title": _("Plan"),
            "columns": columns,
            "rows": rows,
            "empty": _("Nothing is planned yet."),
        }
        if Action.step("plan").who.roles & self.person.roles_held() and record.state in SUPPORTED:
            table["add"] = {"label": _("Plan an action"), "url": self.new(Action, "plan", record)}
        return table

    def forms(self, record: Any) -> dict[str, Any]:
        """Sessions by form, zeros too (F16)."""
        forms = vocabulary("forms")
        rows = [[forms[key].label(get_language() or "en"), n] for key, n in counts_by_form(record).items()]
        return {
            "id": "forms",
            "title": _("Forms of support"),
            "columns": [_("Form"), _("Sessions held")],
            "rows": rows,
            "empty": "",
        }

    def firms(self, record: Any) -> dict[str, Any]:
        """Members, target and reached (F02)."""
        found = reach(record)
        labels = {
            "members": _("Members of the clusters"),
            "smes": _("SMEs among them"),
            "targeted": _("Firms to reach"),
            "reached": _("Firms reached by a session"),
            "smes_reached": _("SMEs among those reached"),
        }
        rows = [[label, found[name]] for name, label in labels.items()]
        return {"id": "firms", "title": _("Firms"), "columns": [_("What"), _("Number")], "rows": rows, "empty": ""}

    def documents(self, record: Any) -> dict[str, Any]:
        """Documents of this project; a download is logged (F17)."""
        found = Document.objects.visible_to(self.person).filter(audience="project", scope_key=record.pk)
        rows = [
            [
                {"value": one.name, "url": reverse("document-file", kwargs={"pk": one.pk})},
                dict(choices_of(Document, "state"))[one.state],
                one.get_area_display() if hasattr(one, "get_area_display") else one.area,
                one.language,
                one.received_at,
            ]
            for one in found.order_by("-id")
        ]
        columns = [_("Document"), _("State"), _("Area"), _("Language"), _("Received")]
        add = reverse("new", kwargs={"records": "documents", "step": "receive"})
        return {
            "id": "documents",
            "title": _("Documents"),
            "columns": columns,
            "rows": rows,
            "empty": _("No document is here yet."),
            "add": {
                "label": _("Hand in a document"),
                "url": f"{add}?audience=project&scope_key={record.pk}&programme={record.programme_id}",
            },
        }

    def lessons(self, record: Any) -> dict[str, Any]:
        """Lessons with the role of whoever wrote them."""
        rows = [[one.text, one.get_area_display(), one.get_role_display()] for one in record.lessons.order_by("pk")]
        columns = [_("Lesson"), _("Area"), _("From")]
        return {"id": "lessons", "title": _("Lessons"), "columns": columns, "rows": rows, "empty": _("No lesson yet.")}

    def line(self, record: Any) -> list[dict[str, Any]]:
        """The end that is planned, then the latest events."""
        ahead = (
            [{"label": _("End of support"), "at": record.ends_on, "ahead": True}]
            if record.state in Project.RUNNING
            else []
        )
        return ahead + [
            {"label": one["label"], "at": one["at"], "note": one["who"]} for one in self.timeline(record)[:SHOWN_EVENTS]
        ]


@page_of(Action)
class ActionStep(StepPage):
    """A step of an action; planned from a project's page, it offers the needs of that project only."""

    def show(self, form: Any, status: int = 200, **more: Any) -> HttpResponse:
        """The form, narrowed to the project in the address."""
        named = self.request.GET.get("project")
        if named and form is not None and "need" in form.fields:
            needs = form.fields["need"].queryset
            form.fields["need"].queryset = needs.filter(pk__in=[n.pk for n in needs if str(n.project_id) == named])
        return super().show(form, status, **more)

    def after(self, record: Any) -> str:
        """A new action leads back to the plan."""
        return record.project.get_absolute_url() if self.step.creates() else super().after(record)


def _rank(value: int | None, agreed: int | None) -> dict[str, int | None]:
    apart = abs(value - agreed) if value and agreed else 0
    return {"value": value, "apart": apart if apart >= APART else None}


def _voice(voice: str, label: Any, there: list[Signature], people: dict[str, list[Any]]) -> dict[str, Any]:
    found = next((one for one in there if one.voice == voice), None)
    if found:
        return {"who": str(found.by), "role": label, "text": _("Signed"), "tone": "good", "at": found.at}
    names = ", ".join(str(one) for one in people.get(voice, ())) or label
    return {
        "who": names,
        "role": label if names != label else "",
        "text": _("Not signed yet"),
        "tone": "wait",
        "at": None,
    }


__all__ = ["ActionStep", "ProjectFile", "ProjectList", "project_table"]
