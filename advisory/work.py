"""What a CV says on a person's work: the text that is compared, and nothing else of the CV (F06).

Pure but for the names of the areas.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from facility.papers import AREAS

# The fields that tell of somebody's work, the most telling first, so that a budget of tokens cuts the others. Name,
# address, nationality and languages are not among them: they cannot weigh in a text.
WORK = ("area", "green_experience", "employment", "project", "skill", "tool", "certificate", "degree", "publication")
# Of these the sentences of the CV count, with what was done; of the others the value.
BY_SNIPPET = {"area", "green_experience", "employment"}


def work_of(fields: Iterable[Any]) -> str:
    """A line for each fact on the work that a person has confirmed; `fields` are the rows of the CV (`CvField`)."""
    lines: dict[str, None] = {}
    confirmed = (one for one in fields if one.confirmed and one.name in WORK)
    for one in sorted(confirmed, key=lambda one: (WORK.index(one.name), one.order)):
        lines[_line(one)] = None
    return "\n".join(line for line in lines if line)


def _line(one: Any) -> str:
    if one.name in BY_SNIPPET and one.snippet:
        return " ".join(one.snippet.split())
    if one.name == "area":
        return dict(AREAS).get(one.value, "")
    return str(one.value["title"] if isinstance(one.value, dict) else one.value)
