"""What a match run is told of advisors and projects beyond their names, and no more than that (F07, F11).

Protected data (nationality, gender, birth, photographs) is in none of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from babel.languages import get_official_languages
from django.db.models import Count, F

from advisory.assignment import Assignment
from advisory.checks import STANDING, share_of
from advisory.placing import spoken
from advisory.session import SupportSession
from advisory.speaking import working_languages
from advisory.weighing import ecosystems_of

# A partner's country or sector counts half of the lead's.
PARTNER_SHARE = 0.5
# Sessions that count: a cluster has confirmed that they took place.
CONFIRMED = ("confirmed", "approved")


def records_of(people: Sequence[Any]) -> dict[Any, dict[str, int]]:
    """By person: projects seen through and sessions that a cluster has confirmed, in all programmes."""
    found = {person: {"completed": 0, "sessions": 0} for person in people}
    done = Assignment.objects.filter(STANDING, state=Assignment.State.COMPLETED)
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


def told_project(one: Any, lacking: list[str], taken: Decimal, *, needs_language: bool = False) -> dict[str, Any]:
    """A project as the run knows it; a need and its area weigh less the later they rank.

    Their order is the one that advisor, cluster and coordinator signed; before there is one, the applicant's.
    taken: days of the budget that are spoken for. needs_language: an advisor has to speak a language of the country,
    unless one who is there already does.
    """
    application, lead = one.application, one.application.lead_cluster
    needs = sorted(one.agreed_needs or application.needs.all(), key=lambda need: need.rank)
    return {
        "id": str(one.pk),
        "label": one.name,
        "lang": one.lang,
        "country": lead.country.code,
        "sector": lead.ecosystem,
        "days": share_of(one.days_budget - taken, is_first=not one.live),
        "must_speak": unspoken_of(one, lead.country.code) if needs_language else [],
        "has_lead": bool(one.live),
        "clusters": [{"id": str(party.cluster_id), "label": party.cluster.name} for party in one.parties.all()],
        "asks": asks_of(application, needs),
        **clusters_told(one.parties.all()),
        "context": application.context,
        "training_needs": application.training_needs,
        "languages": working_languages(lead.country.code),
        "areas": {need.area: round(1 / need.rank, 3) for need in reversed(needs)},
        "demand": dict.fromkeys(lacking, 1),
    }


def unspoken_of(project: Any, country: str) -> list[list[str]]:
    """The official languages of a country, unless an advisor of the project speaks one of them at B2 or better."""
    own = list(get_official_languages(country, de_facto=True))
    speak = [spoken({"languages": one.advisor.languages}) for one in project.live]
    return [] if any(not one.isdisjoint(own) for one in speak) else [own]
