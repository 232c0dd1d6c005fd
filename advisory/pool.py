"""The advisors of own programmes as filters, comparison and roster need them, each in one statement (F06)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, DecimalField, Exists, F, IntegerField, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from advisory.action import HELD
from advisory.advisor import Advisor
from advisory.assignment import LIVE, Assignment
from advisory.curriculum import CurriculumVitae
from advisory.facets import Row
from advisory.searchable import CvSentence
from advisory.session import HOURS_PER_DAY, SupportSession
from advisory.shortlist import ShortlistEntry
from facility.roles import office

NONE = Decimal(0)


def advisors_of(person: Any) -> QuerySet:
    """The advisors of the programmes that the person coordinates."""
    return Advisor.objects.filter(office.q(person))


def with_load(advisors: QuerySet) -> QuerySet:
    """Adds `busy` (projects that take a place), `days_used` (of sessions held) and `lists` (keys of shortlists)."""
    live = Assignment.objects.filter(advisor=OuterRef("pk"), state__in=LIVE).order_by().values("advisor")
    held = SupportSession.objects.filter(advisor=OuterRef("pk"), state__in=[*HELD, "disputed"]).order_by()
    hours = held.values("advisor").annotate(hours=Sum(F("contact_hours") + F("preparation_hours"))).values("hours")
    amount = DecimalField(max_digits=8, decimal_places=3)
    lists = ShortlistEntry.objects.filter(advisor=OuterRef("pk")).order_by("pk").values("shortlist_id")
    return advisors.annotate(
        busy=Coalesce(Subquery(live.annotate(n=Count("pk")).values("n"), output_field=IntegerField()), 0),
        days_used=Coalesce(Subquery(hours, output_field=amount), Value(NONE, output_field=amount))
        / Value(Decimal(HOURS_PER_DAY), output_field=amount),
        lists=ArraySubquery(lists),
    )


NAMES = (
    *("pk", "person__name", "state", "kind", "programme_id", "areas", "languages", "countries", "sectors", "years"),
    *("capacity", "days", "available_from", "busy", "days_used", "lists"),
)


def pool_rows(person: Any) -> list[Row]:
    """All of them, as the filters see them, in the order of their names; one statement."""
    found = with_load(advisors_of(person)).order_by("person__sort_name", "pk").values_list(*NAMES, named=True)
    return [row_of(one) for one in found]


def unsearchable(person: Any) -> int:
    """How many confirmed CVs of these advisors have no sentences yet."""
    rows = CurriculumVitae.objects.filter(advisor__in=advisors_of(person), state=CurriculumVitae.State.CONFIRMED)
    return rows.filter(~Exists(CvSentence.objects.filter(curriculum=OuterRef("pk")))).count()


def row_of(one: Any) -> Row:
    """An advisor as the filters see them; of a language that stands twice the later line counts."""
    return Row(
        key=one.pk,
        name=one.person__name,
        state=one.state,
        kind=one.kind,
        programme=str(one.programme_id),
        areas=tuple(one.areas),
        countries=tuple(one.countries),
        sectors=tuple(one.sectors),
        shortlists=tuple(map(str, one.lists)),
        speaks={spoken["code"]: spoken.get("cefr") or None for spoken in one.languages},
        years=one.years,
        free_from=one.available_from,
        places=max(one.capacity - one.busy, 0),
        days=days_left(one),
    )


def days_left(one: Any) -> float | None:
    """Days available less those of sessions held; None when nobody has said how many there are."""
    return None if one.days is None else max(float(one.days - one.days_used), 0.0)
