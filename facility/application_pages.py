"""An application as its applicants live it: writing with autosave, what is missing, the receipt, the partners' link."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables

from facility import submission
from facility.application import Application
from facility.bid import own_manager, partner_manager
from facility.instruments.link import ByLink, Link
from facility.merging import digest
from facility.questions import wording
from facility.registry import declaration
from facility.roles import any_of, readers
from facility.workflow import clock, door
from facility.workflow.show import carried, step_url
from facility.workflow.steps import Blocked, Invalid, NotAllowed, NotFound
from facility.workflow.web import DetailPage, StepPage, page_of
from facility.writing import Desk, sent_changes

# Steps that are taken from the page on which one writes, and the part of it to come back to.
AT_THE_DESK = {
    "autosave": "",
    "settle": "",
    "sign": "declaration",
    "add_document": "documents",
    "remove_document": "documents",
    "ask_partner": "partners",
    "remove_partner": "partners",
}
TEMPLATES = {
    "create": "facility/application_new.html",
    "sign": "facility/application_sign.html",
    "submit": "facility/application_check.html",
    "resubmit": "facility/application_check.html",
    "confirm_part": "facility/application_part.html",
    "refuse_part": "facility/application_part.html",
}


@page_of(Application)
class ApplicationPage(DetailPage):
    """An application: what is missing first, then what it says; the office also reads each clarification."""

    template = "facility/application.html"

    def context(self, record: Any) -> dict[str, Any]:
        """Facts and tables as anywhere, the answers, and what was submitted."""
        context = super().context(record)
        if record.face == "public":
            return context
        said = {"answers": answers(record), "documents": documents(record)}
        if record.face != "staff" and not (record._may_autosave or record._may_confirm_part):
            return context | said
        return (
            context
            | said
            | {
                "submissions": list(record.submissions.order_by("number").select_related("by")),
                "receipt_url": receipt_url(record) if record.receipt else "",
                "clarifications": clarifications(record),
            }
        )

    def offers(self, record: Application) -> list[dict[str, Any]]:
        """As anywhere; what blocks handing in leads to the field where it is mended."""
        made = super().offers(record)
        for offer in made:
            if offer["name"] in {"submit", "resubmit"} and offer["blocked_by"]:
                offer["blocked_by"] = linked(record, offer["blocked_by"])
        return made


@page_of(Application)
class ApplicationStep(StepPage):
    """The steps of an application; those of writing come back to the page on which one writes."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """A script that is no longer signed in hears so, instead of being led to the page for signing in."""
        if is_script(request) and not request.user.is_authenticated:
            return JsonResponse({"said": _("You are no longer signed in.")}, status=401)
        if is_script(request):
            try:
                return super().dispatch(request, *args, **kwargs)
            except (NotFound, NotAllowed) as refused:
                return JsonResponse({"said": str(refused)}, status=403)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """The form; the whole application is written on one page."""
        if self.step.name == "edit":
            return HttpResponseRedirect(desk_url(self.record))
        if self.step.name == "autosave" and self.record.state not in self.step.sources:
            return HttpResponseRedirect(self.record.get_absolute_url())
        return super().get(request, **kwargs)

    def show(self, form: Any, status: int = 200, **more: Any) -> HttpResponse:
        """The page of the step."""
        name = self.step.name
        if name == "autosave":
            self.template = "facility/application_write.html"  # type: ignore[misc]
            return self.page(Desk(self.record).context() | {"blocked_by": self.blocked()} | more, status)
        self.template = TEMPLATES.get(name, StepPage.template)  # type: ignore[misc]
        if name in {"submit", "resubmit"}:
            more["blocked_by"] = linked(self.record, more.get("blocked_by") or self.blocked())
        return super().show(form, status, **(self.beside() | more))

    def beside(self) -> dict[str, Any]:
        """What the step's page shows beside its form."""
        name, record = self.step.name, self.record
        if name == "sign":
            return {"declaration": declaration.in_force(record.programme_id)}
        if name in {"submit", "resubmit"}:
            last = record.submissions.order_by("number").last()
            return {
                "notes": [problem.sentence for problem in record.problems() if not problem.blocks],
                "closing": record.call.closing_rule() if name == "submit" else "",
                "clarification": record.clarifications.filter(answered_at__isnull=True).first(),
                "changes": submission.changes(last.content, submission.content_of(record)) if last else [],
                "write_url": desk_url(record),
            }
        if name in {"confirm_part", "refuse_part"}:
            return {"application": record}
        return {}

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Takes the step; what is written is saved field by field."""
        if self.step.name != "autosave":
            return super().post(request, **kwargs)
        return self.from_script() if is_script(request) else self.from_form()

    def from_form(self) -> HttpResponse:
        """The page as it was posted: what its fields can hold is saved, what they cannot is shown again."""
        changes, faults = sent_changes(self.record, self.request.POST)
        done = self.record
        if changes:
            try:
                done = self.save(self.request.POST.get("_token"), self.request.POST.get("_turn"), changes)
            except Blocked as refused:
                return self.show(None, 409, blocked_by=refused.sentences)
        if faults:
            desk = Desk(done, self.request.POST, faults)
            self.template = "facility/application_write.html"  # type: ignore[misc]
            return self.page(desk.context(), 400)
        pressed = [name for name in self.request.POST if name.startswith("add-")]
        if "check" in self.request.POST:
            step = "submit" if done.state == "draft" else "resubmit"
            return HttpResponseRedirect(step_url(done, done.step(step)))
        return HttpResponseRedirect(desk_url(done) + (f"#id_{pressed[0].removeprefix('add-')}" if pressed else ""))

    def from_script(self) -> HttpResponse:
        """What a tab sends while somebody types; the answer names clashes and what others have changed."""
        try:
            sent = json.loads(self.request.body)
            known = dict(sent.pop("known", {}))
        except (ValueError, TypeError, AttributeError):
            return JsonResponse({"said": _("Give one JSON object.")}, status=400)
        try:
            done = self.save(**sent) if set(sent) == {"tab", "turn", "changes"} else None
        except Invalid as refused:
            return JsonResponse({"errors": refused.errors}, status=400)
        except Blocked as refused:
            return JsonResponse({"said": str(refused)}, status=409)
        if done is None:
            return JsonResponse({"said": _("Give tab, turn and changes.")}, status=400)
        values = done.draft()
        marks = {name: digest(value) for name, value in values.items()}
        asked = done.asks.asked(done.all_answers())
        return JsonResponse(
            {
                "bases": {name: marks[name] for name in done.merged.held},
                "clashes": sorted(done.merged.clashes),
                "wrote": sorted(done.merged.values),
                "news": {name: [values[name], mark] for name, mark in marks.items() if known.get(name, mark) != mark},
                "asked": [f"q_{question.key}" for question in asked],
                "said": _("Saved at %s") % formats.date_format(timezone.localtime(clock.now()), "H:i:s"),
            }
        )

    def save(self, tab: Any, turn: Any, changes: Any) -> Any:
        """Takes the step."""
        raw = {"tab": tab, "turn": turn, "changes": changes}
        return door.perform([self.record], "autosave", by=self.person, raw=raw, via="web")[0]

    def after(self, record: Application) -> str:
        """Back to where one writes; a new application is written next, one that was handed in has its receipt."""
        name = self.step.name
        if name == "create":
            return desk_url(record)
        if name in {"submit", "resubmit"}:
            return receipt_url(record)
        if name in AT_THE_DESK:
            anchor = AT_THE_DESK[name]
            return desk_url(record) + (f"#id_{anchor}" if anchor else "")
        return super().after(record)


def is_script(request: HttpRequest) -> bool:
    """Whether the page's script asks, which sends JSON."""
    return request.content_type == "application/json"


