"""What the homes show: what waits on a person, what has changed, what comes next, and figures. No page is built here.

Each function asks the database a fixed number of questions, however many rows there are.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, F, OuterRef, QuerySet, Subquery, Sum, When, Window
from django.db.models.functions import Coalesce
from django.template.defaultfilters import floatformat
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from advisory.assignment import Assignment
from advisory.checks import NAMED
from advisory.project import Project
from advisory.session import HOURS_PER_DAY, SessionFirm, SupportSession
from facility.application import Application
from facility.call import Call
from facility.registry.programme import Programme
from facility.roles import held
from facility.web import told_entries
from facility.workflow import clock
from facility.workflow.clock import Timer
from facility.workflow.engine import Record, all_records, by_type, mark
from facility.workflow.steps import Step
from facility.workflow.trail import Entry
from facility.workflow.web import own_language, state_tag, step_url
from webinars.webinar import Webinar

LOOKED_AT, SHOWN_SINGLY, NEWS, AHEAD = 50, 5, 6, 4
STAFF = ("lead", "coordinator", "observer")
COUNTED = ("confirmed", "approved")
LOGGED = ("logged", "disputed", "confirmed", "approved")


# -- what waits


def tasks(person: Any) -> list[dict[str, Any]]:
    """What waits on a person, by due date, as parts/tasks.html wants it; many of one kind are one line.

    One query for each kind of record whose steps the person's roles could take, and one for the due dates.
    """
    groups: dict[tuple[type[Record], str, str], list[Any]] = defaultdict(list)
    for model in kinds_waiting(person.roles_held()):
        for record, step in _waiting(model, person):
            groups[model, record.state, step.name].append(record)
    keys = [record.pk for records in groups.values() for record in records]
    due = dict(Timer.objects.filter(record_id__in=keys, step="").values_list("record_id", "due_at"))
    found = [task for (model, _state, name), rows in groups.items() for task in _tasks(model.step(name), rows, due)]
    return sorted(found, key=lambda task: (task["due_at"] is None, task["due_at"] or clock.now()))


def kinds_waiting(roles: frozenset[str]) -> list[type[Record]]:
    """The kinds of records that may wait for a step of somebody with these roles."""
    return [
        model
        for model in all_records()
        if model.records and any(not step.who.roles or step.who.roles & roles for step in _awaited(model).values())
    ]


def _awaited(model: type[Record]) -> dict[str, Step]:
    return {name: model.step(name) for names in model.awaits.values() for name in names}


def _waiting(model: type[Record], person: Any) -> list[tuple[Any, Step]]:
    steps = _awaited(model)
    may = {f"_may_{name}": mark(step.who, person) for name, step in steps.items()}
    rows = model.objects.visible_to(person).waiting_on(person).select_related(*model.door_related)
    marked = rows.annotate(**may, _alike=Window(Count("pk"), partition_by=F("state")))
    return [
        (row, steps[next(name for name in model.awaits[row.state] if getattr(row, f"_may_{name}"))])
        for row in marked.order_by("id")[:LOOKED_AT]
    ]


def _tasks(step: Step, records: list[Any], due: dict[Any, dt.datetime]) -> list[dict[str, Any]]:
    if len(records) <= SHOWN_SINGLY:
        return [_task(record, step, due.get(record.pk)) for record in records]
    model = type(records[0])
    url = reverse("records", kwargs={"records": model.records})
    url = f"{url}?state={records[0].state}" if "state" in model.filter_by else url
    number = max(len(records), records[0]._alike)
    return [
        {
            "due_at": min((due[record.pk] for record in records if record.pk in due), default=None),
            "title": f"{number} {model._meta.verbose_name_plural}: {step.label}",
            "url": url,
            "lang": "",
            "why": why(step),
            "step": {"label": _("Look through"), "url": url},
        }
    ]


def _task(record: Any, step: Step, due_at: dt.datetime | None) -> dict[str, Any]:
    of = getattr(record, "project", None) if any(path.startswith("project") for path in record.door_related) else None
    where = (
        f"{capfirst(str(record._meta.verbose_name))}, {of.title()}" if of else capfirst(str(record._meta.verbose_name))
    )
    return {
        "due_at": due_at,
        "title": record.title(),
        "url": record.get_absolute_url(),
        "lang": own_language(record),
        "why": f"{where}. {why(step)}",
        "step": {"label": step.label, "url": step_url(record, step) if step.form else record.get_absolute_url()},
    }


def why(step: Step) -> str:
    """What a step does, in one sentence of the reader's language."""
    return _(" ".join(step.doc.split()))


