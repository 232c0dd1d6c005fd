"""Sessions: logged by the advisor, confirmed by the cluster, approved by a coordinator who did not do the work."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid

import pytest
import time_machine
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from advisory.session import SupportSession
from facility.instruments.link import Link
from facility.workflow.jobs import Job
from facility.workflow.steps import Blocked, Invalid, NotAllowed, NotFound
from facility.workflow.trail import Detail, Notice
from tests import factories as make
from tests.advisory import making_matching as matching
from tests.advisory import making_support as support

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_cache(settings):
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": uuid.uuid4().hex}
    }
    cache.clear()


def state_of(session):
    """As it stands in the database."""
    return SupportSession.objects.get(pk=session.pk).state


# ---------------------------------------------------------------- logging


@pytest.mark.row("F09", "F16", "F18")
@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("held_on", timezone.now().date() + dt.timedelta(days=2), "This day has not come yet."),
        ("contact_hours", "0", "Give the hours of contact; they are more than 0."),
        ("contact_hours", "", "This field is required."),
        ("contact_hours", "25", "Ensure this value is less than or equal to 24."),
        ("form", "lecture", "Select a valid choice. lecture is not one of the available choices."),
        ("kind", "legal", "Select a valid choice. legal is not one of the available choices."),
        ("audience", "", "This field is required."),
        ("firms", [], "Name at least one member firm, since the session was for members."),
        ("needs", [], "Name at least one need that the session served."),
        ("result", "", "This field is required."),
    ],
)
def test_what_a_session_must_say(field, value, sentence):
    case = support.case("planning")
    with pytest.raises(Invalid) as refused:
        support.session(case, **{field: value})
    assert refused.value.errors == {field: [sentence]}


@pytest.mark.row("F18")
def test_managers_alone_need_no_firm():
    case = support.case("planning")
    made = support.session(case, audience="managers", firms=[])
    assert made.firms.count() == 0
    made = support.session(case, audience="members")
    assert [row.organisation for row in made.firms.all()] == [case.firms[0]]


@pytest.mark.row("F09")
def test_firms_needs_and_actions_are_those_of_the_project():
    case, other = support.cases(2)
    for one in (case, other):
        support.kicked_off(one)
        support.agreed(one)
    foreign = {
        "firms": [str(other.firms[0].pk)],
        "needs": [str(other.project.needs.first().pk)],
        "actions": [str(support.action(other).pk)],
    }
    for field, value in foreign.items():
        with pytest.raises(Invalid) as refused:
            support.session(case, **{field: value})
        assert list(refused.value.errors) == [field]
    with pytest.raises(Invalid) as refused:
        SupportSession().perform("log", by=other.adviser, **support.session_values(case))
    assert "project" in refused.value.errors


def test_sessions_rest_while_the_project_does():
    case = support.case("planning")
    case.project.perform("pause", by=case.coordinator, reason="Summer.")
    with pytest.raises(Invalid) as refused:
        support.session(case)
    assert refused.value.errors == {"project": ["Sessions are for projects that run; this one is: Paused."]}


def test_a_planned_session_is_logged_later_or_cancelled():
    case = support.case("planning")
    later = timezone.now().date() + dt.timedelta(days=5)
    plan = support.session_values(case, held_on=later, contact_hours="", result="", firms=[])
    held, dropped = (SupportSession().perform("plan", by=case.adviser, **plan) for _number in range(2))
    with pytest.raises(Invalid):
        held.perform("log_planned", by=case.adviser, **support.session_values(case, held_on=later))
    held.perform("log_planned", by=case.adviser, **support.session_values(case))
    assert held.state == "logged"
    dropped.perform("cancel", by=case.adviser, reason="Ill.")
    assert dropped.state == "cancelled"


# ---------------------------------------------------------------- judging


@pytest.mark.row("F09")
def test_the_coordinator_approves_or_returns_what_the_cluster_confirmed():
    case = support.case("planning")
    session = support.session(case)
    with pytest.raises(Blocked):
        session.perform("approve", by=case.coordinator)
    session.perform("confirm", by=case.manager)
    session.perform("return_session", by=case.coordinator, reason="Which hall?")
    assert state_of(session) == "logged"
    session.perform("revise", by=case.adviser, **support.session_values(case, result="Audits in hall B."))
    session.perform("confirm", by=case.manager)
    session.perform("approve", by=case.coordinator)
    assert state_of(session) == "approved"
    assert not [step for step in SupportSession.from_state("approved") if not step.quiet]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_nobody_judges_own_work():
    case = support.case("planning")
    project = case.project
    session = support.session(case)
    make.grant(case.adviser, "manager", "project", project.pk, by=make.SYSTEM)
    make.grant(
        case.adviser, "coordinator", "programme", project.programme_id, by=make.SYSTEM, programme=project.programme
    )
    for step, data in (
        ("confirm", {}),
        ("dispute", {"wrong": "day", "reason": "x"}),
        ("confirm_on_behalf", {"evidence": "x"}),
    ):
        with pytest.raises(NotAllowed):
            session.perform(step, by=case.adviser, **data)
    session.perform("confirm", by=case.manager)
    with pytest.raises(NotAllowed):
        session.perform("approve", by=case.adviser)
    session.perform("approve", by=case.coordinator)


def test_a_dispute_is_corrected_by_the_advisor_or_settled_by_the_coordinator():
    case = support.case("planning")
    corrected, upheld, dropped = (support.session(case) for _number in range(3))
    for one in (corrected, upheld, dropped):
        with pytest.raises(Invalid):
            one.perform("dispute", by=case.manager, wrong="hours", reason="")
        one.perform("dispute", by=case.manager, wrong="hours", reason="It was two hours.")
    assert corrected.what_is_wrong == "the hours: It was two hours."
    corrected.perform("revise", by=case.adviser, **support.session_values(case, contact_hours="2"))
    assert (corrected.state, corrected.what_is_wrong) == ("logged", "")
    upheld.perform("settle", by=case.coordinator, decision="confirmed", reason="The list says three.")
    dropped.perform("settle", by=case.coordinator, decision="cancelled", reason="Nobody was there.")
    assert (upheld.state, dropped.state) == ("confirmed", "cancelled")
    with pytest.raises(NotAllowed):  # who settled it does not approve it
        upheld.perform("approve", by=case.coordinator)
    upheld.perform("approve", by=case.second)


def test_a_silent_cluster_blocks_nobody_for_ever():
    case = support.case("planning")
    session = support.session(case)
    with pytest.raises(Blocked) as refused:
        session.perform("confirm_on_behalf", by=case.coordinator, evidence="The list of those present.")
    (sentence,) = refused.value.sentences
    assert re.fullmatch(
        r"The cluster may answer until \d+ \w+ \d{4}; after that you can confirm with evidence\.", sentence
    )
    with time_machine.travel(
        timezone.now() + dt.timedelta(days=case.project.programme.confirm_days, minutes=1), tick=False
    ):
        with pytest.raises(Invalid):
            session.perform("confirm_on_behalf", by=case.coordinator, evidence="")
        session.perform("confirm_on_behalf", by=case.coordinator, evidence="The list of those present.")
        with pytest.raises(NotAllowed):
            session.perform("approve", by=case.coordinator)
        session.perform("approve", by=case.second)
    assert case.manager.notices.filter(key__contains="was confirmed for you").exists()


def test_strangers_do_not_know_the_session():
    case, other = support.cases(2)
    support.kicked_off(case)
    session = support.session(case)
    for person in (other.adviser, other.manager, make.person()):
        with pytest.raises(NotFound):
            session.perform("confirm", by=person)


def test_who_is_waited_for():
    case = support.case("planning")
    session = support.session(case)
    waiting = SupportSession.objects.waiting_on
    assert [waiting(p).exists() for p in (case.adviser, case.manager, case.coordinator)] == [False, True, False]
    session.perform("dispute", by=case.manager, wrong="day", reason="Another day.")
    assert [waiting(p).exists() for p in (case.adviser, case.manager, case.coordinator)] == [True, False, True]


# ---------------------------------------------------------------- the link from the mail


def asked(case, **fields):
    """A logged session and the code that its manager was mailed."""
    session = support.session(case, **fields)
    mail.outbox.clear()
    assert matching.run("advisory.ask_confirmation") == ["done"]
    (message,) = mail.outbox
    assert message.to == [case.manager.email]
    (code,) = re.findall(r"/c/([\w-]+)/", message.body)
    return session, code


def post(client, code, session, step="confirm", **data):
    """The answer from the mail's page."""
    address = reverse("confirm-link", kwargs={"code": code})
    return client.post(address, {"step": step, "_version": session.version, **data})


