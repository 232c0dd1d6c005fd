"""The pages of assignments: the offer by link and signed in, the agreement, and what an advisor has in hand."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache

from advisory.agreement import Agreement
from advisory.assignment import Assignment
from advisory.checks import amount
from advisory.hand import Held, in_hand
from advisory.matchrun import MatchRun
from advisory.preference import Preference
from advisory.succession import LEFT
from advisory.terms import Terms
from advisory.web.ways import WithWays
from facility.instruments.link import ByLink, Link
from facility.instruments.signature import texts_of
from facility.registry.people import SignedIn
from facility.workflow import clock
from facility.workflow.show import carried, shown, state_tag, step_url
from facility.workflow.steps import Blocked, Invalid, NotAllowed, NotFound, unmet
from facility.workflow.web import DetailPage, StepPage, page_of

# While these last, the advisor reads what is asked; at work, the project file says more.
ASKED = ("offered", "accepted")


def offer_facts(one: Any) -> list[dict[str, Any]]:
    """Who asks for what, for how long, and until when the answer is waited for."""
    project = one.project
    cluster = project.lead_cluster
    pairs = [
        (_("As"), one.get_kind_display()),
        (_("Lead advisor"), _("Yes") if one.is_lead else ""),
        (_("Cluster"), f"{cluster.name}, {cluster.country.name}"),
        (_("Sector"), cluster.sector),
        (_("Days expected"), one.days or ""),
        (_("From"), project.starts_on),
        (_("To"), project.ends_on),
        (_("Answer before"), one.lapses_at if one.state == "offered" else ""),
    ]
    return [{"label": label, "value": value} for label, value in pairs if shown(value) != ""]


def offer_sections(one: Any) -> list[dict[str, Any]]:
    """What the cluster needs, in its own words as handed in, and what is to be reached (F11)."""
    project, application = one.project, one.project.application
    needs = [f"{need.rank}. {need.get_area_display()}: {need.text}" for need in application.needs.order_by("rank")]
    firms = _("Firms to reach: %d.") % project.firms_targeted if project.firms_targeted else ""
    found = [
        {"title": _("What the cluster needs, the most urgent first"), "text": "\n".join(needs)},
        {"title": _("Context"), "text": application.context},
        {"title": _("Training needs"), "text": application.training_needs},
        {"title": _("Targets"), "text": "\n\n".join(part for part in (firms, project.deliverables) if part)},
        {"title": _("From the advisor before you"), "text": one.predecessor.handover if one.predecessor_id else ""},
    ]
    return [section for section in found if section["text"]]


def terms_of(one: Any) -> dict[str, Any] | None:
    """The terms that the offer names, as they were published with it."""
    text = texts_of(one).first()
    if text is None:
        return None
    return {"title": _("Terms of the assignment, version %d") % (one.terms_number or 0), "text": text.text}


@page_of(Assignment)
class AssignmentList(WithWays):
    """Which advisor works on which project."""


@page_of(Agreement)
class AgreementList(WithWays):
    """What advisors and clusters have agreed on."""


@page_of(Preference)
class PreferenceList(WithWays):
    """Exclusions and wishes."""


@page_of(Terms)
class TermsList(WithWays):
    """The terms of each programme, by version."""


@page_of(Assignment)
class AssignmentPage(DetailPage):
    """An assignment; whoever is asked reads what the cluster needs and the terms beside the facts."""

    template = "advisory/assignment.html"

    def context(self, record: Any) -> dict[str, Any]:
        """The offer, unless a conflict forbids to read it; and the agreement."""
        made = super().context(record)
        if record.state in LEFT and record._may_offer_next:
            made["match_url"] = f"{step_url(MatchRun(), MatchRun.step('request'))}?programme={record.programme_id}"
        if record.state not in ASKED or record.face == "public":
            return made
        agreement = Agreement.objects.filter(assignment=record).first()
        barred = record.face != "staff" and (record.conflicted_at or unmet([Assignment.has_no_conflict], record))
        return made | {
            "barred": bool(barred),
            "about": [] if barred else offer_facts(record),
            "sections": [] if barred else offer_sections(record),
            "terms": None if barred else terms_of(record),
            "agreement": agreement
            and not barred
            and {"url": agreement.get_absolute_url(), "state": state_tag(agreement, record.face)},
            "draft_url": ""
            if agreement or barred or record.state != "accepted" or not (record._may_offer or record._may_accept)
            else f"{step_url(Agreement(), Agreement.step('draft'))}?assignment={record.pk}",
        }


@page_of(Assignment)
class AssignmentStep(StepPage):
    """A step of an assignment; whoever accepts or signs reads the terms above the form."""

    record: Any

    def show(self, form: Any, status: int = 200, **more: Any) -> HttpResponse:
        """The terms stand before the form."""
        if self.step.name in {"accept", "sign"}:
            self.template = "advisory/accept.html"  # type: ignore[misc]
            more["terms"] = terms_of(self.record)
        return super().show(form, status, **more)

    def after(self, record: Any) -> str:
        """The runner-up's offer, where there is one now."""
        if self.step.name == "offer_next":
            return record.successors.order_by("-pk").first().get_absolute_url()
        return super().after(record)


