"""Applying as an advisor: the open form, the own page by the link from the mail, and what is kept on oneself."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables

from advisory import kept
from advisory.access import CvAccess
from advisory.advisor import KINDS, OPEN, Advisor
from advisory.advisorcall import CHANGED, AdvisorCall
from advisory.applicant import Applicant
from advisory.forms.applying import AboutYou, Apply
from advisory.said import CONFIRMABLE
from advisory.web.sheet import Sheet
from facility.instruments.link import Tries
from facility.roles import office
from facility.workflow import door
from facility.workflow.steps import Invalid, NotFound, Refused

READABLE = ("read", "incomplete")
# Steps that the own page takes as they are.
OWN_STEPS = {"ask_erasure": {"sure": "on"}, "keep_me": {}}


class ApplyPage(View):
    """The open form of a programme that takes applications."""

    call: AdvisorCall

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Finds the call first; one that is not open is said to be so, whatever the reason."""
        found = AdvisorCall.objects.select_related("programme").filter(programme__slug=kwargs["programme"]).first()
        if found is None:
            raise NotFound(_("There is no such record."))
        self.call = found
        return super().dispatch(request, *args, **kwargs)

    def show(self, form: Any, status: int = 200, **more: Any) -> HttpResponse:
        """The page."""
        is_open = self.call.is_open()
        context = {"call": self.call, "programme": self.call.programme, "form": form if is_open else None}
        context |= {"is_over": not is_open, "limit": settings.DOCUMENT_MAX_BYTES // 1_000_000}
        return render(self.request, "advisory/apply.html", context | more, status=status)

    def get(self, request: HttpRequest, programme: str) -> HttpResponse:
        """The form."""
        return self.show(Apply())

    def post(self, request: HttpRequest, programme: str) -> HttpResponse:
        """Keeps what was sent and has a mail sent; says the same of every address."""
        if not Tries().allow_request(request, self):
            return self.show(Apply(request.POST), 429, is_too_often=True)
        form = Apply(request.POST, request.FILES)
        if not self.call.is_open() or not form.is_valid():
            return self.show(form, 400)
        Applicant.ask(self.call, **form.cleaned_data, language=(get_language() or "en")[:2])
        return self.show(None, is_on_its_way=True)


@method_decorator([never_cache, sensitive_variables("code")], name="dispatch")
class ApplyPlace(View):
    """The own page by the link from the mail: prove the address, mend what was read, consent, see and take away."""

    applicant: Any
    is_export = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """One answer for every link that does not work; tries are counted."""
        found = Applicant.find(kwargs["code"])
        if found is None and not Tries().allow_request(request, self):
            return render(request, "advisory/apply_over.html", {"is_too_often": True}, status=429)
        if found is None or (found.person and not found.person.is_active):
            return render(request, "advisory/apply_over.html", status=404)
        self.applicant = found
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """The page as it stands, the sentence of how far it is, or everything as a ZIP."""
        if self.is_export:
            advisor = self.applicant.advisor() if self.applicant.person else None
            if advisor is None:
                raise NotFound(_("There is no such record."))
            return as_download(advisor)
        if "live" in request.GET:
            is_waiting = self.stage() == "waiting"
            return (
                HttpResponse(_("Your CV is being read."))
                if is_waiting
                else HttpResponse(headers={"HX-Refresh": "true"})
            )
        return self.show(code)

    def stage(self) -> str:
        """Where the application stands: prove, waiting, refused, sheet or kept."""
        one = self.applicant
        if one.stored or one.person is None:
            return "prove"
        state = one.curriculum.state if one.curriculum else ""
        if state == "received":
            return "waiting"
        if state == "rejected":
            return "refused"
        return "sheet" if state in READABLE else "kept"

    def show(self, code: str, status: int = 200, **more: Any) -> HttpResponse:
        """The page of its stage."""
        stage, one = self.stage(), self.applicant
        context: dict[str, Any] = {"stage": stage, "applicant": one, "programme": one.call.programme}
        context |= {
            "record": one.curriculum,
            "own_url": reverse("apply-place", kwargs={"code": code}),
            "call": one.call,
        }
        if stage == "sheet":
            sheet = more.pop("sheet", None) or Sheet(one.curriculum, email=one.person.email)
            context |= sheet.context() | self.about(more)
        if stage == "kept":
            advisor = one.advisor()
            export = reverse("apply-export", kwargs={"code": code})
            context |= (kept_context(advisor) | {"export_url": export}) if advisor else {}
        return render(self.request, "advisory/apply_place.html", context | more, status=status)

    def about(self, more: dict[str, Any]) -> dict[str, Any]:
        """What a CV does not say, with the values of an advisor who is known."""
        advisor, call = self.applicant.advisor(), self.applicant.call
        first = {"interests": advisor.interests, "capacity": advisor.capacity, "days": advisor.days} if advisor else {}
        return {
            "about": more.pop("about", None) or AboutYou(initial=first),
            "kinds": [] if advisor else KINDS,
            "kind": self.request.POST.get("kind", ""),
            "kept_words": months_in_words(call.retention_months),
        }

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        """The next stage; looking at the page alone, as scanners of mail do, does nothing."""
        acts = {"prove": self.prove, "sheet": self.send}
        try:
            if (name := request.POST.get("step", "")) in OWN_STEPS and self.stage() == "kept":
                advisor = self.applicant.advisor()
                if advisor is not None:
                    door.perform([advisor], name, by=self.applicant.person, raw=OWN_STEPS[name], via="link")
            elif (act := acts.get(self.stage())) and (answer := act(code)):
                return answer
        except Invalid as refused:
            return self.show(code, 400, reasons=[one for said in refused.errors.values() for one in said])
        except Refused as refused:
            return self.show(code, 409, reasons=[str(refused)])
        return HttpResponseRedirect(reverse("apply-place", kwargs={"code": code}))

    def prove(self, code: str) -> None:
        """The address is proven; the file becomes a CV."""
        self.applicant.prove()

    def send(self, code: str) -> HttpResponse | None:
        """Confirms the CV, says what it does not say, and gives consent: all of it or nothing."""
        post, one = self.request.POST, self.applicant
        sheet = Sheet(one.curriculum, post, email=one.person.email)
        about = AboutYou(post)
        if about.is_valid() and not one.call.is_as_read(post.get("consent_version")):
            about.add_error("consent", CHANGED)  # here, where nothing typed is lost
        if post.get("add", "") in dict(CONFIRMABLE):
            sheet.add(post["add"])
            return self.show(code, sheet=sheet, about=AboutYou(initial=post.dict()))
        entries = sheet.entries()
        form = self.confirm_form({"entries": entries, "kind": post.get("kind", "")})
        errors = {} if form.is_valid() else form.flat_errors()
        kind_errors = errors.pop("kind", [])
        if errors or kind_errors or not about.is_valid():
            sheet.take_errors(errors)
            return self.show(code, 400, sheet=sheet, about=about, kind_errors=kind_errors)
        door.retrying(lambda: self.take(entries, about.cleaned_data))
        return None

    def confirm_form(self, raw: dict[str, Any]) -> Any:
        """The input of the step `confirm` as the sheet fills it."""
        cv = self.applicant.curriculum
        if cv.advisor_id:
            raw.pop("kind")
        return cv.form_for(cv.step("confirm"), by=self.applicant.person, raw=raw)

    def take(self, entries: list[dict[str, Any]], said: dict[str, Any]) -> None:
        """The three steps, in one transaction."""
        cv, person = type(self.applicant.curriculum).objects.get(pk=self.applicant.curriculum_id), self.applicant.person
        raw = {"entries": entries} | ({} if cv.advisor_id else {"kind": self.request.POST.get("kind", "")})
        done = door.perform([cv], "confirm", by=person, raw=raw, via="link")[0]
        advisor = Advisor.objects.get(pk=done.advisor_id)
        consent = {"consent": said["consent"], "interests": said["interests"], "clusters": []}
        consent["consent_version"] = self.request.POST["consent_version"]
        door.perform([advisor], "declare_interests", by=person, raw=consent, via="link")
        more = {name: said[name] for name in ("capacity", "days", "available_from")}
        door.perform([advisor], "tell_availability", by=person, raw=more, via="link")


def months_in_words(months: int) -> str:
    """A number of months as people say it."""
    years, rest = divmod(months, 12)
    if not rest and years:
        return _("one year") if years == 1 else _("%d years") % years
    return _("one month") if months == 1 else _("%d months") % months


def kept_context(advisor: Advisor) -> dict[str, Any]:
    """What the page of what is kept asks for."""
    return {
        "advisor": advisor,
        "parts_kept": kept.parts(advisor),
        "consent_text": kept.consent_text(advisor),
        "may_ask": advisor.erasure_asked_at is None,
        "is_open": advisor.state in OPEN,
    }


def as_download(advisor: Advisor) -> HttpResponse:
    """Everything as a ZIP."""
    answer = HttpResponse(kept.as_zip(advisor), content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="kept-{advisor.pk}.zip"'
    answer["Cache-Control"] = "no-store"
    return answer


def own_or_office(person: Any, pk: Any) -> Advisor:
    """The advisor, for the person and for the office of the programme; NotFound else."""
    rows = Advisor.objects.filter(office.q(person) | Q(person=person)).select_related("person", "programme")
    found = rows.filter(pk=pk).exclude(state="erased").first()
    if found is None:
        raise NotFound(_("There is no such record."))
    return found


@never_cache
@login_required
def kept_page(request: HttpRequest, pk: Any) -> HttpResponse:
    """All that is kept on an advisor, with its export and the request for erasure."""
    advisor = own_or_office(request.user, pk)
    CvAccess.note_all(kept.curricula(advisor), request.user)
    context = kept_context(advisor) | {
        "programme": advisor.programme,
        "export_url": reverse("advisor-export", kwargs={"pk": pk}),
        "step_url": f"{advisor.get_absolute_url()}ask_erasure/" if advisor.person_id == request.user.pk else "",
    }
    return render(request, "advisory/kept.html", context)


@never_cache
@login_required
def kept_export(request: HttpRequest, pk: Any) -> HttpResponse:
    """The same as a ZIP."""
    advisor = own_or_office(request.user, pk)
    CvAccess.note_all(kept.curricula(advisor), request.user)
    return as_download(advisor)


__all__ = ["ApplyPage", "ApplyPlace"]
