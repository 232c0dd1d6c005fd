"""All rows that a report reads, each kind with one statement, and the short ids by which the cut names them.

The number of statements does not depend on the number of projects. Of people the cut knows keys only.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from functools import cached_property
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from advisory.action import Action
from advisory.advisor import Advisor
from advisory.assignment import Assignment
from advisory.curriculum import CurriculumVitae
from advisory.needs import Need
from advisory.project import Lesson, Project, ProjectCluster
from advisory.session import SessionFirm, SessionNeed, SupportSession
from facility.application import Application
from facility.call import Call
from facility.evaluation import Evaluation
from facility.registry.conflicts import Conflict
from facility.registry.matrix import eu_code
from facility.registry.organisation import Organisation
from facility.registry.programme import Programme
from facility.selection import Selection
from facility.workflow.trail import Entry
from reporting.evidence import CellEvidence, cells_with_evidence
from reporting.story import StoryCluster, StoryPartner, StoryQuote, SuccessStory
from webinars.registration import Registration
from webinars.topic import Topic, Vote
from webinars.webinar import HELD, AgendaItem, Webinar

# What a short id is for; the cut gives the key of every record behind it.
KINDS = {
    "CA": "calls", "AP": "applications", "SE": "selections", "CV": "curricula", "AD": "advisors", "AS": "assignments",
    "P": "projects", "N": "needs", "AC": "actions", "S": "sessions", "O": "organisations", "L": "lessons",
    "W": "webinars", "R": "registrations", "T": "topics", "V": "votes", "ST": "stories",
}  # fmt: skip
WIDTHS = {"P": 3, "W": 2, "ST": 2}
# The steps whose days the course and the funnel tell.
MARKED = {
    "facility.call": ("open", "close"),
    "facility.application": ("declare_eligible", "overturn"),
    "facility.selection": ("approve", "release"),
    "advisory.advisor": ("admit",),
    "advisory.assignment": ("offer", "start"),
    "advisory.project": ("agree_needs", "close"),
    "reporting.successstory": ("create", "publish"),
}
WORKED = ("active", "completed")


class Material:
    """The records of one programme as they are now."""

    def __init__(self, programme: Programme, as_of: dt.datetime) -> None:
        self.programme, self.as_of = programme, as_of
        self.zone = programme.tz()
        self.short: dict[Any, str] = {}
        # The figures of a project's days, which the ledger numbers and the project's page repeats.
        self.days_of: dict[Any, dict[str, Any]] = {}
        self.load_selection()
        self.load_people()
        self.load_projects()
        self.load_sessions()
        self.load_webinars()
        self.load_stories()
        self.load_marks()

    # -- what is read

    def load(self, prefix: str, rows: QuerySet, *columns: str) -> list[Any]:
        """Rows as named tuples in the order of their keys, each with a short id."""
        found = list(rows.order_by("pk").values_list("pk", *columns, named=True))
        for number, row in enumerate(found, 1):
            self.short[row.pk] = f"{prefix}{number:0{WIDTHS.get(prefix, 4)}d}"
        return found

    def load_selection(self) -> None:
        """Calls, applications, selections."""
        own = {"programme": self.programme}
        self.calls = self.load("CA", Call.objects.filter(**own), "opens_at", "closes_at", "minimum_score", "places")
        self.applications = self.load(
            "AP", Application.objects.filter(**own),
            "state", "call_id", "submitted_at", "score", "lead_cluster__country",
        )  # fmt: skip
        self.selections = self.load("SE", Selection.objects.filter(**own), "state", "released_at")
        many = Evaluation.objects.filter(**own, state="submitted").values("application_id").annotate(n=Count("pk"))
        self.evaluations = dict(many.values_list("application_id", "n"))

    def load_people(self) -> None:
        """CVs, advisors, assignments and declared interests; keys and plain properties only."""
        own = {"programme": self.programme}
        self.curricula = self.load("CV", CurriculumVitae.objects.filter(**own), "state", "advisor_id")
        self.advisors = self.load("AD", Advisor.objects.filter(**own), "state", "kind", "person_id")
        self.assignments = self.load(
            "AS", Assignment.objects.filter(**own), "state", "project_id", "advisor_id", "kind", "score"
        )
        people = [one.person_id for one in self.advisors]
        self.conflicts = set(Conflict.objects.filter(person__in=people).values_list("person_id", "cluster_id"))

    def load_projects(self) -> None:
        """Projects with their clusters, needs, actions and lessons."""
        own, lead = {"programme": self.programme}, "application__lead_cluster__"
        self.projects = self.load(
            "P", Project.objects.filter(**own),
            "name", "state", "starts_on", "ends_on", "days_budget", "kicked_off_on", "final_note", "note_approved_at",
            "application__context", f"{lead}name", f"{lead}lang", f"{lead}country", f"{lead}nuts",
            f"{lead}sector", f"{lead}ecosystem", f"{lead}eco_sector", f"{lead}members_count",
        )  # fmt: skip
        own_parties = ProjectCluster.objects.filter(project__programme=self.programme)
        parties = own_parties.order_by("-is_lead", "cluster__sort_name", "pk").values_list(
            "project_id", "cluster_id", "is_lead", "cluster__name", "cluster__country", "cluster__members_count",
            "cluster__smes_count", named=True,
        )  # fmt: skip
        self.parties = grouped(parties, "project_id")
        large = Organisation.objects.filter(
            size="large", kind="firm", cluster__parties__project__programme=self.programme
        )
        self.large_firms = dict(
            large.values("cluster_id").annotate(n=Count("pk", distinct=True)).values_list("cluster_id", "n")
        )
        self.needs = self.load(
            "N", Need.objects.filter(**own, assessment__state="agreed").exclude(state="withdrawn"),
            "project_id", "area", "text", "rank", "start_status", "end_status",
        )  # fmt: skip
        self.actions = self.load(
            "AC", Action.objects.filter(**own), "project_id", "need_id", "title_text", "forms", "cells", "mode", "state"
        )
        self.lessons = self.load(
            "L", Lesson.objects.filter(project__programme=self.programme), "project_id", "area", "text", "role"
        )

    def load_sessions(self) -> None:
        """Sessions that were logged, with the firms and needs of the approved ones."""
        logged = SupportSession.objects.filter(programme=self.programme).exclude(state__in=["planned", "cancelled"])
        self.logged = self.load(
            "S", logged.annotate(hours=F("contact_hours") + F("preparation_hours")),
            "state", "project_id", "held_on", "form", "kind", "people_count", "cells", "hours",
        )  # fmt: skip
        self.sessions = [one for one in self.logged if one.state == "approved"]
        approved = {"session__programme": self.programme, "session__state": "approved"}
        firms = SessionFirm.objects.filter(**approved).values_list("session_id", "organisation_id").order_by("pk")
        self.firms_of: dict[Any, list[Any]] = defaultdict(list)
        for session, firm in firms:
            self.firms_of[session].append(firm)
        for number, firm in enumerate(sorted({firm for found in self.firms_of.values() for firm in found}), 1):
            self.short[firm] = f"O{number:04d}"
        self.needs_of: dict[Any, list[Any]] = defaultdict(list)
        for session, need in SessionNeed.objects.filter(**approved).values_list("session_id", "need_id").order_by("pk"):
            self.needs_of[session].append(need)

    def load_webinars(self) -> None:
        """Webinars that were held, their agenda and registrations; topics and votes."""
        own = {"programme": self.programme}
        synergy = {"webinar__kind": "synergy"}
        self.webinars = self.load(
            "W", Webinar.objects.filter(**own, kind="synergy").exclude(state__in=["draft", "cancelled"]),
            "state", "order", "title_text", "summary", "zone", "starts_at", "ends_at", "started_at", "ended_at",
            "guests_count", "present_count",
        )  # fmt: skip
        agenda = AgendaItem.objects.filter(webinar__programme=self.programme, **synergy).order_by("order")
        self.agenda = grouped(agenda.values_list("webinar_id", "element", "speaker", named=True), "webinar_id")
        self.registrations = self.load(
            "R", Registration.objects.filter(**own, **synergy), "webinar_id", "state", "registered_at"
        )
        self.topics = self.load(
            "T", Topic.objects.filter(**own).exclude(state="merged"), "title_text", "state", "webinar_id", "answer_kind"
        )
        votes = Vote.objects.filter(topic__programme=self.programme, taken_back_at__isnull=True).exclude(
            topic__state="merged"
        )
        self.votes = self.load("V", votes, "topic_id")

    def load_stories(self) -> None:
        """Published stories, whom they name and whom they quote."""
        told = {"story__programme": self.programme, "story__state": "published"}
        self.stories = self.load(
            "ST", SuccessStory.objects.filter(programme=self.programme, state="published"),
            "project_id", "title_text", "sector", "result", "text",
        )  # fmt: skip
        clusters = StoryCluster.objects.filter(**told).order_by("cluster__sort_name", "pk")
        self.story_clusters = grouped(
            clusters.values_list("story_id", "cluster__name", "cluster__country", named=True), "story_id"
        )
        partners = StoryPartner.objects.filter(**told).order_by("name", "pk")
        self.story_partners = grouped(partners.values_list("story_id", "name", named=True), "story_id")
        quotes = StoryQuote.objects.filter(**told, has_consent=True).order_by("story_id", "order")
        self.quotes = grouped(
            quotes.values_list("story__project_id", "text", "lang", "speaker", named=True), "story__project_id"
        )

    def load_marks(self) -> None:
        """The days on which steps were taken, from the trail: (record type, step) to [(day, record)]."""
        self.marks: dict[tuple[str, str], list[tuple[dt.date, Any]]] = defaultdict(list)
        wanted = Q(pk__isnull=True)
        for kind, steps in MARKED.items():
            wanted |= Q(record_type=kind, step__in=steps)
        entries = Entry.objects.filter(wanted, scope_id=self.programme.pk).order_by("effective_at", "pk")
        for kind, step, record, at in entries.values_list("record_type", "step", "record_id", "effective_at"):
            if record in self.short:
                self.marks[kind, step].append((self.day(at), record))

    # -- how sections ask

    def id(self, key: Any) -> str:
        """The short id of a record."""
        return self.short[key]

    def ids(self, rows: Any) -> list[str]:
        """The short ids of rows."""
        return [self.short[row.pk] for row in rows]

    def day(self, at: dt.datetime, zone: dt.tzinfo | None = None) -> dt.date:
        """The day of an instant where the programme is, or in a zone."""
        return at.astimezone(zone or self.zone).date()

    def records(self) -> dict[str, str]:
        """Short id to the key of the record, for all that were read."""
        return {short: str(key) for key, short in self.short.items()}

    @cached_property
    def sessions_of(self) -> dict[Any, list[Any]]:
        """Approved sessions by project, by day."""
        return grouped(sorted(self.sessions, key=lambda one: (one.held_on, one.pk)), "project_id")

    @cached_property
    def needs_of_project(self) -> dict[Any, list[Any]]:
        """Agreed needs by project, by rank."""
        return grouped(sorted(self.needs, key=lambda one: (one.rank or 0, one.pk)), "project_id")

    @cached_property
    def actions_of(self) -> dict[Any, list[Any]]:
        """Actions by project."""
        return grouped(self.actions, "project_id")

    @cached_property
    def cells(self) -> dict[str, CellEvidence]:
        """The 36 cells of the toolkit with their evidence."""
        return cells_with_evidence(self.programme)

    @cached_property
    def months(self) -> list[str]:
        """Every month from the first approved session to the last."""
        days = [one.held_on for one in self.sessions]
        if not days:
            return []
        first, last = min(days), max(days)
        at, found = first.replace(day=1), []
        while at <= last:
            found.append(f"{at:%Y-%m}")
            at = (at + dt.timedelta(days=31)).replace(day=1)
        return found

    def countries_of(self, project: Any) -> list[str]:
        """EU codes of a project's clusters, each once, the lead's first."""
        return list(dict.fromkeys(eu_code(str(one.cluster__country)) for one in self.parties[project.pk]))

    def firms_in(self, sessions: Any) -> list[str]:
        """The short ids of the different firms that took part in sessions."""
        return sorted({self.short[firm] for one in sessions for firm in self.firms_of[one.pk]})

    def label_of(self, project: Any) -> str:
        """A project's name for narrow places."""
        name = project.name.split(" - ")[0].strip()
        return name if len(name) <= SHORT_NAME else f"{name[: SHORT_NAME - 1].rsplit(' ', 1)[0]}…"

    def held_webinars(self) -> list[Any]:
        """Those that took place, by their day."""
        return sorted((one for one in self.webinars if one.state in HELD), key=lambda one: (one.starts_at, one.pk))


SHORT_NAME = 32


def grouped(rows: Any, column: str) -> dict[Any, list[Any]]:
    """Rows by the value of a column, in their order; nothing for what is not there."""
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, column)].append(row)
    return found
