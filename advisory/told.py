"""What a match run is told of advisors and projects beyond their names, and no more than that (F07, F11).

Protected data (nationality, gender, birth, photographs) is in none of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Count, F

from advisory.assignment import Assignment
from advisory.session import SupportSession
from advisory.weighing import ecosystems_of

# A partner's country or sector counts half of the lead's.
PARTNER_SHARE = 0.5
# Sessions that count: a cluster has confirmed that they took place.
CONFIRMED = ("confirmed", "approved")


def records_of(people: Sequence[Any]) -> dict[Any, dict[str, int]]:
    """By person: projects seen through and sessions that a cluster has confirmed, in all programmes."""
    found = {person: {"completed": 0, "sessions": 0} for person in people}
    done = Assignment.objects.filter(state=Assignment.State.COMPLETED)
    held = SupportSession.objects.filter(state__in=CONFIRMED)
    for name, rows in (("completed", done), ("sessions", held)):
        of = rows.filter(advisor__person__in=people).order_by().values(person=F("advisor__person"))
        for row in of.annotate(n=Count("pk")):
            found[row["person"]][name] = row["n"]
    return found


def asks_of(application: Any, needs: Sequence[Any]) -> list[dict[str, Any]]:
    """The texts that advisors are compared with: what the project is about, and each need, less the later it ranks."""
    whole = {"text": "\n".join([application.title_text, application.motivation]), "weight": 1.0}
    asks = [whole, *({"text": need.text, "weight": round(1 / need.rank, 3)} for need in needs)]
    return [one for one in asks if one["text"].strip()]


def clusters_told(parties: Iterable[Any]) -> dict[str, dict[str, float]]:
    """`sectors` and `countries` of the clusters of a project, the lead's in full and a partner's in part."""
    told: dict[str, dict[str, float]] = {"sectors": {}, "countries": {}}
    for party in parties:
        cluster, share = party.cluster, 1.0 if party.is_lead else PARTNER_SHARE
        sectors = ecosystems_of([cluster.ecosystem, *cluster.further_ecosystems], cluster.nace)
        for name, values in (("sectors", sectors), ("countries", [cluster.country.code])):
            for value in values:
                told[name][value] = max(share, told[name].get(value, 0.0))
    return told
