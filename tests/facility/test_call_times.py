"""Opening and closing: times in the call's zone, daylight saving, later closing, and who is late."""

import datetime as dt
import io

import pytest
import time_machine

from facility.call import UNDER_WAY, Call
from facility.workflow import clock
from facility.workflow.steps import SYSTEM, Blocked, Invalid
from facility.workflow.trail import Notice
from tests import factories as make

pytestmark = pytest.mark.django_db

ATHENS_CLOSING = dt.datetime(2027, 3, 5, 16, 0, tzinfo=dt.UTC)  # 18:00 in Athens
SECOND = dt.timedelta(seconds=1)


def submit_url(application):
    return f"/workspace/applications/{application.pk}/submit/"


@pytest.fixture
def scene():
    """An open call that closes at 18:00 in Athens, with a complete draft; the clock stands ten minutes earlier."""
    with time_machine.travel(ATHENS_CLOSING - dt.timedelta(minutes=10), tick=False) as traveller:
        programme = make.programme()
        coordinator = make.staff("coordinator", programme)
        call = make.call(
            programme,
            coordinator,
            zone="Europe/Athens",
            opens_at="2027-03-01T09:00",
            closes_at="2027-03-05T18:00",
        )
        cluster = make.cluster()
        manager = make.manager_of(cluster)
        yield traveller, call, make.draft(call, manager, cluster), manager


def test_times_are_entered_in_the_zone_of_the_call(scene):
    _traveller, call, *_others = scene

    assert call.closes_at == ATHENS_CLOSING
    assert call.closes() == "5 March 2027, 18:00 (Europe/Athens)"


def test_pages_show_and_offer_the_times_in_the_zone_of_the_call(scene, client):
    _traveller, call, *_others = scene
    coordinator = make.staff("coordinator", call.programme)
    client.force_login(coordinator)
    draft = make.call(call.programme, coordinator, open_now=False, zone="Europe/Athens", closes_at="2027-03-31T18:00")

    assert "5 March 2027, 18:00 (Europe/Athens)" in client.get(call.get_absolute_url()).content.decode()
    assert 'value="2027-03-31T18:00"' in client.get(f"{draft.get_absolute_url()}edit/").content.decode()


@pytest.mark.parametrize(
    ("closes", "says"),
    [("2027-03-28T02:30", "put forward"), ("2027-10-31T02:30", "comes twice"), ("tomorrow", "Give a day and a time")],
)
def test_a_time_that_the_clocks_skip_or_repeat_is_refused_in_words(scene, closes, says):
    _traveller, call, *_others = scene
    with pytest.raises(Invalid) as refused:
        make.call(call.programme, make.staff("coordinator", call.programme), closes_at=closes)

    assert says in " ".join(refused.value.errors["closes_at"])


def test_an_offset_tells_the_two_hours_apart(scene):
    _traveller, call, *_others = scene
    coordinator = make.staff("coordinator", call.programme)
    first, second = (
        make.call(call.programme, coordinator, closes_at=f"2027-10-31T02:30:00{offset}")
        for offset in ("+02:00", "+01:00")
    )

    assert second.closes_at - first.closes_at == dt.timedelta(hours=1)


def test_late_by_a_second_is_late(scene, client):
    traveller, _call, application, manager = scene
    client.force_login(manager)
    traveller.move_to(ATHENS_CLOSING)
    late = client.post(submit_url(application))

    assert late.status_code == 409
    assert "5 March 2027, 18:00 (Europe/Athens)" in late.content.decode()
    traveller.move_to(ATHENS_CLOSING - SECOND)
    assert client.post(submit_url(application)).status_code == 302


class Slow(io.BytesIO):
    """The body of a request that is still arriving when the closing time comes and the clock closes the call."""

    def __init__(self, traveller, call, delay=SECOND):
        super().__init__(b"_token=abc")
        self.traveller, self.call, self.delay = traveller, call, delay

    def read(self, *args):
        if self.call is not None:
            self.traveller.move_to(ATHENS_CLOSING + self.delay)
            Call.objects.get(pk=self.call.pk).perform("close", by=SYSTEM)
            self.call = None
        return super().read(*args)


def slow_post(client, application, body):
    head = {"CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": "10", "wsgi.input": body}
    return client.generic("POST", submit_url(application), **head)


def test_what_counts_is_when_the_request_began_to_arrive(scene, client):
    traveller, call, application, manager = scene
    client.force_login(manager)
    traveller.move_to(ATHENS_CLOSING - SECOND)

    assert slow_post(client, application, Slow(traveller, call)).status_code == 302
    application.refresh_from_db()
    assert application.state == "submitted"


def test_a_request_that_is_held_open_on_purpose_is_late(scene, client):
    traveller, call, application, manager = scene
    client.force_login(manager)
    traveller.move_to(ATHENS_CLOSING - SECOND)

    assert slow_post(client, application, Slow(traveller, call, UNDER_WAY)).status_code == 409


def test_control_without_the_time_of_arrival_the_slow_request_would_be_late(scene, client, monkeypatch):
    traveller, call, application, manager = scene
    client.force_login(manager)
    traveller.move_to(ATHENS_CLOSING - SECOND)
    monkeypatch.setattr(clock, "received", clock.now)

    assert slow_post(client, application, Slow(traveller, call)).status_code == 409


def test_a_later_closing_time_is_told_to_everybody_with_a_draft_or_an_application(scene):
    _traveller, call, application, manager = scene
    lead = make.staff("lead", call.programme)
    colleague = make.person("", ("manager", "cluster", application.lead_cluster))
    stranger = make.manager_of(make.cluster())
    with pytest.raises(Invalid, match="later than the present"):
        call.perform("extend", by=lead, closes_at="2027-03-05T17:59", reason="Too early")
    call.perform("extend", by=lead, closes_at="2027-03-08T18:00", reason="The server stood still")

    told = Notice.objects.filter(record_id=call.pk, key__contains="closes later")
    assert {manager.pk, colleague.pk, lead.pk} <= set(told.values_list("to_id", flat=True))
    assert stranger.pk not in set(told.values_list("to_id", flat=True))
    assert told.count() == told.values("to_id").distinct().count()
    assert "2027-03-08 18:00 (Europe/Athens)" in told.first().text()
    assert call.closes_at == ATHENS_CLOSING + dt.timedelta(days=3)


def test_after_the_extension_what_was_late_is_in_time(scene):
    traveller, call, application, manager = scene
    lead = make.staff("lead", call.programme)
    call.perform("extend", by=lead, closes_at="2027-03-08T18:00", reason="The server stood still")
    traveller.move_to(ATHENS_CLOSING + dt.timedelta(days=1))
    other = make.cluster()
    slower = make.draft(call, make.manager_of(other), other)
    application.perform("submit", by=manager)
    traveller.move_to(ATHENS_CLOSING + dt.timedelta(days=3))
    with pytest.raises(Blocked, match="8 March 2027, 18:00"):
        slower.perform("submit", by=make.manager_of(other))
