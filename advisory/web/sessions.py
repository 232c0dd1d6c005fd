"""The pages of sessions and rankings: logging on a phone, the link from the mail, and ranking alone."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache

from advisory.needs import Need, NeedsAssessment
from advisory.project import Project
from advisory.session import SupportSession
from advisory.voices import VOICES
from facility.instruments.link import ByLink, Link
from facility.roles import held
from facility.workflow.show import shown, step_url
from facility.workflow.steps import Blocked, Invalid, NotAllowed, NotFound
from facility.workflow.web import StepPage, page_of

LOGGING = {"log", "plan", "log_planned", "revise"}
HOW_IT_WORKS = gettext_noop(
    "Advisor, cluster manager and coordinator rank alone. "
    "When all three are in, you see all orders side by side and agree on one."
)
KEPT = ("form", "kind", "audience", "contact_hours", "preparation_hours", "people_count")


@page_of(SupportSession)
class SessionStep(StepPage):
    """A step of a session; logging is made for a phone and begins with the values of the last session."""

    record: Any

    def page(self, context: dict[str, Any], status: int = 200) -> HttpResponse:
        """The phone page for logging, the common one for all else."""
        if self.step.name not in LOGGING:
            return super().page(context, status)
        self.template = "advisory/log_session.html"  # type: ignore[misc]
        project = self.chosen()
        others = self.projects().exclude(pk=getattr(project, "pk", None)) if self.step.creates() else []
        form = context["form"]
        form.hide_project(project)
        return super().page(
            context
            | {
                "project": project,
                "others": [{"label": one.name, "url": f"{self.request.path}?project={one.pk}"} for one in others],
                "prefilled_from": self.prefilled_from(),
            },
            status,
        )

    def projects(self) -> Any:
        """The projects that the person advises."""
        mine = Project.objects.filter(pk__in=held(self.person, "advisor", scope="project"))
        return mine.select_related("application__lead_cluster").order_by("name", "pk")

    def chosen(self) -> Project | None:
        """The project of the session, of the address or form, of the last session, or the first of one's own."""
        if not self.step.creates():
            return self.record.project
        named = self.request.POST.get("project") or self.request.GET.get("project")
        mine = list(self.projects())
        if named:
            return next((one for one in mine if str(one.pk) == named), None)
        last = self.last()
        return last.project if last else mine[0] if mine else None

    def last(self) -> SupportSession | None:
        """The person's last session, of the project in the address if one is named."""
        rows = SupportSession.objects.filter(advisor__person=self.person, project__in=self.projects())
        named = self.request.GET.get("project")
        if named:
            rows = rows.filter(project__in=[one for one in self.projects() if str(one.pk) == named])
        return rows.select_related("project__application__lead_cluster").order_by("-held_on", "-pk").first()

    def initial(self) -> dict[str, Any]:
        """What the last session says, except for its day, its words and its result."""
        if not self.step.creates():
            return {}
        last, project = self.last(), self.chosen()
        if last is None:
            return {"project": project.pk if project else None}
        values = {name: getattr(last, name) for name in KEPT}
        return values | {
            "project": last.project_id,
            "firms": list(last.firms.values_list("organisation_id", flat=True)),
            "needs": list(last.needs.values_list("need_id", flat=True)),
            "actions": list(last.actions.values_list("action_id", flat=True)),
        }

    def prefilled_from(self) -> str:
        """The sentence that names the session whose values were filled in."""
        last = self.last() if self.step.creates() and self.request.method == "GET" else None
        return _("Filled in from your session of %s.") % last.day_in_words() if last else ""


