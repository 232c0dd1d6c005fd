"""Who could work with whom: frozen inputs, texts and vectors in; proposed pairs with their reasons out (F07, F08).

Pure. `inputs` is what a match run has frozen (see `advisory.matchrun.MatchRun.freeze`). Scores are told on a scale of
100 that is linear in what the solver adds up, so that points, losses and totals compare: a weight of 1 is POINTS
points, for the whole of a share or for each unit of a z-score from 3 below the average on. With the usual weights, 3
above the average and every share in full make 100.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from advisory.placing import Terms, placed
from advisory.scoring import Ask, Need, Profile, Record, Scores, score
from advisory.weighing import TEXTUAL

POINTS = 10.0
BASE = 3.0


def propose(
    inputs: Mapping[str, Any],
    texts: Mapping[str, tuple[str, str, Any]],
    asked: Mapping[str, tuple[Ask, ...]],
    terms: Terms,
    weights: Mapping[str, float] | None = None,
    advance: Callable[[int], None] = lambda number: None,
    say: Callable[[str], str] = str,
) -> dict[str, Any]:
    """The best assignment with proof and reasons, as JSON.

    `texts` has (text, language, passage vectors or None) of each advisor's CV by advisor id; `asked` has each
    project's texts by project id; terms: what the coordinator set (see `advisory.placing.placed`); `weights` by term
    of the score (see `advisory.weighing`).
    """
    advisors, projects = inputs["advisors"], inputs["projects"]
    if not advisors or not projects:
        return placed(inputs, [], terms, lambda i, j: [], say=say)
    rows, columns = ({one["id"] for one in ones} for ones in (advisors, projects))
    # Whoever has no place left is barred from own projects, but is nobody to be scored.
    barred = [one for one in inputs["barred"] if one["advisor"] in rows and one["project"] in columns]
    scores = score(
        [_profile(one, texts) for one in advisors],
        [_need(one, asked[one["id"]]) for one in projects],
        {(one["advisor"], one["project"]) for one in barred},
        weights,
    )
    base = BASE * sum(scores.weights[name] for name in TEXTUAL)
    points = (scores.matrix + base) * POINTS
    found = placed(inputs, points, terms, lambda i, j: _parts(scores, i, j), advance, say)
    return found if found["status"] == "infeasible" else found | beside(inputs, scores, found["pairs"])


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