def test_the_code_stands_in_the_mail_alone():
    case = support.case("planning")
    session, code = asked(case)
    stored = json.dumps(
        [
            [[n.key, n.params, n.link] for n in Notice.objects.filter(record_id=session.pk)],
            [job.args for job in Job.objects.filter(record_id=session.pk)],
            [d.changes for d in Detail.objects.filter(entry__record_id=session.pk)],
            [[str(value) for value in row] for row in Link.objects.values_list()],
        ],
        default=str,
    )
    assert code not in stored
    key = uuid.uuid5(session.pk, f"1 {case.manager.pk}")
    assert mail.outbox[0].extra_headers["Message-ID"] == f"<{key}@example.org>"
    assert case.manager.notices.filter(record_id=session.pk, mail_after__isnull=True).count() == 1


def test_a_link_confirms_once_and_without_a_sign_in(client):
    case = support.case("planning")
    session, code = asked(case)
    address = reverse("confirm-link", kwargs={"code": code})
    page = client.get(address)
    assert "no-store" in page["Cache-Control"]
    assert "Three audits done." in page.content.decode()
    assert case.manager.email not in page.content.decode()
    assert state_of(session) == "logged"  # looking changes nothing
    answer = post(client, code, session)
    assert (answer.status_code, answer["Location"]) == (302, address)
    assert "Confirmed, thank you" in client.get(address).content.decode()
    assert SupportSession.objects.get(pk=session.pk).confirmed_by == case.manager
    again = post(client, code, session, "dispute", wrong="day", reason="Another day.")
    assert again.status_code == 410
    assert state_of(session) == "confirmed"


