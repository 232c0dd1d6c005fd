"""Counts for the figures that operators read. They live in the shared cache and begin anew when it is emptied."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from django.core.cache import cache


def count(name: str) -> None:
    """One more."""
    cache.add(_key(name), 0, timeout=None)
    with suppress(ValueError):  # emptied in between
        cache.incr(_key(name))


def counted(names: Iterable[str]) -> dict[str, int]:
    """How many so far, by name."""
    return {name: cache.get(_key(name), 0) for name in names}


def _key(name: str) -> str:
    return f"count:{name}"
