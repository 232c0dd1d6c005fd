"""The model answers alike in every language; the embedder answers live queries and is missed by nobody when away."""

import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from advisory import meaning
from advisory.meaning import CHUNK_TOKENS, DIMENSION, Embedder

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
