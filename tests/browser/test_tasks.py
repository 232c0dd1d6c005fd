"""What people do: on a phone by keyboard alone, from a mail, with and without script, in their language."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from advisory.session import SupportSession
from tests.browser.scene import NEEDS

pytestmark = pytest.mark.browser
FOCUSED = (
    "[document.activeElement.labels?.[0]?.innerText ?? document.activeElement.innerText, document.activeElement.name]"
)


def tab_to(page, name, limit=60):
    """Presses Tab until the control of this label or field name has the focus."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        label, field = page.evaluate(FOCUSED)
        if name in {(label or "").strip(), field}:
            return
    raise AssertionError(f"the keyboard does not reach {name}")


def test_an_advisor_logs_a_session_on_a_phone_by_keyboard_alone(visit, scene):
    one = visit(scene.person("advisor"), width=390)
    page = one.open("/workspace/")
    tab_to(page, "Log a session")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sessions/new/log/")
    tab_to(page, "form")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Online webinars")).to_be_checked()
    tab_to(page, "contact_hours")
    page.keyboard.type("2.5")
    tab_to(page, NEEDS[1][1])
    page.keyboard.press("Space")
    tab_to(page, "result")
    page.keyboard.type("The rinsing water runs twice now.")
    tab_to(page, "Log a session")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Online webinars of")

    made = SupportSession.objects.get(result="The rinsing water runs twice now.")
    assert (made.state, made.form, made.contact_hours) == ("logged", "online_webinar", 2.5)
    assert sorted(row.need.text for row in made.needs.select_related("need")) == sorted([NEEDS[0][1], NEEDS[1][1]])
    assert one.faults == []


def test_a_faulty_form_takes_the_focus_to_what_is_to_be_mended(visit, scene):
    page = visit(scene.person("advisor"), width=390).open("/workspace/sessions/new/log/")
    page.get_by_role("button", name="Log a session").click()
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_role("alert").get_by_role("link", name="What came out of it").click()
    expect(page.get_by_label("What came out of it")).to_be_focused()


def test_a_manager_confirms_from_the_mail_in_two_clicks(visit, scene):
    one = visit(width=390)
    page = one.open(scene.address("the link"))  # the first click, in the mail
    page.get_by_role("button", name="Yes, confirm").click()
    expect(page.get_by_role("heading", name="Confirmed, thank you")).to_be_visible()

    assert SupportSession.objects.get(pk=scene.records["session"].pk).state == "confirmed"
    assert one.faults == []
    assert [cookie["name"] for cookie in one.context.cookies()] == ["csrf"], "nobody is signed in"


def ranked(scene, voice):
    """The needs as this voice ranked them."""
    rows = scene.records["needs"].rankings.filter(voice=voice).order_by("rank")
    return [row.need.text for row in rows.select_related("need")]


def test_needs_are_ranked_with_the_arrow_keys(visit, scene):
    one = visit(scene.person("ranking manager"))
    page = one.open(scene.address("needs submit_ranking"))
    last = page.get_by_label(f"Rank of {NEEDS[3][1]}")
    last.focus()
    for _ in range(3):
        page.keyboard.press("Alt+ArrowUp")
    expect(last).to_be_focused()
    expect(page.locator("[data-rank-says]")).to_have_text(f"{NEEDS[3][1]} is now 1 of 4")
    page.get_by_role("button", name=f"Move {NEEDS[0][1]} down").press("Enter")
    page.get_by_role("button", name="Send my ranking").click()
    page.wait_for_url("**/projects/*/")

    assert ranked(scene, "manager") == [NEEDS[3][1], NEEDS[1][1], NEEDS[0][1], NEEDS[2][1]]
    assert one.faults == []


def test_needs_are_ranked_by_numbers_and_buttons_without_script(visit, scene):
    one = visit(scene.person("ranking advisor"), script=False)
    page = one.open(scene.address("needs submit_ranking"))
    page.get_by_role("button", name=f"Move {NEEDS[3][1]} up").click()
    assert page.locator("ol.rank h2").all_inner_texts() == [NEEDS[at][1] for at in (0, 1, 3, 2)]
    for at, rank in ((0, 4), (1, 3), (2, 2), (3, 1)):
        page.get_by_label(f"Rank of {NEEDS[at][1]}").fill(str(rank))
    page.get_by_role("button", name="Send my ranking").click()
    page.wait_for_url("**/projects/*/")

    assert ranked(scene, "advisor") == [NEEDS[at][1] for at in (3, 2, 1, 0)]
    assert one.faults == []


def test_signing_in_by_e_mail_and_password(visit, scene):
    one = visit()
    page = one.open("/accounts/login/?next=/workspace/board/")
    page.get_by_label("Email").fill(scene.person("coordinator").email)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/workspace/board/")
    expect(page.get_by_role("heading", level=1, name="Projects")).to_be_visible()
    assert one.faults == []


def test_the_language_is_changed_in_the_foot_and_stays(visit, scene):
    one = visit()
    page = one.open("/accounts/login/")
    page.get_by_role("button", name="Nederlands").click()
    expect(page.get_by_role("heading", level=1, name="Aanmelden")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "nl")
    one.saved("sign-in-nl-1280")
    page.locator("[name=login]").fill(scene.person("ranking manager").email)
    page.locator("[name=password]").fill("correct horse battery")
    page.get_by_role("button", name="Aanmelden", exact=True).click()
    page.wait_for_url("**/workspace/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Welkom terug, Chiara")
    one.saved("manager-home-nl-1280")
    assert one.faults == []


def test_the_menu_of_a_phone_opens_by_keyboard(visit, scene):
    page = visit(scene.person("coordinator"), width=390).open("/workspace/")
    expect(page.get_by_role("link", name="Reports")).to_be_hidden()
    page.get_by_role("button", name="Menu").press("Enter")
    page.get_by_role("link", name="Reports").press("Enter")
    page.wait_for_url("**/workspace/reports/")
