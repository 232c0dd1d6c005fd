"""Fills the database that the environment names with invented advisors and measures the search; prints JSON.

Rows are written in bulk as the owner of the tables, past the steps: this database is thrown away.
"""

from __future__ import annotations

import json
import math
import os
import random
import sys
import time
from collections.abc import Iterable
from statistics import median, quantiles
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

import numpy as np  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext, override_settings  # noqa: E402

from advisory import searching  # noqa: E402
from advisory.advisor import Advisor  # noqa: E402
from advisory.curriculum import CurriculumVitae, hash_of  # noqa: E402
from advisory.searchable import CvSentence, words_of  # noqa: E402
from advisory.sentences import pieces  # noqa: E402
from advisory.tasks import pool as indexing  # noqa: E402
from bench.cv.people import Person as Invented  # noqa: E402
from bench.cv.people import people  # noqa: E402
from bench.pool.questions import HELD_OUT, TUNED  # noqa: E402
from facility.registry.documents import Document  # noqa: E402
from facility.registry.grants import Grant  # noqa: E402
from facility.registry.people import Person  # noqa: E402
from facility.registry.programme import Programme  # noqa: E402
from facility.workflow import clock  # noqa: E402

FILES = ("tuned", "tuned_too", "held_out")
BUDGETS = (40, 80, 320)
ROUNDS = 8
# Pieces of an invented CV of a page or two, and how many of them have a vector.
PIECES, WITH_VECTOR = 40, 9
NOISE = 0.02
STATIC = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}


def cv_text(one: Invented) -> str:
    """What the CV of an invented person says on their work, in the order in which CVs say it."""
    said = one.said
    lines = [said["name"], said["email"], said["phone"], "", said.get("summary", ""), ""]
    for job in said["jobs"]:
        lines += [f"{job['title']}, {job['employer']} ({job['dates']})", *job["tasks"], ""]
    lines += [f"{degree['title']}, {degree['school']}" for degree in said["degrees"]]
    lines += ["", ", ".join(said["skills"]), *said["certificates"], *said["publications"]]
    return "\n".join([*lines, *(project["text"] for project in said["projects"])])


def written(rows: Iterable[Any]) -> None:
    """Rows into their tables, past the steps."""
    by_model: dict[Any, list[Any]] = {}
    for row in rows:
        by_model.setdefault(type(row), []).append(row)
    with transaction.atomic(), connection.cursor() as cursor:
        for model in by_model:
            cursor.execute(f'ALTER TABLE "{model._meta.db_table}" DISABLE TRIGGER USER')
        for model, own in by_model.items():
            model._base_manager.bulk_create(own, batch_size=1000)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for model in by_model:
            cursor.execute(f'ALTER TABLE "{model._meta.db_table}" ENABLE TRIGGER USER')


def programme(slug: str) -> tuple[Programme, Person]:
    """A programme with its coordinator."""
    today = clock.now().date()
    made = Programme(slug=slug, name=slug, funder="Invented", operator="Invented", starts_on=today, ends_on=today)
    person = Person(name="Coordinator (demo)", email=f"{slug}@example.org", is_demo=True)
    grant = Grant(person=person, role="coordinator", scope_type="programme", scope_key=made.pk, programme=made)
    grant.from_at = clock.now()
    written([made, person, grant])
    return made, person


def advisor(of: Programme, name: str, language: str, text: str, choose: random.Random) -> list[Any]:
    """The rows of an advisor with a confirmed CV."""
    person = Person(name=name, sort_name=name.lower(), is_demo=True)
    areas = choose.sample(["water-use", "energy-efficiency", "waste-management", "circular-materials"], 2)
    made = Advisor(programme=of, person=person, state="pool", kind=choose.choice(["business", "sustainability"]))
    made.areas, made.languages = areas, [{"code": language, "cefr": "native"}, {"code": "en", "cefr": "B2"}]
    made.countries, made.years = [choose.choice(["ES", "FR", "PL", "DE"])], choose.randrange(1, 30)
    document = Document(programme=of, name="cv.txt", state="clean", received_at=clock.now())
    cv = CurriculumVitae(programme=of, advisor=made, document=document, state="confirmed", language=language, text=text)
    return [person, made, document, cv]


def index(of: Programme, sentences: list[CvSentence]) -> None:
    """Sentences with their words."""
    CvSentence.objects.bulk_create(sentences, batch_size=2000)
    for language in {one.language for one in sentences}:
        rows = CvSentence.objects.filter(curriculum__programme=of, language=language)
        rows.update(words=words_of(language))


# -- how well


def quality() -> dict[str, Any]:
    """The labelled questions against words alone, meaning alone, and both, for several budgets."""
    invented = [one for file in FILES for one in people(file)]
    answers = {}
    sets = {"tuned": TUNED, "held_out": HELD_OUT}
    asked = {name: [indexing.embedder.embed_query(one[1]) for one in own] for name, own in sets.items()}
    for budget in BUDGETS:
        indexing.SENTENCE_TOKENS = budget
        of, _person = programme(f"quality-{budget}")
        ids, tokens, began = {}, 0, time.process_time()
        for one in invented:
            rows = advisor(of, one.said["name"], one.written_in, cv_text(one), random.Random(1))  # noqa: S311 (invented)
            written(rows)
            ids[rows[1].pk] = one.id
            tokens += sentences_of(of, rows[3], [one.said["name"]])
        spent = time.process_time() - began
        ways = {
            f"{way}, {name}": scored(of, ids, own, asked[name], way)
            for name, own in sets.items()
            for way in ("words", "meaning", "both")
        }
        answers[budget] = {"ways": ways, "tokens": tokens / len(invented), "cpu": spent / len(invented)}
    return {"people": len(invented), "questions": [len(TUNED), len(HELD_OUT)], "budgets": answers}


