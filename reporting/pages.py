"""The pages of reports, and of what is public of reports, stories and trajectories."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.core.files.storage import storages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from facility.selection import Selection
from facility.workflow.engine import title_of
from facility.workflow.steps import NotFound
from facility.workflow.web import DetailPage, cell, page_of
from reporting.decision import decision_record
from reporting.render.compiler import LANGUAGES
from reporting.report import FORMATS, Report, ReportFile
from reporting.story import SuccessStory
from reporting.trajectory import Trajectory

PUBLIC = {model.records: model for model in (Report, SuccessStory, Trajectory)}


def words() -> str:
    """The language of the reader, as far as the report has words in it."""
    language = (get_language() or "en")[:2]
    return language if language in LANGUAGES else "en"


@page_of(Report)
class ReportPage(DetailPage):
    """A version of the report: how far it is, its files, and what can be checked of it."""

    template = "reporting/report.html"

    def context(self, record: Any) -> dict[str, Any]:
        """Beyond the facts: for staff the sections, the checks, and why it failed."""
        common = super().context(record)
        if record.face != "staff":
            return common
        return common | {
            "progress": progress_of(record),
            "live_url": reverse("report-progress", kwargs={"pk": record.pk}) if record.is_under_way() else "",
            "why_failed": record.why_failed,
            "checks": record.checks() if record.files.exists() else [],
        }


def progress_of(report: Report) -> dict[str, Any]:
    """How far a report is: `done` of `total` sections, and each by name."""
    rows = report.progress(words())
    return {"done": sum(row["is_done"] for row in rows), "total": len(rows), "rows": rows}


def progress(request: HttpRequest, pk: Any) -> HttpResponse:
    """The progress alone, asked for again and again; once the report is finished the whole page is loaded anew."""
    report = _seen(Report, request.user, pk)
    if report.face != "staff":
        raise NotFound(_("There is no such record."))
    answer = render(request, "reporting/progress.html", {"progress": progress_of(report)})
    if not report.is_under_way():
        answer["HX-Refresh"] = "true"
    return answer


def public_page(request: HttpRequest, records: str, pk: Any) -> HttpResponse:
    """What everybody may read of a report, a story or a trajectory, whoever asks."""
    record = _seen(PUBLIC[records], AnonymousUser(), pk)
    facts = [fact for name in record.facts if (fact := cell(record, name))["value"] != ""]
    context = {
        "title": record.title(),
        "lang": getattr(record, "lang", ""),
        "lede": title_of(type(record)),
        # Names only: the pages behind them are not public.
        "facts": [fact | {"url": ""} for fact in facts],
        "parts": record.parts_for("public"),
    }
    return render(request, "reporting/public.html", context)


@login_required
def decision_file(request: HttpRequest, pk: Any) -> HttpResponse:
    """The decision record of a selection, for those who see its ranking."""
    selection = _seen(Selection, request.user, pk)
    if selection.face != "staff" or not selection.lines.exists():
        raise NotFound(_("There is no such file."))
    answer = HttpResponse(decision_record(selection, words()), content_type="application/pdf")
    answer["Content-Disposition"] = 'attachment; filename="decision-record.pdf"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


class ReportDownload(APIView):
    """A file of a report, for everybody once the report is published, before that for those who may see it."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """A file is served as what it is, whatever is asked for."""
        return super().perform_content_negotiation(request, force=True)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY}, tags=["reports"])
    def get(self, request: Request, pk: Any, kind: str) -> FileResponse:
        """The file as an attachment, with its SHA-256 as the entity tag."""
        visible = Report.objects.visible_to(request.user).filter(pk=pk)
        found = ReportFile.objects.filter(report__in=visible, format=kind).select_related("report__programme").first()
        if found is None:
            raise NotFound(_("There is no such file."))
        file = storages["documents"].open(found.stored)
        answer = FileResponse(file, as_attachment=True, filename=found.name, content_type=FORMATS[found.format])
        answer["ETag"] = f'"{found.sha256}"'
        answer["X-Content-Type-Options"] = "nosniff"
        answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
        return answer


def _seen(model: Any, person: Any, pk: Any) -> Any:
    rows = model.objects.visible_to(person).with_faces(person).select_related(*model.door_related)
    record = rows.filter(pk=pk).first()
    if record is None:
        raise NotFound(_("There is no such record."))
    return record
