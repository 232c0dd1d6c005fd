"""The call in the browser: its questions are written with the keyboard and on a phone, with and without script."""

from __future__ import annotations

import json

import pytest

from facility.call import Call
from tests import factories as make

pytestmark = pytest.mark.browser

RULES = {"resultTypes": ["violations"]}


@pytest.fixture
def written(scene):
    """A drafted call, and the address of the page on which its questions are written."""
    coordinator = scene.people["coordinator"]
    call = make.call(scene.records["project"].programme, coordinator, open_now=False, title_text="Call of autumn")
    return call, f"/workspace/calls/{call.pk}/write_questions/"


def whole(one, axe):
    """Nothing in the console, nothing sideways, nothing inaccessible."""
    page = one.page
    sizes = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    assert len(set(page.evaluate(sizes))) == 1, "the page scrolls sideways"
    page.evaluate(axe)
    found = page.evaluate(f"axe.run(document, {json.dumps(RULES)})")["violations"]
    assert [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in found] == []


@pytest.mark.parametrize(("width", "script"), [(1280, True), (390, False)])
def test_questions_are_written_moved_and_saved(visit, scene, axe, written, width, script):
    call, address = written
    one = visit(scene.people["coordinator"], width=width, script=script)
    page = one.open(address)
    one.saved(f"builder-empty-{width}")
    page.click("text=Add a section")
    page.fill("#id_title_en", "Your plan")
    page.select_option("#new-kind", "choice")
    page.click("button:has-text('Add a question')")
    page.fill("#id_label_en", "At what stage are you?")
    page.fill("[name=options-0-label_en]", "New to us")
    page.click("button[name=add-options]")
    page.fill("[name=options-1-label_en]", "Going on")
    page.select_option("#new-kind", "text")
    page.click("button:has-text('Add a question')")
    page.fill("#id_label_en", "What is still missing?")
    page.fill("#id_limit", "1200")
    page.click("summary:has-text('Condition')")
    page.check("label:has-text('At what stage are you?: Going on')")
    page.click("summary:has-text('Nederlands')")
    page.fill("#id_label_nl", "Wat ontbreekt nog?")
    page.click("button:has-text('Duplicate')")
    page.fill("#id_label_en", "")
    page.click("text=Save the questions")
    assert "One thing to mend" in page.inner_text("main")
    one.saved(f"builder-refused-{width}")
    one.faults.clear()
    page.click("button:has-text('Remove')")
    page.click("button:has-text('Preview')")
    one.saved(f"builder-preview-{width}")
    assert page.is_visible("text=Asked only where the answer to “At what stage are you?” is: Going on.")
    page.click("button:has-text('Back to writing')")
    one.saved(f"builder-{width}")
    if script:
        whole(one, axe)
    page.click("text=Save the questions")

    assert "The questions are saved." in page.inner_text("main")
    asked = Call.objects.get(pk=call.pk).questions().questions
    assert list(asked) == ["at_what_stage_are_you", "what_is_still_missing"]
    assert asked["what_is_still_missing"].limit == 1200
    assert asked["what_is_still_missing"].condition.values == ("going_on",)
    assert asked["what_is_still_missing"].label["nl"] == "Wat ontbreekt nog?"
    assert one.faults == []


def test_another_kind_shows_its_settings_at_once_and_the_focus_is_at_what_was_opened(visit, scene, written):
    _call, address = written
    page = visit(scene.people["coordinator"]).open(address)
    page.click("text=Add a section")
    page.click("button:has-text('Add a question')")
    assert page.evaluate("document.activeElement.id") == "open-item"
    page.select_option("#id_kind", "table")
    page.wait_for_selector("[name=columns-0-label_en]")

    assert page.is_visible("#id_rows")


FORM = [
    {
        "key": "plan",
        "title": {"en": "Your plan"},
        "intro": {"en": "What your cluster wants to change, and with whom."},
        "questions": [
            {"key": "why", "kind": "text", "label": {"en": "Why now?"}, "limit": 1200, "required": True},
            {
                "key": "stage",
                "kind": "choice",
                "label": {"en": "At what stage are you?"},
                "options": [
                    {"value": "new", "label": {"en": "New to us"}},
                    {"value": "on", "label": {"en": "Going on"}},
                ],
            },
            {
                "key": "letter",
                "kind": "file",
                "label": {"en": "Letter of your members"},
                "condition": {"question": "stage", "is": ["on"]},
            },
            {
                "key": "firms",
                "kind": "table",
                "label": {"en": "Firms that take part"},
                "columns": [
                    {"key": "name", "label": {"en": "Name"}},
                    {"key": "staff", "label": {"en": "Staff"}, "kind": "number"},
                ],
            },
            {"key": "areas", "kind": "area_ranking", "label": {"en": "Which areas matter most?"}, "minimum": 3},
        ],
    }
]
MEANS = "0 nothing is said\n5 said, and not shown how\n10 convincing in every part"


@pytest.fixture
def announced(scene):
    """A call that is open, with questions and points explained."""
    coordinator = scene.people["coordinator"]
    criteria = [
        {"name": "Relevance", "weight": 60, "guidance": "Fits the aims.", "threshold": 5, "points": MEANS},
        {"name": "Capacity", "weight": 40, "guidance": "People and time.", "points": ""},
    ]
    summary = "Twenty days of advice by two experts, two webinars, and a plan that your members can pay for."
    call = make.call(
        scene.records["project"].programme,
        coordinator,
        open_now=False,
        places=25,
        title_text="Call of winter",
        criteria=criteria,
        summary=summary,
    )
    call.perform("write_questions", by=coordinator, sections=FORM)
    return call.perform("publish", by=coordinator)


@pytest.mark.parametrize("width", [1280, 390])
def test_the_public_page_of_a_call_is_whole(visit, scene, axe, announced, width):
    one = visit(None, width=width)
    page = one.open(f"/calls/{announced.pk}/")
    one.saved(f"public-call-{width}")
    whole(one, axe)

    assert page.is_visible("text=one second later is too late")
    assert one.faults == []


@pytest.mark.parametrize("width", [1280, 390])
def test_the_call_and_its_form_are_whole_for_the_office(visit, scene, axe, announced, written, width):
    one = visit(scene.people["coordinator"], width=width)
    one.open(announced.get_absolute_url())
    one.saved(f"office-call-{width}")
    whole(one, axe)
    one.open(f"{written[0].get_absolute_url()}edit/")
    one.saved(f"call-form-{width}")
    whole(one, axe)
    page = one.open(f"{announced.get_absolute_url()}write_questions/")
    page.click("button:has-text('Preview')")
    one.saved(f"preview-all-{width}")
    whole(one, axe)

    assert one.faults == []
