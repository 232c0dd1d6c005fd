"""The pages of bulk uploads of CVs: how far one is, and the result of each file."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from advisory.access import CvAccess, part_of
from advisory.curriculum import CurriculumVitae
from advisory.duplicate import Duplicate
from advisory.intake import CvIntake, CvIntakeFile
from facility.workflow import sheets
from facility.workflow.show import state_tag
from facility.workflow.steps import NotFound
from facility.workflow.web import DetailPage, ListPage, page_of

UNDER_WAY = (CvIntake.State.RECEIVED, CvIntake.State.UNPACKING, CvIntake.State.READING)
TONES = {"waiting": "wait", "taken": "good", "known": "idle", "refused": "bad"}
# What a person does next with a CV, by its state.
NEXT = {"read": "confirm", "incomplete": "confirm"}


def seen(person: Any, pk: Any) -> CvIntake:
    """The upload, of a programme that the person coordinates; NotFound else."""
    record = CvIntake.objects.visible_to(person).filter(pk=pk).first()
    if record is None:
        raise NotFound(_("There is no such record."))
    return record


@login_required
def intake_progress(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """How far an upload is, asked for again and again; once it is done the whole page is loaded anew."""
    record = seen(request.user, pk)
    answer = render(request, "advisory/intake_progress.html", progress_of(record))
    if record.state not in UNDER_WAY:
        answer["HX-Refresh"] = "true"
    return answer


@login_required
def intake_results(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """The result of each file as CSV or, with `?as=xlsx`, as a workbook."""
    record = seen(request.user, pk)
    head = [_("File"), _("Result"), _("Reason"), _("State of the CV"), _("CV")]
    rows = [
        [
            row.name,
            row.get_outcome_display(),
            row.why,
            row.curriculum.get_state_display() if row.curriculum else "",
            request.build_absolute_uri(row.curriculum.get_absolute_url()) if row.curriculum else "",
        ]
        for row in files_of(record)
    ]
    kind = "xlsx" if request.GET.get("as") == "xlsx" else "csv"
    return sheets.answer(kind, f"cv-upload-{record.pk}", [sheets.Table("files", head, rows)])


def files_of(record: CvIntake) -> Any:
    """The rows, what is refused first, with their CVs."""
    text = [f"curriculum__{name}" for name in ("text",)]
    return record.files.select_related("curriculum").defer(*text).order_by("order")


def progress_of(record: CvIntake) -> dict[str, Any]:
    """What the line of progress says."""
    rows = record.files
    return {
        "intake": record,
        "done": rows.exclude(outcome=CvIntakeFile.WAITING).count(),
        "unread": record.unread(),
        "taken": rows.filter(outcome=CvIntakeFile.TAKEN).count(),
    }


@page_of(CvIntake)
class CvIntakePage(DetailPage):
    """A bulk upload: figures, and for each file what became of it."""

    template = "advisory/intake.html"

    def context(self, record: CvIntake) -> dict[str, Any]:
        """Figures and rows; `?result=refused` and the like show one kind alone."""
        under_way = record.state in UNDER_WAY
        rows = list(files_of(record))
        chosen = self.request.GET.get("result", "")
        kinds = dict(CvIntakeFile.OUTCOMES)
        url = record.get_absolute_url()
        counts = {kind: sum(row.outcome == kind for row in rows) for kind in kinds}
        chips = [{"label": f"{_('All')} ({len(rows)})", "url": url, "current": chosen not in kinds}]
        chips += [
            {"label": f"{label} ({counts[kind]})", "url": f"{url}?result={kind}", "current": chosen == kind}
            for kind, label in kinds.items()
            if counts[kind]
        ]
        results = reverse("intake-results", kwargs={"pk": record.pk})
        return (
            super().context(record)
            | {
                "figures": [
                    {"value": len(rows), "label": _("files")},
                    {"value": counts["taken"], "label": _("taken")},
                    {"value": counts["known"], "label": _("known before")},
                    {"value": counts["refused"], "label": _("refused")},
                ]
                if rows
                else [],
                "chips": chips if rows else [],
                "rows": [shown(row) for row in rows if chosen not in kinds or row.outcome == chosen],
                "exports": [
                    {"label": _("As CSV"), "url": results},
                    {"label": _("As XLSX"), "url": f"{results}?as=xlsx"},
                ]
                if rows
                else [],
                "live_url": reverse("intake-progress", kwargs={"pk": record.pk}) if under_way else "",
                "queue_url": f"{reverse('records', kwargs={'records': CurriculumVitae.records})}?state=read",
                "to_confirm": sum(row.curriculum is not None and row.curriculum.state in NEXT for row in rows),
            }
            | (progress_of(record) if under_way else {})
        )


def shown(row: CvIntakeFile) -> dict[str, Any]:
    """One file as the table shows it."""
    cv = row.curriculum
    step = NEXT.get(cv.state) if cv else None
    return {
        "name": row.name,
        "result": row.get_outcome_display(),
        "tone": TONES[row.outcome],
        "why": row.why,
        "cv": {"title": cv.name or _("CV"), "url": cv.get_absolute_url(), "state": state_tag(cv)} if cv else None,
        "step_url": f"{cv.get_absolute_url()}{step}/" if cv and step else "",
    }


@page_of(CurriculumVitae)
class CurriculumPage(DetailPage):
    """A CV, with the log of who opened it; opening it is written there."""

    def context(self, record: Any) -> dict[str, Any]:
        """Facts and tables, the possible duplicates and the log."""
        CvAccess.note(record, self.person)
        context = super().context(record)
        if record.face == "staff":
            pairs = record.duplicates.filter(state="open").select_related("advisor__person").order_by("pk")
            rows = [
                [{"value": str(one.advisor), "url": one.get_absolute_url()}, ", ".join(one.reason_words())]
                for one in pairs
            ]
            part = {"title": _("Possible duplicates"), "columns": [_("Advisor"), _("In common")], "rows": rows}
            context["parts"] = [*([part] if rows else []), *context["parts"]]
        context["parts"] = [*context["parts"], part_of([record])]
        return context


@page_of(CurriculumVitae)
class CurriculumList(ListPage):
    """The CVs, with the way to the bulk upload."""

    def page(self, context: dict[str, Any], status: int = 200) -> HttpResponse:
        """For the office: many CVs come in next door, and what came twice is sorted out."""
        if self.person.roles_held() & {"lead", "coordinator"}:
            for model, label in ((CvIntake, _("Upload many CVs")), (Duplicate, _("Possible duplicates"))):
                url = reverse("records", kwargs={"records": model.records})
                context["exports"] += [{"label": label, "url": url}]
        return super().page(context, status)


__all__ = ["CurriculumList", "CurriculumPage", "CvIntakePage"]
