"""What of an error goes into the log: its kind and where it happened, never the values that caused it."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

FRAMES = 30


def without_values(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of structlog: an exception becomes the kinds of it and of its causes, and the lines it came through.

    Messages are left out, since those of databases and parsers quote what people typed.
    """
    given = event.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else given if isinstance(given, BaseException) else None
    if given is True:
        error = sys.exc_info()[1]
    if error is not None:
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
        event["lines"] = [f"{os.path.basename(one.filename)}:{one.lineno} {one.name}" for one in frames]
        event["errors"] = _kinds(error)
    return event


def _kinds(error: BaseException | None) -> list[str]:
    kinds: list[str] = []
    while error is not None and len(kinds) < FRAMES:
        kinds.append(type(error).__name__)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return kinds
