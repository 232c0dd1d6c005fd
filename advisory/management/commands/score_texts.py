"""`manage.py score_texts`: score candidates for queries, JSON lines in and out, without a database."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping
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
    """The candidates and the queries, all of them checked. Raises CommandError that names line and field."""
    found: dict[str, list[tuple[int, dict[str, Any]]]] = {"cand": [], "query": [], "task": []}
    try:
        for number, text in enumerate(lines, 1):
            if text.strip():
                kind, line = _parsed(number, text)
                found[kind].append((number, line))
    except UnicodeDecodeError as error:
        raise CommandError("The input is not UTF-8.") from error
    first: dict[str, int] = {}
    for number, line in found["cand"]:
        # Answers are keyed by text, so that 7 and "7" are one candidate.
        if (at := first.setdefault(str(line["id"]), number)) != number:
            raise CommandError(f"Line {number}: the “id” {line['id']} is that of the candidate on line {at} already.")
    for number, line in found["query"]:
        if unknown := [one for one in line.get("cands") or () if str(one) not in first]:
            raise CommandError(
                f"Line {number}, “cands”: query {line['id']} asks for candidate {unknown[0]}, who is not in the input."
            )
    return [line for _number, line in found["cand"]], [line for _number, line in found["query"]]


def _parsed(number: int, text: str) -> tuple[str, dict[str, Any]]:
    """Kind and content of one line."""
    try:
        line = json.loads(text)
        kind, fields = line["kind"], FIELDS[line["kind"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CommandError(f"Line {number} is not a JSON object of kind cand, query or task.") from error
    for name, (needed, fits, what) in fields.items():
        if needed and name not in line:
            raise CommandError(f"Line {number} has no “{name}”.")
        if (needed or line.get(name) is not None) and not fits(line[name]):
            raise CommandError(f"Line {number}: “{name}” is not {what}.")
    return kind, line


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_id(value: Any) -> bool:
    """Text that can be written again, or a whole number."""
    if isinstance(value, str):
        return not any("\ud800" <= letter <= "\udfff" for letter in value)
    return isinstance(value, int) and not isinstance(value, bool)


def _list_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(fits, value))


# For each kind of line its fields: whether they must be there, what they may hold, and that in words. What may be left
# out may be null too.
ID = (True, _is_id, "a text or a whole number")
LANG = (False, _is_text, "a language code or null")
FIELDS: Mapping[str, Mapping[str, tuple[bool, Callable[[Any], bool], str]]] = {
    "cand": {"id": ID, "texts": (True, _list_of(_is_text), "a list of texts"), "lang": LANG},
    "query": {
        "id": ID,
        "text": (True, _is_text, "a text"),
        "lang": LANG,
        "cands": (False, _list_of(_is_id), "a list of ids of candidates or null"),
    },
    "task": {},
}


def _answers(
    scores: Scores, candidates: list[dict[str, Any]], queries: list[dict[str, Any]]
) -> Iterable[dict[str, Any]]:
    rows = {str(line["id"]): number for number, line in enumerate(candidates)}
    for column, query in enumerate(queries):
        wanted = list(rows) if query.get("cands") is None else map(str, query["cands"])
        yield {"query": query["id"], "scores": {one: float(scores.matrix[rows[one], column]) for one in wanted}}
