"""One step for many advisors: a preview that says whom it touches and whom not, then all of them or none (F06)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from advisory.advisor import Advisor
from advisory.curriculum import CurriculumVitae
from advisory.forms.pool import NamesList
from advisory.pool import advisors_of
from advisory.shortlist import Shortlist
from facility.roles import office
from facility.workflow import door
from facility.workflow.input import ReasonForm
from facility.workflow.once import KeyReused, fingerprint, once
from facility.workflow.show import state_tag
from facility.workflow.steps import Blocked, Invalid, unmet

from .pool import OfficeOnly
from .pool_compare import key_of

MOST = 50
LIST = "list"
STEPS = ("shortlist", "admit", "decline")


class Together(OfficeOnly):
    """The preview and, sent from there, the step itself."""

    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        """Nothing is chosen here; the pool is where it begins."""
        return HttpResponseRedirect(reverse("pool"))

    def post(self, request: HttpRequest) -> HttpResponse:
        """From the pool the preview; from the preview the step."""
        do = request.POST.get("do", "")
        keys = [key for text in request.POST.getlist("p") if (key := key_of(text))]
        people = self.people(keys)
        if do not in {*STEPS, LIST} or not people:
            messages.warning(request, _("Tick at least one advisor first."))
            return HttpResponseRedirect(self.back())
        if len(people) > MOST:
            messages.warning(request, _("Take at most %d advisors at a time.") % MOST)
            return HttpResponseRedirect(self.back())
        if "_sure" not in request.POST:
            return self.show(do, people)
        return self.enlist(people) if do == LIST else self.decide(do, people)

    def back(self) -> str:
        """The pool as it was left."""
        kept = self.request.POST.get("back", "")
        return reverse("pool") + (kept if kept.startswith("?") and "\n" not in kept and "\r" not in kept else "")

    def people(self, keys: Sequence[Any]) -> list[Any]:
        """The advisors of own programmes that were ticked, with what the guards ask."""
        confirmed = CurriculumVitae.objects.filter(advisor=OuterRef("pk"), state="confirmed")
        rows = advisors_of(self.request.user).filter(pk__in=keys[: MOST + 1]).select_related("person", "programme")
        return list(rows.annotate(with_cv=Exists(confirmed)).order_by("person__sort_name", "pk"))

    def parted(self, do: str, people: Sequence[Any]) -> tuple[list[Any], list[tuple[Any, list[str]]]]:
        """(who can take the step, who cannot and why)."""
        if do == LIST:
            return list(people), []
        step, ready, stuck = Advisor.step(do), [], []
        for one in people:
            why = unmet(step.guards, one) if one.state in step.sources else [one.not_in_this_state(step)]
            if why:
                stuck.append((one, why))
            else:
                ready.append(one)
        return ready, stuck

    def show(self, do: str, people: Sequence[Any], status: int = 200, **more: Any) -> HttpResponse:
        """The preview."""
        ready, stuck = self.parted(do, people)
        words = words_of(do, len(ready))
        context = {
            "title": words["title"],
            "lede": words["lede"],
            "submit_label": words["submit"],
            "do": do,
            "ready": [told(one) for one in ready],
            "stuck": [told(one) | {"why": why} for one, why in stuck],
            "form": more.pop("form", None) or self.form(do),
            "lists": self.lists(people) if do == LIST else [],
            "programmes": len({one.programme_id for one in people}),
            "token": secrets.token_hex(12),
            "back": self.request.POST.get("back", ""),
            "back_url": self.back(),
            "blocked_by": more.pop("blocked_by", []),
        }
        return render(self.request, "advisory/pool_together.html", context | more, status=status)

    def form(self, do: str, raw: Any = None) -> Any:
        """What is asked besides."""
        if do == "decline":
            return ReasonForm(raw, record=Advisor(), by=self.request.user)
        return NamesList(raw, record=Shortlist(), by=self.request.user) if do == LIST else None

    def lists(self, people: Sequence[Any]) -> list[Shortlist]:
        """The open lists of the programme that all of them are in."""
        programmes = {one.programme_id for one in people}
        rows = Shortlist.objects.filter(office.q(self.request.user), state=Shortlist.State.OPEN)
        return list(rows.filter(programme__in=programmes).order_by("name")) if len(programmes) == 1 else []

    def decide(self, do: str, people: Sequence[Any]) -> HttpResponse:
        """The step on all who were ready in the preview, or on none if one of them is not any more."""
        asked = set(self.request.POST.getlist("p"))
        raw = {"reason": self.request.POST.get("reason", "")} if do == "decline" else {}

        def act() -> tuple[int, Any]:
            done = door.perform(list(people), do, by=self.request.user, raw=raw, via="web")
            return 200, {"said": words_of(do, len(done))["done"]}

        return self.acted(do, people, fingerprint(do, sorted(asked), raw), act)

    def enlist(self, people: Sequence[Any]) -> HttpResponse:
        """All of them on a list that is there, or on a new one."""
        given = self.request.POST
        keys = [str(one.pk) for one in people]
        chosen = next((one for one in self.lists(people) if str(one.pk) == given.get("list")), None)

        def act() -> tuple[int, Any]:
            if chosen is not None:
                made = chosen
                door.perform([made], "add", by=self.request.user, raw={"advisors": keys}, via="web")
            else:
                raw = {"programme": str(people[0].programme_id), "name": given.get("name", ""), "advisors": keys}
                raw["purpose"] = given.get("purpose", "")
                made = door.perform([Shortlist()], "create", by=self.request.user, raw=raw, via="web")[0]
            return 200, {"said": _("Done: %s.") % made.in_words()}

        return self.acted(LIST, people, fingerprint(keys, given.get("list"), given.get("name")), act)

    def acted(self, do: str, people: Sequence[Any], body: str, act: Any) -> HttpResponse:
        """Takes the step once, and back to the pool; a refusal shows the preview again with its sentences."""
        token = self.request.POST.get("_token", "")[:60]
        try:
            _status, answer, _again = once(self.request.user, f"web:{token}" if token.isalnum() else "", body, act)
        except Invalid as refused:
            form = self.form(do, self.request.POST)
            said = [
                text
                for name, texts in refused.errors.items()
                if name not in (form.fields if form else ())
                for text in texts
            ]
            if form is not None:
                form.is_valid()
                for name, texts in refused.errors.items():
                    if name in form.fields and name not in form.errors:
                        form.add_error(name, texts)
            return self.show(do, people, 400, form=form, blocked_by=said)
        except Blocked as refused:
            return self.show(do, people, 409, blocked_by=refused.sentences)
        except KeyReused:
            said = [_("This page was sent before with other content. Look, then send again.")]
            return self.show(do, people, 422, blocked_by=said)
        messages.success(self.request, answer["said"])
        return HttpResponseRedirect(self.back())


def told(one: Any) -> dict[str, Any]:
    """An advisor as the preview shows them."""
    return {"id": one.pk, "name": one.person.name, "url": one.get_absolute_url(), "state": state_tag(one)}


def words_of(do: str, number: int) -> dict[str, str]:
    """What the page says of a step."""
    said = {"n": number}
    if do == "admit":
        return {
            "title": _("Admit to the pool"),
            "lede": _("From now on they can be proposed for projects. Each of them is told."),
            "submit": ngettext("Admit %(n)d advisor", "Admit %(n)d advisors", number) % said,
            "done": ngettext("%(n)d advisor is in the pool.", "%(n)d advisors are in the pool.", number) % said,
        }
    if do == "decline":
        return {
            "title": _("Decline"),
            "lede": _("They are told that they were not admitted. The reason stays with the office."),
            "submit": ngettext("Decline %(n)d candidate", "Decline %(n)d candidates", number) % said,
            "done": ngettext("%(n)d candidate is declined.", "%(n)d candidates are declined.", number) % said,
        }
    if do == "shortlist":
        return {
            "title": _("Put on the shortlist"),
            "lede": _("They can be admitted next. They are not told."),
            "submit": ngettext("Put %(n)d candidate on the shortlist", "Put %(n)d candidates on the shortlist", number)
            % said,
            "done": ngettext("%(n)d candidate is on the shortlist.", "%(n)d candidates are on the shortlist.", number)
            % said,
        }
    return {
        "title": _("Put on a list"),
        "lede": _("A list gives nobody anything, and they are not told."),
        "submit": ngettext("Put %(n)d advisor on the list", "Put %(n)d advisors on the list", number) % said,
        "done": "",
    }