def desk_url(record: Application) -> str:
    """The page on which an application is written."""
    return step_url(record, record.step("autosave"))


def receipt_url(record: Application) -> str:
    """The receipt of the newest submission."""
    return reverse("application-receipt", kwargs={"pk": record.pk})


def linked(record: Application, sentences: Any) -> list[Any]:
    """The sentences that block handing in; what is missing leads to the field where it is mended."""
    write = desk_url(record)
    known = {problem.sentence: problem.field for problem in record.problems()}
    return [
        {"text": one, "url": f"{write}#id_{known[one]}", "label": _("Mend this")} if one in known else one
        for one in sentences
    ]


def answers(record: Application) -> list[dict[str, Any]]:
    """The answers to the call's questions as they stand."""
    language, given = get_language() or "en", record.answers
    found = []
    for question in record.asks.asked(record.all_answers()):
        lines = question.in_words(given.get(question.key), language) if question.kind != "file" else []
        if lines:
            found.append({"label": wording(question.label, language), "value": "\n".join(lines)})
    return found


def documents(record: Application) -> list[dict[str, Any]]:
    """Its files, to be fetched by whoever reads the application."""
    return [
        {
            "title": paper.document.name,
            "url": reverse("document-file", kwargs={"pk": paper.document_id})
            if paper.document.state == "clean"
            else "",
            "state": paper.document.get_state_display(),
            "why": paper.document.why_rejected,
            "sha256": paper.document.sha256,
        }
        for paper in record.files()
    ]


