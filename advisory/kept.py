"""All that is kept on an advisor, for the advisor: as tables of a page, and as a ZIP of one JSON file and the CVs.

Left out by rule are notes and reasons of the office, which are about a choice among several people.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from django.core.files.storage import storages
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext_lazy as _

from advisory.access import accesses, part_of
from advisory.advisor import Advisor
from advisory.advisorcall import ConsentText
from advisory.curriculum import CurriculumVitae, CvField
from advisory.erasing import curricula_of
from advisory.said import CONFIRMABLE, worded
from facility.registry.conflicts import Conflict
from facility.workflow.show import cell, shown
from facility.workflow.trail import Entry

UNTOLD = ("proposed", "approved", "discarded")


def curricula(advisor: Advisor) -> list[CurriculumVitae]:
    """The CVs of a person in the programme, the newest first."""
    keys = curricula_of(advisor.person, advisor.programme_id).values("pk")
    return list(CurriculumVitae.objects.filter(pk__in=keys).select_related("document", "advisor").order_by("-pk"))


def consent_text(advisor: Advisor) -> str:
    """The text that was agreed to, in its version; empty where none was."""
    rows = ConsentText.objects.filter(call__programme=advisor.programme_id, number=advisor.consent_version or 0)
    return rows.values_list("text", flat=True).first() or ""


def fields_of(found: list[CurriculumVitae]) -> list[CvField]:
    """What was read in the CVs, in order."""
    names = [name for name, _label in CONFIRMABLE]
    rows = CvField.objects.filter(curriculum__in=[cv.pk for cv in found], name__in=names)
    return list(rows.select_related("confirmed_by").order_by("-curriculum", "order"))


def assignments_of(advisor: Advisor) -> list[Any]:
    """What the advisor knows of: from the offer on."""
    return list(advisor.assignments.exclude(state__in=UNTOLD).select_related("project").order_by("-pk"))


def parts(advisor: Advisor) -> list[dict[str, Any]]:
    """Everything as tables: {"title", "columns", "rows", "empty"}."""
    found = curricula(advisor)
    files, labels = {cv.pk: cv.document.name for cv in found}, dict(CONFIRMABLE)
    person = [[_("Name"), advisor.person.name]]
    person += [[one["label"], one["value"]] for name in ("kind", *Advisor.own_facts) if (one := cell(advisor, name))]
    ties = Conflict.objects.filter(person=advisor.person_id).select_related("cluster", "organisation", "other")
    course = Entry.objects.filter(record_id=advisor.pk).order_by("-number")[:100]
    steps = Advisor.steps()
    return [
        {"title": _("You"), "columns": [_("What"), _("Value")], "rows": person, "empty": ""},
        {
            "title": _("CVs"),
            "columns": [_("File"), _("State"), _("Received")],
            "rows": [[cv.document.name, cv.get_state_display(), cv.received_at] for cv in found],
            "empty": _("No CV is kept."),
        },
        {
            "title": _("What was read in the CVs"),
            "columns": [_("Field"), _("Value"), _("Confirmed"), _("File")],
            "rows": [
                [labels[one.name], worded(one.name, one.value), one.confirmed_words(), files[one.curriculum_id]]
                for one in fields_of(found)
            ],
            "empty": _("Nothing was read."),
        },
        {
            "title": _("Assignments"),
            "columns": [_("Project"), _("As"), _("State")],
            "rows": [
                [one.project.name, one.get_kind_display(), one.get_state_display()] for one in assignments_of(advisor)
            ],
            "empty": _("No assignment."),
        },
        {
            "title": _("Interests declared"),
            "columns": [_("With whom"), _("Kind")],
            "rows": [[str(one.cluster or one.organisation or one.other), one.get_kind_display()] for one in ties],
            "empty": _("None."),
        },
        part_of(found),
        {
            "title": _("What happened"),
            "columns": [_("Step"), _("When")],
            "rows": [[steps[one.step].label if one.step in steps else one.step, one.effective_at] for one in course],
            "empty": "",
        },
    ]


def as_json(advisor: Advisor) -> dict[str, Any]:
    """Everything as JSON: the person, the record, CVs with their text and fields, assignments, interests, the log."""
    found = curricula(advisor)
    said: dict[Any, list[dict[str, Any]]] = {}
    for one in fields_of(found):
        said.setdefault(one.curriculum_id, []).append(
            {
                "name": one.name,
                "value": one.value,
                "snippet": one.snippet,
                "place": one.place,
                "confirmed_by": str(one.confirmed_by) if one.confirmed_by else None,
                "confirmed_at": one.confirmed_at,
            }
        )
    own = ("kind", "areas", "languages", "countries", "sectors", "years", "capacity", "days", "available_from")
    rights = ("consent", "consent_version", "consented_at", "keep_until", "erasure_asked_at", "interests", "state")
    return {
        "person": {"name": advisor.person.name, "email": advisor.person.email, "language": advisor.person.language},
        "advisor": {name: getattr(advisor, name) for name in (*own, *rights)},
        "consent_text": consent_text(advisor),
        "curricula": [
            {
                "file": cv.document.name,
                "state": cv.state,
                "received_at": cv.received_at,
                "text": cv.text,
                "fields": said.get(cv.pk, []),
            }
            for cv in found
        ],
        "assignments": [
            {"project": one.project.name, "kind": one.kind, "state": one.state} for one in assignments_of(advisor)
        ],
        "interests": [
            {"with": str(one.cluster or one.organisation or one.other), "kind": one.kind}
            for one in Conflict.objects.filter(person=advisor.person_id)
        ],
        "opened": [{"file": name, "by": who, "what": what, "at": shown(at)} for name, who, what, at in accesses(found)],
    }


def as_zip(advisor: Advisor) -> bytes:
    """A ZIP of `kept.json` and the files of the CVs."""
    space = io.BytesIO()
    with zipfile.ZipFile(space, "w", zipfile.ZIP_DEFLATED) as archive:
        told = json.dumps(as_json(advisor), cls=DjangoJSONEncoder, indent=1, ensure_ascii=False)
        archive.writestr("kept.json", told)
        for number, cv in enumerate(curricula(advisor), 1):
            if cv.document.stored:
                with storages["documents"].open(cv.document.stored) as file:
                    archive.writestr(f"{number}-{cv.document.name}".replace("/", "_"), file.read())
    return space.getvalue()
