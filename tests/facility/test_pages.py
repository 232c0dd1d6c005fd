"""Every list and page of this app costs the same number of statements at one row and at three."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from facility.evaluation import Evaluation
from facility.registry.conflicts import Conflict
from facility.registry.documents import Document
from facility.registry.organisation import Organisation
from facility.selection import Selection
from facility.workflow.steps import SYSTEM
from tests import factories as make

pytestmark = pytest.mark.django_db

# records: (web list, web page, API list, API detail), with sign-in and roles; literals, so that a growth is seen.
COSTS = {
    "programmes": (5, 6, 4, 5),
    "grants": (5, 6, 4, 6),
    "clusters": (5, 16, 4, 5),
    "organisations": (6, 9, 4, 7),
    "conflicts": (6, 7, 4, 5),
    "documents": (5, 7, 4, 5),
    "calls": (6, 11, 4, 5),
    "applications": (6, 15, 4, 5),
    "evaluations": (6, 8, 4, 6),
    "selections": (6, 9, 4, 9),
}


class Office:
    """A coordinator, and rows of every kind that they see."""

    def __init__(self) -> None:
        self.programme = make.programme()
        self.coordinator = make.staff("coordinator", self.programme)
        self.evaluator = make.staff("evaluator", self.programme)
        self.call = make.call(self.programme, self.coordinator)
        self.client = Client()
        self.client.force_login(self.coordinator)

    def programmes(self):
        made = make.programme()
        make.grant(self.coordinator, "coordinator", "programme", made.pk, by=SYSTEM, programme=made)
        self.client.force_login(self.coordinator)  # a new role ends the sessions
        return made

    def grants(self):
        return make.grant(
            make.person(), "policymaker", "programme", self.programme.pk, by=SYSTEM, programme=self.programme
        )

    def clusters(self):
        return make.cluster()

    def organisations(self):
        values = {"name": "Firm", "kind": "firm", "size": "small", "country": "ES", "cluster": make.cluster()}
        return Organisation().perform("create", by=SYSTEM, **values)

    def conflicts(self):
        return Conflict().perform(
            "declare", by=SYSTEM, person=self.evaluator, cluster=make.cluster(), kind="other", note=""
        )

    def documents(self):
        file = SimpleUploadedFile("a.txt", b"text")
        return Document().perform(
            "receive", by=self.coordinator, files={"file": file}, programme=self.programme, audience="owner"
        )

    def calls(self):
        return make.call(self.programme, self.coordinator)

    def applications(self):
        return make.evaluated(self.call, self.coordinator, self.evaluator)

    def evaluations(self):
        return Evaluation.objects.get(application=self.applications())

    def selections(self):
        return Selection().perform("create", by=self.coordinator, call=self.calls())


def statements(client: Client, page: str) -> int:
    client.get(page)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(page)
    assert answer.status_code == 200, page
    return len(queries)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("records", COSTS)
def test_lists_and_pages_cost_the_same_at_one_row_and_at_three(records, rows):
    office = Office()
    made = [getattr(office, records)() for _ in range(rows)][-1]
    pages = (
        f"/workspace/{records}/",
        f"/workspace/{records}/{made.pk}/",
        f"/api/{records}/",
        f"/api/{records}/{made.pk}/",
    )
    assert tuple(statements(office.client, page) for page in pages) == COSTS[records]
