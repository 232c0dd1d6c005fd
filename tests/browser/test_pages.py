"""Each main page of each role, wide and narrow: nothing in the console, nothing from outside, nothing inaccessible."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.browser

# Name of the picture: who looks (nobody: not signed in), and at what.
PAGES = {
    "coordinator-home": ("coordinator", "/workspace/"),
    "board": ("coordinator", "/workspace/board/"),
    "board-table": ("coordinator", "/workspace/board/?view=table"),
    "project": ("coordinator", "project"),
    "match-run": ("coordinator", "run"),
    "what-if": ("coordinator", "run what-if"),
    "fairness": ("coordinator", "run fairness"),
    "equality": ("advisor", "/workspace/equality/"),
    "trail": ("coordinator", "/workspace/trail/"),
    "applications": ("coordinator", "/workspace/applications/"),
    "call": ("coordinator", "call"),
    "report": ("coordinator", "report"),
    "inbox": ("coordinator", "/workspace/inbox/"),
    "jobs": ("coordinator", "/workspace/jobs/"),
    "search": ("coordinator", "/workspace/search/?q=glas"),
    "topics": ("coordinator", "/workspace/topics/"),
    "webinars": ("coordinator", "/workspace/webinars/"),
    "new-call": ("coordinator", "/workspace/calls/new/create/"),
    "advisor-home": ("advisor", "/workspace/"),
    "advisor-project": ("advisor", "project"),
    "log-session": ("advisor", "/workspace/sessions/new/log/"),
    "manager-home": ("manager", "/workspace/"),
    "session": ("manager", "session"),
    "rank-needs": ("ranking manager", "needs submit_ranking"),
    "evaluator-home": ("evaluator", "/workspace/"),
    "review": ("evaluator", "review"),
    "declaration": ("evaluator", "declaration"),
    "observer-home": ("observer", "/workspace/"),
    "public-home": ("nobody", "/"),
    "programme": ("nobody", "/p/green/"),
    "toolkit": ("nobody", "/toolkit/"),
    "toolkit-cell": ("nobody", "/toolkit/green.innovation.intelligence/"),
    "sign-in": ("nobody", "/accounts/login/"),
    "confirm": ("nobody", "the link"),
}
RULES = {"resultTypes": ["violations"]}


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole(visit, scene, axe, name, width):
    role, where = PAGES[name]
    one = visit(scene.person(role), width=width)
    page = one.open(scene.address(where))
    one.saved(f"{name}-{width}")

    assert one.faults == []
    sizes = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    assert len(set(page.evaluate(sizes))) == 1, "the page scrolls sideways"
    page.evaluate(axe)
    found = page.evaluate(f"axe.run(document, {json.dumps(RULES)})")["violations"]
    assert [(rule["id"], [node["html"][:160] for node in rule["nodes"]][:3]) for rule in found] == []
