"""The section on advisors and matching."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from statistics import mean
from typing import Any

from facility.registry.vocabulary_data import vocabulary
from reporting.cut import Figures
from reporting.sections.material import WORKED, Material
from reporting.sections.registry import Cut, section
from reporting.sections.words import begun, counted, percent, total

ADMITTED = ("pool", "suspended", "retired")
STAGES = {
    "received": "CVs received",
    "confirmed": "CVs confirmed",
    "pool": "Admitted to the pool",
    "assigned": "Assigned",
}


@section("matching")
def matching(m: Material, f: Figures) -> tuple[Cut, list[str]]:
    """From CVs to assignments, and how good and how even the match is. Scores count where a match run gave them."""
    worked = [one for one in m.assignments if one.state in WORKED]
    stages = {
        "received": m.ids(m.curricula),
        "confirmed": m.ids([one for one in m.curricula if one.state in ("confirmed", "replaced")]),
        "pool": m.ids([one for one in m.advisors if one.state in ADMITTED]),
        "assigned": sorted({m.id(one.advisor_id) for one in worked}),
    }
    pool = [
        {"key": key, **f.figure(STAGES[key], "people", f"CVs and advisors by stage; {key}", ids)}
        for key, ids in stages.items()
    ]
    load = Counter(one.advisor_id for one in worked)
    loads = [
        (times, [m.id(key) for key, mine in load.items() if mine == times]) for times in sorted(set(load.values()))
    ]
    declined = [one for one in m.assignments if one.state == "declined"]
    members = {
        "pool": pool,
        "loads": f.series("Projects per advisor", "advisors", "assignments active or completed per advisor", loads),
        **_scores(m, f, [one for one in worked if one.score is not None]),
        "conflicts": f.figure(
            "Pairs with a declared interest",
            "pairs",
            "assignments active or completed, interest declared in a cluster of the project",
            m.ids(_conflicting(m, worked)),
        ),
        "declined": f.figure("Offers declined", "offers", "assignments in state declined", m.ids(declined)),
        "balance": _balance(m, stages["assigned"]),
    }
    text = (
        f"{begun(counted(len(m.curricula), 'CV'))} came in; {counted(len(stages['pool']), 'advisor')} entered "
        f"the pool and {counted(len(stages['assigned']), 'advisor')} worked on projects. "
        f"{begun(counted(len(declined), 'offer was', 'offers were'))} declined."
    )
    return {"matching": members}, [text]


def _scores(m: Material, f: Figures, scored: list[Any]) -> Cut:
    """How good the pairs are that a match run has scored."""
    quality, given = _quality(m, scored), m.ids(scored)
    scores = [one.score for one in scored]
    chosen, best = total(one["chosen"] for one in quality), total(one["best"] for one in quality)
    return {
        "quality": [{**one, "chosen": float(one["chosen"]), "best": float(one["best"])} for one in quality],
        "worst": f.figure(
            "Lowest match score", "points", "lowest score of an advisor at work", given, min(scores, default=0)
        ),
        "mean": f.figure(
            "Mean match score",
            "points",
            "mean score of advisors at work",
            given,
            round(mean(scores), 1) if scores else 0,
        ),
        "share_of_best": f.figure(
            "Chosen over best",
            "%",
            "scores of advisors at work over the best score proposed for the project",
            given,
            round(100 * chosen / best, 1) if best else 0,
        ),
    }


def _quality(m: Material, scored: list[Any]) -> list[Cut]:
    """Per project the mean score of those at work, beside the mean of the best that was proposed for each place."""
    best: dict[tuple[Any, str], Decimal] = {}
    for one in m.assignments:
        if one.score is not None:
            place = (one.project_id, one.kind)
            best[place] = max(best.get(place, one.score), one.score)
    rows = []
    for project in m.projects:
        mine = [one for one in scored if one.project_id == project.pk]
        if mine:
            top = [best[project.pk, one.kind] for one in mine]
            row = {"chosen": round(mean(one.score for one in mine), 1), "best": round(mean(top), 1)}
            rows.append({"project": m.id(project.pk), "short": m.label_of(project), **row})
    return sorted(rows, key=lambda row: (-row["chosen"], row["project"]))


def _conflicting(m: Material, worked: list[Any]) -> list[Any]:
    person = {one.pk: one.person_id for one in m.advisors}
    return [
        one
        for one in worked
        if any((person[one.advisor_id], party.cluster_id) in m.conflicts for party in m.parties[one.project_id])
    ]


def _balance(m: Material, assigned: list[str]) -> list[Cut]:
    """Shares of the kinds of advisors, from candidates to those at work."""
    pool = [one for one in m.advisors if one.state in ADMITTED]
    at_work = [one for one in m.advisors if m.id(one.pk) in assigned]
    labels = {term.id: term.label("en") for term in vocabulary("advisor_kinds")} | {"both": "Both kinds"}
    return [
        {
            "group": label,
            **{
                stage: percent(sum(one.kind == kind for one in rows), len(rows))
                for stage, rows in (("received", m.advisors), ("pool", pool), ("assigned", at_work))
            },
        }
        for kind, label in labels.items()
        if m.advisors
    ]