def test_a_link_says_what_is_wrong_and_asks_for_words(client):
    case = support.case("planning")
    session, code = asked(case)
    missing = post(client, code, session, "dispute", wrong="hours")
    assert missing.status_code == 400
    assert "This field is required." in missing.content.decode()
    assert post(client, code, session, "dispute", wrong="hours", reason="Two, not three.").status_code == 302
    assert SupportSession.objects.get(pk=session.pk).what_is_wrong == "the hours: Two, not three."


def test_a_session_that_changed_since_it_was_read_is_shown_again(client):
    case = support.case("planning")
    session, code = asked(case)
    seen = session.version
    session.perform("revise", by=case.adviser, **support.session_values(case, contact_hours="8"))
    session.version = seen
    assert post(client, code, session).status_code == 409
    assert state_of(session) == "logged"


def test_links_that_are_unknown_expired_or_of_somebody_else_are_not_there(client):
    case, other = support.cases(2)
    support.kicked_off(case)
    session, code = asked(case)
    assert client.get("/c/nothing-of-the-kind/").status_code == 404
    foreign = Link.make(other.manager, session, "confirm")
    assert client.get(f"/c/{foreign}/").status_code == 404
    assert post(client, foreign, session).status_code == 404
    for_another_step = Link.make(case.manager, session, "approve")
    assert client.get(f"/c/{for_another_step}/").status_code == 404
    with time_machine.travel(timezone.now() + dt.timedelta(days=31), tick=False):
        assert client.get(f"/c/{code}/").status_code == 404
    case.manager.is_active = False
    case.manager.save()
    assert client.get(f"/c/{code}/").status_code == 404
    assert state_of(session) == "logged"


