"""The grants of whoever is looked at in one request, read once and forgotten when a role is given or taken.

A page asks of many rows who may do what. With the grants at hand each rule is a comparison with a few keys, where it
would be a query within the query. What writes asks anew (`asked_anew`), under its lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

# Role, kind of scope and its key.
Held = tuple[str, str, Any]
_kept: ContextVar[dict[Any, frozenset[Held]] | None] = ContextVar("kept_grants", default=None)


@contextmanager
def keeping() -> Iterator[None]:
    """Inside, each person's grants are read once."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


@contextmanager
def asked_anew() -> Iterator[None]:
    """Inside, the database itself says who holds what."""
    token = _kept.set(None)
    try:
        yield
    finally:
        _kept.reset(token)


def are_kept() -> bool:
    """Whether grants are read once now."""
    return _kept.get() is not None


def of(key: Any, read: Callable[[], frozenset[Held]]) -> frozenset[Held]:
    """The grants of the person with this key, read unless they are kept."""
    kept = _kept.get()
    if kept is None:
        return read()
    if key not in kept:
        kept[key] = read()
    return kept[key]


def forget() -> None:
    """A role was given or taken."""
    if (kept := _kept.get()) is not None:
        kept.clear()
