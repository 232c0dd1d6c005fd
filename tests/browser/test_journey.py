"""The whole way from a call to its selection, clicked by the people who take it, in one browser."""

from __future__ import annotations

import datetime as dt
import re
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.core import mail
from playwright.sync_api import expect

from facility.application import Application
from facility.call import Call
from facility.evaluation import Evaluation
from facility.registry.evaluator import EvaluatorProfile
from facility.selection import Selection
from facility.workflow.jobs import Job, run
from facility.workflow.steps import SYSTEM
from tests import factories as make

pytestmark = pytest.mark.browser

# Lead cluster, its country, what it wants, and the points that its three evaluators give. One place per country and
# two on the reserve list: the second of Spain is first on that list, and still not the one to be promoted.
OTHERS = [
    ("Red Cerámica del Sur", "ES", "Kilns that share their heat", 8),
    ("Bergische Klingen", "DE", "Steel ground dry", 7),
    ("Cantieri Puliti", "IT", "Sites without diesel", 6),
    ("Réseau Lumière", "FR", "Lamps that can be repaired", 5),
]
JUDGES = ("Ilse Groen", "Marek Wójcik", "Aino Lahti", "Sorin Munteanu")
WHY = "Fourteen dye houses asked us for help with steam this winter."
SECRET = "correct horse battery"


def named(person: Any, name: str) -> Any:
    person.name = name
    person.save()
    return person


@pytest.fixture
def cast(scene):
    """A programme of its own with its people, and a call that is drafted and asks nothing yet."""
    programme = make.programme(name="Valley Transition Facility", operator="Eurocluster Support")
    called = {"coordinator": "Hanna Dekker", "lead": "Tomas Novák"}
    people = {role: named(make.staff(role, programme), name) for role, name in called.items()}
    judges = [named(make.staff("evaluator", programme), name) for name in JUDGES]
    for one in judges:
        values = {"languages": ["en"], "areas": ["energy-efficiency"], "limit": 12}
        EvaluatorProfile().perform("describe", by=SYSTEM, person=one, programme=programme, **values)
    own = make.cluster("ES", name="Clúster Textil del Valle", lang="es", sector="Textiles")
    partners = [make.cluster("TN", name="Pôle Textile de Sfax"), make.cluster("PT", name="Fios do Norte")]
    call = make.call(
        programme,
        people["coordinator"],
        open_now=False,
        title_text="Call of the valley",
        summary="Twenty days of advice by two experts.",
        country_cap=1,
        reserve_places=2,
        evaluations_required=3,
    )
    return SimpleNamespace(
        **people,
        judges=judges,
        call=call,
        own=own,
        partners=partners,
        manager=named(make.manager_of(own), "Inés Calatayud"),
        signing_in=named(make.manager_of(partners[0]), "Amel Demo"),
    )


def test_a_call_is_written_answered_judged_and_decided(visit, cast):
    act = Act(visit, cast)
    act.the_call_is_written_and_published()
    bid = act.an_application_is_handed_in()
    act.it_is_clarified_and_found_eligible(bid)
    act.evaluators_are_asked_and_one_steps_back(bid)
    act.scores_are_given_and_closed(bid)
    act.rules_are_compared_and_a_ranking_proposed()
    act.the_lead_releases_and_the_public_reads()
    act.a_place_is_declined_and_given_on()

    assert [(one.page.url, one.faults) for one in act.windows if one.faults] == []


