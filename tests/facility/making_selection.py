"""A call with many ranked applications, put into the tables at once: for counts, measures and pictures."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import time_machine
from django.db import transaction
from django.utils import timezone

from facility.application import Application
from facility.registry.cluster import ECOSYSTEMS, Cluster
from facility.registry.grants import Grant
from facility.registry.people import Person
from facility.selection import Selection
from facility.workflow.steps import SYSTEM
from facility.workflow.trail import Detail, Entry
from facility.workflow.trail import make as make_detail
from tests import factories as make

COUNTRIES = ["ES", "IT", "DE", "FR", "PL", "AT", "PT", "FI"]


def scene(**fields: Any) -> tuple[Any, Any, Any, Any]:
    """(call, lead, coordinator, evaluator) of a new programme."""
    programme = make.programme()
    lead, coordinator, evaluator = (make.staff(role, programme) for role in ("lead", "coordinator", "evaluator"))
    return make.call(programme, coordinator, **fields), lead, coordinator, evaluator


def after_closing(call: Any, days: float = 0.05) -> Any:
    """Inside, the closing time of the call has passed."""
    return time_machine.travel(call.closes_at + dt.timedelta(days=days), tick=False)


def crowd(call: Any, number: int, *, scores: Any = None, names: Any = None) -> list[Application]:
    """So many evaluated applications, each with its own cluster and manager; the best first."""
    start = call.opens_at + dt.timedelta(hours=1)
    clusters = [
        Cluster(
            name=names[at] if names else f"Crowd {call.title_text} {at:03d}",
            sort_name=f"crowd {at:03d}",
            country=COUNTRIES[at % 8],
            sector="textiles",
            ecosystem=ECOSYSTEMS[at % len(ECOSYSTEMS)][0],
            version=1,
        )
        for at in range(number)
    ]
    kept(clusters)
    people = [
        Person(email=f"crowd{at}-{call.pk}@example.org", name=f"Manager {at:03d}", language=["en", "de", "fr"][at % 3])
        for at in range(number)
    ]
    Person.objects.bulk_create(people)
    grants = [
        Grant(
            person=person,
            role="manager",
            scope_type="cluster",
            scope_key=cluster.pk,
            from_at=start,
            programme_id=call.programme_id,
            version=1,
        )
        for person, cluster in zip(people, clusters, strict=True)
    ]
    kept(grants)
    rows = [
        Application(
            call=call,
            programme_id=call.programme_id,
            lead_cluster=cluster,
            number=f"{at + 1:03d}",
            title_text=f"Bid {at}",
            state="evaluated",
            submitted_at=start + dt.timedelta(seconds=at),
            score=scores[at] if scores else Decimal("99.50") - Decimal(at) / 2,
            spread=Decimal(0),
            version=1,
        )
        for at, cluster in enumerate(clusters)
    ]
    kept(rows)
    return rows


def kept(rows: list[Any]) -> None:
    """Rows of a record with the entry that the database asks for."""
    entries = [
        Entry(
            record_type=row._meta.label_lower,
            record_id=row.pk,
            scope_id=row.scope_id(),
            role="test",
            step="create",
            from_state="new",
            to_state=row.state,
            effective_at=timezone.now(),
        )
        for row in rows
    ]
    details = [make_detail(entry, "", {}) for entry in entries]
    with transaction.atomic():
        type(rows[0])._base_manager.bulk_create(rows)
        Entry.objects.bulk_create(entries)
        Detail.objects.bulk_create(details)


def approved(call: Any, coordinator: Any, lead: Any, overrides: Any = ()) -> Selection:
    """The call is closed, its ranking proposed and approved: the letters wait."""
    call.perform("close", by=SYSTEM)
    made = Selection().perform("create", by=coordinator, call=call)
    made.perform("propose", by=coordinator, overrides=list(overrides))
    return made.perform("approve", by=lead)