@page_of(Agreement)
class AgreementPage(DetailPage):
    """An agreement as a page to read and to print."""

    template = "advisory/agreement.html"


@page_of(Agreement)
class AgreementStep(StepPage):
    """Steps of an agreement; whoever signs reads the text above the button."""

    record: Any

    def show(self, form: Any, status: int = 200, **more: Any) -> HttpResponse:
        """The text stands before the form."""
        if self.step.name == "sign":
            self.template = "facility/sign.html"  # type: ignore[misc]
        return super().show(form, status, **more)

    def initial(self) -> dict[str, Any]:
        """The days that the assignment has, and the project's deliverables as targets to begin with."""
        given = super().initial()
        if self.step.name == "draft" and (named := given.get("assignment")):
            one = Assignment.objects.filter(pk=named).visible_to(self.person).select_related("project").first()
            if one is not None:
                given |= {"days": one.days, "targets": one.project.deliverables}
        return given


@method_decorator(never_cache, name="dispatch")
class OfferByLink(ByLink):
    """Reading an offer, and accepting or declining it, by the link from the mail and without signing in."""

    offer: Any

    def known(self, code: str) -> Link:
        """The link, of an advisor who may still answer this offer; NotFound in every other case."""
        link = Link.find(code)
        rows = Assignment.objects.select_related(*Assignment.door_related)
        mine = rows.filter(Assignment.step("accept").who.q(link.person))
        self.offer = mine.filter(pk=link.record_id).first()
        if link.record_type != Assignment._meta.label_lower or link.step != "accept" or self.offer is None:
            raise NotFound(_("This link is not known or no longer valid."))
        return link

    def is_over(self) -> bool:
        """Whether nothing is left to answer."""
        return bool(self.link.used_at) or self.offer.state != Assignment.State.OFFERED or not self.offer.is_in_time()

    def standing(self, status: int = 200) -> HttpResponse:
        """Where the offer stands now that the link has done its work."""
        words = {
            "accepted": (
                "good",
                _("Accepted, thank you"),
                _("You are asked by mail to sign the agreement on %s. Work begins when all is signed."),
            ),
            "declined": ("good", _("Declined, thank you"), _("The coordinator looks for somebody else for %s.")),
        }
        over = ("wait", _("Nothing is left to answer"), _("The offer of %s has ended or was answered before."))
        tone, title, text = words.get(self.offer.state, over) if self.link.used_at else over
        return self.done({"tone": tone, "title": title, "text": text % self.offer.project.name}, status)

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """The offer and two answers."""
        if self.is_over():
            return self.standing()
        return self.show(self.form("accept"), self.form("decline"))

    def form(self, step: str, raw: Any = None) -> Any:
        """The form of one of the two answers."""
        return self.offer.form_for(Assignment.step(step), by=self.link.person, raw=raw)

    def show(self, form: Any, refusal: Any, status: int = 200) -> HttpResponse:
        """The page; across a conflict it shows nothing of the project but its name."""
        offer = self.offer
        blocked = unmet([Assignment.has_no_conflict, Assignment.has_project_ahead], offer)
        context = {
            "title": _("Will you advise %s?") % offer.project.name,
            "person": self.link.person,
            "project": {"title": offer.project.name, "lang": offer.project.lang},
            "facts": [] if blocked else offer_facts(offer),
            "sections": [] if blocked else offer_sections(offer),
            "terms": None if blocked else terms_of(offer),
            "form": form,
            "refusal": refusal,
            "blocked_by": blocked,
            "hidden": carried(offer),
        }
        return render(self.request, "advisory/offer.html", context, status=status)

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        """Takes the step that was chosen, and with it the link is used up."""
        step = "decline" if request.POST.get("step") == "decline" else "accept"
        if self.is_over():
            return self.standing(410)
        # One link answers either way.
        self.link.step = step
        try:
            self.link.take(request.POST)
        except Invalid as refused:
            other = self.form("accept" if step == "decline" else "decline")
            pair = (other, refused.form) if step == "decline" else (refused.form, other)
            return self.show(*pair, 400)
        except Blocked:
            return self.show(self.form("accept"), self.form("decline"), 409)
        except (NotFound, NotAllowed):
            self.offer.refresh_from_db()
            return self.standing(410)
        return HttpResponseRedirect(reverse("offer-link", kwargs={"code": code}))


