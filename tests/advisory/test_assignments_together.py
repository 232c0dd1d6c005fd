"""Two people at the same moment: transactions that really commit."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction

from facility.workflow.steps import Blocked
from tests import factories as make
from tests.advisory import making_matching as matching


@pytest.mark.usefixtures("committed")
def test_the_second_of_two_approvals_waits_for_the_first_and_finds_no_capacity():
    programme = make.programme()
    people = matching.office(programme)
    advisor = matching.pooled(programme, people[1], capacity=1)
    wanted = [matching.proposed(one, advisor, people[1]) for one in matching.projects(programme, people, [{}, {}])]
    is_taken = threading.Event()

    def approve(one, *, is_first):
        try:
            with transaction.atomic():
                if not is_first:
                    is_taken.wait(10)
                one.perform("approve", by=people[1])
                is_taken.set()
                time.sleep(0.5 if is_first else 0)  # long enough for the other to come to its guard, were it let in
                return one.state
        except Blocked as refused:
            return refused.sentences
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(approve, one, is_first=at == 0) for at, one in enumerate(wanted)]
        first, second = (answer.result() for answer in answers)
    assert first == "approved"
    assert second == [f"{advisor} has 1 projects and takes 1 at once."]
