"""A match run in the browser: open an explanation, try to forbid the pair, see who moves, take it over."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.browser


@pytest.mark.row("F07")
@pytest.mark.parametrize("width", [1280, 390])
def test_a_pair_is_explained_and_forbidding_it_is_tried_first(visit, scene, axe, width):
    one = visit(scene.person("coordinator"), width=width)
    page = one.open(scene.address("run"))
    page.locator("summary").first.click()
    one.saved(f"match-run-open-{width}")
    page.get_by_role("link", name="Show who moves").first.click()
    assert page.get_by_role("heading", name="What it costs").is_visible()
    assert page.get_by_role("heading", name="Who moves").is_visible()
    one.saved(f"what-if-tried-{width}")
    sizes = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    assert len(set(page.evaluate(sizes))) == 1, "the page scrolls sideways"
    page.evaluate(axe)
    found = page.evaluate(f"axe.run(document, {json.dumps({'resultTypes': ['violations']})})")["violations"]
    assert [(rule["id"], [node["html"][:160] for node in rule["nodes"]][:3]) for rule in found] == []
    assert page.get_by_role("button", name="Take over").is_visible()
    page.locator("#id_language").select_option("mt")
    page.locator("#id_language_for").select_option(index=1)
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Try").press("Enter")
    assert page.get_by_text("must speak mt").is_visible()
    one.saved(f"what-if-impossible-{width}")
    assert one.faults == []
