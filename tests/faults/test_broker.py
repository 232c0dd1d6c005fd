"""The broker is only the doorbell: while it is away nobody meets an error, and afterwards everything arrives."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from advisory.session import SupportSession
from facility.workflow.jobs import Job
from facility.workflow.trail import Notice
from tests import factories as make
from tests.advisory import making_support as support
from tests.errands.models import Stop
from tests.faults.plant import amount, script, until
from tests.faults.post import post
from tests.faults.test_workers import fill, is_drained, lost_and_doubled, running
from tests.journeys.browsing import Visitor

pytestmark = pytest.mark.faults
RESTARTS, BACK_WITHIN, AWAY, LONGEST_ANSWER = 20, 30, 1.5, 2
STRAIGHT_TO_THE_BROKER = script("from facility.workflow.tasks import run_job\nrun_job.delay('x')")


class Watch(Visitor):
    """A visitor who notes how long each answer took."""

    def __init__(self, person: Any) -> None:
        super().__init__(person)
        self.longest = 0.0
        self.client.request = self.timed(self.client.request)

    def timed(self, request: Any) -> Any:
        """The same, measured."""

        def measured(**given: Any) -> Any:
            began = time.monotonic()
            answer = request(**given)
            self.longest = max(self.longest, time.monotonic() - began)
            assert answer.status_code < 400
            return answer

        return measured


def test_people_submit_log_and_confirm_while_the_broker_is_away(processes, figure, settings):
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": f"unix://{processes.broker.socket}"}}
    programme = make.programme()
    one = support.case("in_support", programme=programme)
    cluster = make.cluster()
    manager = make.manager_of(cluster)
    draft = make.draft(make.call(programme, one.coordinator), manager, cluster)
    Notice.objects.all().delete()  # the scene was set partly in the future
    applicant, adviser, confirmer = Watch(manager), Watch(one.adviser), Watch(one.manager)
    with post() as sink:
        processes.environment["EMAIL_URL"] = sink.url
        processes.start("relay")
        processes.start("worker")
        until(is_drained, 60)
        processes.broker.stop()
        applicant.take(draft, "submit")
        values = support.session_values(one)
        adviser.make("sessions", "log", f"?project={values.pop('project')}", **values)
        session = SupportSession.objects.get(project=one.project)
        until(lambda: "broker_away" in processes.said("relay"), 30)
        confirmer.take(session, "confirm")
        asked = Job.objects.get(name="advisory.ask_confirmation")
        assert asked.state == Job.State.WAITING
        processes.broker.start()
        back = until(is_drained, 60)
        back += until(lambda: not Notice.objects.filter(mail_after__isnull=False, mailed_at=None).exists(), 60)
    draft.refresh_from_db()
    session.refresh_from_db()
    assert (draft.state, session.state) == ("submitted", "confirmed")
    assert not Job.objects.exclude(state=Job.State.DONE).exists()
    mailed = Notice.objects.filter(mailed_at__isnull=False)
    assert {f"<{key}@" for key in mailed.values_list("pk", flat=True)} <= {one[:38] for one in sink.ids()}
    longest = max(who.longest for who in (applicant, adviser, confirmer))
    figure("longest answer while the broker is away", round(longest, 2), "2 s", "s", longest <= LONGEST_ANSWER)
    figure("everything has arrived after the broker is back", round(back, 1), "60 s", "s")
    assert longest <= LONGEST_ANSWER


def test_control_a_step_that_rings_by_itself_breaks_while_the_broker_is_away(processes):
    processes.broker.stop()
    assert processes.start("step", STRAIGHT_TO_THE_BROKER).wait() != 0
    assert "OperationalError" in processes.said("step")


def test_a_restarted_broker_is_consumed_again(processes, figure):
    choose, errands, worst = random.Random(5), running(20), 0.0
    processes.start("relay")
    processes.start("worker")
    for _ in range(amount(RESTARTS)):
        fill(errands, 10)
        time.sleep(choose.uniform(0, 1))  # in the middle of the work, or idle
        processes.broker.stop()
        fill(errands, 10)
        time.sleep(choose.uniform(0, AWAY))
        processes.broker.start()
        began = time.monotonic()
        (new,) = fill(errands, 1)
        until(lambda: Stop.objects.filter(place=str(new.pk)).exists(), 90)  # noqa: B023
        worst = max(worst, time.monotonic() - began)
    until(is_drained, 90)
    figure(
        f"longest until a restarted broker is consumed, {amount(RESTARTS)} restarts",
        round(worst, 1),
        f"{BACK_WITHIN} s",
        "s",
        worst <= BACK_WITHIN,
    )
    assert lost_and_doubled() == (0, 0)
    assert worst <= BACK_WITHIN
