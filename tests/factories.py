"""A Facility for tests, made through the door like everything else."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

from django.utils import timezone

from facility.application import Application
from facility.call import Call
from facility.eligibility import STANDARD
from facility.evaluation import Evaluation
from facility.merging import digest
from facility.registry.cluster import Cluster
from facility.registry.grants import grant
from facility.registry.people import Person
from facility.registry.programme import Programme
from facility.roles import holders
from facility.selection import Selection
from facility.workflow.steps import SYSTEM

_counter = iter(range(1, 10**9))


def person(name: str = "", *roles: tuple[str, str, Any], programme: Any = None, **fields: Any) -> Person:
    """A person with grants: (role, scope, record)."""
    number = next(_counter)
    made = Person.objects.create_user(
        f"p{number}@example.org", name or f"Person {number}", "correct horse battery", **fields
    )
    for role, scope, record in roles:
        grant(made, role, scope, record.pk, by=SYSTEM, programme=programme)
    return made


def programme(**fields: Any) -> Programme:
    """A programme of this year."""
    number = next(_counter)
    today = timezone.now().date()
    values = {
        "slug": f"programme-{number}",
        "name": f"Programme {number}",
        "funder": "European Commission",
        "operator": "Operator",
        "starts_on": today - dt.timedelta(days=200),
        "ends_on": today + dt.timedelta(days=200),
        "zone": "Europe/Brussels",
        "evaluation_days": 14,
        "offer_days": 7,
        "confirm_days": 10,
        "days_per_project": 20,
        **fields,
    }
    return Programme().perform("create", by=SYSTEM, **values)


def staff(role: str, of: Programme, **fields: Any) -> Person:
    """Somebody with a role for a programme."""
    return person(f"{role} {next(_counter)}", (role, "programme", of), programme=of, **fields)


def cluster(country: str = "ES", **fields: Any) -> Cluster:
    """A cluster; its manager comes from `manager_of`."""
    number = next(_counter)
    values = {
        "name": f"Cluster {number}",
        "lang": "en",
        "country": country,
        "sector": "textiles",
        "members_count": 40,
        "smes_count": 30,
        **fields,
    }
    return Cluster().perform("create", by=SYSTEM, **values)


def manager_of(one: Cluster, **fields: Any) -> Person:
    """A manager of a cluster."""
    return person(f"manager {next(_counter)}", ("manager", "cluster", one), **fields)


# Every point of the standard checklist answered with yes; and the last with no.
MET = [{"point": point.key, "answer": "yes"} for point in STANDARD]
OUTSIDE = [
    row | ({"answer": "waived", "reason": "Associated."} if row["point"] == "established" else {}) for row in MET
]
UNMET = [*MET[:-1], {"point": STANDARD[-1].key, "answer": "no"}]
CRITERIA = [{"name": "Relevance", "weight": 60, "guidance": ""}, {"name": "Capacity", "weight": 40, "guidance": ""}]


def call(of: Programme, by: Person, *, places: int = 2, open_now: bool = True, **fields: Any) -> Call:
    """A call; open now unless asked otherwise."""
    instant = timezone.now()
    values = {
        "programme": of,
        "title_text": f"Call {next(_counter)}",
        "opens_at": instant - dt.timedelta(days=1),
        "closes_at": instant + dt.timedelta(days=20),
        "zone": "Europe/Brussels",
        "places": places,
        "minimum_score": 50,
        "reserve_places": 5,
        "evaluations_required": 1,
        "spread_threshold": 25,
        "criteria": CRITERIA,
        **fields,
    }
    made = Call().perform("create", by=by, **values)
    if open_now:
        made.perform("publish", by=by)
        made.perform("open", by=SYSTEM)
    return made


def draft(of: Call, by: Person, lead: Cluster, *, confirmed: bool = True, **fields: Any) -> Application:
    """A complete draft; its partners have confirmed unless asked otherwise."""
    values = {
        "call": of,
        "lead_cluster": lead,
        "title_text": "Greener members",
        "motivation": "Members ask for it.",
        "context": "A mature cluster of a textile region.",
        "has_signed": True,
        "strategic_focus": 4,
        "partners": [],
        "needs": [{"area": "energy-efficiency", "text": "Less energy in dyeing."}],
        **fields,
    }
    made = Application().perform("create", by=by, **values)
    for partner in made.partners.select_related("cluster") if confirmed else []:
        confirm(made, partner)
    return made


def confirm(application: Application, partner: Any) -> Person:
    """The manager of a partner confirms its part; a cluster without one gets one."""
    manager = holders("manager", scope="cluster", key=partner.cluster_id).first() or manager_of(partner.cluster)
    said = {"partner": partner.pk, "role": "Partner", "contribution": "Members who take part."}
    application.perform("confirm_part", by=manager, **said)
    return manager


def typed(application: Application, by: Person, *, tab: str = "tab", turn: int = 1, **values: Any) -> Application:
    """Fields as a tab sends them that has seen what stands there."""
    there = application.draft()
    changes = {name: {"value": value, "base": digest(there[name])} for name, value in values.items()}
    return application.perform("autosave", by=by, tab=tab, turn=turn, changes=changes)


def evaluated(of: Call, coordinator: Person, evaluator: Person, *, value: Any = 8, country: str = "ES") -> Application:
    """An application that has come all the way to a score."""
    lead = cluster(country)
    manager = manager_of(lead)
    made = draft(of, manager, lead)
    made.perform("submit", by=manager)
    made.perform("declare_eligible", by=coordinator, answers=MET if lead.is_in_eu() else OUTSIDE)
    judged = Evaluation().perform("assign", by=coordinator, application=made, evaluator=evaluator)
    judged.perform("accept", by=evaluator)
    judged.perform("submit", by=evaluator, scores=scores(of, value), comment="Sound.")
    made.perform("close_evaluation", by=coordinator)
    return made


def scores(of: Call, value: Any) -> list[dict[str, Any]]:
    """The same score for every criterion, or one by its name."""
    given = value if isinstance(value, dict) else defaultdict(lambda: value)
    return [{"criterion": c.pk, "value": given[c.name], "comment": "Fine."} for c in of.criteria.order_by("order")]


def close(of: Call) -> Call:
    """The closing time comes."""
    of.perform("extend", by=of.leads().first(), closes_at=timezone.now() + dt.timedelta(days=30), reason="test")
    return of


def released(of: Call, coordinator: Person, lead: Person) -> Selection:
    """A selection, proposed, approved and released."""
    made = Selection().perform("create", by=coordinator, call=of)
    made.perform("propose", by=coordinator, overrides=[])
    made.perform("approve", by=lead)
    made.perform("release", by=lead)
    return made
