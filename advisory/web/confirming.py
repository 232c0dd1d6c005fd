"""Confirming a CV: its text beside the fields, and on to the next one that waits."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from advisory.access import CvAccess
from advisory.advisor import KINDS
from advisory.curriculum import CurriculumVitae
from advisory.said import CONFIRMABLE
from advisory.web.sheet import Sheet
from facility.registry.documents import Document
from facility.workflow import door
from facility.workflow.web import StepPage, page_of

WAITING = ("read", "incomplete")


@page_of(CurriculumVitae)
class CurriculumStep(StepPage):
    """The steps of a CV; what was read is confirmed on a page of its own."""

    record: Any
    sheet: Sheet

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Confirming has a page of its own."""
        self.is_sheet = kwargs["step"] == "confirm"
        if self.is_sheet:
            self.template = "advisory/confirm_cv.html"  # type: ignore[misc]
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Takes the step, or adds an empty row."""
        if not self.is_sheet:
            return super().post(request, **kwargs)
        self.sheet = Sheet(self.record, request.POST)
        wanted = request.POST.get("add", "")
        if wanted in dict(CONFIRMABLE):
            self.sheet.add(wanted)
            return self.show(None)
        return super().post(request, **kwargs)

    def act(self) -> tuple[int, Any]:
        """The step with what the sheet says."""
        if not self.is_sheet:
            return super().act()
        done = door.perform([self.record], "confirm", by=self.person, raw=self.raw(), via="web")[0]
        return 200, {"url": self.after(done), "said": self.said(done)}

    def raw(self) -> dict[str, Any]:
        """The input of the step."""
        given: dict[str, Any] = {"entries": self.sheet.entries()}
        return given | ({} if self.record.advisor_id else {"kind": self.request.POST.get("kind", "")})

    def bound(self) -> Any:
        """The form as the sheet fills it."""
        if not self.is_sheet:
            return super().bound()
        return self.record.form_for(self.step, by=self.person, raw=self.raw())

    def show(self, form: Any, status: int = 200, **more: Any) -> HttpResponse:
        """The page; errors stand at their rows."""
        if not self.is_sheet:
            return super().show(form, status, **more)
        if self.request.method != "POST":
            CvAccess.note(self.record, self.person)
            self.sheet = Sheet(self.record)
        errors = dict(more.pop("errors", None) or {})
        kind_errors = errors.pop("kind", [])
        if errors:
            self.sheet.take_errors(errors)
        context = self.sheet.context() | {
            "kinds": [] if self.record.advisor_id else KINDS,
            "kind": self.request.POST.get("kind", "") if self.request.method == "POST" else self.kind_read(),
            "kind_errors": kind_errors,
            "waiting": self.queue().count(),
            "file_url": self.file_url(),
        }
        if kind_errors:
            label = _("Kind of advisor")
            context["problems"] += [{"href": "#kind", "label": label, "text": text} for text in kind_errors]
        return super().show(form, status, **(context | more))

    def kind_read(self) -> str:
        """The kind that the CV names, if it names one."""
        read = self.record.fields.filter(name="kind").values_list("value", flat=True).first()
        return read if read in dict(KINDS) else ""

    def queue(self) -> Any:
        """The other CVs that wait for this person, the oldest first."""
        rows = CurriculumVitae.objects.waiting_on(self.person).filter(state__in=WAITING)
        return rows.exclude(pk=self.record.pk).order_by("pk")

    def file_url(self) -> str:
        """The file as it was handed in, once it is accepted."""
        document = self.record.document
        if document.state != Document.State.CLEAN:
            return ""
        return reverse("document-file", kwargs={"pk": document.pk})

    def after(self, record: Any) -> str:
        """The next one that waits, if that was asked for."""
        if self.is_sheet and "next" in self.request.POST:
            following = self.queue().only("pk").first()
            if following is None:
                return reverse("records", kwargs={"records": CurriculumVitae.records})
            return f"{following.get_absolute_url()}confirm/"
        return super().after(record)


__all__ = ["CurriculumStep"]