def test_a_link_of_a_session_that_was_answered_elsewhere_does_nothing(client):
    case = support.case("planning")
    session, code = asked(case)
    session.perform("confirm", by=case.manager)
    assert post(client, code, session, "dispute", wrong="day", reason="x").status_code == 410
    assert state_of(session) == "confirmed"


def test_guessing_ends_after_five_tries_a_minute_from_one_address(client):
    answers = [client.get(f"/c/guess-{n}/", REMOTE_ADDR="192.0.2.7").status_code for n in range(7)]
    assert answers == [404] * 5 + [429] * 2
    assert client.get("/c/guess/", REMOTE_ADDR="192.0.2.8").status_code == 404


def test_the_form_from_the_mail_is_safe_from_other_sites(client):
    from django.test import Client

    case = support.case("planning")
    session, code = asked(case)
    strict = Client(enforce_csrf_checks=True)
    assert post(strict, code, session).status_code == 403
    page = strict.get(f"/c/{code}/").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
    assert post(strict, code, session, csrfmiddlewaretoken=token).status_code == 302


def test_a_session_that_was_corrected_is_asked_for_again_and_the_old_question_falls_away():
    case = support.case("planning")
    session = support.session(case)
    session.perform("revise", by=case.adviser, **support.session_values(case, contact_hours="2"))
    mail.outbox.clear()
    assert matching.run("advisory.ask_confirmation") == ["done", "done"]
    (message,) = mail.outbox
    assert str(uuid.uuid5(session.pk, f"2 {case.manager.pk}")) in message.extra_headers["Message-ID"]


# ---------------------------------------------------------------- the pages


def test_logging_on_a_phone_is_prefilled_from_the_last_session(client):
    case = support.case("planning")
    client.force_login(case.adviser)
    page = f"/workspace/sessions/new/log/?project={case.project.pk}"
    fresh = client.get(page)
    assert fresh.status_code == 200
    fields = fresh.context["form"].visible_fields()
    assert len(fields) <= 12
    support.session(case, form="direct_consultancy", contact_hours="2.5")
    again = client.get("/workspace/sessions/new/log/")
    form = again.context["form"]
    assert "Filled in from your session of" in again.content.decode()
    assert (form["form"].value(), form["result"].value()) == ("direct_consultancy", None)
    assert 'value="direct_consultancy" checked' in again.content.decode()
    posted = support.session_values(case, _token="t1")
    answer = client.post("/workspace/sessions/new/log/", posted)
    assert answer.status_code == 302
    assert client.post("/workspace/sessions/new/log/", posted).status_code == 302  # the same page sent twice
    assert SupportSession.objects.filter(project=case.project).count() == 2


def test_logging_keeps_what_was_typed_and_names_each_fault(client):
    case = support.case("planning")
    client.force_login(case.adviser)
    posted = support.session_values(case, firms=[], contact_hours="0", result="We looked at hall B.")
    answer = client.post("/workspace/sessions/new/log/", posted)
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "Name at least one member firm, since the session was for members." in page
    assert "We looked at hall B." in page


@pytest.mark.parametrize("path", ["/workspace/sessions/", "/api/sessions/"])
def test_lists_take_as_many_statements_for_three_as_for_one(client, path):
    case = support.case("planning")
    support.session(case)
    client.force_login(case.coordinator)
    one = matching.statements(client, path)
    for _number in range(2):
        support.session(case, firms=[str(firm.pk) for firm in case.firms])
    assert matching.statements(client, path) == one
