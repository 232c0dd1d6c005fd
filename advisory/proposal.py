"""Who could work with whom: frozen inputs, texts and vectors in; proposed pairs with their reasons out (F07, F08).

Pure. `inputs` is what a match run has frozen (see `advisory.matchrun.MatchRun.freeze`). Scores are told on a scale of
100 that is linear in what the solver adds up, so that points, losses and totals compare: the mean z-score counts 12.5
points a unit from 3 below the average on, areas and languages up to 12.5 points each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from advisory.placing import Terms, placed
from advisory.scoring import Need, Profile, Scores, score

POINTS = 12.5
BASE = 3.0


def propose(
    inputs: Mapping[str, Any],
    texts: Mapping[str, tuple[str, str, Any]],
    asked: Mapping[str, tuple[str, Any]],
    terms: Terms,
    advance: Callable[[int], None] = lambda number: None,
    say: Callable[[str], str] = str,
) -> dict[str, Any]:
    """The best assignment with proof and reasons, as JSON.

    `texts` has (text, language, passage vectors or None) of each advisor's CV by advisor id; `asked` has (language,
    vector) of each project's text by project id; terms: what the coordinator set. See `advisory.placing.placed`.
    """
    advisors, projects = inputs["advisors"], inputs["projects"]
    if not advisors or not projects:
        return placed(inputs, [], terms, lambda i, j: [], say=say)
    rows, columns = ({one["id"] for one in ones} for ones in (advisors, projects))
    # Whoever has no place left is barred from own projects, but is nobody to be scored.
    barred = [one for one in inputs["barred"] if one["advisor"] in rows and one["project"] in columns]
    scores = score(
        [_profile(one, texts) for one in advisors],
        [_need(one, *asked[one["id"]]) for one in projects],
        {(one["advisor"], one["project"]) for one in barred},
    )
    points = (scores.matrix + BASE) * POINTS
    found = placed(inputs, points, terms, lambda i, j: _parts(scores, i, j), advance, say)
    return found | {"without_vector": sum(not profile.vectors for profile in scores.profiles)}


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
