"""From a programme to the frozen cut of its report: one declared function a section, every figure with its records.

`cut_of` reads; it writes nothing. To add a section see docs/report.md.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from facility.registry.programme import Programme
from facility.registry.vocabulary_data import vocabulary
from reporting.cut import FORMS, SECTIONS, Figures, seal
from reporting.sections import cases, closing, delivery, matching, opening, toolkit
from reporting.sections.material import KINDS, Material
from reporting.sections.registry import DECLARED

SCHEMA = "facility-report/1"
MODULES = (opening, matching, delivery, cases, toolkit, closing)  # importing them declares their sections
DISCLAIMER = (
    "The information and views in this report are those of its authors and do not necessarily reflect the official "
    "opinion "
    "of the funder, who may not be held responsible for the use that is made of them."
)
REUSE = "Reuse is authorised provided the source is acknowledged and the meaning is not distorted."
DEMO_NOTE = (
    "Demonstration. People, figures, texts and quotes are invented; names of clusters on the public list are facts."
)


def cut_of(
    programme: Programme, *, as_of: dt.datetime, number: int, title: str, chosen: Sequence[str]
) -> dict[str, Any]:
    """The sealed cut of a programme as it stands now.

    as_of: the instant that the cut bears, aware, in whole seconds. number: the version. title: the report's own title.
    chosen: ids of sections in the order of the report; the data of all sections are in the cut in any case.
    Call it inside one transaction with a view of its own, so that all figures are of one moment.
    """
    material, figures = Material(programme, as_of), Figures()
    members: dict[str, Any] = {}
    narratives: dict[str, list[str]] = {}
    for name in SECTIONS:
        made, narratives[name] = DECLARED[name](material, figures)
        members |= made
    return seal(
        {
            "schema": SCHEMA,
            "demo": programme.is_demo,
            "meta": _meta(programme, as_of, number, title),
            "sections": [{"id": name, "narrative": narratives[name]} for name in chosen],
            "areas": [{"slug": term.id, "label": term.label("en")} for term in vocabulary("areas")],
            "forms": list(FORMS),
            **members,
            **figures.members(),
            "records": material.records(),
            "record_kinds": dict(KINDS),
            "glyph_sample": {},
        }
    )


def _meta(programme: Programme, as_of: dt.datetime, number: int, title: str) -> dict[str, Any]:
    reference = programme.slug.upper()
    return {
        "title": programme.name,
        "subtitle": title,
        "period": [programme.starts_on.isoformat(), programme.ends_on.isoformat()],
        "version": number,
        "frozen_at": f"{as_of.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
        "published": None,
        "programme_ref": reference,
        "doc_no": f"{reference}/R/{number}",
        "cut_sha256": "",
        "language": "en",
        "funder": programme.funder,
        "framework": programme.platform,
        "operator": programme.operator,
        "funding": f"{programme.name} is funded by: {programme.funder}.",
        "disclaimer": DISCLAIMER,
        "reuse": REUSE,
        "demo_note": DEMO_NOTE if programme.is_demo else "",
        "contact": programme.contact,
    }


__all__ = ["cut_of"]
