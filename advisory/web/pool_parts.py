"""What the office keeps on an advisor for itself, on the advisor's page: notes and shortlists (F06)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from advisory.note import AdvisorNote, authors_of
from advisory.shortlist import Shortlist
from facility.workflow.show import state_tag, step_url


def office_parts(advisor: Any) -> list[dict[str, Any]]:
    """The tables of notes and lists; none for whoever may not edit the advisor, as only the office may."""
    if not getattr(advisor, "_may_edit", False):
        return []
    notes = list(AdvisorNote.objects.filter(advisor=advisor, state="kept").order_by("-noted_at", "-pk"))
    authors = authors_of(notes) if notes else {}
    lists = Shortlist.objects.filter(entries__advisor=advisor).order_by("state", "name")
    write = f"{step_url(AdvisorNote(), AdvisorNote.step('write'))}?advisor={advisor.pk}"
    return [
        {
            "title": _("Notes of the office"),
            "columns": [_("Noted"), _("By"), _("Note")],
            "rows": [
                [{"value": one.noted_at, "url": one.get_absolute_url()}, authors.get(one.pk, ""), one.text]
                for one in notes
            ],
            "empty": _("No note yet."),
            "add": {"label": _("New note"), "url": write},
        },
        {
            "title": _("Lists of the office"),
            "columns": [_("List"), _("State")],
            "rows": [[{"value": one.name, "url": one.get_absolute_url()}, state_tag(one)] for one in lists],
            "empty": _("On no list."),
        },
    ]
