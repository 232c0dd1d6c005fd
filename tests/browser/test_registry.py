"""The profile of a cluster and what hangs on it, wide and narrow; editing and signing without script."""

from __future__ import annotations

import datetime as dt
import json
import re

import pytest
from django.core import mail

from facility.workflow.steps import SYSTEM
from tests import factories as make
from tests.advisory.making_matching import run
from tests.browser.test_pages import RULES
from tests.facility import making_registry as making

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def place(scene, django_db_blocker):
    """The first cluster of the scene, with everything that a profile can hold; and the code of a mailed link."""
    with django_db_blocker.unblock():
        case = next(iter(scene.cases.values()))
        cluster, manager, coordinator = case.project.lead_cluster, case.manager, scene.person("coordinator")
        cluster.refresh_from_db()
        values = {name: getattr(cluster, name) for name in ("name", "lang", "sector", "members_count", "smes_count")}
        more = {"nuts": "ES52", "founded_in": 1998, "legal_form": "Asociación", "website": "https://example.org/"}
        cluster.perform("edit", by=manager, country=str(cluster.country), ecosystem="textiles", **values, **more)
        drivers = "Landfill tax; buyers who ask for recycled yarn."
        sectors = {"eco_sector": "core", "demand_drivers": drivers, "strategic_focus": 4}
        cluster.perform("classify", by=manager, nace=["13", "14"], further_ecosystems=["digital"], **sectors)
        facts = {"management_fte": "2.5", "has_english_website": True, "committed_members": 12}
        cluster.perform("describe_management", by=manager, member_types=["firm", "city", "port"], **facts)
        bodies = [("Ciudad de Levante", "city"), ("Puerto de Levante", "port"), ("Universidad del Valle", "university")]
        made = [
            making.member(cluster, manager, name=name, kind=kind, size="", joined_on=dt.date(2016, 5, 1))
            for name, kind in bodies
        ]
        made[2].perform("leave", by=manager, left_on=making.day(-90))
        making.label(cluster, "silver", awarded_on="2021-03-01", valid_until="2023-02-28", by=coordinator)
        making.label(cluster, "gold", by=coordinator)
        making.outside_assessment(cluster, manager, result="Registered, no. ES-00417")
        sets = making.indicator_set(coordinator, "2020", name="Excellence of management")
        record = making.measurement(cluster, sets, manager, 2025, ("3.5", "4"))
        other = list(scene.cases.values())[1].project.lead_cluster
        making.cooperation(cluster, other, manager, result="A joint stand in Porto.")
        signer = make.person("Aurora Puig")
        text = "We open our halls for audits.\n\nWe share what we learn with the other members."
        engagement = making.engagement(cluster, manager, [(made[0], signer), (made[1], make.person("Blas Roig"))], text)
        programme = case.project.programme
        contact = making.contact(programme, cluster, manager, signer)
        contact.perform("agree", by=signer, consent=True).perform("release", by=manager)
        programme.perform("edit", by=SYSTEM, **making.keeps_register(programme))
        aid = making.aid(programme, case.firms[0], coordinator, 120_000)
        aid.perform(
            "declare",
            by=manager,
            is_complete=True,
            rows=[{"grantor": "Region", "member_state": "ES", "granted_on": making.day(-400), "amount_eur": "200000"}],
        )
        mail.outbox.clear()
        run("facility.ask_by_mail")
        body = next(one.body for one in mail.outbox if "Aurora" in one.body)
        home = cluster.get_absolute_url()
        return {
            "people": {"manager": manager, "coordinator": coordinator, "signer": signer},
            "cluster-manager": ("manager", home),
            "cluster-coordinator": ("coordinator", home),
            "cluster-public": ("", f"/clusters/{cluster.pk}/"),
            "cluster-edit": ("manager", f"{home}edit/"),
            "cluster-classify": ("manager", f"{home}classify/"),
            "cluster-management": ("manager", f"{home}describe_management/"),
            "label-new": ("manager", f"/workspace/labels/new/record/?cluster={cluster.pk}"),
            "measurement": ("manager", record.get_absolute_url()),
            "measurement-enter": ("manager", f"{record.get_absolute_url()}enter/"),
            "cooperations": ("coordinator", "/workspace/cooperations/"),
            "engagement": ("manager", engagement.get_absolute_url()),
            "engagement-new": ("manager", f"/workspace/engagements/new/create/?cluster={cluster.pk}"),
            "engagement-sign": ("signer", f"{engagement.get_absolute_url()}sign/"),
            "by-link": ("", re.search(r"/answer/[\w-]+/", body)[0]),
            "contact": ("manager", contact.get_absolute_url()),
            "aid": ("coordinator", aid.get_absolute_url()),
            "organisation": ("manager", made[0].get_absolute_url()),
        }


NAMES = [
    *("cluster-manager", "cluster-coordinator", "cluster-public", "cluster-edit", "cluster-classify"),
    *("cluster-management", "label-new", "measurement", "measurement-enter", "cooperations", "engagement"),
    *("engagement-new", "engagement-sign", "by-link", "contact", "aid", "organisation"),
]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_whole(visit, place, axe, name, width):
    who, where = place[name]
    one = visit(place["people"].get(who), width=width)
    page = one.open(where)
    one.saved(f"registry-{name}-{width}")

    assert one.faults == []
    sizes = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    assert len(set(page.evaluate(sizes))) == 1, "the page scrolls sideways"
    page.evaluate(axe)
    found = page.evaluate(f"axe.run(document, {json.dumps(RULES)})")["violations"]
    assert [(rule["id"], [node["html"][:160] for node in rule["nodes"]][:3]) for rule in found] == []


def test_a_section_is_edited_and_a_text_signed_without_script(visit, place):
    one = visit(place["people"]["manager"], script=False)
    page = one.open(place["cluster-manager"][1])
    page.get_by_role("link", name="Edit sectors").click()
    page.get_by_label("Strategic focus").fill("5")
    page.get_by_role("button", name="Edit sectors").click()
    assert page.get_by_text("5 of 5").is_visible()

    mailed = visit(None, script=False)
    page = mailed.open(place["by-link"][1])
    page.get_by_text("I have read the text").click()
    page.get_by_role("button", name="Sign").click()
    assert page.get_by_role("heading", name="Done, thank you").is_visible()
    assert mailed.faults == []
