"""The selection in a browser: the simulator, the letters, the release, the reserve list; wide and narrow."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from facility.application import Application
from facility.selection import Selection
from facility.workflow.steps import SYSTEM
from tests import factories as make
from tests.facility.making_selection import crowd

pytestmark = pytest.mark.browser
NAMES = [
    f"{what} {where}"
    for where in ("Levante", "Alta", "Nordalb", "Savoie", "Silesia", "Tirol", "Minho", "Bothnia", "Donau")
    for what in ("Textile Cluster", "Water Network", "Glass Valley", "Timber District")
]


@pytest.fixture(scope="module")
def ranking(scene, django_db_blocker):
    """36 ranked applications for 12 places, at most two of a country, proposed."""
    with django_db_blocker.unblock():
        programme = make.programme(name="Valley programme")
        lead, coordinator = (make.staff(role, programme) for role in ("lead", "coordinator"))
        call = make.call(
            programme, coordinator, places=12, country_cap=2, reserve_places=6, title_text="Call of spring"
        )
        crowd(call, 36, scores=[Decimal(95) - Decimal(at) * Decimal("1.5") for at in range(36)], names=NAMES)
        with time_machine.travel(timezone.now() + dt.timedelta(days=21), tick=False):
            call.perform("close", by=SYSTEM)
        selection = Selection().perform("create", by=coordinator, call=call)
        selection.perform("propose", by=coordinator, overrides=[])
        yield selection, lead, coordinator


def whole(one, page, axe, name):
    """Nothing in the console, no sideways scroll, nothing that axe finds; and a picture."""
    one.saved(name)
    assert one.faults == []
    sizes = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    assert len(set(page.evaluate(sizes))) == 1, "the page scrolls sideways"
    page.evaluate(axe)
    found = page.evaluate(f"axe.run(document, {json.dumps({'resultTypes': ['violations']})})")["violations"]
    assert [(rule["id"], [node["html"][:160] for node in rule["nodes"]][:3]) for rule in found] == []


@pytest.mark.parametrize("width", [1280, 390])
def test_two_sets_are_compared_with_and_without_script(visit, ranking, axe, width):
    selection, _lead, coordinator = ranking
    for script in (True, False):
        one = visit(coordinator, width=width, script=script)
        page = one.open(f"/workspace/selections/{selection.pk}/simulator/")
        page.get_by_label("At most per country").fill("1")
        if script:
            page.get_by_label("At most per country").press("Tab")
        else:
            page.get_by_role("button", name="Calculate").click()
        page.get_by_role("heading", name="Under set B").wait_for()
        assert page.get_by_text("goes out; the place stays free").count() == 4
        if script:
            whole(one, page, axe, f"simulator-{width}")
    assert Selection.objects.get(pk=selection.pk).version == selection.version


def test_from_the_ranking_to_the_release_and_the_next_on_the_list(visit, ranking, axe):
    selection, lead, coordinator = ranking
    for width in (1280, 390):
        one = visit(coordinator, width=width)
        whole(one, one.open(f"/workspace/selections/{selection.pk}/"), axe, f"selection-{width}")
    selection = Selection.objects.get(pk=selection.pk).perform("approve", by=lead)
    url = f"/workspace/selections/{selection.pk}/letters/"
    for width in (1280, 390):
        one = visit(lead, width=width)
        whole(one, one.open(f"{url}?letter=14"), axe, f"release-{width}")
    page = one.page
    page.get_by_role("link", name="Edit all of this kind").click()
    whole(one, page, axe, "word-letter-390")
    page.go_back()
    page.get_by_role("link", name="Edit this letter").click()
    page.get_by_label("Letter", exact=True).fill("We write to you about {nothing}.")
    page.get_by_role("button", name="Edit a letter").click()
    assert page.get_by_text("There is no field {nothing}").count() == 1
    assert page.get_by_role("button", name="Release 36 decisions").get_attribute("aria-disabled") == "true"
    page.get_by_role("button", name="Draft the letters again").click()
    page.get_by_role("button", name="Release 36 decisions").click()
    page.get_by_role("heading", name="Reserve list").wait_for()
    assert Selection.objects.get(pk=selection.pk).state == "released"

    going = Application.objects.filter(call=selection.call, state="selected").order_by("number").first()
    going.perform("decline", by=going.managers().get(), reason="No staff.")
    for width in (1280, 390):
        one = visit(lead, width=width)
        page = one.open(f"/workspace/selections/{selection.pk}/")
        whole(one, page, axe, f"reserve-list-{width}")
    first = page.get_by_role("heading", name="Next:").inner_text()
    page.get_by_role("button", name="Promote").click()
    page.get_by_text("Done: Promote from the reserve list").wait_for()
    assert Application.objects.filter(call=selection.call, state="selected").count() == 12
    assert first.startswith("Next:")
    told = one.open(f"/workspace/selections/{selection.pk}/letters/")
    assert told.get_by_role("heading", name="Letters of the release").count() == 1
