"""What hangs on a cluster, for tests; made through the door."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from facility.registry.aid import Aid
from facility.registry.assessment import OutsideAssessment
from facility.registry.contact import Contact
from facility.registry.cooperation import Cooperation
from facility.registry.engagement import Engagement
from facility.registry.indicator import IndicatorSet, Measurement
from facility.registry.label import Label
from facility.registry.organisation import Organisation
from facility.workflow.steps import SYSTEM
from tests import factories as make


def day(days: int = 0) -> dt.date:
    """So many days from today."""
    return timezone.now().date() + dt.timedelta(days=days)


def label(cluster: Any, level: str = "gold", *, by: Any = SYSTEM, step: str = "record", **fields: Any) -> Label:
    """A label of the last year that ends in a year."""
    values = {"awarded_on": day(-365), "valid_until": day(365), "issuer": "ESCA", **fields}
    return Label().perform(step, by=by, cluster=cluster, level=level, **values)


def outside_assessment(cluster: Any, by: Any, **fields: Any) -> OutsideAssessment:
    """An EMAS registration."""
    values = {"scheme": "emas", "result": "Registered", "assessor": "Verifier", "assessed_on": day(-30), **fields}
    return OutsideAssessment().perform("create", by=by, cluster=cluster, **values)


def indicator_set(by: Any, version: str = "2020", codes: tuple[str, ...] = ("A1", "A2"), **fields: Any) -> IndicatorSet:
    """A set of indicators."""
    values = {
        "name": "Excellence",
        "version_text": version,
        "level": "gold",
        "in_force_from": day(-900),
        "source_text": "The labelling body",
        "indicators": [{"code": code, "text": f"Indicator {code}", "unit": "points"} for code in codes],
        **fields,
    }
    return IndicatorSet().perform("create", by=by, **values)


def measurement(cluster: Any, of: IndicatorSet, by: Any, year: int = 2021, values: Any = ()) -> Measurement:
    """Values of a year."""
    made = Measurement().perform("begin", by=by, cluster=cluster, indicator_set=of, year=year)
    rows = [{"indicator": one.pk, "value": value} for one, value in zip(of.indicators.all(), values, strict=False)]
    return made.perform("enter", by=by, values=rows) if rows else made


def cooperation(cluster: Any, other: Any, by: Any, **fields: Any) -> Cooperation:
    """Two clusters at work."""
    values = {"since": day(-200), "until": None, "result": "", **fields}
    return Cooperation().perform("create", by=by, cluster=cluster, other=other, **values)


def member(cluster: Any, by: Any = SYSTEM, **fields: Any) -> Organisation:
    """A member organisation."""
    values = {"name": f"Member {next(make._counter)}", "kind": "firm", "size": "small", "country": "ES", **fields}
    return Organisation().perform("create", by=by, cluster=cluster, **values)


def engagement(cluster: Any, by: Any, signatories: Any, text: str = "We take part.") -> Engagement:
    """A declaration; signatories are pairs of organisation and person."""
    return Engagement().perform(
        "create", by=by, cluster=cluster, title_text="Engagement", text=text, signatories=named(signatories)
    )


def named(signatories: Any) -> list[dict[str, Any]]:
    """Rows of a declaration."""
    return [{"organisation": one.pk, "name": who.name, "email": who.email} for one, who in signatories]


def contact(programme: Any, cluster: Any, by: Any, person: Any, **fields: Any) -> Contact:
    """Somebody asked to be a contact."""
    values = {
        "about": "activity",
        "activity": "Reuse of water",
        "role_text": "Organiser",
        "until_on": day(30),
        **fields,
    }
    return Contact().perform(
        "propose", by=by, programme=programme, cluster=cluster, name=person.name, email=person.email, **values
    )


def keeps_register(programme: Any) -> dict[str, Any]:
    """The values with which a programme keeps a register of aid."""
    form = programme.form_for(programme.step("edit"), by=None)
    return {name: form.initial[name] for name in form.fields} | {"de_minimis": True}


def aid(programme: Any, firm: Organisation, by: Any, amount: int = 1000, on: dt.date | None = None) -> Aid:
    """Aid that is planned."""
    values = {"member_state": "ES", "amount_eur": amount, "granted_on": on or day()}
    return Aid().perform("plan", by=by, programme=programme, organisation=firm, **values)
