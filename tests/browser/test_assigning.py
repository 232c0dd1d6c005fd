"""From an offer to the start: the pages wide and narrow, and the whole way without script, two of its turns by mail."""

from __future__ import annotations

import json
import re

import pytest
from django.core import mail

from advisory.assignment import Assignment
from tests import factories as make
from tests.advisory import making_matching as matching
from tests.browser.test_pages import RULES

pytestmark = pytest.mark.browser


def link_to(person, pattern):
    """The path of the last link of a kind that was mailed to somebody."""
    found = [re.search(pattern, one.body) for one in reversed(mail.outbox) if one.to == [person.email]]
    return next(one[0] for one in found if one)


@pytest.fixture(scope="module")
def place(scene, django_db_blocker):
    """An advisor with an offer, an agreement to sign and a project, one who declined, and the office."""
    with django_db_blocker.unblock():
        programme = make.programme()
        people = matching.office(programme)
        lead, coordinator, _evaluator = people
        matching.terms(programme, lead, "You log your sessions truthfully.\n\nYou keep to yourself what you learn.")
        asked = {"text": "Kilns burn gas.", "areas": ["energy-efficiency", "water-use"]}
        offered, waiting, running, gone, journey = matching.projects(programme, people, [asked] * 5)
        advisor = matching.pooled(programme, coordinator, name="Ines Duarte", capacity=9)
        other = matching.pooled(programme, coordinator, name="Karel Novotny", capacity=9)
        offer = matching.offered(offered, advisor, coordinator)
        agreement = matching.drafted(matching.accepted(waiting, advisor, coordinator), coordinator)
        matching.active(running, advisor, coordinator)
        declined = matching.offered(gone, other, coordinator)
        declined.perform("decline", by=other.person, reason="Bound until May.")
        mail.outbox.clear()
        matching.run("advisory.mail_offer")
        matching.run("facility.ask_by_mail")
        wish = matching.preferred(offered, matching.head_of(offered), "Ines Duarte", "wish")
        head = matching.head_of(waiting)
        return {
            "people": {"advisor": advisor.person, "coordinator": coordinator, "manager": head, "other": other.person},
            "journey": (journey, other),
            "my-assignments": ("advisor", "/workspace/my-assignments/"),
            "offer-link": ("", link_to(advisor.person, r"/o/[\w-]+/")),
            "offer": ("advisor", offer.get_absolute_url()),
            "accept": ("advisor", f"{offer.get_absolute_url()}accept/"),
            "offer-office": ("coordinator", offer.get_absolute_url()),
            "declined": ("coordinator", declined.get_absolute_url()),
            "agreement": ("manager", agreement.get_absolute_url()),
            "agreement-sign": ("manager", f"{agreement.get_absolute_url()}sign/"),
            "agreement-link": ("", link_to(head, r"/answer/[\w-]+/")),
            "agreement-draft": ("coordinator", "/workspace/agreements/new/draft/"),
            "preference-new": ("manager", "/workspace/preferences/new/state_preference/"),
            "preferences": ("coordinator", "/workspace/preferences/"),
            "preference": ("coordinator", wish.get_absolute_url()),
        }


NAMES = [
    *("my-assignments", "offer-link", "offer", "accept", "offer-office", "declined", "agreement", "agreement-sign"),
    *("agreement-link", "agreement-draft", "preference-new", "preferences", "preference"),
]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_whole(visit, place, axe, name, width):
    who, where = place[name]
    one = visit(place["people"].get(who), width=width)
    page = one.open(where)
    one.saved(f"assigning-{name}-{width}")

    assert one.faults == []
    sizes = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    assert len(set(page.evaluate(sizes))) == 1, "the page scrolls sideways"
    page.evaluate(axe)
    found = page.evaluate(f"axe.run(document, {json.dumps(RULES)})")["violations"]
    assert [(rule["id"], [node["html"][:160] for node in rule["nodes"]][:3]) for rule in found] == []


def test_the_whole_way_from_a_proposal_to_the_start(visit, place, django_db_blocker):
    project, advisor = place["journey"]
    office = visit(place["people"]["coordinator"], script=False)
    with django_db_blocker.unblock():
        made = matching.proposed(project, advisor, place["people"]["coordinator"])
    page = office.open(made.get_absolute_url())
    page.get_by_role("link", name="Approve").click()
    page.get_by_label("Days").fill("8")
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Offer", exact=True).click()
    with django_db_blocker.unblock():
        matching.run("advisory.mail_offer")
        where = link_to(advisor.person, r"/o/[\w-]+/")

    phone = visit(None, width=390, script=False)
    page = phone.open(where)
    assert page.get_by_text("Kilns burn gas.").first.is_visible()
    page.get_by_text("I agree to the terms of the assignment").click()
    page.get_by_text("I have no interest in the clusters of this project").click()
    page.get_by_role("button", name="Yes, I take it on").click()
    assert page.get_by_role("heading", name="Accepted, thank you").is_visible()

    page = office.open(made.get_absolute_url())
    assert page.get_by_text("There is no agreement of targets, days and deliverables yet").is_visible()
    page.get_by_role("link", name="Draft the agreement").click()
    page.get_by_label("Targets").fill("Four kilns burn less gas.")
    page.get_by_label("Deliverable", exact=True).first.fill("A plan for each kiln")
    page.get_by_label("Due").first.fill(project.ends_on.isoformat())
    page.get_by_role("button", name="Draft an agreement").click()
    assert page.get_by_text("Four kilns burn less gas.").first.is_visible()

    with django_db_blocker.unblock():
        matching.run("facility.ask_by_mail")
        head = matching.head_of(project)
    for person in (advisor.person, head):
        page = visit(None, width=390, script=False).open(link_to(person, r"/answer/[\w-]+/"))
        page.get_by_text("I have read the text").click()
        page.get_by_role("button", name="Sign the agreement").click()
        assert page.get_by_role("heading", name="Done, thank you").is_visible()
    page = office.open(made.get_absolute_url())
    page.get_by_role("button", name="Start").click()
    with django_db_blocker.unblock():
        assert Assignment.objects.get(pk=made.pk).state == "active"
    mine = visit(advisor.person, width=390, script=False).open("/workspace/my-assignments/")
    assert mine.get_by_text("0 of 8 days used, 8 left").is_visible()
