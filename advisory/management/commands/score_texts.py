"""`manage.py score_texts`: score candidates for queries, JSON lines in and out, without a database."""

import json
import sys
import time
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from advisory.meaning import TOKEN_BUDGET, Embedder
from advisory.scoring import Need, Profile, Scores, score

# A line of progress at most this often (seconds).
EVERY = 2.0


class Command(BaseCommand):
    help = "Reads candidates and queries as JSON lines on standard input and answers one line of scores a query."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--budget",
            type=int,
            default=TOKEN_BUDGET,
            help=f"Tokens read of each candidate; {TOKEN_BUDGET} if not given.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["budget"] < 1:
            raise CommandError("The budget must be at least one token.")
        candidates, queries = _read(sys.stdin)
        embedder, progress = Embedder(), _Progress(self.stderr)
        progress.say(f"{len(candidates)} candidates, {len(queries)} texts to score them for.")
        read = embedder.embed_documents([line["texts"] for line in candidates], options["budget"], progress)
        profiles = [
            Profile(str(number), tuple(line["texts"]), line.get("lang") or "", tuple(vectors))
            for number, (line, vectors) in enumerate(zip(candidates, read, strict=True))
        ]
        progress.say("Candidates are read; now the texts.")
        needs = [
            Need(str(number), line["text"], line.get("lang") or "", embedder.embed_query(line["text"]))
            for number, line in enumerate(queries)
        ]
        for answer in _answers(score(profiles, needs), candidates, queries):
            self.stdout.write(json.dumps(answer, ensure_ascii=False))
        progress.say("Done.")


class _Progress:
    """Says on standard error, a line at a time, how far the reading is."""

    def __init__(self, to: Any) -> None:
        self.to, self.last = to, time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        if done == total or time.monotonic() - self.last >= EVERY:
            self.last = time.monotonic()
            self.say(f"{done} of {total} passages of the candidates are read.")

    def say(self, sentence: str) -> None:
        self.to.write(sentence, str)  # in no colour: nothing is wrong
        self.to.flush()


def _read(lines: Iterable[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The candidates and the queries. Raises CommandError that names the line."""
    found: dict[str, list[dict[str, Any]]] = {"cand": [], "query": [], "task": []}
    needed = {"cand": ("id", "texts"), "query": ("id", "text"), "task": ()}
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
            found[line["kind"]].append(line)
            missing = [name for name in needed[line["kind"]] if name not in line]
        except (ValueError, KeyError, TypeError) as error:
            raise CommandError(f"Line {number} is not a JSON object of kind cand, query or task.") from error
        if missing:
            raise CommandError(f"Line {number} has no “{missing[0]}”.")
    return found["cand"], found["query"]


def _answers(
    scores: Scores, candidates: list[dict[str, Any]], queries: list[dict[str, Any]]
) -> Iterable[dict[str, Any]]:
    rows = {line["id"]: number for number, line in enumerate(candidates)}
    for column, query in enumerate(queries):
        wanted = list(rows) if query.get("cands") is None else query["cands"]
        if unknown := [one for one in wanted if one not in rows]:
            raise CommandError(f"Query {query['id']} asks for candidate {unknown[0]}, who is not in the input.")
        yield {"query": query["id"], "scores": {one: float(scores.matrix[rows[one], column]) for one in wanted}}
