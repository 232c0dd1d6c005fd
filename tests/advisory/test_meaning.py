"""The model answers alike in every language; the embedder answers live queries and is missed by nobody when away."""

import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from advisory import meaning
from advisory.curriculum import hash_of
from advisory.meaning import CHUNK_TOKENS, DIMENSION, MODEL, Embedder
from advisory.tasks import comparing
from advisory.vectors import AskVector

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def embedder():
    return Embedder()


def test_a_need_finds_its_passage_in_another_language(embedder):
    passages = embedder.embed_passages(
        [
            "Ingénieure en traitement des eaux usées : boucles fermées et réutilisation de l'eau dans la teinturerie.",
            "Finanzberater für grüne Anleihen und nachhaltige Investitionen im Mittelstand.",
            "Ekspert w dziedzinie gospodarki odpadami i recyklingu tworzyw sztucznych.",
        ]
    )

    need = embedder.embed_query("Our members want to reuse water in textile dyeing.")

    assert passages.shape == (3, DIMENSION)
    assert (passages @ need).argmax() == 0
    assert np.linalg.norm(passages, axis=1) == pytest.approx(1, abs=1e-3)


def test_equal_texts_have_equal_vectors_in_the_order_given(embedder):
    first, second, third = embedder.embed_passages(["Water", "Energy", "Water"])

    assert (first == third).all()
    assert (first != second).any()
    assert embedder.embed_passages([]).shape == (0, DIMENSION)


def test_a_long_text_is_cut_to_its_budget_in_even_parts(embedder):
    text = "Energy audits and closed water loops for textile firms. " * 200

    parts = embedder.chunks(text, budget=800)

    sizes = [embedder.model.token_count(part) for part in parts]
    assert len(parts) == 4
    assert max(sizes) <= CHUNK_TOKENS + 10
    assert 720 <= sum(sizes) <= 830
    assert text.startswith(parts[0])
    assert embedder.chunks("  \n ") == []


def test_the_texts_of_a_person_share_the_budget(embedder):
    one, two = embedder.embed_documents([["Water reuse. " * 400], ["Water reuse. " * 400, "", "Energy"]], budget=440)

    assert [len(vectors) for vectors in one] == [2]
    assert [len(vectors) for vectors in two] == [1, 0, 1]


def test_letters_no_c_string_can_hold_are_dropped(embedder):
    clean, odd = embedder.embed_passages(["water reuse", "water\0reuse\ud800"])

    assert clean @ odd == pytest.approx(1, abs=0.01)


def test_a_child_of_a_process_that_loaded_the_model_is_refused_instead_of_waiting_for_ever(embedder):
    embedder.embed_query("loaded here")
    child = os.fork()
    if child == 0:
        try:
            embedder.embed_query("and used there")
        except RuntimeError:
            os._exit(42)
        os._exit(0)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42


@pytest.fixture
def served(tmp_path):
    path = tmp_path / "embedder.sock"
    process = subprocess.Popen([sys.executable, "manage.py", "embedder", "--socket", str(path)], cwd=ROOT)
    deadline = time.monotonic() + 30
    while not meaning.health(path) and time.monotonic() < deadline:
        time.sleep(0.05)
    yield path, process
    process.kill()
    process.wait()


def test_the_embedder_answers_what_the_model_says_and_stops_when_told(served, embedder):
    path, process = served

    assert meaning.health(path) == {"ready": True, "model": "multilingual-e5-small", "dimension": DIMENSION}
    vector = meaning.query(path, "water reuse", timeout=5)
    assert vector == pytest.approx(embedder.embed_query("water reuse"), abs=1e-4)
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(RuntimeError, match="already answers"):
        meaning.serve(path)

    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=5) == 0
    assert not path.exists()
    assert meaning.query(path, "water reuse") is None


def test_a_broken_or_silent_client_does_not_stop_the_others(served):
    path, _ = served
    for message in (b"", struct.pack(">I", 5) + b"{nope", struct.pack(">I", 2**31), struct.pack(">I", 4) + b"null"):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(message)

    assert meaning.query(path, "still there", timeout=5) is not None


def test_an_embedder_that_is_away_or_hangs_is_answered_with_none_in_time(tmp_path):
    assert meaning.query(tmp_path / "nobody.sock", "water") is None
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent.sock"))
        silent.listen()
        began = time.monotonic()

        assert meaning.query(tmp_path / "silent.sock", "water", timeout=0.2) is None

        assert time.monotonic() - began < 2


WORDS = "Our members in the dye houses of the valley want to use far less fresh water in every step of finishing. "
WATER, MUSIC = "Waste water must be cleaned and reused. ", "A choir of nurses sings old songs in Malta. "


def test_the_second_half_of_a_project_text_counts_as_the_first_does():
    front = WORDS * 9
    late = [comparing.vector_of(front + ending * 12) for ending in (WATER, MUSIC)]
    early = [comparing.vector_of(ending * 12 + front) for ending in (WATER, MUSIC)]

    assert len(comparing.embedder.chunks(front + MUSIC * 12, comparing.ASK_TOKENS)) == 2
    assert late[0] @ late[1] < 0.98
    # Where the words stand makes little difference, what they say much.
    assert late[0] @ early[0] > late[0] @ late[1]
    assert late[1] @ early[1] > late[0] @ late[1]


def test_nothing_beyond_the_budget_of_a_project_text_counts():
    water, music = (comparing.vector_of(WORDS * 22 + ending * 12) for ending in (WATER, MUSIC))

    assert water @ music > 0.999


LONG_FRENCH = "Nos membres souhaitent réduire la consommation d'eau et d'énergie dans leurs ateliers de teinture."


def test_a_need_of_few_words_is_in_the_language_of_its_project():
    project = [WORDS * 2, "Energy audits", "Water reuse", "LCA"]

    assert comparing.languages_of(project) == ["en"] * 4
    assert comparing.languages_of([*project, LONG_FRENCH])[3:] == ["en", "fr"]
    assert comparing.languages_of([LONG_FRENCH, "Water reuse"]) == ["fr", "fr"]
    assert comparing.languages_of(["LCA", ""]) == ["", ""]  # too little to say


def asked(*texts):
    """What a run asks for a project of these texts."""
    project = {"id": "p", "asks": [{"text": text, "weight": 1.0} for text in texts]}
    run = SimpleNamespace(inputs={"projects": [project]})
    return comparing.asked_by(run, SimpleNamespace(advance=lambda number, steps: None), 1)["p"]


@pytest.mark.django_db
def test_vectors_of_the_first_half_that_were_kept_are_not_taken():
    wrong = np.zeros(DIMENSION)
    AskVector.objects.create(text_sha256=hash_of(f"{MODEL} {comparing.ASK_TOKENS} {WORDS}"), vector=wrong)

    (ask,) = asked(WORDS)

    assert ask.vector == pytest.approx(comparing.vector_of(WORDS), abs=1e-4)
    AskVector.objects.update(vector=wrong)  # the control: what is kept under the key of today is taken
    assert (asked(WORDS)[0].vector == wrong).all()


MALTESE = "Il-membri tagħna jixtiequ jużaw inqas ilma fil-fabbriki u jerġgħu jużaw l-ilma maħmuġ tagħhom kull sena."


@pytest.mark.django_db
def test_few_words_have_no_vector_in_a_project_whose_language_the_model_does_not_know():
    english, maltese = asked(WORDS, "LCA"), asked(MALTESE, "LCA")

    assert [one.language for one in (*english, *maltese)] == ["en", "en", "mt", "mt"]
    assert english[1].vector is not None
    assert [one.vector for one in maltese] == [None, None]
