"""A body that is larger than accepted is an answer like any other."""

from __future__ import annotations

import pytest

from tests.workflow import making
from tests.workflow.test_api import Api

pytestmark = pytest.mark.django_db


def test_a_body_that_is_too_large_is_told_so(settings):
    giver, _runner = making.people()
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = Api(giver).post("/api/errands/", {"what": "x" * 200})
    assert answer.status_code == 413
    assert answer["Content-Type"] == "application/problem+json"
