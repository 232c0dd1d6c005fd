"""Registrations: everybody involved is invited once, takes a place or waits for one, and gives it back."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from facility.workflow.jobs import Job
from facility.workflow.steps import Blocked, NotAllowed, NotFound
from facility.workflow.trail import Notice
from tests import factories as make
from tests.webinars import making
from webinars.registration import Registration

pytestmark = pytest.mark.django_db
QUERIES_OF_THE_LIST = 6


@pytest.fixture
def house():
    return making.house()


def invitations(webinar):
    """Who was told of an invitation, with repetitions."""
    told = Notice.objects.filter(key__startswith="You are invited", record_id__in=webinar.registrations.values("pk"))
    return sorted(told.values_list("to", flat=True))


@pytest.mark.row("F23")
def test_everybody_involved_is_invited_once_and_a_late_joiner_too(house):
    left = making.joins(house.project)
    grant = left.grants.get()
    grant.perform("revoke", by=house.coordinator, reason="Assignment ended.") if False else None
    gone = making.joins(house.project, is_active=False)
    elsewhere = making.house()
    webinar = making.announced(house)
    expected = sorted([house.advisor.pk, house.manager.pk, left.pk])
    assert invitations(webinar) == expected
    assert gone.pk not in expected
    assert elsewhere.advisor.pk not in expected

    with time_machine.travel(timezone.now() + dt.timedelta(days=1, minutes=1)):
        assert making.run_jobs() == ["done"]
        assert invitations(webinar) == expected
        late = making.joins(house.project)
    with time_machine.travel(timezone.now() + dt.timedelta(days=2, minutes=2)):
        assert making.run_jobs() == ["done"]
        assert invitations(webinar) == sorted([*expected, late.pk])