# -- what has changed, what comes


def since(person: Any) -> dict[str, Any]:
    """What others did after the person's own last act before this sign-in; in the last week when there was none."""
    before = person.last_login or clock.now()
    last = Entry.objects.filter(actor=person, at__lt=before).order_by("-id").only("id", "effective_at").first()
    start = last.effective_at if last else clock.now() - dt.timedelta(days=7)
    programmes = held(person, *STAFF)
    entries = told_entries(person).filter(scope_id__in=programmes, effective_at__gt=start, caused_by__isnull=True)
    entries = entries.exclude(actor=person)
    newest = list(entries.annotate(_all=Window(Count("pk"))).order_by("-id")[:NEWS])
    titles = _titles(newest)
    feed = [
        {
            "at": one.effective_at,
            "who": str(one.actor or _("System")),
            "text": _label(one),
            "about": titles[one.record_id],
        }
        for one in newest
    ]
    label = _("Since your last act") if last else _("In the last seven days")
    number = newest[0]._all if newest else 0
    more = {
        "label": ngettext("All of it: %(number)d change", "All of it: %(number)d changes", number) % {"number": number},
        "url": reverse("trail"),
    }
    return {"label": label, "feed": feed, "all": more if number > NEWS else None}


def _label(entry: Entry) -> str:
    step = by_type(entry.record_type).steps().get(entry.step)
    return f"{step.label if step else entry.step}:"


def _titles(entries: list[Entry]) -> dict[Any, dict[str, str]]:
    kinds: dict[str, list[Any]] = defaultdict(list)
    for one in entries:
        kinds[one.record_type].append(one.record_id)
    found = {}
    for kind, keys in kinds.items():
        model = by_type(kind)
        for record in model._base_manager.filter(pk__in=keys).select_related(*model.door_related):
            url = record.get_absolute_url() if record.records else ""
            found[record.pk] = {"value": record.title(), "url": url, "lang": own_language(record)}
    return found


def coming(person: Any) -> list[dict[str, Any]]:
    """Calls that open or close, webinars, and for staff the end of the programme: the next few dates."""
    instant = clock.now()
    calls = Call.objects.visible_to(person).filter(state__in=["announced", "open"], closes_at__gt=instant)
    lines = []
    for call in calls.order_by("closes_at")[:AHEAD]:
        opens = call.opens_at > instant
        lines.append(
            _ahead(
                call.opens_at if opens else call.closes_at,
                _("The call opens:") if opens else _("The call closes:"),
                call,
            )
        )
    webinars = Webinar.objects.visible_to(person).filter(starts_at__gt=instant).exclude(state="cancelled")
    lines += [_ahead(one.starts_at, _("Webinar:"), one) for one in webinars.order_by("starts_at")[:AHEAD]]
    for programme in Programme.objects.filter(pk__in=held(person, *STAFF), ends_on__gte=clock.today())[:AHEAD]:
        lines.append(_ahead(programme.ends_on, _("The programme ends:"), programme))
    return sorted(lines, key=lambda line: line["at"].isoformat())[: AHEAD + 2]


def _ahead(at: Any, text: str, record: Any) -> dict[str, Any]:
    return {"at": at, "text": text, "about": {"value": record.title(), "url": record.get_absolute_url()}}


# -- figures


