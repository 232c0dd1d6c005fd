"""Writing an application in a real browser: nothing typed is lost, whatever becomes of line, tab or sign-in."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from facility.application import Application
from facility.workflow.steps import SYSTEM
from tests import factories as make

pytestmark = pytest.mark.browser
QUESTIONS = [
    {
        "key": "plan",
        "title": {"en": "Your plan", "nl": "Uw plan"},
        "intro": {"en": "What you would do with the advice."},
        "questions": [
            {
                "key": "stage",
                "kind": "choice",
                "label": {"en": "How far are you?"},
                "required": True,
                "options": [
                    {"value": "new", "label": {"en": "We begin"}},
                    {"value": "going", "label": {"en": "We are under way"}},
                ],
            },
            {
                "key": "learned",
                "kind": "text",
                "label": {"en": "What have you learned so far?"},
                "limit": 60,
                "unit": "words",
                "required": True,
                "condition": {"question": "stage", "is": ["going"]},
            },
            {"key": "firms", "kind": "number", "label": {"en": "Firms that take part"}, "minimum": 3},
            {"key": "budget", "kind": "file", "label": {"en": "Your budget"}, "help": {"en": "PDF or XLSX."}},
            {
                "key": "team",
                "kind": "table",
                "label": {"en": "Your team"},
                "columns": [
                    {"key": "who", "label": {"en": "Name"}, "kind": "text"},
                    {"key": "days", "label": {"en": "Days a month"}, "kind": "number"},
                ],
                "rows": 4,
            },
            {"key": "areas", "kind": "area_ranking", "label": {"en": "Areas, the first first"}, "maximum": 3},
        ],
    }
]


@pytest.fixture(scope="module")
def call(scene):
    """An open call that asks questions of its own."""
    programme, coordinator = scene.records["call"].programme, scene.person("coordinator")
    made = make.call(programme, coordinator, title_text="Third call: clean heat", open_now=False)
    made.perform("write_questions", by=coordinator, sections=QUESTIONS)
    made.perform("publish", by=coordinator)
    made.perform("open", by=SYSTEM)
    return made


@pytest.fixture
def bid(call):
    """A draft with one partner that has not confirmed."""
    lead, partner = make.cluster("NL", name=f"Warmtering {next(make._counter)}", lang="nl"), make.cluster("TN")
    make.manager_of(partner)
    manager = make.manager_of(lead)
    return make.draft(
        call, manager, lead, confirmed=False, has_signed=False, partners=[{"cluster": str(partner.pk)}], motivation=""
    )


def desk(bid):
    return f"/workspace/applications/{bid.pk}/autosave/"


def now(bid):
    return Application.objects.get(pk=bid.pk)


def says(page):
    return page.locator("[data-says]")


def test_what_is_typed_is_saved_without_a_button(visit, bid):
    one = visit(bid.managers().get())
    page = one.open(desk(bid))
    page.get_by_label("Motivation").fill("Twelve laundries asked us for help.")
    expect(says(page)).to_contain_text("Saved at")

    assert now(bid).motivation == "Twelve laundries asked us for help."
    assert one.faults == []


def test_two_tabs_edit_different_fields_and_then_the_same(visit, bid):
    manager = bid.managers().get()
    one, two = visit(manager), visit(manager)
    first, second = one.open(desk(bid)), two.open(desk(bid))
    first.get_by_label("Motivation").fill("From the first tab.")
    second.get_by_label("Training needs").fill("From the second tab.")
    expect(says(first)).to_contain_text("Saved at")
    expect(says(second)).to_contain_text("Saved at")
    # The second tab has heard of the first one's text by its own saving, so it goes on from there.
    expect(second.get_by_label("Motivation")).to_have_value("From the first tab.")
    first.get_by_label("Context").fill("Context of the first tab.")
    expect(says(first)).to_contain_text("Saved at")
    second.get_by_label("Context").fill("Context of the second tab.")
    expect(second.get_by_text("Somebody else changed the same field")).to_be_visible()

    assert now(bid).context == "Context of the first tab."
    second.get_by_role("link", name="Compare and choose").click()
    expect(second.get_by_text("Context of the second tab.")).to_be_visible()
    two.saved("application-two-texts-1280")
    second.get_by_role("button", name="Take this one").click()
    expect(second.get_by_label("Context")).to_have_value("Context of the second tab.")
    assert now(bid).context == "Context of the second tab." and not now(bid).kept_texts.exists()


def test_a_lost_connection_loses_no_word(visit, bid):
    one = visit(bid.managers().get())
    page = one.open(desk(bid))
    one.context.set_offline(True)
    page.get_by_label("Motivation").fill("Typed in a tunnel.")
    expect(says(page)).to_contain_text("no connection")
    assert now(bid).motivation == ""
    one.context.set_offline(False)
    expect(says(page)).to_contain_text("Saved at")

    assert now(bid).motivation == "Typed in a tunnel."
    assert page.evaluate("Object.keys(localStorage)") == []


def test_a_tab_that_closes_without_a_line_is_made_up_for_by_the_next(visit, bid):
    one = visit(bid.managers().get())
    page = one.open(desk(bid))
    one.context.set_offline(True)
    page.get_by_label("Motivation").fill("Typed before the battery died.")
    expect(says(page)).to_contain_text("no connection")
    page.close()
    one.context.set_offline(False)
    again = one.context.new_page()
    again.goto(one.server + desk(bid))
    expect(again.get_by_label("Motivation")).to_have_value("Typed before the battery died.")
    expect(says(again)).to_contain_text("kept in this browser is saved")

    assert now(bid).motivation == "Typed before the battery died."
    assert again.evaluate("Object.keys(localStorage)") == []


def test_a_session_that_ends_while_one_types_loses_no_word(visit, bid):
    manager = bid.managers().get()
    one = visit(manager)
    page = one.open(desk(bid))
    one.context.clear_cookies(name="session")
    page.get_by_label("Motivation").fill("Typed after the session ended.")
    expect(says(page)).to_contain_text("you are signed out")
    page.get_by_role("link", name="Sign in").last.click()
    page.get_by_label("Email").fill(manager.email)
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_label("Motivation")).to_have_value("Typed after the session ended.")

    assert now(bid).motivation == "Typed after the session ended."


def test_signing_out_leaves_nothing_in_the_browser(visit, bid):
    one = visit(bid.managers().get())
    page = one.open(desk(bid))
    page.route("**/autosave/", lambda route: route.abort())
    page.get_by_label("Motivation").fill("Kept here only.")
    expect(says(page)).to_contain_text("no connection")
    assert len(page.evaluate("Object.keys(localStorage)")) == 1
    page.goto(f"{one.server}/accounts/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{one.server}/**")

    assert page.evaluate("Object.keys(localStorage)") == []


def test_a_question_appears_with_the_answer_it_hangs_on(visit, bid):
    one = visit(bid.managers().get())
    page = one.open(desk(bid))
    learned = page.get_by_label("What have you learned so far?")
    expect(learned).to_be_hidden()
    page.get_by_role("radio", name="We are under way").check(force=True)
    expect(learned).to_be_visible()
    learned.fill("That steam leaks.")
    expect(says(page)).to_contain_text("Saved at")
    page.get_by_role("radio", name="We begin").check(force=True)
    expect(learned).to_be_hidden()
    assert now(bid).answers == {"stage": "new", "learned": "That steam leaks."}
    assert one.faults == []


def test_without_script_the_button_saves_and_the_check_lists_every_problem_with_its_field(visit, bid):
    one = visit(bid.managers().get(), script=False)
    page = one.open(desk(bid))
    page.get_by_label("Motivation").fill("Without a script.")
    page.get_by_label("Firms that take part").fill("2")
    page.locator("button[name=add-q_team]").click()
    assert now(bid).motivation == "Without a script."
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("heading", name="Before you submit")).to_be_visible()
    expect(page.get_by_text("How far are you?: Please answer this question.")).to_be_visible()
    one.saved("application-check-noscript-1280")
    page.get_by_text("Firms that take part: Give at least 3.").get_by_role("link").click()
    expect(page).to_have_url(f"{one.server}{desk(bid)}#id_q_firms")
    assert one.faults == []


@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_are_looked_at(visit, bid, width, axe):
    manager = bid.managers().get()
    one = visit(manager, width=width)
    for name in ("", "autosave/", "submit/", "sign/", "ask_partner/", "add_document/"):
        page = one.open(f"/workspace/applications/{bid.pk}/{name}")
        one.saved(f"application-{name.strip('/') or 'page'}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.evaluate(axe)
        found = page.evaluate("axe.run({resultTypes: ['violations']})")
        assert [(row["id"], row["nodes"][0]["html"]) for row in found["violations"]] == []
    assert one.faults == []


def test_a_partner_confirms_and_the_receipt_is_shown(visit, bid):
    partner = bid.partners.select_related("cluster").get()
    make.confirm(bid, partner)
    manager = bid.managers().get()
    bid.perform("sign", by=manager, version=0)
    make.typed(bid, manager, motivation="We ask.", q_stage="new")
    one = visit(manager, width=390)
    page = one.open(f"/workspace/applications/{bid.pk}/submit/")
    expect(page.get_by_role("heading", name="Nothing is missing")).to_be_visible()
    page.get_by_role("button", name="Submit application").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Receipt of application")
    expect(page.get_by_text(now(bid).receipt)).to_be_visible()
    one.saved("application-receipt-390")
    assert one.faults == []


def test_a_partner_answers_from_the_mail_and_the_office_asks_for_one_field(visit, bid, scene):
    from django.core import mail

    from facility.workflow.jobs import Job, run

    manager, cluster = bid.managers().get(), make.cluster("TN", name="Zone Verte", lang="fr")
    told = {"cluster": cluster.pk, "role": "Tester", "name": "Amira Demo", "email": f"a{cluster.pk.hex}@example.org"}
    bid.perform("ask_partner", by=manager, **told)
    run(str(Job.objects.filter(name="facility.ask_partner", record_id=bid.pk).get().pk))
    link = next(word for word in mail.outbox[-1].body.split() if "/part/" in word)
    one = visit(width=390)
    page = one.open("/part/" + link.split("/part/")[1])
    one.saved("application-part-link-390")
    page.get_by_label("Role of your cluster").fill("Tester of dryers")
    page.get_by_label("What your cluster contributes").fill("Twelve laundries.")
    page.get_by_role("button", name="Yes, confirm our part").click()
    expect(page.get_by_role("heading", name="Thank you, your answer is kept")).to_be_visible()
    assert bid.partners.get(cluster=cluster).answer == "yes"
    assert one.faults == []

    make.confirm(bid, bid.partners.exclude(cluster=cluster).get())
    bid.perform("sign", by=manager, version=0)
    make.typed(bid, manager, motivation="We ask.", q_stage="new")
    bid.perform("submit", by=manager)
    office = visit(scene.person("coordinator"))
    page = office.open(f"/workspace/applications/{bid.pk}/return_for_clarification/")
    page.get_by_label("Your question").fill("Which region is this?")
    page.get_by_label("Context").check(force=True)
    page.get_by_role("button", name="Return for clarification").click()
    own = visit(manager)
    page = own.open(desk(bid))
    expect(page.get_by_label("Motivation")).to_have_count(0)
    page.get_by_label("Context").fill("East Flanders.")
    expect(says(page)).to_contain_text("Saved at")
    own.saved("application-clarify-1280")
    page.get_by_role("button", name="Check").click()
    page.get_by_label("Your answer").fill("It is in the text now.")
    own.saved("application-resubmit-1280")
    page.get_by_role("button", name="Submit again").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Receipt")
    office.open(f"/workspace/applications/{bid.pk}/")
    office.saved("application-office-1280")
    assert own.faults == [] and office.faults == []
