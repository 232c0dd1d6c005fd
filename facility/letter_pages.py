"""The letters of a selection: read before the release, with whom it touches, and after it (F05)."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from facility import letter
from facility.application import Application
from facility.bid import own_manager
from facility.instruments.letter import FIELD
from facility.selection import Selection
from facility.workflow.show import carried, state_tag, step_url
from facility.workflow.steps import NotFound, unmet
from facility.workflow.trail import Entry, Notice


def outcome_tag(outcome: str, position: int | None = None) -> dict[str, str]:
    """An outcome as a state tag."""
    words = {"selected": _("In"), "rejected": _("Out")}
    if outcome == "reserve":
        return {"label": _("Reserve %d") % position, "tone": "is-wait"}
    return {"label": words[outcome], "tone": "is-good" if outcome == "selected" else "is-idle"}


def of_staff(request: HttpRequest, pk: Any) -> Any:
    rows = Selection.objects.visible_to(request.user).with_faces(request.user).with_offers(request.user)
    record = rows.select_related("call__programme", "programme").filter(pk=pk).first()
    if record is None or record.face != "staff":
        raise NotFound(_("There is no such record."))
    return record


def sent_letters(record: Selection) -> dict[str, int]:
    """How many letters of the release left, and how many the server of mail took."""
    rows = record.letters.filter(sent_at__isnull=False)
    keys = [str(key) for key in rows.values_list("pk", flat=True)]
    told = Notice.objects.filter(params__letter__in=keys)
    mailed = told.filter(mailed_at__isnull=False).count()
    return {
        "letters": len(keys),
        "mailed": mailed,
        "waiting": told.filter(mailed_at__isnull=True, mail_after__isnull=False).count(),
    }


@login_required
def release_preview(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """Whom the release touches and what each will read; for everybody who sees the ranking."""
    record = of_staff(request, pk)
    if record.state not in {"approved", "released"}:
        raise Http404
    return render(request, "facility/release.html", release_context(record, request))


def release_context(record: Any, request: HttpRequest) -> dict[str, Any]:
    """What the page of the release shows."""
    is_out = record.state == "released"
    letters = list(_letters(record, is_out=is_out))
    lines = list(record.lines.select_related("application__lead_cluster").order_by("rank"))
    kinds = [_kind(kind, lines, letters) for kind in ("selected", "reserve", "rejected")]
    told = {one.application_id for one in letters}
    at = _number(request.GET.get("letter", ""), len(letters))
    step = record.step("release")
    entry = (
        Entry.objects.filter(record_id=record.pk, step="approve").select_related("actor").order_by("-number").first()
    )
    base = reverse("release-preview", kwargs={"pk": record.pk})
    return {
        "record": record,
        "state": state_tag(record),
        "is_out": is_out,
        "number": len(lines),
        "approved": entry,
        "kinds": [one | {"url": f"{base}?letter={one['first']}" if one["first"] else ""} for one in kinds],
        "letters": len(letters),
        "people": len({one.to_id for one in letters}),
        "at": at,
        "paper": as_paper(letters[at - 1]) if letters else None,
        "previous_url": f"{base}?letter={at - 1}" if at > 1 else "",
        "next_url": f"{base}?letter={at + 1}" if at < len(letters) else "",
        "edit_url": _edit_url(record, letters, at),
        "word_url": _word_url(record, letters, at),
        "without": [line.application.title() for line in lines if line.application_id not in told],
        "blocked_by": [] if is_out else unmet(step.guards, record),
        "release_url": step_url(record, step) if getattr(record, "_may_release", False) and not is_out else "",
        "draft": _draft_again(record),
        "hidden": carried(record),
        "selection_url": record.get_absolute_url(),
        "sent": sent_letters(record) if is_out else None,
    }


def _letters(record: Any, *, is_out: bool) -> Any:
    if not is_out:
        return record.staged()
    rows = record.letters.all()
    related = rows.select_related("application__call", "application__lead_cluster", "to")
    return related.order_by("kind", "application__lead_cluster__sort_name", "to_id")


def _kind(kind: str, lines: list[Any], letters: list[Any]) -> dict[str, Any]:
    mine = [one for one in letters if one.kind == kind]
    languages = Counter(one.language for one in mine)
    return {
        "label": letter.Kind(kind).label,
        "number": sum(line.outcome == kind for line in lines),
        "letters": len(mine),
        "subject": mine[0].subject if mine else "",
        "first": letters.index(mine[0]) + 1 if mine else 0,
        "languages": ", ".join(f"{language} {n}" for language, n in sorted(languages.items())),
    }


def _number(value: str, of: int) -> int:
    return min(max(int(value), 1), max(of, 1)) if value.isdecimal() and len(value) < len("10000") else 1


def _edit_url(record: Any, letters: list[Any], at: int) -> str:
    if not letters or record.state != "approved" or not getattr(record, "_may_edit_letter", False):
        return ""
    return f"{step_url(record, record.step('edit_letter'))}?letter={letters[at - 1].pk}"


def _word_url(record: Any, letters: list[Any], at: int) -> str:
    if not letters or record.state != "approved" or not getattr(record, "_may_word_letter", False):
        return ""
    one = letters[at - 1]
    return f"{step_url(record, record.step('word_letter'))}?{urlencode({'kind': one.kind, 'language': one.language})}"


def _draft_again(record: Any) -> dict[str, Any] | None:
    if record.state != "approved" or not getattr(record, "_may_draft_letters", False):
        return None
    return {"url": step_url(record, record.step("draft_letters")), "hidden": carried(record)}


def as_paper(one: Any) -> dict[str, Any]:
    """A letter as it will be read: paragraphs of pieces, the marked ones being filled late or not filled at all."""
    with translation.override(one.language):
        late = {} if one.sent_at else letter.late_values(one.application.call)
    return {
        "pk": one.pk,
        "to": one.to.name,
        "language": one.language,
        "subject": _pieces(one.subject, late),
        "paragraphs": [_pieces(part, late) for part in one.body.split("\n\n")],
        "is_edited": one.is_edited,
        "sent_at": one.sent_at,
        "cluster": one.application.lead_cluster.name,
        "kind": letter.Kind(one.kind).label,
    }


def _pieces(text: str, late: dict[str, str]) -> list[dict[str, str]]:
    """The text in pieces: plain, filled when it leaves (`late`), or not filled (`open`)."""
    made, at = [], 0
    for found in FIELD.finditer(text):
        made.append({"text": text[at : found.start()], "kind": ""})
        known = found[1] in late
        made.append({"text": late.get(found[1], found[0]), "kind": "late" if known else "open"})
        at = found.end()
    return [piece for piece in [*made, {"text": text[at:], "kind": ""}] if piece["text"]]


@login_required
def letter_page(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """One letter: for its reader and who else manages the cluster once it has left, for staff always."""
    one = (
        letter.Letter.objects.filter(pk=pk)
        .select_related("application__call", "application__lead_cluster", "to")
        .first()
    )
    if one is None or not _may_read(request.user, one):
        raise NotFound(_("There is no such record."))
    return render(
        request,
        "facility/letter.html",
        {"paper": as_paper(one), "application": one.application, "application_url": one.application.get_absolute_url()},
    )


def _may_read(person: Any, one: Any) -> bool:
    rows = Application.objects.filter(pk=one.application_id)
    if rows.filter(Application.faces.staff.q(person)).exists():
        return True
    return one.sent_at is not None and (one.to_id == person.pk or rows.filter(own_manager.q(person)).exists())