def figures(programmes: QuerySet) -> list[dict[str, Any]]:
    """The line of numbers for staff; each opens the records behind it. Five queries."""
    bids = Application.objects.filter(programme__in=programmes).exclude(state="draft").count()
    projects = Project.objects.filter(programme__in=programmes).exclude(state="stopped")
    all_ = projects.aggregate(n=Count("pk"), days=Sum("days_budget"), firms=Sum("firms_targeted"))
    hours = SupportSession.objects.filter(project__in=projects, state="approved").aggregate(
        given=Sum(F("contact_hours") + F("preparation_hours"))
    )["given"]
    days = (hours or Decimal(0)) / HOURS_PER_DAY
    line = [
        {"value": bids, "label": _("applications"), "url": reverse("records", kwargs={"records": "applications"})},
        {"value": all_["n"], "label": _("projects"), "url": reverse("records", kwargs={"records": "projects"})},
        {
            "value": round(days, 1),
            "label": _("days approved of %(days)d") % {"days": all_["days"] or 0},
            "note": _share(days, all_["days"]),
            "url": f"{reverse('records', kwargs={'records': 'sessions'})}?state=approved",
        },
        {
            "value": firms_reached(projects),
            "label": _("member firms reached"),
            "note": _("of %(n)d") % {"n": all_["firms"] or 0},
        },
    ]
    last = programmes_of(programmes).order_by("-ends_on").first()
    if last and not last.is_over():
        left = (last.ends_on - clock.today(last.tz())).days
        line.append({"value": left, "label": _("days to the end of the programme"), "url": last.get_absolute_url()})
    return line


def programmes_of(keys: Any) -> QuerySet:
    """The programmes of these keys."""
    return Programme.objects.filter(pk__in=keys)


def firms_reached(projects: Any) -> int:
    """Firms with a logged session, counted once for each project (F02)."""
    rows = SessionFirm.objects.filter(session__project__in=projects, session__state__in=LOGGED)
    return rows.values("session__project", "organisation").distinct().count()


def _share(part: Any, whole: Any) -> str:
    return _("%(share)d %%") % {"share": round(100 * part / whole)} if whole else ""


# -- own records


def own_applications(person: Any) -> list[dict[str, Any]]:
    """The applications of the clusters that the person manages, with the step that waits."""
    mine = Application.objects.filter(lead_cluster_id__in=held(person, "manager", scope="cluster")).exclude(
        state="withdrawn"
    )
    rows = mine.with_faces(person).with_offers(person).select_related("lead_cluster").order_by("-id")[:LOOKED_AT]
    found = []
    for row in rows:
        waits = [step for step in row.offered_steps() if step.name in row.awaits.get(row.state, ())]
        found.append(
            {
                "title": row.title(),
                "url": row.get_absolute_url(),
                "lang": row.lang,
                "state": state_tag(row, row.face),
                "step": {
                    "label": waits[0].label,
                    "url": step_url(row, waits[0]) if waits[0].form else row.get_absolute_url(),
                }
                if waits
                else None,
            }
        )
    return found


def own_projects(person: Any, role: str) -> list[dict[str, Any]]:
    """The projects that the person manages or advises, as parts/project_card.html wants them. Two queries."""
    hours = (
        SupportSession.objects.filter(project=OuterRef("pk"), state__in=COUNTED)
        .values("project")
        .annotate(given=Sum(F("contact_hours") + F("preparation_hours")))
        .values("given")
    )
    mine = Project.objects.filter(pk__in=held(person, role, scope="project")).with_faces(person)
    counted = mine.annotate(hours=Coalesce(Subquery(hours), Decimal(0))).select_related(*Project.door_related)
    rows = list(counted.order_by(Case(When(state="closed", then=1), default=0), "-id")[:LOOKED_AT])
    advisors: dict[Any, list[str]] = defaultdict(list)
    working = Assignment.objects.filter(NAMED, project__in=[row.pk for row in rows])
    for assignment in working.select_related("advisor__person").order_by("advisor__person__sort_name"):
        advisors[assignment.project_id].append(str(assignment.advisor.person))
    return [_card(row, advisors[row.pk]) for row in rows]


def _card(project: Any, advisors: list[str]) -> dict[str, Any]:
    used, today = project.hours / HOURS_PER_DAY, clock.today(project.programme.tz())
    length, gone = (project.ends_on - project.starts_on).days or 1, (today - project.starts_on).days
    left = max((project.ends_on - today).days, 0)
    words = [
        _("%(used)s of %(total)d days used") % {"used": floatformat(used, -1), "total": project.days_budget},
        ngettext("%(n)d day left", "%(n)d days left", left) % {"n": left},
    ]
    return {
        "title": project.title(),
        "url": project.get_absolute_url(),
        "lang": project.lang,
        "state": state_tag(project, project.face),
        "until": project.ends_on,
        "used": used,
        "total": project.days_budget,
        "gone": min(max(gone / length, 0), 1),
        "words": words,
        "facts": [{"label": _("Advisors"), "value": advisors or _("Nobody yet.")}],
    }
