"""A question to the pool: by its words in every language, and by its meaning across them (F06).

Both halves look at the sentences of confirmed CVs and answer with an advisor, a figure and the sentences that say it.
They are added up: the share of the question's words, and nearness as a z-score (docs/adr/0036). Nothing is written.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db import connection

from .searchable import STEMMERS

WORDS_AT_MOST = 12
QUESTION_LENGTH = 500
# Besides all who share a word with the question, so many of the nearest in meaning are answers.
NEAREST = 50
SHOWN = 3
# Sentences whose mean counts, and how much all words of a question are worth beside one spread of meaning.
BEST, WORDS_WEIGHT = 2, 4
WORD = re.compile(r"[^\W_]{2,}")
CONFIGS = tuple(sorted(set(STEMMERS.values())))
# As many CVs of a language are needed before their mean is trusted to be the language and not the subject.
LANGUAGE_CVS = 5
# BM25: how much a word counts at most, however often it is said.
MOST = 2.2

LEXEMES = """
SELECT word.said, config.name, ts_lexize((config.name || '_stem')::regdictionary, word.said), unaccent(word.said)
FROM unnest(%s::text[]) AS word(said), unnest(%s::text[]) AS config(name)
"""
# BM25 over the sentences of a CV: how often a word is said, and how few CVs say it.
BY_WORDS = """
WITH term AS (SELECT nth, said::tsquery AS said FROM unnest(%(terms)s::text[]) WITH ORDINALITY AS t(said, nth)),
hit AS (
    SELECT term.nth, cv.id AS cv, cv.advisor_id, sentence."order"
    FROM term JOIN advisory_cvsentence sentence ON sentence.words @@ term.said
    JOIN advisory_curriculumvitae cv ON cv.id = sentence.curriculum_id
    WHERE cv.state = 'confirmed' AND cv.programme_id = ANY(%(programmes)s)
),
said AS (SELECT nth, cv, count(*) AS times FROM hit GROUP BY nth, cv),
rare AS (
    SELECT nth, ln(1 + (greatest(%(number)s - count(*), 0) + 0.5) / (count(*) + 0.5)) AS weight FROM said GROUP BY nth
),
total AS (SELECT cv, sum(weight * times * 2.2 / (times + 1.2)) AS score FROM said JOIN rare USING (nth) GROUP BY cv),
piece AS (
    SELECT cv, advisor_id, "order", sum(weight) AS weight
    FROM hit JOIN rare USING (nth) GROUP BY cv, advisor_id, "order"
)
SELECT advisor_id, cv, total.score, (array_agg("order" ORDER BY weight DESC, "order"))[1:%(shown)s]
FROM piece JOIN total USING (cv) GROUP BY advisor_id, cv, total.score
"""
# The mean of the nearest sentences, off what all of the language have in common with the question; the names of areas
# that were added are shorter than any sentence, lie nearer to every question, and are a group of their own.
BY_MEANING = """
WITH near AS MATERIALIZED (
    SELECT cv.advisor_id, cv.id AS cv, sentence."order", sentence.language, sentence.start IS NULL AS is_added,
           -(sentence.vector <#> %(vector)s::halfvec) AS near
    FROM advisory_cvsentence sentence JOIN advisory_curriculumvitae cv ON cv.id = sentence.curriculum_id
    WHERE sentence.vector IS NOT NULL AND cv.state = 'confirmed' AND cv.programme_id = ANY(%(programmes)s)
),
common AS (SELECT avg(near) AS middle FROM near),
spoken AS (
    SELECT language, is_added, avg(near) AS middle, least(1, count(DISTINCT cv)::float / %(enough)s) AS trust
    FROM near GROUP BY language, is_added
),
own AS (
    SELECT advisor_id, cv, "order", near - trust * spoken.middle - (1 - trust) * common.middle AS near
    FROM near JOIN spoken USING (language, is_added) CROSS JOIN common
),
placed AS (SELECT *, row_number() OVER (PARTITION BY cv ORDER BY near DESC, "order") AS nth FROM own)
SELECT advisor_id, cv, avg(near) FILTER (WHERE nth <= %(best)s), array_agg("order" ORDER BY nth)
FROM placed WHERE nth <= %(shown)s GROUP BY advisor_id, cv
"""


@dataclass(slots=True)
class Hit:
    """An advisor whom a question finds: how well, by what, and where in which CV it stands, best first."""

    points: float = 0.0
    by: set[str] = field(default_factory=set)
    places: list[tuple[Any, int]] = field(default_factory=list)


def terms_of(question: str) -> list[str]:
    """For each telling word of a question a tsquery: the word as each language stems it, and plain without accents.

    Which language the question is in nobody asks: that whose small words it has most of; those are left out.
    """
    words = list(dict.fromkeys(WORD.findall(question[:QUESTION_LENGTH].casefold())))[:WORDS_AT_MOST]
    if not words:
        return []
    with connection.cursor() as cursor:
        cursor.execute(LEXEMES, [words, list(CONFIGS)])
        found = cursor.fetchall()
    lexemes: dict[str, set[str]] = defaultdict(set)
    small: dict[str, set[str]] = defaultdict(set)
    for word, config, stems, plain in found:
        lexemes[word] |= {word, plain, *(stems or [])}
        if stems == []:
            small[config].add(word)
    most = max((len(one) for one in small.values()), default=0)
    left_out = set().union(*(one for one in small.values() if len(one) == most))
    return [" | ".join(map(quoted, sorted(lexemes[word]))) for word in words if word not in left_out]


def quoted(lexeme: str) -> str:
    """A lexeme as a tsquery takes it, whatever signs it has."""
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def by_words(question: str, programmes: Collection[Any], number: int) -> dict[Any, tuple[float, Any, list[int]]]:
    """By advisor (share from 0 to 1, CV, orders of the best sentences); `number` is how many CVs there may be."""
    terms = terms_of(question)
    if not terms:
        return {}
    given = {"terms": terms, "programmes": list(programmes), "number": number, "shown": SHOWN}
    # As much as a question could get whose every word stands in one CV only.
    most = len(terms) * MOST * math.log(1 + max(number - 0.5, 0.5) / 1.5)
    return {key: (score / most, cv, orders) for key, (score, cv, orders) in _asked(BY_WORDS, given).items()}


def by_meaning(vector: Any, programmes: Collection[Any]) -> dict[Any, tuple[float, Any, list[int]]]:
    """The same by meaning, for everybody whose CV has vectors."""
    said = "[" + ",".join(f"{one:.5f}" for one in vector) + "]"
    given = {"vector": said, "programmes": list(programmes), "enough": LANGUAGE_CVS, "best": BEST, "shown": SHOWN}
    return _asked(BY_MEANING, given)


def _asked(statement: str, given: dict[str, Any]) -> dict[Any, tuple[float, Any, list[int]]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return {advisor: (float(score), cv, orders) for advisor, cv, score, orders in cursor.fetchall()}


def by_name(question: str, names: Iterable[tuple[Any, str]]) -> set[Any]:
    """Whose name holds every word of the question, each from the beginning of a name on."""
    asked = WORD.findall(bare(question))
    if not asked:
        return set()
    return {
        key
        for key, name in names
        if all(any(own.startswith(word) for own in WORD.findall(bare(name))) for word in asked)
    }


def bare(text: str) -> str:
    """Without capitals and accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


def found_by(
    question: str, programmes: Collection[Any], names: Collection[tuple[Any, str]], vector: Any = None
) -> dict[Any, Hit]:
    """Who answers the question, by advisor; `names` are all advisors, `vector` is None when meaning is away."""
    said = by_words(question, programmes, len(names))
    meant = by_meaning(vector, programmes) if vector is not None else {}
    hits: dict[Any, Hit] = defaultdict(Hit)
    for key in by_name(question, names):
        hits[key].by.add("name")
    for key in said:
        hits[key].by.add("words")
    for key in sorted(meant, key=lambda key: -meant[key][0])[:NEAREST]:
        hits[key].by.add("meaning")
    nearness = _z({key: one[0] for key, one in meant.items()})
    for key, hit in hits.items():
        hit.points = nearness.get(key, 0.0) + (WORDS_WEIGHT * said[key][0] if key in said else 0.0)
        hit.places = _places(said.get(key), meant.get(key))
    return dict(hits)


def _z(values: dict[Any, float]) -> dict[Any, float]:
    if not values:
        return {}
    numbers = np.fromiter(values.values(), dtype=float)
    spread = numbers.std()
    placed = (numbers - numbers.mean()) / spread if spread > 0 else numbers * 0
    return dict(zip(values, placed.tolist(), strict=True))


def _places(said: Any, meant: Any) -> list[tuple[Any, int]]:
    """The best places of both halves, each once."""
    ranks: Counter[tuple[Any, int]] = Counter()
    for _score, cv, orders in filter(None, (said, meant)):
        for nth, order in enumerate(orders):
            ranks[cv, order] += SHOWN - nth
    return [place for place, _points in ranks.most_common(SHOWN)]