def sentences_of(of: Programme, cv: CurriculumVitae, hidden: list[str]) -> int:
    """Indexes one CV as the job does; answers how many tokens were embedded."""
    told: list[dict[str, Any]] = []
    for start, end in pieces(cv.text, hidden):
        said = " ".join(cv.text[start:end].split())
        told.append({"start": start, "end": end, "language": cv.language, "text": said, "text_sha256": hash_of(said)})
    chosen = indexing.within_budget(told)
    vectors = dict(zip(chosen, indexing.embedder.embed_passages(list(chosen.values())), strict=True))
    rows = [
        CvSentence(curriculum=cv, order=at, vector=_listed(vectors.get(str(one["text_sha256"]))), **one)
        for at, one in enumerate(told)
    ]
    CvSentence.objects.bulk_create(rows)
    CvSentence.objects.filter(curriculum=cv).update(words=words_of(cv.language))
    return sum(indexing.embedder.model.token_count(text) for text in chosen.values())


def _listed(vector: Any) -> Any:
    return None if vector is None else np.asarray(vector, dtype=float).tolist()


def scored(of: Programme, ids: dict[Any, str], own: list[Any], asked: list[Any], way: str) -> dict[str, float]:
    """Reciprocal rank of the first right answer, share of right ones among the first five, nDCG of ten."""
    ranks, recall, gain = [], [], []
    names = [(key, "nobody") for key in ids]
    for (_language, question, right), vector in zip(own, asked, strict=True):
        hits = searching.found_by(
            question if way != "meaning" else "", [of.pk], names, None if way == "words" else vector
        )
        order = [ids[key] for key in sorted(hits, key=lambda key: -hits[key].points)]
        places = [order.index(one) + 1 for one in right if one in order]
        ranks.append(1 / min(places) if places else 0.0)
        recall.append(sum(place <= max(5, len(right)) for place in places) / len(right))
        ideal = sum(1 / math.log2(at + 2) for at in range(len(right)))
        gain.append(sum(1 / math.log2(place + 1) for place in places if place <= 10) / ideal)  # noqa: PLR2004
    return {"mrr": _mean(ranks), "recall5": _mean(recall), "ndcg10": _mean(gain), "low": _low(gain)}


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 3)


def _low(values: list[float]) -> float:
    """Half the width of a 95 % interval by the bootstrap, with a fixed seed."""
    choose = random.Random(7)  # noqa: S311 (a resampling)
    means = sorted(sum(choose.choices(values, k=len(values))) / len(values) for _again in range(2000))
    return round((means[1950] - means[50]) / 2, 3)


# -- how fast


def speed(number: int) -> dict[str, Any]:
    """Times of a question, and of the page, among so many CVs."""
    choose = random.Random(number)  # noqa: S311 (invented data)
    of, coordinator = programme(f"speed-{number}")
    bank: dict[str, list[str]] = {}
    for one in (one for file in FILES for one in people(file)):
        text = cv_text(one)
        bank.setdefault(one.written_in, []).extend(text[a:b] for a, b in pieces(text, [one.said["name"]]))
    texts = sorted({text for own in bank.values() for text in own})
    known = dict(zip(texts, indexing.embedder.embed_passages(texts), strict=True))
    noise = np.random.default_rng(number)
    rows, sentences = [], []
    for at in range(number):
        language = choose.choice(list(bank))
        said = [f"{choose.choice(bank[language])} {choose.randrange(100)}" for _piece in range(PIECES)]
        rows += advisor(of, f"Advisor {at:05d} (demo)", language, "\n".join(said), choose)
        for order, text in enumerate(said):
            vector = None
            if order < WITH_VECTOR:
                moved = known[text.rpartition(" ")[0]] + noise.normal(0, NOISE, 384)
                vector = (moved / np.linalg.norm(moved)).tolist()
            sentences.append(
                CvSentence(curriculum=rows[-1], order=order, language=language, text=text, start=0, end=1,
                           text_sha256=hash_of(text), vector=vector)
            )  # fmt: skip
    written(rows)
    index(of, sentences)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    asked = [(question, indexing.embedder.embed_query(question)) for _language, question, _ids in TUNED]
    names = [(row.pk, row.person.name) for row in rows if isinstance(row, Advisor)]
    both = [timed(lambda q=q, v=v: searching.found_by(q, [of.pk], names, v)) for _r in range(ROUNDS) for q, v in asked]
    words = [timed(lambda q=q: searching.found_by(q, [of.pk], names)) for _r in range(ROUNDS) for q, _v in asked]
    client = Client()
    client.force_login(coordinator)
    with override_settings(
        STORAGES=_storages(), ALLOWED_HOSTS=["testserver"], SECOND_FACTOR=False, SECURE_SSL_REDIRECT=False
    ):
        page = "/workspace/advisors/pool/"
        plain = [timed(lambda: client.get(page, {"area": "water-use", "language": "fr"})) for _r in range(ROUNDS * 3)]
        address = client.post(page, {"question": "water reuse"})["Location"]
        found = [timed(lambda: client.get(address)) for _r in range(ROUNDS * 3)]
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
    return {
        "cvs": number,
        "sentences": len(sentences),
        "search": told(both),
        "by_words": told(words),
        "page": told(plain[2:]),
        "page_by_words": told(found[2:]),
        "statements": len(queries),
    }


def _storages() -> dict[str, Any]:
    from django.conf import settings

    return settings.STORAGES | STATIC


def timed(act: Any) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def told(times: list[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    return {"median": round(median(times), 1), "p95": round(quantiles(times, n=20)[-1], 1)}


if __name__ == "__main__":
    print(json.dumps(quality() if sys.argv[1] == "quality" else speed(int(sys.argv[1])), ensure_ascii=False))
