"""The decision record of a selection: everything that led to it, as a PDF that is the same each time (F03, F05)."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from django.conf import settings
from django.utils import formats, translation
from django.utils.translation import gettext as _

from facility.reasons import worded
from facility.selection import Selection
from facility.workflow.trail import Entry
from reporting.render.pdf import render_pdf

# The steps that make a decision; what is worded afterwards does not change its record.
SIGNED = ("create", "set_quotas", "propose", "approve", "send_back", "release")


def decision_record(selection: Selection, language: str) -> bytes:
    """The record as PDF/UA-1 and PDF/A-2a. The same selection in the same language gives the same bytes."""
    with translation.override(language):
        content = content_of(selection, language)
    return render_pdf(content, language, settings.FONTS, main="decision.typ")


def content_of(selection: Selection, language: str) -> dict[str, Any]:
    """What the record says, in the active language, as the template takes it."""
    call, programme = selection.call, selection.programme
    lines = list(selection.lines.select_related("application__lead_cluster").order_by("rank"))
    names = {
        str(one.application_id): f"{one.application.lead_cluster.name} ({one.application.number})" for one in lines
    }
    signed = Entry.objects.filter(record_id=selection.pk, step__in=SIGNED)
    entries = list(signed.select_related("actor", "detail").order_by("number"))
    return {
        "meta": {
            "title": _("Decision record"),
            "subtitle": str(call),
            "operator": programme.operator,
            "programme_ref": programme.slug,
            "doc_no": f"{call} · {selection.get_state_display()}",
            "frozen_at": entries[-1].effective_at.astimezone(dt.UTC).isoformat(),
            "language": language,
        },
        "demo": programme.is_demo,
        # The frame of the report draws its matrix; a decision has none.
        "matrix": {"themes": [], "challenges": [], "functions": [], "cells": {}},
        "sections": [],
        "words": _words(),
        "facts": _facts(selection, lines),
        "rules": selection.declared(),
        "departures": _departures(selection, entries),
        "contradiction": [worded(reason, names) for reason in selection.contradiction],
        "overrides": [
            [one.application.number, one.application.title(), one.get_override_display(), one.override_reason]
            for one in lines
            if one.override
        ],
        "ranking": [_ranked(one, names) for one in lines],
        "spread": _spread([one.application for one in lines if one.outcome == "selected"]),
        "signatures": [_signature(entry, selection) for entry in entries],
        "checksum": selection.checksum or selection.digest(),
    }


def _words() -> dict[str, Any]:
    return {
        "what": _("What"),
        "value": _("Value"),
        "decided": _("What was decided"),
        "rules": _("Rules"),
        "departures": _("Departures from the rules of the call"),
        "contradiction": _("Rules that cannot all hold; the ranking was made without the minima"),
        "overrides": _("Overrides"),
        "no_overrides": _("None: the order and the rules alone decided."),
        "override_columns": [_("Number"), _("Lead cluster"), _("Decision"), _("Reason")],
        "ranking": _("Ranking"),
        "ranking_columns": [
            _("Rank"),
            _("Number"),
            _("Score"),
            _("Lead cluster"),
            _("Country"),
            _("Outcome"),
            _("Why"),
        ],
        "spread": _("Spread of the selected"),
        "signatures": _("Signatures"),
        "signed": _("Each step as the trail holds it. The SHA-256 of an entry covers that of the one before it."),
        "signature_columns": [_("Step"), _("By"), _("When"), _("SHA-256 of the entry")],
        "checksum": _("Checksum of the ranking"),
        "checksum_text": _("SHA-256 over the rules and every line of the ranking, made when it was proposed:"),
    }


def _facts(selection: Selection, lines: list[Any]) -> list[list[str]]:
    counted = Counter(one.outcome for one in lines)
    released = selection.call.in_its_zone(selection.released_at) if selection.released_at else _("not released yet")
    return [
        [_("Call"), str(selection.call)],
        [_("Programme"), str(selection.programme)],
        [_("State"), str(selection.get_state_display())],
        [_("Released"), released],
        [_("Applications ranked"), str(len(lines))],
        [_("Selected"), str(counted["selected"])],
        [_("On the reserve list"), str(counted["reserve"])],
        [_("Not selected"), str(counted["rejected"])],
    ]


def _departures(selection: Selection, entries: list[Any]) -> list[str]:
    """Each change of the rules with its reason, and what the call had declared instead."""
    changed = [entry for entry in entries if entry.step == "set_quotas"]
    if not changed:
        return []
    applied = set(selection.declared())
    instead = [_("The call declared: %s") % said for said in selection.call.declared() if said not in applied]
    return [
        *(
            f"{selection.call.in_its_zone(entry.effective_at)}, {entry.actor}: {entry.detail.reason}"
            for entry in changed
        ),
        *instead,
    ]


def _ranked(line: Any, names: dict[str, str]) -> list[str]:
    score = formats.number_format(line.score, 2)
    if line.points is not None and line.points != line.score:
        score = f"{score} ({formats.number_format(line.points, 2)})"
    outcome = line.get_outcome_display()
    return [
        str(line.rank),
        line.application.number,
        score,
        line.application.title(),
        line.application.lead_cluster.country.code,
        f"{outcome} {line.position}" if line.position else str(outcome),
        " ".join(said for reason in line.reasons if (said := worded(reason, names))),
    ]


def _spread(applications: list[Any]) -> list[dict[str, Any]]:
    kinds = [
        (_("Country"), [str(one.lead_cluster.country.name) for one in applications]),
        (_("Sector"), [one.lead_cluster.sector for one in applications]),
    ]
    return [
        {
            "columns": [word, _("Selected")],
            "rows": [[name, str(n)] for name, n in sorted(Counter(values).items(), key=lambda one: (-one[1], one[0]))],
        }
        for word, values in kinds
    ]


def _signature(entry: Any, selection: Selection) -> list[str]:
    step = Selection.steps().get(entry.step)
    return [
        str(step.label if step else entry.step),
        f"{entry.actor or _('System')} ({entry.role})",
        selection.call.in_its_zone(entry.effective_at),
        entry.sha256,
    ]
