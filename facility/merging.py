"""Two tabs, one draft: merged field by field, so that nobody's words are overwritten unseen. Pure.

A tab sends only what was changed in it, each value with the digest of the text that it was typed over. What somebody
else has changed meanwhile is a clash: the value that stands stays, and the other one is kept beside it to be chosen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Change:
    """A value typed in a tab, and the digest of the value that it was typed over."""

    value: Any
    base: str


@dataclass(frozen=True)
class Tab:
    """An open page; `turn` counts what it has sent, so that a message that comes late or twice is known."""

    name: str
    turn: int


@dataclass
class Merge:
    """What to set, and what to keep beside what stands; `held` are the fields that then hold what the tab sent.

    Only in these the tab may go on from what stands: elsewhere its next letter would overwrite what it has not seen.
    """

    values: dict[str, Any] = field(default_factory=dict)
    clashes: dict[str, Any] = field(default_factory=dict)
    held: list[str] = field(default_factory=list)


def digest(value: Any) -> str:
    """16 letters that tell two JSON values apart."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def merge(
    current: Mapping[str, Any],
    writers: Mapping[str, tuple[str, int] | list[Any]],
    changes: Mapping[str, Change],
    by: Tab,
) -> Merge:
    """What becomes of the changes of one tab.

    current: the values that stand, by field. writers: (tab, turn) that wrote each of them last, where a tab did. What
    a tab sends on top of its own words is never a clash, also when it has not heard that they were saved.
    """
    made = Merge()
    for name, change in changes.items():
        there = current[name]
        tab, turn = writers.get(name) or ("", 0)
        if change.value == there:
            made.held.append(name)
        elif by.turn > turn if tab == by.name else digest(there) == change.base:
            made.values[name] = change.value
            made.held.append(name)
        elif tab != by.name and digest(change.value) != change.base:
            made.clashes[name] = change.value
    return made
