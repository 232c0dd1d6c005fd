"""A match run without a person: their name and words go, numbers and keys stay, so that it can still be read. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any

GONE = "Erased person"
# What of a mapping about a person is no personal data: keys of records, roles, and names of parts of a score.
KEPT = {"id", "advisor", "project", "name", "kind", "why", "status"}


def without(value: Any, key: str) -> Any:
    """The same JSON in which everything about the person of this key is scrubbed: the mapping that has the key as its
    `id` or `advisor`, and beside such a mapping what is told of the pair; other people and the project stay."""
    if isinstance(value, list):
        return [without(one, key) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get("id") == key or value.get("advisor") == key:
        return {name: GONE if name == "label" else scrubbed(name, one) for name, one in value.items()}
    about = value.get("advisor")
    if isinstance(about, dict) and about.get("id") == key:
        return {
            name: without(one, key) if name == "advisor" or _is_of_others(one, key) else scrubbed(name, one)
            for name, one in value.items()
        }
    return {name: without(one, key) for name, one in value.items()}


def scrubbed(name: str, value: Any) -> Any:
    """A value without words: numbers stay, texts go unless they are keys or names of parts."""
    if isinstance(value, dict):
        return {inner: scrubbed(inner, one) for inner, one in value.items()}
    if isinstance(value, list):
        return [scrubbed(name, one) for one in value if isinstance(one, dict | int | float)]
    return "" if isinstance(value, str) and name not in KEPT else value


def without_evidence(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parts of a score without the words of the CV that they rest on; numbers stay."""
    return [one | {"evidence": scrubbed("", one.get("evidence", []))} for one in parts]


def checksum_of(inputs: Any, result: Any) -> str:
    """SHA-256 over inputs and result in canonical JSON: the same before and after the database has kept them."""
    kept = json.dumps(_canonical([inputs, result]), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(kept.encode()).hexdigest()


def _is_of_others(value: Any, key: str) -> bool:
    return isinstance(value, dict) and "id" in value and value["id"] != key


def _canonical(value: Any) -> Any:
    """The database knows no -0.0: it gives back 0.0."""
    if isinstance(value, dict):
        return {str(name): _canonical(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(one) for one in value]
    return value + 0.0 if isinstance(value, float) else value
