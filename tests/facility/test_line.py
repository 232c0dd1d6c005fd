from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from facility.workflow import trail
from facility.workflow.engine import all_records
from facility.workflow.steps import SYSTEM
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_from_call_to_release():
    programme = make.programme()
    lead, coordinator, evaluator = (make.staff(r, programme) for r in ("lead", "coordinator", "evaluator"))
    call = make.call(programme, coordinator, places=2)
    made = [make.evaluated(call, coordinator, evaluator, value=v) for v in (9, 8, 7, 2)]
    with time_machine.travel(timezone.now() + dt.timedelta(days=21), tick=False):
        call.perform("close", by=SYSTEM)
        make.released(call, coordinator, lead)
    states = [type(a).objects.get(pk=a.pk).state for a in made]
    assert states == ["selected", "selected", "reserve", "rejected"]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert trail.verify(all_records()) == []
