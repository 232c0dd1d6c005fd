"""Who could work with whom: frozen inputs, texts and vectors in; proposed pairs with their reasons out (F07, F08).

Pure. `inputs` is what a match run has frozen (see `advisory.matchrun.MatchRun.freeze`). Scores are told on a scale of
100 that is linear in what the solver adds up, so that points, losses and totals compare: the mean z-score counts 12.5
points a unit from 3 below the average on, areas and languages up to 12.5 points each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from advisory.scoring import Need, Profile, Scores, score
from advisory.solver import Problem, Solution, solve

POINTS = 12.5
BASE = 3.0
SECONDS = 60.0


def propose(
    inputs: Mapping[str, Any],
    texts: Mapping[str, tuple[str, str, Any]],
    asked: Mapping[str, tuple[str, Any]],
    pins: Sequence[str],
    forbids: Sequence[str],
) -> dict[str, Any]:
    """The best assignment with proof and reasons, as JSON.

    `texts` has (text, language, passage vectors or None) of each advisor's CV by advisor id; `asked` has (language,
    vector) of each project's text by project id; pins and forbids are `advisor:project`.
    """
    advisors, projects = inputs["advisors"], inputs["projects"]
    if not advisors or not projects:
        reason = "The pool has no advisor with a place left." if projects else "No project lacks an advisor."
        return {"status": "infeasible", "reasons": [reason]}
    rows = {one["id"]: number for number, one in enumerate(advisors)}
    columns = {one["id"]: number for number, one in enumerate(projects)}
    # Whoever has no place left is barred from own projects, but is nobody to be scored.
    barred = [one for one in inputs["barred"] if one["advisor"] in rows and one["project"] in columns]
    there = {f"{one['advisor']}:{one['project']}" for one in barred if one["why"] == "on the project"}
    scores = score(
        [_profile(one, texts) for one in advisors],
        [_need(one, *asked[one["id"]]) for one in projects],
        {(one["advisor"], one["project"]) for one in barred},
    )
    solution = solve(
        Problem(
            scores=scores.matrix,
            demand=[one["demand"] for one in projects],
            load_ub=[one["places"] for one in advisors],
            kinds=[one["serves"] for one in advisors],
            pins=_numbers([pair for pair in pins if pair not in there], rows, columns),
            forbids=_numbers(forbids, rows, columns),
            advisor_names=[one["label"] for one in advisors],
            project_names=[one["label"] for one in projects],
        ),
        SECONDS,
    )
    return _told(inputs, scores, solution)


def _numbers(pairs: Sequence[str], rows: Mapping[str, int], columns: Mapping[str, int]) -> list[tuple[int, int]]:
    """Rows and columns of `advisor:project`; whoever is not asked any more is left out."""
    split = [pair.split(":") for pair in pairs]
    return [(rows[a], columns[p]) for a, p in split if a in rows and p in columns]


def _profile(one: Mapping[str, Any], texts: Mapping[str, tuple[str, str, Any]]) -> Profile:
    text, language, passages = texts.get(one["id"], ("", "", None))
    return Profile(
        id=one["id"],
        texts=(text,) if text else (),
        language=language,
        vectors=(np.asarray(passages),) if text and passages is not None else (),
        speaks={spoken["code"]: spoken.get("cefr") or None for spoken in one["languages"]},
        areas=frozenset(one["areas"]),
    )


def _need(one: Mapping[str, Any], language: str, vector: Any) -> Need:
    return Need(
        id=one["id"],
        text=one["text"],
        language=language,
        vector=vector,
        languages=tuple(one["languages"]),
        areas=one["areas"],
    )


def _told(inputs: Mapping[str, Any], scores: Scores, solution: Solution) -> dict[str, Any]:
    """The solution with names beside ids, so that it can be read when nothing else is left."""
    advisors, projects = inputs["advisors"], inputs["projects"]
    pairs = []
    for pair in solution.pairs:
        i, j = pair
        parts = _parts(scores, i, j)
        runner = solution.runners_up[pair]
        pairs.append(
            {
                "advisor": {name: advisors[i][name] for name in ("id", "label", "languages")},
                "project": {name: projects[j][name] for name in ("id", "label", "lang", "country")},
                "kind": solution.kind_of[pair],
                "points": round(sum(part["points"] for part in parts), 1),
                "parts": parts,
                "runner_up": runner
                and {"id": advisors[runner.advisor]["id"], "label": advisors[runner.advisor]["label"]},
                "loss": runner and round(runner.loss * POINTS, 1),
            }
        )
    return {
        "status": solution.status,
        "reasons": list(solution.reasons),
        **{name: getattr(solution, name) for name in ("sum", "min", "sum_bound", "min_bound")},
        "without_vector": sum(not profile.vectors for profile in scores.profiles),
        "pairs": pairs,
    }


def _parts(scores: Scores, i: int, j: int) -> list[dict[str, Any]]:
    """Words, meaning, areas and languages, each with its points and evidence; what does not apply has none."""
    found = {part.name: part for part in scores.parts(i, j)}
    known = sum(part.is_z for part in found.values())
    told = []
    for name in ("meaning", "words", "areas", "languages"):
        part = found.get(name)
        if part is None:
            value, points = None, 0.0 if known or name != "meaning" else BASE * POINTS
        else:
            value = round(part.value, 3)
            points = (part.value + BASE) * POINTS / known if part.is_z else part.value * POINTS
        # The nearest text is the CV as a whole, which begins with a name and an address: it is no evidence.
        evidence = list(part.evidence) if part is not None and name != "meaning" else []
        told.append({"name": name, "value": value, "points": round(points, 1), "evidence": evidence})
    return told
