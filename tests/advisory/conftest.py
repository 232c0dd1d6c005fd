"""A programme and its office, for the tests of advisors."""

from __future__ import annotations

import pytest

from tests import factories as make
from tests.advisory import making_matching as matching


@pytest.fixture
def programme():
    return make.programme()


@pytest.fixture
def people(programme):
    return matching.office(programme)


@pytest.fixture
def coordinator(people):
    return people[1]
