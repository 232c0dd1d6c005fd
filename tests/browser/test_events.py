"""Questions on a call and information webinars in the browser, wide and narrow; a stranger comes by the mail."""

from __future__ import annotations

import datetime as dt
import json
import re

import pytest
from django.core import mail
from django.utils import timezone

from facility.asked import Asked
from tests.webinars import making
from webinars.webinar import Webinar

pytestmark = pytest.mark.browser
RULES = {"resultTypes": ["violations"]}
ANSWERED = [
    ("May a partner come from outside the European Union?", "Yes, as a partner. The lead is from a Member State."),
    ("Who signs the declaration of honour?", "Whoever may commit the organisation of the lead cluster.\n\nOnce."),
]
# Name of the picture: who looks, and at what.
PAGES = {
    "call-questions": ("nobody", "/calls/{call}/questions/"),
    "ask": ("manager", "/workspace/call-questions/new/ask/?call={call}"),
    "question": ("coordinator", "/workspace/call-questions/{open}/"),
    "answer": ("coordinator", "/workspace/call-questions/{open}/prepare_answer/"),
    "questions-office": ("coordinator", "/workspace/call-questions/"),
    "event": ("nobody", "/events/{event}/"),
    "event-office": ("coordinator", "/workspace/webinars/{event}/"),
    "event-announce": ("coordinator", "/workspace/webinars/{draft}/announce/"),
    "event-new": ("coordinator", "/workspace/webinars/new/create/"),
}


@pytest.fixture(scope="module")
def keys(scene, django_db_blocker):
    """Keys of the call, a question that waits, an announced information webinar, and one in draft."""
    with django_db_blocker.unblock():
        call, office, manager = scene.records["call"], scene.person("coordinator"), scene.person("manager")
        for wording, reply in ANSWERED:
            one = Asked().perform("ask", by=manager, call=call, text=wording)
            one.perform("prepare_answer", by=office, wording=wording, reply=reply).perform("publish", by=office)
        text = "Yes. The lead is established in a Member State of the European Union."
        one.perform("correct", by=office, question=wording, answer=text, reason="It named the wrong organisation.")
        waits = Asked().perform("ask", by=manager, call=call, text="Can the budget for travel be used for members?")
        starts = timezone.now() + dt.timedelta(days=6)
        values = {
            "programme": call.programme_id,
            "kind": "information",
            "call": call,
            "starts_at": starts,
            "ends_at": starts + dt.timedelta(hours=2),
            "zone": "Europe/Brussels",
            "summary": "What the call offers, who can apply, and how applications are judged. Bring your questions.",
            "link": "https://meet.example.org/info",
            "agenda": making.AGENDA,
        }
        made = [
            Webinar().perform("create", by=office, order=order, title_text="How to apply", **values) for order in (1, 2)
        ]
        made[0].perform("announce", by=office)
        making.run_jobs()
        return {"call": call.pk, "open": waits.pk, "event": made[0].pk, "draft": made[1].pk}


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole(visit, scene, keys, axe, name, width):
    role, where = PAGES[name]
    one = visit(scene.person(role), width=width)
    page = one.open(where.format(**keys))
    one.saved(f"{name}-{width}")
    assert one.faults == []
    sizes = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    assert len(set(page.evaluate(sizes))) == 1, "the page scrolls sideways"
    page.evaluate(axe)
    found = page.evaluate(f"axe.run(document, {json.dumps(RULES)})")["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:120]) for one in found] == []


def test_a_stranger_takes_a_place_by_the_mail_without_script(visit, keys, django_db_blocker):
    one = visit(width=390, script=False)
    page = one.open(f"/events/{keys['event']}/")
    page.get_by_label("Name").fill("Mara Lind")
    page.get_by_label("E-mail").fill("mara.lind@example.org")
    page.get_by_role("button", name="Register").click()
    assert page.get_by_role("status").inner_text().startswith("Look into your mail")
    with django_db_blocker.unblock():
        making.run_jobs("webinars.confirm_sign_up")
    code = re.search(r"/events/places/([\w-]+)/", mail.outbox[-1].body)[1]
    page = one.open(f"/events/places/{code}/")
    page.get_by_role("button", name="Take my place").click()
    assert page.get_by_role("link", name="Join").get_attribute("href") == "https://meet.example.org/info"
    one.saved("place-390")
    page.get_by_role("button", name="I cannot come").click()
    assert page.get_by_role("button", name="Take my place").is_visible()
