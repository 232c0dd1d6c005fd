"""Questions on calls: the page of all answers for everybody, and asking one."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from facility.asked import Asked, published_on
from facility.call import Call
from facility.templatetags.around import asking
from facility.workflow.steps import NotFound
from facility.workflow.web import StepPage, page_of


def published(request: HttpRequest, pk: Any) -> HttpResponse:
    """All questions that are published on a call, in their order, searchable; the same for whoever asks."""
    call = Call.objects.visible_to(AnonymousUser()).filter(pk=pk).first()
    if call is None:
        raise NotFound(_("There is no such record."))
    words = request.GET.get("search", "").strip()
    context = asking(call) | {
        "title": _("Questions and answers"),
        "lede": call.title_text,
        "query": words,
        "rows": list(published_on(call, words)),
        "empty": _("Nothing fits these words.") if words else "",
        "json_url": f"{reverse('api-call-questions-list')}?call={call.pk}&state=published",
    }
    return render(request, "facility/call_questions.html", context)


@page_of(Asked)
class AskedStep(StepPage):
    """The steps of a question; whoever asked reads that it has arrived."""

    def said(self, record: Asked) -> str:
        """What happens next."""
        if self.step.name == "ask":
            return _("Your question has arrived. You are told when its answer is published.")
        return super().said(record)
