"""From a ZIP of CVs to an advisor at work, clicked by the people who take the way, in one browser."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail
from playwright.sync_api import expect

from advisory.advisor import Advisor
from advisory.assignment import Assignment
from advisory.matchrun import MatchRun
from tests import factories as make
from tests.advisory import making_matching as matching
from tests.advisory import making_packs as packs
from tests.advisory import making_pool as pool

pytestmark = pytest.mark.browser
# Invented people.
WATER, MONEY = "Aoife Brannigan", "Marek Dvorský"
CVS = {
    "brannigan.txt": (WATER, "Closed water loops for dyeing works, a third of the fresh water saved"),
    "dvorsky.txt": (MONEY, "Yearly accounts of bakeries and small hotels, green loans and grants"),
}
NEED = "Our dye houses use too much fresh water and lose heat with it."


@pytest.fixture
def cast(tmp_path):
    programme = make.programme(name="Looms and Water")
    people = matching.office(programme)
    asked = {"text": NEED, "areas": ["water-use", "energy-efficiency"]}
    first, second = matching.projects(programme, people, [asked, asked | {"country": "PT"}])
    for kind, areas in (("business", ["resilient-business-models"]), ("sustainability", ["energy-efficiency"])):
        for _one in range(2):
            matching.pooled(programme, people[1], kind=kind, areas=areas, capacity=1)
    file = tmp_path / "cvs.zip"
    content = {
        name: packs.text_of(at, name=person, employer="Green Water Ltd", city="Cork" if at else "Brno").replace(
            b"Energy audits, heat recovery", said.encode()
        )
        for at, (name, (person, said)) in enumerate(CVS.items())
    }
    file.write_bytes(packs.zipped(content | {"empty.txt": b""}))
    return SimpleNamespace(programme=programme, coordinator=people[1], projects=[first, second], file=file)


@pytest.mark.row("F06")
@pytest.mark.row("F07")
@pytest.mark.row("F08")
def test_a_cv_becomes_an_advisor_who_works(visit, cast, settings, tmp_path):
    with pool.embedding(tmp_path / "e.sock") as settings.EMBEDDER_SOCKET:
        way = Way(visit, cast)
        way.a_zip_is_taken_in_and_two_cvs_are_confirmed()
        way.a_question_in_french_finds_an_english_cv()
        way.both_are_admitted()
        way.a_match_is_run_and_read()
        made = way.one_pair_is_pinned_and_one_forbidden()
        way.the_place_is_offered_accepted_signed_and_begun(made)
    assert [(one.page.url, one.faults) for one in way.windows if one.faults] == []


class Way:
    """The windows of those who take part, and what they do one after the other."""

    def __init__(self, visit: Any, cast: Any) -> None:
        self.visit, self.cast, self.windows = visit, cast, []
        self.office = self.window(cast.coordinator)

    def window(self, person: Any = None, **more: Any) -> Any:
        self.windows.append(self.visit(person, **more))
        return self.windows[-1]

    def a_zip_is_taken_in_and_two_cvs_are_confirmed(self) -> None:
        page = self.office.open("/workspace/cv-intakes/new/upload/")
        page.get_by_label("ZIP or files").set_input_files(self.cast.file)
        page.get_by_role("button", name="Upload many CVs").click()
        expect(page.get_by_text("The ZIP waits to be opened.")).to_be_visible()
        matching.run("advisory.take_in")
        matching.run("advisory.read_cv")
        expect(page.locator(".head .state")).to_have_text("Done", timeout=15_000)
        expect(page.get_by_text("The file is empty.")).to_be_visible()
        for name in CVS:
            page.locator("tr", has_text=name).get_by_role("link", name=re.compile("^Confirm")).click()
            expect(page.get_by_role("heading", name="Confirm what was read")).to_be_visible()
            page.locator("#kind label").nth(1 if name.startswith("brannigan") else 0).click()
            page.get_by_role("button", name=re.compile("^Confirm$")).click()
            expect(page.get_by_role("status")).to_be_visible()
            page.go_back()
            page.go_back()
        assert set(matching.run("advisory.embed_cv")) | set(matching.run("advisory.index_sentences")) == {"done"}

    def a_question_in_french_finds_an_english_cv(self) -> None:
        page = self.office.open("/workspace/advisors/pool/")
        page.get_by_label("What should they know").fill("économiser l'eau douce dans les teintureries")
        page.get_by_label("What should they know").press("Enter")
        expect(page.get_by_text("Closed water loops for dyeing works").first).to_be_visible()
        listed = page.get_by_role("rowheader").all_inner_texts()
        assert listed.index(WATER) < listed.index(MONEY)
        assert "teintureries" not in page.url
        self.office.saved("way-search")

    def both_are_admitted(self) -> None:
        for name in (WATER, MONEY):
            advisor = self.advisor(name)
            page = self.office.open(advisor.get_absolute_url())
            page.get_by_role("link", name="Consent and declare interests").click()
            page.get_by_text("The CV may be kept and used to find projects").click()
            page.get_by_label("Interests").first.fill("none")
            page.get_by_role("button", name="Consent and declare interests").click()
            page.get_by_role("button", name="Put on the shortlist").click()
            page.get_by_role("button", name="Admit to the pool").click()
            expect(page.get_by_text("Done: Admit to the pool")).to_be_visible()

    def advisor(self, name: str) -> Advisor:
        return Advisor.objects.get(person__name=name, programme=self.cast.programme)

    def a_match_is_run_and_read(self) -> None:
        page = self.office.open("/workspace/match-runs/new/request/")
        page.get_by_label("Programme").select_option(label=str(self.cast.programme))
        page.get_by_role("button", name="New match run").click()
        matching.run("advisory.run_match")
        self.run = MatchRun.objects.get(programme=self.cast.programme)
        assert self.run.state == "done", self.run.why
        page = self.office.open(self.run.get_absolute_url())
        expect(page.get_by_text("Proven: no other assignment serves the weakest project better")).to_be_visible()
        self.office.saved("way-match")
        for number in (0, 1):
            page.locator("details summary").nth(number).click()
        expect(page.get_by_text("Training needs").first).to_be_visible()
        expect(page.get_by_role("link", name="Show who moves").nth(1)).to_be_visible()

    def one_pair_is_pinned_and_one_forbidden(self) -> Assignment:
        first, second = self.cast.projects
        water, money = self.advisor(WATER), self.advisor(MONEY)
        for word, advisor, project in (("pin", water, first), ("forbid", money, second)):
            page = self.office.open(f"{self.run.get_absolute_url()}what-if/")
            page.get_by_label("What to do").select_option(word)
            page.locator("#id_advisor").select_option(str(advisor.pk))
            page.locator("#id_project").select_option(str(project.pk))
            page.get_by_role("button", name="Try", exact=True).click()
            expect(page.get_by_role("heading", name="What it costs")).to_be_visible()
            page.get_by_role("button", name="Take over").click()
            page.wait_for_url(lambda url: "what-if" not in url)
            matching.run("advisory.run_match")
            self.run.refresh_from_db()
            assert self.run.state == "done", self.run.why
        assert self.run.pins == [f"{water.pk}:{first.pk}"] and self.run.forbids == [f"{money.pk}:{second.pk}"]
        assert not self.run.assignments.filter(state="proposed", advisor=money, project=second).exists()
        return self.run.assignments.get(state="proposed", advisor=water, project=first)

    def the_place_is_offered_accepted_signed_and_begun(self, made: Assignment) -> None:
        mail.outbox.clear()
        page = self.office.open(made.get_absolute_url())
        page.get_by_role("link", name="Approve").click()
        expect(page.get_by_text("was held to").first).to_be_visible()
        page.get_by_label("Reason").fill("Knows the dye houses of the region.")
        page.get_by_role("button", name="Approve").click()
        page.get_by_role("button", name="Offer", exact=True).click()
        matching.run("advisory.mail_offer")
        page = self.window(None, width=390).open(self.link_to(made.advisor.person, r"/o/[\w-]+/"))
        expect(page.get_by_text(NEED).first).to_be_visible()
        page.get_by_text("I agree to the terms of the assignment").click()
        page.get_by_text("I have no interest in the clusters of this project").click()
        page.get_by_role("button", name="Yes, I take it on").click()
        expect(page.get_by_role("heading", name="Accepted, thank you")).to_be_visible()

        page = self.office.open(made.get_absolute_url())
        page.get_by_role("link", name="Draft the agreement").click()
        page.get_by_label("Targets").fill("Two dye houses reuse half of their water.")
        page.get_by_label("Deliverable", exact=True).first.fill("A water plan for each house")
        page.get_by_label("Due").first.fill(made.project.ends_on.isoformat())
        page.get_by_role("button", name="Draft an agreement").click()
        expect(page.get_by_text("Two dye houses reuse half of their water.").first).to_be_visible()
        matching.run("facility.ask_by_mail")
        for person in (made.advisor.person, matching.head_of(made.project)):
            page = self.window(None, width=390).open(self.link_to(person, r"/answer/[\w-]+/"))
            page.get_by_text("I have read the text").click()
            page.get_by_role("button", name="Sign the agreement").click()
            expect(page.get_by_role("heading", name="Done, thank you")).to_be_visible()

        page = self.office.open(made.get_absolute_url())
        page.get_by_role("button", name="Start").click()
        expect(page.get_by_text("Done: Start")).to_be_visible()
        made.refresh_from_db()
        assert made.state == "active"

    def link_to(self, person: Any, pattern: str) -> str:
        found = [re.search(pattern, one.body) for one in reversed(mail.outbox) if one.to == [person.email]]
        return next(one[0] for one in found if one)
