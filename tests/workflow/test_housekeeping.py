"""Once a day the relay takes away what nobody needs any more, and nothing else."""

from __future__ import annotations

import datetime as dt
import os

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from facility.registry.documents import Document
from facility.workflow import clock, tasks
from facility.workflow.once import Once
from tests import factories

pytestmark = pytest.mark.django_db
DAYS = dt.timedelta(days=1)


def test_keys_of_repeated_posts_are_forgotten_after_a_week():
    person = factories.person()
    for key, days in (("old", 8), ("young", 6)):
        Once.objects.create(person=person, key=key, fingerprint="", at=clock.now() - days * DAYS)
    tasks.keep_house()
    assert [one.key for one in Once.objects.all()] == ["young"]


def test_sessions_that_have_ended_go():
    client = Client()
    client.force_login(factories.person())
    Session.objects.create(session_key="ended", session_data="", expire_date=clock.actual() - DAYS)
    tasks.keep_house()
    assert [one.session_key for one in Session.objects.all()] == [client.session.session_key]


def test_where_people_were_signed_in_is_forgotten_with_the_session():
    person, client = factories.person(), Client()
    client.force_login(person)
    for key in (client.session.session_key, "ended"):
        UserSession.objects.create(user=person, session_key=key, ip="192.0.2.7", user_agent="Firefox", data={})
    tasks.keep_house()
    assert [one.session_key for one in UserSession.objects.all()] == [client.session.session_key]


def test_files_without_a_document_go_and_all_others_stay():
    owner, storage = factories.person(), storages["documents"]
    kept = Document().perform(
        "receive", by=owner, files={"file": SimpleUploadedFile("a.txt", b"A note.")}, audience="owner"
    )
    orphan, young = (storage.save(f"{name}.bin", ContentFile(b"x")) for name in ("orphan", "young"))
    report = storage.save("report-1.pdf", ContentFile(b"x"))
    long_ago = (clock.actual() - 2 * DAYS).timestamp()
    for name in (kept.stored, orphan, report):
        os.utime(storage.path(name), (long_ago, long_ago))
    tasks.keep_house()
    assert {name for name in storage.listdir("")[1]} == {kept.stored, young, report}


def test_a_sweep_that_breaks_does_not_hold_up_the_others(monkeypatch):
    def broken() -> int:
        raise OSError("the disk is away")

    tasks.keep_house()  # finds all sweeps first
    monkeypatch.setattr(tasks, "_daily", [broken, *tasks._daily])
    Once.objects.create(person=factories.person(), key="old", fingerprint="", at=clock.now() - 8 * DAYS)
    tasks.keep_house()
    assert not Once.objects.exists()