@page_of(NeedsAssessment)
class RankPage(StepPage):
    """A step on the needs; ranking has its own page, on which buttons move a need without any script."""

    record: Any

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Turns the numbers of the page into rows; up and down only show the page again."""
        if self.step.name == "submit_ranking" and "ranks-TOTAL_FORMS" not in request.POST:
            given: Any = {k.removeprefix("rank-"): v for k, v in request.POST.items() if k.startswith("rank-")}
            for name, by in (("up", -1), ("down", 1)):
                if name in request.POST:
                    return self.page({"order": self.moved(given, request.POST[name], by)})
            posted = request.POST.copy()
            posted["ranks-TOTAL_FORMS"] = str(len(given))
            for at, (need, rank) in enumerate(given.items()):
                posted[f"ranks-{at}-need"], posted[f"ranks-{at}-rank"] = need, rank
            request.POST = posted  # type: ignore[assignment]
        return super().post(request, **kwargs)

    def moved(self, given: dict[str, str], need: str, by: int) -> list[str]:
        """The keys of the needs in the order of their numbers, one of them moved by a place."""
        keys = sorted(
            given, key=lambda key: (int(given[key]) if given[key].isdigit() else len(given), list(given).index(key))
        )
        if need in keys:
            at = keys.index(need)
            keys.insert(min(max(at + by, 0), len(keys) - 1), keys.pop(at))
        return keys

    def page(self, context: dict[str, Any], status: int = 200) -> HttpResponse:
        """The ranking page instead of the common form."""
        if self.step.name != "submit_ranking":
            return super().page(context, status)
        self.template = "advisory/rank_needs.html"  # type: ignore[misc]
        assessment, form = self.record, context.get("form")
        standing = {str(need.pk): need for need in assessment.standing().order_by("rank", "pk")}
        order = [key for key in context.get("order", standing) if key in standing]
        order += [key for key in standing if key not in order]
        typed = {
            self.request.POST.get(f"ranks-{n}-need"): self.request.POST.get(f"ranks-{n}-rank")
            for n in range(len(order))
        }
        bound = form is not None and form.is_bound
        problems = list(context.get("blocked_by") or ())
        if form is not None and form.is_bound and not form.is_valid():
            problems += [said for sentences in form.flat_errors().values() for said in sentences]
        project = assessment.project
        return super().page(
            {
                "title": _("Rank the needs of %s") % project.name,
                "lede": _("1 is what helps the members most. Give each number once."),
                "crumbs": [{"label": project.name, "url": project.get_absolute_url(), "lang": project.lang}],
                "needs": [
                    {
                        "id": key,
                        "title": standing[key].text,
                        "url": standing[key].get_absolute_url(),
                        "note": f"{standing[key].get_area_display()}. {standing[key].context}",
                        "rank": typed.get(key) if bound else at,
                    }
                    for at, key in enumerate(order, 1)
                ],
                "problems": problems,
                "hidden": context.get("hidden")
                or {"_version": assessment.version, "_token": self.request.POST.get("_token", "")},
                "how": _(HOW_IT_WORKS),
                "voices": self.voices(),
                "add_url": ""
                if assessment.ranked_count
                else f"{step_url(Need(), Need.step('add'))}?project={project.pk}",
            },
            status,
        )

    def voices(self) -> list[dict[str, str]]:
        """Who is in, without what they said."""
        there = set(self.record.rankings.values_list("voice", flat=True))
        return [
            {
                "text": _("%s: has ranked") % label if voice in there else _("%s: not yet") % label,
                "tone": "good" if voice in there else "wait",
            }
            for voice, label in VOICES
        ]

    def after(self, record: Any) -> str:
        """Back to the project."""
        return record.project.get_absolute_url()


@method_decorator(never_cache, name="dispatch")
class ConfirmByLink(ByLink):
    """Confirming a session, or saying what is wrong, by the link from the mail and without signing in."""

    session: Any

    def known(self, code: str) -> Link:
        """The link, of a person who may still answer for this session; NotFound in every other case."""
        link = Link.find(code)
        if link.record_type != SupportSession._meta.label_lower or link.step != "confirm":
            raise NotFound(_("This link is not known or no longer valid."))
        rows = SupportSession.objects.select_related(*SupportSession.door_related).filter(
            SupportSession.step("confirm").who.q(link.person)
        )
        self.session = rows.filter(pk=link.record_id).first()
        if self.session is None:
            raise NotFound(_("This link is not known or no longer valid."))
        return link

    def standing(self, status: int = 200) -> HttpResponse:
        """Where the session stands now that the link has done its work."""
        session, day = self.session, self.session.day_in_words()
        words = {
            "confirmed": (
                "good",
                _("Confirmed, thank you"),
                _("The session of %s counts now. Advisor and coordinator see it."),
            ),
            "disputed": (
                "good",
                _("Sent back, thank you"),
                _("The advisor reads what is wrong with the session of %s and corrects it."),
            ),
        }
        other = (
            "wait",
            _("Nothing is left to answer"),
            _("This link has been used, or the session of %s was answered in another way."),
        )
        tone, title, text = words.get(session.state, other)
        return self.done({"tone": tone, "title": title, "text": text % day, "waiting": self.waiting()}, status)

    def waiting(self) -> int:
        """How many other sessions wait for this person."""
        return SupportSession.objects.waiting_on(self.link.person).exclude(pk=self.session.pk).count()

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """The session and two answers."""
        if self.link.used_at or self.session.state != SupportSession.State.LOGGED:
            return self.standing()
        return self.show(self.session.form_for(SupportSession.step("dispute"), by=self.link.person))

    def show(self, form: Any, status: int = 200) -> HttpResponse:
        """The page; `_version` tells on a post whether the session is still the one that was read."""
        session = self.session
        context = {
            "title": _("Confirm the session of %s") % session.day_in_words(),
            "person": self.link.person,
            "cluster": {"title": session.project.lead_cluster.name, "lang": session.project.lead_cluster.lang},
            "advisor": session.advisor.person,
            "facts": self.facts(),
            "form": form,
            "hidden": {"_version": session.version},
        }
        return render(self.request, "advisory/confirm_session.html", context, status=status)

    def facts(self) -> list[dict[str, Any]]:
        """What was logged."""
        one = self.session
        hours = _("%(contact)s contact, %(preparation)s preparation") % {
            "contact": number_format(one.contact_hours.normalize()),
            "preparation": number_format(one.preparation_hours.normalize()),
        }
        how = f"{one.form_label()}, {one.get_kind_display()}, {one.get_audience_display()}"
        pairs = [
            (_("Advisor"), str(one.advisor.person)),
            (_("Form"), how),
            (_("Firms"), [f.organisation.name for f in one.firms.select_related("organisation").order_by("pk")]),
            (_("Hours"), hours),
            (_("Serves"), [n.need.text for n in one.needs.select_related("need").order_by("pk")]),
            (_("What came of it"), one.result),
            (_("Next"), one.next_step),
        ]
        return [{"label": label, "value": value} for label, value in pairs if shown(value) != ""]

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        """Takes the step that was chosen, and with it the link is used up."""
        step = "dispute" if request.POST.get("step") == "dispute" else "confirm"
        if self.link.used_at or self.session.state != SupportSession.State.LOGGED:
            return self.standing(410)
        form = self.session.form_for(SupportSession.step("dispute"), by=self.link.person, raw=request.POST)
        if request.POST.get("_version") != str(self.session.version):
            return self.show(form, 409)
        # One link answers either way: what the person finds wrong is told with the same key.
        self.link.step = step
        try:
            self.link.take(request.POST if step == "dispute" else None)
        except Invalid as refused:
            return self.show(refused.form, 400)
        except (Blocked, NotFound, NotAllowed):
            self.session.refresh_from_db()
            return self.standing(410)
        return HttpResponseRedirect(reverse("confirm-link", kwargs={"code": code}))
