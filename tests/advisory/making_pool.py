"""Pools of advisors for tests: with CVs of given texts, made through the door and indexed by the real job."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from advisory import meaning
from advisory.advisor import Advisor
from advisory.curriculum import CurriculumVitae
from advisory.note import AdvisorNote
from advisory.shortlist import Shortlist
from facility.workflow.steps import SYSTEM
from tests.advisory import making_matching as matching

ROOT = Path(__file__).parents[2]


@contextmanager
def embedding(socket: Path) -> Iterator[str]:
    """The real process that turns questions into vectors; answers its socket."""
    asked = f"from advisory import meaning; meaning.serve({str(socket)!r})"
    process = subprocess.Popen([sys.executable, "-c", asked], cwd=ROOT, env=os.environ.copy())
    try:
        for _again in range(600):
            if meaning.health(socket, timeout=0.2):
                break
        yield str(socket)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def with_cv(programme: Any, by: Any, text: str, *, language: str = "en", name: str = "", **fields: Any) -> Advisor:
    """A candidate whose confirmed CV has this text in this language, one line a sentence; not indexed yet."""
    made = matching.candidate(programme, by, **fields, **({"name": name} if name else {}))
    received = matching.received(programme, by, made)
    matching.run("facility.scan_document")
    read = matching.reading(made, areas=tuple(made.areas))
    full = f"{made.person.name}\n{made.person.email}\n{text}"
    told = read | {"text": full, "language": language}
    told["fields"] = [
        one | {"snippet": str(one["value"]) if one["name"] in {"full_name", "email"} else one["snippet"]}
        for one in read["fields"]
    ]
    received.perform("read", by=SYSTEM, reading=told)
    received.perform("confirm", by=by, entries=matching.entries(received))
    return Advisor.objects.select_related("person", "programme").get(pk=made.pk)


def indexed(*advisors: Advisor) -> list[CurriculumVitae]:
    """Runs the waiting index jobs; answers the confirmed CVs of these advisors."""
    assert set(matching.run("advisory.index_sentences")) <= {"done"}
    return [CurriculumVitae.objects.get(advisor=one, state="confirmed") for one in advisors]


def shortlist(programme: Any, by: Any, *advisors: Advisor, name: str = "Water in the spring") -> Shortlist:
    """A named list with these advisors on it."""
    given = {"programme": programme, "name": name, "purpose": "", "advisors": [str(one.pk) for one in advisors]}
    return Shortlist().perform("create", by=by, **given)


def note(advisor: Advisor, by: Any, text: str = "Prefers mornings.") -> AdvisorNote:
    """A note on an advisor."""
    return AdvisorNote().perform("write", by=by, advisor=advisor, text=text)
