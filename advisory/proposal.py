"""Who could work with whom: frozen inputs, texts and vectors in; proposed pairs with their reasons out (F07, F08).

Pure. `inputs` is what a match run has frozen (see `advisory.matchrun.MatchRun.freeze`). Scores are told on a scale of
100 that is linear in what the solver adds up, so that points, losses and totals compare: a weight of 1 is POINTS
points, for the whole of a share or for each unit of a z-score from 3 below the average on. With the usual weights, 3
above the average and every share in full make 100.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from advisory.scoring import Ask, Need, Profile, Record, Scores, score
from advisory.solver import Problem, Solution, solve
from advisory.weighing import TEXTUAL

POINTS = 10.0
BASE = 3.0
SECONDS = 60.0


def propose(
    inputs: Mapping[str, Any],
    texts: Mapping[str, tuple[str, str, Any]],
    asked: Mapping[str, tuple[Ask, ...]],
    pins: Sequence[str],
    forbids: Sequence[str],
    weights: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """The best assignment with proof and reasons, as JSON.

    `texts` has (text, language, passage vectors or None) of each advisor's CV by advisor id; `asked` has each
    project's texts by project id; pins and forbids are `advisor:project`; `weights` by term (see `advisory.weighing`).
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
        [_need(one, asked[one["id"]]) for one in projects],
        {(one["advisor"], one["project"]) for one in barred},
        weights,
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
    told = _told(inputs, scores, solution)
    return told | beside(inputs, scores, told["pairs"])


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
        sectors=frozenset(one["sectors"]),
        countries=frozenset(one["countries"]),
        serves=tuple(one["serves"]),
        record=Record(one["completed"], one["sessions"]),
    )


def _need(one: Mapping[str, Any], asks: tuple[Ask, ...]) -> Need:
    return Need(
        id=one["id"],
        asks=asks,
        languages=tuple(one["languages"]),
        areas=one["areas"],
        sectors=one["sectors"],
        countries=one["countries"],
        kinds=tuple(one["demand"]),
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
        "pairs": pairs,
    }


def beside(inputs: Mapping[str, Any], scores: Scores, pairs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The pairs with what their sentences are found by, and what could not be compared in full."""
    rows = {one["id"]: number for number, one in enumerate(inputs["advisors"])}
    columns = {one["id"]: number for number, one in enumerate(inputs["projects"])}
    return {
        "pairs": [
            {**pair, "sentences": _sentences(scores, rows[pair["advisor"]["id"]], columns[pair["project"]["id"]])}
            for pair in pairs
        ],
        "without_vector": sum(not profile.vectors for profile in scores.profiles),
        "unknown_language": [
            {"project": one["label"], "language": ask.language}
            for one, need in zip(inputs["projects"], scores.needs, strict=True)
            for ask in need.asks
            if ask.vector is None
        ],
    }


def _sentences(scores: Scores, i: int, j: int) -> dict[str, Any]:
    """The sentence that holds the words in common, and (passage, text of the project) that are nearest in meaning."""
    found = {part.name: part for part in scores.parts(i, j)}
    near, words = scores.nearest(i, j) if "meaning" in found else None, found.get("words")
    return {"words": words.sentence if words else "", "nearest": near and list(near[1:])}


def _parts(scores: Scores, i: int, j: int) -> list[dict[str, Any]]:
    """The points of each term that has a weight, with its evidence; what does not apply has none."""
    found = {part.name: part for part in scores.parts(i, j)}
    told = []
    for name, weight in scores.weights.items():
        if not weight:
            continue
        part = found.get(name)
        points = (part.contribution if part else 0.0) + (BASE * weight if name in TEXTUAL else 0.0)
        # The nearest text is the CV as a whole: its sentences are told apart, and kept out of the trail.
        evidence = list(part.evidence) if part and name != "meaning" else []
        value, stand_in = (round(part.value, 3), part.stand_in) if part else (None, "")
        row = {"name": name, "value": value, "points": round(points * POINTS, 1), "evidence": evidence}
        told.append(row | {"weight": weight, "stand_in": stand_in})
    return told
