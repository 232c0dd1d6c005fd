"""The pool in a browser: filter, ask, compare, put on a list, decline; wide and narrow, with and without script."""

from __future__ import annotations

import json

import pytest

from advisory.advisor import Advisor
from advisory.shortlist import Shortlist
from tests import factories as make
from tests.advisory import making_matching as matching
from tests.advisory import making_pool as pool

pytestmark = pytest.mark.browser
# Invented people: name, language of the CV, country, areas, kind, years, what the CV says.
PEOPLE = [
    ("Inés Calatayud", "es", "ES", ["water-use", "harmful-emissions"], "sustainability", 14,
     "Diseño de circuitos cerrados de agua para tintorerías en Alcoy.\nAuditorías de agua en 24 empresas textiles."),
    ("Aoife Brennan", "en", "IE", ["water-use", "energy-efficiency"], "both", 9,
     "Closed water loops for dyeing works in Prato and Biella, saving a third of the fresh water.\n"
     "Energy audits of cold stores for seafood processors."),
    ("Jonas Verhulst", "nl", "BE", ["circular-materials", "waste-management"], "sustainability", 21,
     "Materiaalstromen en hergebruik van textielresten in zes weverijen.\nOpleidingen over ecodesign voor kmo's."),
    ("Marta Lindqvist", "sv", "SE", ["sustainable-investments"], "business", None,
     "Gröna lån och obligationer för små och medelstora företag."),
    ("Piotr Zalewski", "pl", "PL", ["energy-efficiency", "carbon-footprint"], "sustainability", 6,
     "Audyty energetyczne w zakładach papierniczych i tekstylnych.\nŚlad węglowy produktów spożywczych."),
    ("Chiara Montanari", "it", "IT", ["resilient-business-models"], "business", 17,
     "Modelli di business circolari per distretti della carta.\nAccompagnamento di reti d'imprese all'estero."),
]  # fmt: skip


@pytest.fixture(scope="module")
def crowd(scene, django_db_blocker):
    """Six candidates with CVs, and a project to compare them with."""
    with django_db_blocker.unblock():
        programme = make.programme(name="Pool programme")
        people = matching.office(programme)
        (project,) = matching.projects(programme, people, [{"areas": ["water-use"], "country": "ES"}])
        for name, language, country, areas, kind, years, text in PEOPLE:
            spoken = [{"code": language, "cefr": "native"}, {"code": "en", "cefr": "B2"}]
            made = pool.with_cv(programme, people[1], text, language=language, name=name, areas=areas, kind=kind)
            particulars = {"countries": [country], "years": years, "languages": spoken, "capacity": 2}
            made.perform("edit", by=people[1], kind=kind, areas=areas, sectors=["textiles"], **particulars)
        pool.indexed()
        yield people[1], project


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
def test_filter_ask_and_compare(visit, crowd, axe, width):
    coordinator, project = crowd
    one = visit(coordinator, width=width)
    page = one.open("/workspace/advisors/pool/")
    whole(one, page, axe, f"pool-{width}")
    if width < 700:
        page.get_by_role("link", name="To the filters").click()
    page.get_by_label("Optimising water use").check()
    page.get_by_role("button", name="Show", exact=True).click()
    page.get_by_text("2 of 6 advisors fit.").first.wait_for()
    page.get_by_role("link", name="Without: Optimising water use").click()
    page.get_by_label("What should they know").fill("dyeing with less water")
    page.get_by_label("What should they know").press("Enter")
    page.get_by_text("Closed water loops for dyeing works").wait_for()
    assert "dyeing" not in page.url
    whole(one, page, axe, f"pool-search-{width}")
    page = one.open("/workspace/advisors/pool/")
    for name in ("Aoife Brennan", "Piotr Zalewski", "Inés Calatayud"):
        page.get_by_label(f"Select {name}").check()
    page.get_by_text("3 selected of 6").wait_for()
    page.get_by_role("button", name="Compare").click()
    page.get_by_label("Against a project").select_option(str(project.pk))
    page.get_by_role("button", name="Show", exact=True).click()
    page.get_by_text("Conflict of interest").wait_for()
    whole(one, page, axe, f"pool-compare-{width}")


def test_several_are_put_on_a_list_and_one_is_declined_by_keyboard_without_script(visit, crowd, axe):
    coordinator, _project = crowd
    one = visit(coordinator, script=False)
    page = one.open("/workspace/advisors/pool/?area=energy-efficiency")
    page.get_by_label("Select Aoife Brennan").focus()
    page.keyboard.press("Space")
    page.get_by_label("Select Piotr Zalewski").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Put on a list…").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Name", exact=True).fill("Energy in the autumn")
    page.get_by_role("button", name="Put 2 advisors on the list").click()
    page.get_by_text("Done: Energy in the autumn (2 advisors)").wait_for()
    assert "area=energy-efficiency" in page.url
    page.get_by_label("Select Piotr Zalewski").check()
    page.get_by_role("button", name="Decline…").click()
    page.get_by_label("Reason").fill("Away until the end of the programme.")
    page.get_by_role("button", name="Decline 1 candidate").click()
    page.get_by_text("1 candidate is declined.").wait_for()
    assert Advisor.objects.get(person__name="Piotr Zalewski", programme__name="Pool programme").state == "declined"
    made = Shortlist.objects.get(name="Energy in the autumn")
    for width in (1280, 390):
        seen = visit(coordinator, width=width)
        whole(seen, seen.open(made.get_absolute_url()), axe, f"shortlist-{width}")
        advisor = Advisor.objects.get(person__name="Aoife Brennan", programme__name="Pool programme")
        whole(seen, seen.open(f"/workspace/advisors/{advisor.pk}/"), axe, f"pool-advisor-{width}")
        seen.page.get_by_role("link", name="New note").click()
        whole(seen, seen.page, axe, f"pool-note-{width}")