class Act:
    """The windows of those who take part, and what they do one after the other."""

    def __init__(self, visit: Any, cast: Any) -> None:
        self.visit, self.cast, self.windows = visit, cast, []
        self.office = self.window(cast.coordinator)
        self.public = f"/calls/{cast.call.pk}/"

    def window(self, person: Any = None) -> Any:
        self.windows.append(self.visit(person))
        return self.windows[-1]

    def looks(self, one: Any, name: str) -> None:
        """The page at both widths, neither of which it leaves sideways."""
        for width, height in ((390, 844), (1280, 900)):
            one.page.set_viewport_size({"width": width, "height": height})
            one.saved(f"journey-{name}-{width}")
            assert one.page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is wider than {width}"

    def the_call_is_written_and_published(self) -> None:
        call = self.cast.call
        page = self.office.open(call.get_absolute_url())
        page.get_by_role("link", name="Write the questions").click()
        page.get_by_role("button", name="Add a section").click()
        page.get_by_label("Heading").first.fill("Your plan")
        page.get_by_label("New question in this section").select_option("text")
        page.get_by_role("button", name="Add a question").click()
        page.locator("#id_label_en").fill("What have you measured so far?")
        page.locator("#id_required").check(force=True)
        page.get_by_label("Next question").select_option("number")
        page.get_by_role("button", name="Add a question").click()
        page.locator("#id_label_en").fill("How many firms take part?")
        page.locator("#id_minimum").fill("3")
        self.looks(self.office, "builder")
        page.get_by_role("button", name="Save the questions").click()
        expect(page.get_by_text("The questions are saved.")).to_be_visible()
        page = self.office.open(call.get_absolute_url())
        page.get_by_role("button", name="Publish call").click()
        expect(page.get_by_text("Done: Publish call")).to_be_visible()
        Call.objects.get(pk=call.pk).perform("open", by=SYSTEM)

    def an_application_is_handed_in(self) -> Application:
        cast, one = self.cast, self.window(self.cast.manager)
        page = one.open(self.public)
        expect(page.get_by_text("What have you measured so far?")).to_be_visible()
        page.get_by_role("link", name="Sign in to apply").click()
        page.get_by_label("Call", exact=True).select_option(label=cast.call.title_text)
        page.get_by_label("Lead cluster").select_option(label=cast.own.name)
        page.get_by_label("Title").fill("Steam that does not leak")
        page.get_by_role("button", name="New application").click()
        bid = Application.objects.get(call=cast.call)
        page.get_by_label("Motivation").fill(WHY)
        page.get_by_label("Context").fill("A cluster of 41 firms in two valleys.")
        page.get_by_label("What have you measured so far?").fill("Three dryers; two of them leak.")
        page.get_by_label("How many firms take part?").fill("14")
        says = page.locator("[data-says]")
        expect(says).to_contain_text("Saved at")
        page.locator("[name=needs-0-area]").select_option("energy-efficiency")
        page.locator("[name=needs-0-text]").fill("Less heat lost in drying")
        page.get_by_label("Training needs").fill("Reading an energy bill.")
        expect(says).to_contain_text("Saved at")
        expect(page.get_by_role("heading", name="Your plan")).to_be_visible()

        for partner, more in zip(cast.partners, ({}, {"Name": "Rui Demo", "E-mail": "rui@example.org"}), strict=True):
            page.get_by_role("link", name="Ask a partner").click()
            page.get_by_label("Cluster", exact=True).select_option(label=partner.name)
            for label, text in more.items():
                page.get_by_label(f"{label} of its manager").fill(text)
            page.get_by_role("button", name="Ask a partner").click()
            expect(page.locator("#id_partners").get_by_text(partner.name).first).to_be_visible()
        self.partners_confirm(bid)

        page.get_by_role("link", name="Read and sign").click()
        page.get_by_role("button", name="Sign the declaration").click()
        self.looks(one, "application")
        page.get_by_role("button", name="Check and submit").click()
        expect(page.get_by_role("heading", name="Nothing is missing")).to_be_visible()
        page.get_by_role("button", name="Submit application").click()
        bid.refresh_from_db()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Receipt of application {bid.number}")
        expect(page.get_by_text(bid.receipt)).to_be_visible()
        expect(page.get_by_text("Three dryers; two of them leak.")).to_be_visible()
        self.applicant = one
        return bid

    def partners_confirm(self, bid: Application) -> None:
        """One signs in, the other has no account and answers by the link from the mail."""
        answered = self.window()
        page = answered.open(f"{bid.get_absolute_url()}confirm_part/")
        page.get_by_label("Email").fill(self.cast.signing_in.email)
        page.get_by_label("Password").fill(SECRET)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.get_by_label("Role of your cluster").fill("Tester of dryers")
        page.get_by_label("What your cluster contributes").fill("Twelve laundries.")
        page.get_by_role("button", name="Confirm our part").click()
        expect(page.get_by_text("Done: Confirm our part")).to_be_visible()

        mail.outbox.clear()
        for job in Job.objects.filter(name="facility.ask_partner", record_id=bid.pk):
            run(str(job.pk))
        (letter,) = [one for one in mail.outbox if one.to == ["rui@example.org"]]
        page = self.window().open(re.search(r"/part/[\w-]+/", letter.body)[0])
        page.get_by_label("Role of your cluster").fill("Spinner")
        page.get_by_label("What your cluster contributes").fill("Yarn for the trial.")
        page.get_by_role("button", name="Yes, confirm our part").click()
        expect(page.get_by_role("heading", name="Thank you, your answer is kept")).to_be_visible()
        assert set(bid.partners.values_list("answer", flat=True)) == {"yes"}

    def it_is_clarified_and_found_eligible(self, bid: Application) -> None:
        page = self.office.open(f"/workspace/calls/{self.cast.call.pk}/eligibility/")
        page.get_by_role("link", name="Check the next one").click()
        expect(page.get_by_text("Three dryers; two of them leak.")).to_be_visible()
        page.get_by_role("link", name="Return for clarification").click()
        page.get_by_label("Your question").fill("Which valleys are these?")
        page.get_by_label("Context").check(force=True)
        page.get_by_role("button", name="Return for clarification").click()
        expect(page.get_by_text("Done: Return for clarification")).to_be_visible()

        page = self.applicant.open(f"{bid.get_absolute_url()}autosave/")
        expect(page.get_by_label("Motivation")).to_have_count(0)
        page.get_by_label("Context").fill("41 firms in the valleys of Alcoi and Ontinyent.")
        expect(page.locator("[data-says]")).to_contain_text("Saved at")
        page.get_by_role("button", name="Check").click()
        page.get_by_label("Your answer").fill("They are named in the text now.")
        page.get_by_role("button", name="Submit again").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Receipt")
        assert bid.submissions.count() == 2

        page = self.office.open(f"/workspace/calls/{self.cast.call.pk}/eligibility/")
        page.get_by_role("link", name="Check the next one").click()
        expect(page.get_by_text("41 firms in the valleys of Alcoi and Ontinyent.")).to_be_visible()
        for answer in page.get_by_role("radio", name="Yes").all():
            answer.locator("..").click()
        page.get_by_role("button", name="Eligible and next").click()
        expect(page.get_by_text("1 of 1 decided")).to_be_visible()
        self.looks(self.office, "eligibility")

    def evaluators_are_asked_and_one_steps_back(self, bid: Application) -> None:
        cast = self.cast
        page = self.office.open(f"/workspace/calls/{cast.call.pk}/assign_evaluators/")
        page.get_by_role("button", name="Ask for 3 evaluations").click()
        expect(page.get_by_text("The evaluators are asked.")).to_be_visible()
        first = bid.evaluations.select_related("evaluator").order_by("evaluator__name").first()
        one = self.window(first.evaluator)
        page = one.open(first.get_absolute_url())
        expect(page.get_by_text(WHY)).to_have_count(0)
        page.get_by_text("Something ties me to them").click()
        page.get_by_label("Kind of interest").select_option(index=1)
        page.get_by_label("Reason").fill("My sister runs one of the mills.")
        page.get_by_role("button", name="Step back from this one").click()
        page.wait_for_url(lambda url: str(first.pk) not in url)
        assert Evaluation.objects.get(pk=first.pk).state == "recused"

        page = self.office.open(f"/workspace/calls/{cast.call.pk}/assign_evaluators/")
        expect(page.locator("#id_pairs")).not_to_contain_text(first.evaluator.name)
        page.get_by_role("button", name="Ask for one evaluation").click()
        expect(page.get_by_text("The evaluators are asked.")).to_be_visible()
        assert bid.evaluations.count() == len(cast.judges)

    def scores_are_given_and_closed(self, bid: Application) -> None:
        by_keys, *by_mouse = bid.evaluations.filter(state="assigned").select_related("evaluator").order_by("pk")
        assert len(by_mouse) == 2
        for one in (by_keys, *by_mouse):
            page = self.review(one)
            if one is by_keys:
                for key in ("j", "k", "9", "j", "9"):
                    page.keyboard.press(key)
            else:
                for radio in page.get_by_role("radio", name="9", exact=True).all():
                    radio.locator("..").click()
            for criterion in ("Relevance", "Capacity"):
                page.get_by_label(f"Comment on {criterion}").fill("Three dryers are measured; the firms have signed.")
            page.get_by_label("Overall comment").fill("Sound, and begun.")
            if one is by_keys:
                self.looks(self.windows[-1], "review")
            page.get_by_role("button", name="Submit the evaluation").click()
            page.wait_for_url(lambda url, key=str(one.pk): key not in url)
            assert Evaluation.objects.get(pk=one.pk).state == "submitted"
        page = self.office.open(f"/workspace/calls/{self.cast.call.pk}/evaluation/")
        self.looks(self.office, "queue")
        page = self.office.open(f"{bid.get_absolute_url()}close_evaluation/")
        page.get_by_role("button", name="Close evaluation").click()
        expect(page.get_by_text("Done: Close evaluation")).to_be_visible()
        assert Application.objects.get(pk=bid.pk).score == 90
        self.the_others_come_as_far()

    def review(self, one: Evaluation) -> Any:
        page = self.window(one.evaluator).open(one.get_absolute_url())
        page.get_by_role("button", name="None of these: open it").click()
        expect(page.get_by_text(WHY)).to_be_visible()
        expect(page.get_by_text("Three dryers; two of them leak.")).to_be_visible()
        return page

    def the_others_come_as_far(self) -> None:
        """The same way through the door, and the closing hour."""
        cast, call = self.cast, Call.objects.get(pk=self.cast.call.pk)
        for name, country, title, points in OTHERS:
            cluster = make.cluster(country, name=name)
            manager = make.manager_of(cluster)
            answers = {"q_what_have_you_measured_so_far": "One kiln."}
            bid = make.draft(call, manager, cluster, title_text=title)
            make.typed(bid, manager, **answers)
            bid.perform("submit", by=manager)
            bid.perform("declare_eligible", by=cast.coordinator, answers=make.MET)
            for judge in cast.judges[:3]:
                asked = Evaluation().perform("assign", by=cast.coordinator, application=bid, evaluator=judge)
                asked.perform("accept", by=judge)
                asked.perform("submit", by=judge, scores=make.scores(call, points), comment="Read in full.")
            bid.perform("close_evaluation", by=cast.coordinator)
        with time_machine.travel(call.closes_at + dt.timedelta(minutes=5), tick=False):
            call.perform("close", by=SYSTEM)

    def rules_are_compared_and_a_ranking_proposed(self) -> None:
        cast, page = self.cast, self.office.open("/workspace/selections/new/create/")
        page.get_by_label("Call").select_option(label=cast.call.title_text)
        page.get_by_role("button", name="New selection").click()
        page.get_by_role("link", name="Try other rules").click()
        page.wait_for_load_state()  # the form listens once its script runs
        second = page.get_by_role("row").filter(has_text=OTHERS[0][0])
        page.get_by_label("At most per country").fill("2")
        page.get_by_label("At most per country").press("Tab")
        expect(page.get_by_role("heading", name="Under set B")).to_be_visible()
        expect(second).to_contain_text(re.compile(r"Reserve 1\s*In"))
        page.get_by_role("link", name="Add a third set").click()
        page.wait_for_load_state()
        expect(page.get_by_role("region", name="Set B").get_by_label("At most per country")).to_have_value("2")
        last = page.get_by_role("region", name="Set C")
        last.get_by_label("At most per country").fill("1")
        last.get_by_text("Overrides", exact=True).click()
        number = Application.objects.get(lead_cluster__name=OTHERS[3][0]).number
        last.get_by_label("Number of the application").fill(number)
        last.get_by_label("Decision").select_option("in")
        last.get_by_label("Reason").fill("The only bid on lighting; the programme promised one.")
        last.get_by_label("Reason").press("Tab")
        expect(page.get_by_role("heading", name="Under set C")).to_be_visible()
        self.looks(self.office, "simulator")
        assert not Selection.objects.get(call=cast.call).lines.exists()
        page.get_by_role("link", name="Propose with the overrides of C").click()
        expect(page.get_by_label("Reason").first).to_have_value(re.compile("promised one"))
        page.get_by_role("button", name="Propose ranking").click()
        expect(page.get_by_text("Done: Propose ranking")).to_be_visible()
        self.selection = Selection.objects.get(call=cast.call)
        chosen = self.selection.lines.filter(outcome="selected").order_by("rank")
        assert [line.application.title() for line in chosen] == [cast.own.name, OTHERS[3][0]]

    def the_lead_releases_and_the_public_reads(self) -> None:
        self.leader, reader = self.window(self.cast.lead), self.window()
        page = self.leader.open(self.selection.get_absolute_url())
        page.get_by_role("button", name="Approve ranking").click()
        page.get_by_role("link", name="The letters", exact=True).click()
        expect(page.get_by_role("heading", name="Release 5 decisions")).to_have_count(1)
        page.get_by_role("link", name="Next", exact=True).click()
        expect(page.get_by_role("heading", name=re.compile("Letter 2 of 5"))).to_be_visible()
        self.looks(self.leader, "release")
        public = reader.open(self.public)
        expect(public.get_by_role("heading", name="Selected clusters")).to_have_count(0)
        page.get_by_role("button", name="Release 5 decisions").click()
        expect(page.get_by_text("Done: Release the decisions")).to_be_visible()
        public = reader.open(self.public)
        listed = public.get_by_role("table", name="Selected clusters")
        expect(listed.get_by_role("rowheader")).to_have_text([self.cast.own.name, OTHERS[3][0]])
        self.looks(reader, "public")
        self.reader = reader

    def a_place_is_declined_and_given_on(self) -> None:
        going = Application.objects.get(lead_cluster__name=OTHERS[3][0])
        page = self.window(going.managers().get()).open(going.get_absolute_url())
        page.get_by_role("link", name="Decline the place").click()
        page.get_by_label("Reason").fill("Our staff has left.")
        page.get_by_role("button", name="Decline the place").click()
        expect(page.get_by_text("Done: Decline the place")).to_be_visible()

        # The first on the list is of Spain, whose one place is taken.
        page = self.leader.open(self.selection.get_absolute_url())
        expect(page.get_by_role("heading", name=f"Next: {OTHERS[1][0]}")).to_be_visible()
        self.looks(self.leader, "reserve")
        page.get_by_role("button", name=f"Promote {OTHERS[1][0]}").click()
        expect(page.get_by_text("Done: Promote from the reserve list")).to_be_visible()
        public = self.reader.open(self.public)
        listed = public.get_by_role("table", name="Selected clusters")
        expect(listed.get_by_role("rowheader")).to_have_text([OTHERS[1][0], self.cast.own.name])