class MyAssignments(LoginRequiredMixin, View):
    """What an advisor has in hand, made for a phone: what waits, what runs with its days, and what is over."""

    first: Held | None

    def get(self, request: SignedIn) -> HttpResponse:
        """The page, in a number of queries that does not grow."""
        found = in_hand(request.user)
        self.first = next((one for one in found if one.waits), None)
        if not found and "advisor" not in request.user.roles_held():
            raise NotFound(_("There is no such page."))
        groups = [
            (_("Waits on you"), [one for one in found if one.waits], _("Nothing waits on you.")),
            (_("At work"), [one for one in found if one.state == "active" and not one.waits], _("No project is here.")),
            (_("Agreed, not begun"), [one for one in found if one.state == "accepted" and not one.waits], ""),
            (_("Over"), [one for one in found if one.is_over], ""),
        ]
        context = {
            "title": _("My assignments"),
            "groups": [
                {"title": title, "cards": [self.card(one) for one in rows], "empty": empty}
                for title, rows, empty in groups
                if rows or empty
            ],
            "today": clock.now(),
        }
        return render(request, "advisory/my_assignments.html", context)

    def card(self, one: Held) -> dict[str, Any]:
        """One assignment at a glance."""
        record = one.assignment
        said = _("%(used)s of %(days)d days used, %(left)s left")
        words = {"used": amount(one.used), "days": record.days or 0, "left": amount(max(one.left, one.used * 0))}
        return {
            "title": record.project.name,
            "lang": record.project.lang,
            "url": record.get_absolute_url(),
            "state": state_tag(record, "participant"),
            "role": record.get_kind_display(),
            "is_lead": record.is_lead,
            "due": record.lapses_at if record.state == "offered" else None,
            "days": said % words if record.days else "",
            "conflict": record.conflicted_at is not None,
            "steps": [
                {"label": step.label, "url": step_url(target, step), "filled": at == 0 and one is self.first}
                for at, (target, step) in enumerate(one.steps)
            ],
            "project_url": record.project.get_absolute_url() if one.sees_project else "",
        }


__all__ = [
    "AgreementList",
    "AgreementPage",
    "AgreementStep",
    "AssignmentList",
    "AssignmentPage",
    "AssignmentStep",
    "MyAssignments",
    "OfferByLink",
    "PreferenceList",
    "TermsList",
]
