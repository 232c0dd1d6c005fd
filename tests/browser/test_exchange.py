"""A table comes in: upload, preview, confirm, at a desk and on a phone, with and without script; then figures."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from facility.registry.cluster import Cluster

pytestmark = pytest.mark.browser
TABLE = """name;country;sector;members;smes
Clúster Téxtil de Levante;ES;Textiles and leather;90;60
Papierkring {width};NL;Paper;25;20
Nowhere {width};Atlantis;Paper;25;20
"""
VIOLATIONS = "async () => (await axe.run()).violations.map(v => `${v.id}: ${v.nodes.map(n => n.target).join(' ')}`)"


@pytest.mark.parametrize(("width", "script"), [(1280, True), (390, False)])
def test_the_office_brings_in_a_table(visit, scene, axe, tmp_path, width, script):
    file = tmp_path / "clusters.csv"
    file.write_text(TABLE.format(width=width))
    one = visit(scene.person("coordinator"), width=width, script=script)
    page = one.open("/workspace/imports/")
    one.saved(f"imports-{width}")
    page.get_by_role("link", name="Import a table").click()
    one.saved(f"import-upload-{width}")
    page.get_by_label("Table").set_input_files(file)
    page.get_by_role("button", name="Import a table").click()
    expect(page.get_by_text("Nothing is written yet")).to_be_visible()
    expect(page.get_by_text("Select a valid choice")).to_be_visible()
    one.saved(f"import-preview-{width}")
    if script:
        page.evaluate(axe)
        assert page.evaluate(VIOLATIONS) == []
    before = Cluster.objects.count()
    page.get_by_role("button", name="Take over the right rows").click()
    expect(page.locator(".head .state")).to_have_text("Taken over")
    one.saved(f"import-done-{width}")
    assert Cluster.objects.count() == before + 1
    assert one.faults == []


@pytest.mark.parametrize("width", [1280, 390])
def test_figures_have_charts_with_words_and_do_not_scroll_sideways(visit, scene, axe, width):
    from facility.call import Call

    call = Call.objects.filter(applications__isnull=False).first()
    one = visit(scene.person("coordinator"), width=width)
    page = one.open(f"/workspace/calls/{call.pk}/figures/")
    expect(page.get_by_role("img", name="From application to place")).to_be_visible()
    one.saved(f"figures-{width}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(axe)
    assert page.evaluate(VIOLATIONS) == []
    assert one.faults == []
