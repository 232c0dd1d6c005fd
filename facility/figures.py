"""A call in figures: how applications fared, where they came from, how they were scored, and when they came.

Each figure is a table; the first two of its columns are what its chart shows. Every number is counted by the database,
in a number of statements that does not grow. Before anything is decided the tables are there and empty.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count, F, IntegerField, Q, QuerySet
from django.db.models.functions import Cast, Floor, Least
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_countries import countries

from facility.application import Application
from facility.bid import State
from facility.call import Call
from facility.evaluation import Score
from facility.registry.cluster import ECOSYSTEMS, Cluster

BIN = 10
# States that come after a step of the course; under review stands where it stood before.
ELIGIBLE = {"eligible", "evaluated", "selected", "reserve", "rejected", "declined"}
EVALUATED = ELIGIBLE - {"eligible"}
# How long before closing: from the first to the last, each up to the next.
SPANS = ((14, "days"), (7, "days"), (3, "days"), (1, "days"), (6, "hours"), (1, "hours"), (0, "hours"))
HOURS = {"days": 24, "hours": 1}
MANY = 12


@dataclass(frozen=True)
class Figure:
    """A table with the sentence that its chart is in words; rows begin with a label and a number."""

    name: str
    title: str
    sentence: str
    head: Sequence[str]
    rows: Sequence[Sequence[Any]]


def figures_of(call: Call) -> list[Figure]:
    """All figures of a call, for its office and observers. Seven statements."""
    bids = handed_in(call)
    return [
        *public_figures_of(call),
        states(bids),
        grouped(bids, "sector", _("By sector"), _("Sector"), "lead_cluster__sector", str),
        grouped(bids, "ecosystem", _("By industrial ecosystem"), _("Ecosystem"), "lead_cluster__ecosystem", ecosystem),
        scores(bids),
        criteria(call),
        times(call, bids),
    ]


def public_figures_of(call: Call) -> list[Figure]:
    """What everybody may know once the selection is released: the funnel and the countries. Three statements."""
    bids = handed_in(call)
    return [funnel(bids), by_country(bids)]


def handed_in(call: Call) -> QuerySet:
    """The applications that were handed in."""
    return Application.objects.filter(call=call, submitted_at__isnull=False)


def _by_state(bids: QuerySet) -> Counter[str]:
    """How many stand where, what is under review where it stood before."""
    counted: Counter[str] = Counter()
    for state, before, number in bids.values_list("state", "before_review").annotate(n=Count("pk")).order_by():
        counted[before if state == State.UNDER_REVIEW else state] += number
    return counted


def funnel(bids: QuerySet) -> Figure:
    """From handed in to selected."""
    by_state = _by_state(bids)
    whole = by_state.total()
    steps = [
        (_("Handed in"), whole),
        (_("Eligible"), sum(by_state[state] for state in ELIGIBLE)),
        (_("Evaluated"), sum(by_state[state] for state in EVALUATED)),
        (_("Selected"), by_state["selected"] + by_state["declined"]),
    ]
    said = _("Of %(whole)d applications that were handed in, %(selected)d were given a place.")
    rows = [[label, number, share(number, whole)] for label, number in steps] if whole else []
    sentence = said % {"whole": whole, "selected": steps[-1][1]}
    return Figure("funnel", _("From application to place"), sentence, [_("Step"), _("Number"), _("Share")], rows)


def states(bids: QuerySet) -> Figure:
    """Where each stands now."""
    counted = dict(bids.values_list("state").annotate(n=Count("pk")).order_by())
    rows = [[str(label), counted[state]] for state, label in State.choices if state in counted]
    said = ngettext("One application.", "%(n)d applications.", sum(counted.values())) % {"n": sum(counted.values())}
    return Figure("state", _("Where they stand"), said, [_("State"), _("Number")], rows)


def by_country(bids: QuerySet) -> Figure:
    """Lead clusters that applied and were selected, and all clusters that take part in an application."""
    names = dict(countries)
    leads = {code: (number, won) for code, number, won in _counts(bids, "lead_cluster__country")}
    part = Q(applications__in=bids) | Q(partnerships__application__in=bids)
    found = Cluster.objects.filter(part).values_list("country").annotate(n=Count("pk", distinct=True)).order_by()
    rows = [[names.get(str(code), str(code)), *leads.get(code, (0, 0)), number] for code, number in found]
    rows.sort(key=lambda row: (-row[1], -row[3], row[0]))
    said = _("Lead clusters from %(leads)d countries applied; with their partners they come from %(all)d.")
    head = [_("Country"), _("Applications"), _("Selected"), _("Clusters with partners")]
    return Figure("country", _("By country"), said % {"leads": len(leads), "all": len(rows)}, head, rows)


def _counts(bids: QuerySet, path: str) -> QuerySet:
    won = Count("pk", filter=Q(state__in=["selected", "declined"]))
    return bids.values_list(path).annotate(n=Count("pk"), won=won).order_by("-n", path)


def grouped(bids: QuerySet, name: str, title: str, label: str, path: str, word: Callable[[str], str]) -> Figure:
    """Applications and selected ones by a property of the lead cluster, most first; a long tail in one line."""
    found = [[word(value) or _("not said"), number, won] for value, number, won in _counts(bids, path)]
    rows, rest = found[:MANY], found[MANY:]
    if rest:
        rows.append([_("%(n)d others") % {"n": len(rest)}, sum(row[1] for row in rest), sum(row[2] for row in rest)])
    said = _("Most applications: %(label)s (%(n)d).") % {"label": rows[0][0], "n": rows[0][1]} if rows else ""
    return Figure(name, title, said, [label, _("Applications"), _("Selected")], rows)


def ecosystem(key: str) -> str:
    """The name of an industrial ecosystem."""
    return str(dict(ECOSYSTEMS).get(key, key))


def scores(bids: QuerySet) -> Figure:
    """How many applications have a score from ten to ten."""
    bins = Least(Cast(Floor(F("score") / BIN), IntegerField()), 9)
    scored = bids.filter(score__isnull=False).annotate(bin=bins)
    counted = dict(scored.values_list("bin").annotate(n=Count("pk")).order_by())
    mean = scored.aggregate(mean=Avg("score"))["mean"]
    rows = [[_span(at), counted.get(at, 0)] for at in range(10)] if counted else []
    said = _("The mean score of %(n)d applications is %(mean)s.")
    sentence = said % {"n": sum(counted.values()), "mean": tenth(mean)} if counted else ""
    return Figure("scores", _("Scores"), sentence, [_("Score of 100"), _("Applications")], rows)


def _span(at: int) -> str:
    return _("%(low)d to %(high)d") % {"low": at * BIN, "high": at * BIN + BIN}


def criteria(call: Call) -> Figure:
    """The mean of the submitted scores, from 0 to the scale of the call, by criterion."""
    given = Score.objects.filter(criterion__call=call, evaluation__state="submitted", value__isnull=False)
    found = given.values_list("criterion__name", "criterion__weight").annotate(mean=Avg("value"), n=Count("pk"))
    rows = [[name, tenth(mean), weight, n] for name, weight, mean, n in found.order_by("criterion__order")]
    best = max(rows, key=lambda row: row[1], default=None)
    words = {"name": best[0], "mean": best[1], "scale": call.scale} if best else {}
    said = _("Highest on average: %(name)s (%(mean)s of %(scale)s).") % words if best else ""
    head = [_("Criterion"), _("Mean of %(scale)s") % {"scale": call.scale}, _("Weight"), _("Scores given")]
    return Figure("criteria", _("Scores by criterion"), said, head, rows)


def times(call: Call, bids: QuerySet) -> Figure:
    """How long before closing they came in; a later closing than the first is the one that counts."""
    edges = [dt.timedelta(hours=number * HOURS[unit]) for number, unit in SPANS]
    counts = {
        f"n{at}": Count("pk", filter=_between(call, edge, edges[at - 1] if at else None))
        for at, edge in enumerate(edges)
    }
    counted = bids.aggregate(**counts)
    numbers = [counted[f"n{at}"] for at in range(len(edges))]
    rows = [[_time(at), number] for at, number in enumerate(numbers)] if sum(numbers) else []
    last = sum(numbers[4:])
    said = _("%(n)d of %(whole)d came in the last 24 hours.") % {"n": last, "whole": sum(numbers)} if rows else ""
    return Figure("time", _("When they came in"), said, [_("Before closing"), _("Applications")], rows)


def _between(call: Call, edge: dt.timedelta, before: dt.timedelta | None) -> Q:
    found = Q(submitted_at__lte=call.closes_at - edge) if edge else Q()
    return found & Q(submitted_at__gt=call.closes_at - before) if before is not None else found


def _time(at: int) -> str:
    number, unit = SPANS[at]
    if at == 0:
        return _("more than %(n)d days") % {"n": number}
    if at == len(SPANS) - 1:
        return _("the last hour")
    earlier, its_unit = SPANS[at - 1]
    if its_unit == "days" and unit == "hours":
        return _("%(low)d to %(high)d hours") % {"low": number, "high": earlier * 24}
    words = _("%(low)d to %(high)d days") if unit == "days" else _("%(low)d to %(high)d hours")
    return words % {"low": number, "high": earlier}


def share(part: int, whole: int) -> str:
    """A part of a whole in per cent."""
    return _("%(share)d %%") % {"share": round(100 * part / whole)} if whole else ""


def tenth(value: Any) -> Decimal:
    """A mean with one digit behind the point."""
    return Decimal(value or 0).quantize(Decimal("0.1"))
