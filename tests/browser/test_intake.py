"""CVs come in: a ZIP by the office, confirmed beside its text; an application by the open form; wide and narrow."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.core.cache import cache
from playwright.sync_api import expect

from advisory.advisorcall import AdvisorCall
from advisory.curriculum import CurriculumVitae
from advisory.intake import CvIntake
from facility.registry.programme import Programme
from tests.advisory import making_packs as packs
from tests.advisory.making_matching import run

pytestmark = pytest.mark.browser
VIOLATIONS = "async () => (await axe.run()).violations.map(v => `${v.id}: ${v.nodes.map(n => n.target).join(' ')}`)"
CONSENT = "The office of the programme keeps your CV to find projects that fit. You may have it erased at any time."


def work() -> None:
    run("advisory.take_in")
    run("advisory.read_cv")


def sound(one, page, axe, width) -> None:
    """No violation, and nothing scrolls sideways."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(axe)
    assert page.evaluate(VIOLATIONS) == []
    assert one.faults == []


@pytest.mark.parametrize("width", [1280, 390])
def test_the_office_uploads_a_zip_and_confirms_two_cvs(visit, scene, axe, tmp_path, width):
    file = tmp_path / f"cvs-{width}.zip"
    number = width
    file.write_bytes(packs.zipped({f"{n}.txt": packs.text_of(number + n) for n in (1, 2)} | {"empty.txt": b""}))
    one = visit(scene.person("coordinator"), width=width)
    page = one.open("/workspace/advisors/")
    page.get_by_role("link", name="Upload many CVs").click()
    page.get_by_role("link", name="Upload many CVs").click()
    one.saved(f"intake-upload-{width}")
    page.get_by_label("ZIP or files").set_input_files(file)
    page.get_by_role("button", name="Upload many CVs").click()
    expect(page.get_by_text("The ZIP waits to be opened.")).to_be_visible()
    one.saved(f"intake-waiting-{width}")
    work()
    expect(page.locator(".head .state")).to_have_text("Done", timeout=15_000)
    expect(page.get_by_text("The file is empty.")).to_be_visible()
    one.saved(f"intake-done-{width}")
    sound(one, page, axe, width)

    page.locator("tr", has_text="1.txt").get_by_role("link", name=re.compile("^Confirm")).click()
    name = page.locator("[data-lines] input[type=text], [data-lines] input:not([type])").first
    name.focus()
    expect(page.locator(".paper-line.lit")).to_have_count(1)
    expect(page.locator(".paper-line.lit")).to_contain_text("Ada")
    one.saved(f"confirm-cv-{width}")
    sound(one, page, axe, width)
    before = CurriculumVitae.objects.filter(state="confirmed").count()
    page.locator("#kind label").first.click()
    page.get_by_role("button", name="Confirm and next").click()
    expect(page.locator("h1")).to_have_text("Confirm what was read")
    page.locator("#kind label").nth(1).click()
    page.get_by_role("button", name=re.compile("^Confirm$")).click()
    expect(page.get_by_role("status")).to_be_visible()
    assert CurriculumVitae.objects.filter(state="confirmed").count() == before + 2
    assert CvIntake.objects.latest("pk").refused == 1


def test_a_line_leads_to_its_field_and_the_keyboard_is_enough(visit, scene):
    from tests.advisory import making_matching as making

    programme = Programme.objects.get(slug="green")
    cv = making.received(programme, scene.person("coordinator"), file=making.text_file("", packs.text_of(77)))
    run("advisory.read_cv")
    one = visit(scene.person("coordinator"))
    page = one.open(f"{cv.get_absolute_url()}confirm/")
    page.locator(".paper-line.known", has_text="E-mail").click()
    assert page.evaluate("document.activeElement.value").startswith("ada.")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator(".paper-line.lit").first).to_be_visible()
    assert one.faults == []


@pytest.mark.parametrize(("width", "script"), [(1280, True), (390, False)])
def test_somebody_applies_by_the_open_form(visit, scene, axe, tmp_path, width, script):
    cache.clear()
    mail.outbox.clear()
    programme = Programme.objects.get(slug="green")
    call = AdvisorCall.objects.filter(programme=programme).first()
    if call is None:
        said = {"consent_text": CONSENT, "retention_months": 24, "text": "People who have audited firms."}
        call = AdvisorCall().perform("create", by=scene.person("coordinator"), programme=str(programme.pk), **said)
        call.perform("open", by=scene.person("coordinator"))
    file = tmp_path / "cv.txt"
    file.write_bytes(packs.text_of(500 + width))
    one = visit(width=width, script=script)
    page = one.open("/advisors/apply/green/")
    one.saved(f"apply-{width}")
    page.get_by_label("Name").fill("Ada Applies")
    page.get_by_label("E-mail").fill(f"applies{width}@example.org")
    page.get_by_label("CV").set_input_files(file)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Look into your mail")).to_be_visible()
    one.saved(f"apply-sent-{width}")
    run("advisory.prove_address")
    link = re.search(r"http\S+(/advisors/own/\S+)", mail.outbox[-1].body)[1]
    one.open(link)
    one.saved(f"apply-prove-{width}")
    page.get_by_role("button", name="It was me: go on").click()
    run("advisory.read_cv")
    page = one.open(link)
    one.saved(f"apply-sheet-{width}")
    if script:
        sound(one, page, axe, width)
    page.locator("#kind label").first.click()
    page.get_by_label("Interests").fill("none")
    page.get_by_text("I agree to the text above").click()
    page.get_by_role("button", name="Send my application").click()
    expect(page.get_by_text("Your application is in")).to_be_visible()
    one.saved(f"apply-kept-{width}")
    expect(page.get_by_text("Kept until").first).to_be_visible()
    if script:
        sound(one, page, axe, width)
    assert one.faults == []
