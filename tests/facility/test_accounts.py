"""Sessions end, limits hold without Redis, figures stay inside, and the log holds no personal data."""

from __future__ import annotations

import io
import json
import logging
import time

import pytest
import structlog
from django.core.cache import caches
from django.db import IntegrityError, transaction
from django.test import Client
from redis.backoff import NoBackoff
from redis.retry import Retry

from facility.registry.people import Person
from tests import factories

MINUTE, HOUR = 60, 3600


def is_in(client):
    return client.get("/workspace/inbox/").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "gone_after"), [("lead", 31 * MINUTE), ("evaluator", 31 * MINUTE), ("observer", 31 * MINUTE)]
)
def test_staff_are_signed_out_after_half_an_hour_of_nothing(at, role, gone_after):
    client = Client()
    client.force_login(factories.staff(role, factories.programme()))
    assert is_in(client)
    at(29 * MINUTE)
    assert is_in(client)
    at(29 * MINUTE + gone_after)
    assert not is_in(client)


@pytest.mark.django_db
def test_others_stay_for_eight_hours_and_nobody_longer(at):
    manager, lead = Client(), Client()
    manager.force_login(factories.person())
    lead.force_login(factories.staff("lead", factories.programme()))
    for minutes in range(0, 8 * 60, 20):
        at(minutes * MINUTE)
        assert is_in(lead)
    at(8 * HOUR - 1)
    assert is_in(manager) and is_in(lead)
    at(8 * HOUR + 1)
    assert not is_in(manager) and not is_in(lead)


@pytest.mark.django_db
def test_whoever_is_disabled_is_out_at_once():
    person, client = factories.person(), Client()
    client.force_login(person)
    assert is_in(client)
    Person.objects.filter(pk=person.pk).update(is_active=False)
    assert not is_in(client)


@pytest.fixture
def without_redis(settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "facility.cache.SharedCache",
            "LOCATION": "unix:///nowhere/valkey.sock",
            "OPTIONS": {"socket_connect_timeout": 1, "retry": Retry(NoBackoff(), 0)},
        }
    }
    yield
    caches["default"].here.clear()


@pytest.mark.django_db
def test_signing_in_works_without_redis_and_is_still_limited(without_redis):
    person = factories.person()
    client = Client()
    form = {"login": person.email, "password": "correct horse battery"}
    before = time.monotonic()
    assert client.post("/accounts/login/", form).status_code == 302
    assert time.monotonic() - before < 2
    stranger = Client()
    codes = [
        stranger.post("/accounts/login/", form | {"password": f"wrong {n}"}).content.count(b"Too many")
        for n in range(12)
    ]
    assert codes[0] == 0 and codes[-1] > 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, 200),
        ({"REMOTE_ADDR": "10.1.2.3"}, 200),
        ({"REMOTE_ADDR": "8.8.8.8"}, 404),
        ({"REMOTE_ADDR": ""}, 404),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "8.8.8.8"}, 404),
    ],
)
def test_figures_are_for_the_inside(asked, status):
    assert Client().get("/metrics", **asked).status_code == status


@pytest.mark.django_db
def test_or_for_whoever_shows_the_key(settings):
    settings.METRICS_TOKEN = "a-long-key"
    outside = {"REMOTE_ADDR": "8.8.8.8"}
    assert Client().get("/metrics", **outside, HTTP_AUTHORIZATION="Bearer a-long-key").status_code == 200
    assert Client().get("/metrics", **outside, HTTP_AUTHORIZATION="Bearer another").status_code == 404
    assert Client().get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("logger", [logging.getLogger("django.request"), structlog.get_logger()])
def test_an_error_is_logged_without_the_values_that_caused_it(settings, logger):
    known, said = factories.person(), io.StringIO()
    format_ = {name: value for name, value in settings.LOGGING["formatters"]["json"].items() if name != "()"}
    handler = logging.StreamHandler(said)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(**format_))
    logging.getLogger().addHandler(handler)
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Person.objects.create_user(known.email, "Twin")
    assert known.email in str(caught.value)
    logger.error("broken", exc_info=caught.value)
    logging.getLogger().removeHandler(handler)
    line = json.loads(said.getvalue())
    assert line["errors"] == ["IntegrityError", "UniqueViolation"] and "people.py" in " ".join(line["lines"])
    assert known.email not in said.getvalue()