def clarifications(record: Application) -> list[dict[str, Any]]:
    """Every question and answer, with the fields that changed from one submission to the next."""
    rows = record.clarifications.order_by("asked_at").select_related("before", "after", "asked_by", "answered_by")
    return [
        {
            "one": one,
            "fields": [record.field_label(name) for name in one.fields],
            "changes": submission.changes(one.before.content, one.after.content) if one.after else [],
        }
        for one in rows
    ]


def receipt(request: HttpRequest, pk: Any) -> HttpResponse:
    """What was handed in, when, and the hash over it; to print and to keep."""
    rows = Application.objects.visible_to(request.user).select_related("call", "lead_cluster").exclude(receipt="")
    # Not evaluators, who might judge without names, nor the public.
    record = rows.filter(any_of(readers, own_manager, partner_manager).q(request.user), pk=pk).first()
    if record is None:
        raise NotFound(_("There is no such record."))
    handed_in = list(record.submissions.order_by("-number").select_related("by"))
    wanted = request.GET.get("number", "")
    one = next((row for row in handed_in if str(row.number) == wanted), handed_in[0])
    context = {
        "record": record,
        "submission": one,
        "at": submission.moment(one.at, record.call.zone),
        "rows": submission.told(one.content),
        "holds": submission.sha256_of(one.content) == one.sha256,
        "others": [row for row in handed_in if row != one],
    }
    return render(request, "facility/receipt.html", context)


@method_decorator(never_cache, name="dispatch")
class PartByLink(ByLink):
    """Confirming the part of a partner, or saying no, by the link from the mail and without signing in."""

    steps = ("confirm_part", "refuse_part")
    record: Application

    @sensitive_variables("code")
    def known(self, code: str) -> Link:
        """The link, of a person who may still answer for this application; NotFound in every other case."""
        link = Link.find(code)
        rows = Application.objects.select_related(*Application.door_related).filter(
            Application.step("confirm_part").who.q(link.person), pk=link.record_id
        )
        found = rows.first() if link.record_type == Application._meta.label_lower and link.step in self.steps else None
        if found is None:
            raise NotFound(_("This link is not known or no longer valid."))
        self.record = found
        return link

    def over(self) -> bool:
        """Whether there is nothing left to answer."""
        return bool(self.link.used_at) or self.record.state not in {"draft", "returned"}

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """The application in short, and two answers."""
        return self.standing() if self.over() else self.show()

    def show(self, status: int = 200, **forms: Any) -> HttpResponse:
        """The page with both forms."""
        made = {name: self.record.form_for(self.record.step(name), by=self.link.person) for name in self.steps}
        context = {
            "application": self.record,
            "person": self.link.person,
            "hidden": carried(self.record),
            "form": forms.get("confirm_part") or made["confirm_part"],
            "refusal": forms.get("refuse_part") or made["refuse_part"],
        }
        return render(self.request, "facility/part_link.html", context, status=status)

    def standing(self, status: int = 200) -> HttpResponse:
        """That the link has done its work."""
        said = {"tone": "good", "title": _("Thank you, your answer is kept"), "text": _("The lead cluster sees it.")}
        return self.done(said, status)

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        """Takes the step that was chosen, and with it the link is used up."""
        if self.over():
            return self.standing(410)
        name = "refuse_part" if request.POST.get("step") == "refuse_part" else "confirm_part"
        self.link.step = name
        try:
            self.link.take(request.POST)
        except Invalid as refused:
            return self.show(400, **{name: refused.form})
        except (Blocked, NotFound, NotAllowed):
            return self.standing(410)
        return HttpResponseRedirect(reverse("part-link", kwargs={"code": code}))
