"""Applying as an advisor by the open form: the address is proven, and a candidate stands there with consent."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import time_machine
from django.core import mail
from django.core.cache import cache
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from advisory.advisor import Advisor
from advisory.advisorcall import AdvisorCall
from advisory.applicant import Applicant
from advisory.curriculum import CurriculumVitae
from advisory.tasks import intake as tasks
from facility.registry.people import Person
from facility.workflow.jobs import Job
from facility.workflow.steps import Invalid
from tests import factories as make
from tests.advisory import making_matching as making
from tests.advisory import making_packs as packs
from tests.advisory.test_confirming import inputs, row_of

pytestmark = pytest.mark.django_db
CONSENT = "The office keeps the CV to find projects. Ask it to have the CV erased."


@pytest.fixture(autouse=True)
def _fresh_counts():
    cache.clear()


@pytest.fixture
def coordinator(programme):
    return make.staff("coordinator", programme)


@pytest.fixture
def call(programme, coordinator):
    made = AdvisorCall().perform(
        "create", by=coordinator, programme=str(programme.pk), consent_text=CONSENT, retention_months=18
    )
    return made.perform("open", by=coordinator)


def form_of(call):
    return f"/advisors/apply/{call.programme.slug}/"


def sent(call, number=1, email="", client=None, content=None):
    """The form as somebody sends it."""
    file = SimpleUploadedFile("Lebenslauf.txt", content or packs.text_of(number))
    data = {"name": "Ada Sent", "email": email or f"ada{number}@example.org", "file": file}
    return (client or Client()).post(form_of(call), data)


def mailed(count=1):
    """The address in the mail."""
    making.run("advisory.prove_address")
    assert len(mail.outbox) == count
    return re.search(r"http\S+(/advisors/own/\S+)", mail.outbox[-1].body)[1]


def read_page(link, client):
    """The page with what was read, after the proof."""
    answer = client.post(link)
    assert answer.status_code == 302, re.findall(r'id="why".*?</ul>', answer.content.decode(), re.DOTALL)
    making.run("advisory.read_cv")
    return client.get(link).content.decode()


ABOUT = {"capacity": "1", "days": "20", "available_from": "2026-12-01", "interests": "none", "consent": "on"}


@pytest.mark.row("F06")
def test_from_the_form_to_a_candidate_with_consent(call, coordinator):
    client = Client()
    page = client.get(form_of(call)).content.decode()
    assert CONSENT in page and 'type="file"' in page
    assert "Look into your mail" in sent(call, client=client).content.decode()
    assert not Person.objects.filter(email="ada1@example.org").exists() and not CurriculumVitae.objects.exists()

    link = mailed()
    assert "Ada Sent" not in mail.outbox[0].body and mail.outbox[0].to == ["ada1@example.org"]
    assert "It was me" in client.get(link).content.decode() and not CurriculumVitae.objects.exists()
    client.post(link)
    assert "being read" in client.get(link).content.decode() and client.get(f"{link}?live=1").content
    making.run("advisory.read_cv")
    assert client.get(f"{link}?live=1")["HX-Refresh"] == "true"
    page = client.get(link).content.decode()
    assert "one year" not in page and "18 months" in page and CONSENT in page
    posted = inputs(page)
    assert "ada1@example.org" in page and f"{row_of(posted, 'email')}-value" not in posted

    answer = client.post(link, posted | ABOUT | {"kind": "sustainability"})
    assert answer.status_code == 302, re.findall(r"field-error.*?</p>", answer.content.decode(), re.DOTALL)
    advisor = Advisor.objects.select_related("person").get()
    assert (advisor.state, advisor.kind, advisor.capacity, advisor.days) == ("candidate", "sustainability", 1, 20)
    assert advisor.person.email == "ada1@example.org" and not advisor.person.has_usable_password()
    assert advisor.consent and (advisor.consent_version, advisor.interests) == (1, "none")
    assert advisor.keep_until > (timezone.now() + dt.timedelta(days=530)).date()
    cv = CurriculumVitae.objects.get()
    assert cv.state == "confirmed" and {one.confirmed_by for one in cv.fields.filter(confirmed=True)} == {
        advisor.person
    }

    kept = client.get(link).content.decode()
    assert "Your application is in" in kept and CONSENT in kept and "Zaragoza" in kept
    assert client.get(f"{link}kept.zip").content.startswith(b"PK")
    assert Applicant.objects.get().stored == ""


def test_without_consent_or_interests_nothing_is_taken_and_nothing_typed_is_lost(call):
    client = Client()
    sent(call, client=client)
    link = mailed()
    posted = inputs(read_page(link, client)) | {"row-1-value": "Ada Typed"}
    answer = client.post(link, posted | ABOUT | {"consent": "", "interests": "", "kind": "business"})
    page = answer.content.decode()
    assert answer.status_code == 400 and "Ada Typed" in page and page.count("This field is required.") >= 2
    assert not Advisor.objects.exists() and CurriculumVitae.objects.get().state == "read"
    answer = client.post(link, posted | ABOUT)
    assert answer.status_code == 400 and "business or a sustainability advisor" in answer.content.decode()


def test_consent_is_to_the_text_that_was_read(call, coordinator):
    client = Client()
    sent(call, client=client)
    link = mailed()
    posted = inputs(read_page(link, client)) | ABOUT | {"kind": "business"}
    call.perform("edit", by=coordinator, consent_text="Kept for ever.", retention_months=18)
    answer = client.post(link, posted)
    page = answer.content.decode()
    assert answer.status_code == 400 and "Kept for ever." in page and "The text was changed meanwhile." in page
    assert not Advisor.objects.exists()
    assert client.post(link, posted | {"consent_version": inputs(page)["consent_version"]}).status_code == 302
    assert Advisor.objects.get().consent_version == 2


def test_consent_told_to_the_office_is_to_no_text_and_the_own_page_shows_it(call, coordinator):
    advisor = making.candidate(call.programme, coordinator)
    said = {"consent": True, "interests": "none", "clusters": []}
    advisor.perform("declare_interests", by=coordinator, **said)
    assert (advisor.consent, advisor.consent_version) == (True, None)
    client = Client()
    client.force_login(advisor.person)
    assert CONSENT in client.get(f"{advisor.get_absolute_url()}declare_interests/").content.decode()
    advisor.perform("declare_interests", by=advisor.person, **said)
    assert advisor.consent_version is None  # nobody says that the text was read
    advisor.perform("declare_interests", by=advisor.person, **said, consent_version=1)
    assert advisor.consent_version == 1
    call.perform("edit", by=coordinator, consent_text="Kept for ever.", retention_months=18)
    page = f"{advisor.get_absolute_url()}declare_interests/"
    answer = client.post(page, {"consent": "on", "interests": "none", "consent_version": "1", "_version": "x"})
    assert answer.status_code in {400, 409}
    seen = inputs(client.get(page).content.decode())
    stale = client.post(page, seen | {"consent": "on", "interests": "none", "consent_version": "1"})
    told = stale.content.decode()
    assert stale.status_code == 400 and "Kept for ever." in told and "The text was changed meanwhile." in told
    assert inputs(told)["consent_version"] == "2"


def test_an_address_that_is_known_gets_the_same_answer_and_a_newer_cv(call, coordinator):
    known = making.candidate(call.programme, coordinator, name="Ada Known", email="known@example.org")
    making.confirmed(known, coordinator)
    client = Client()
    same = sent(call, 1, "known@example.org", client)
    other = sent(call, 2, "new@example.org", client)
    strip = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]*"|\d+:\d+|nonce-\S+')
    assert strip.sub(b"", same.content) == strip.sub(b"", other.content)
    making.run("advisory.prove_address")
    body = next(one.body for one in mail.outbox if one.to == ["known@example.org"])
    link = re.search(r"http\S+(/advisors/own/\S+)", body)[1]
    posted = inputs(read_page(link, client))
    assert "kind" not in posted
    assert client.post(link, posted | ABOUT).status_code == 302
    assert Advisor.objects.get(pk=known.pk).curricula.filter(state="replaced").count() == 1


def test_a_file_that_the_office_has_already_is_that_cv(call, coordinator):
    received = making.received(call.programme, coordinator, file=SimpleUploadedFile("cv.txt", packs.text_of(1)))
    making.run("advisory.read_cv")
    client = Client()
    sent(call, client=client)
    read_page(mailed(), client)
    assert CurriculumVitae.objects.get().pk == received.pk and CurriculumVitae.objects.get().applicant.email


def test_nobody_takes_the_file_of_somebody_else(call):
    client = Client()
    sent(call, 1, "first@example.org", client)
    first = mailed()
    client.post(first)
    cache.clear()
    sent(call, 1, "second@example.org", client)
    second = mailed(2)
    answer = client.post(second)
    assert answer.status_code == 409 and "somebody else" in answer.content.decode()
    assert CurriculumVitae.objects.get().applicant.email == "first@example.org"


def test_tries_are_counted_and_mails_too(call):
    client = Client()
    answers = [sent(call, 1, "flood@example.org", client).status_code for _try in range(7)]
    assert answers[:5] == [200] * 5 and 429 in answers[5:]
    making.run("advisory.prove_address")
    assert len(mail.outbox) == 1 and Applicant.objects.count() == 1
    kept = [name for name in storages["documents"].listdir("")[1] if name.endswith(".sent")]
    assert Applicant.objects.get().stored in kept


@pytest.mark.parametrize(
    ("name", "content"), [("cv.exe", b"MZ"), ("cv.pdf", b"no pdf"), ("cv.png", b"\x89PNG\r\n\x1a\n")]
)
def test_what_is_no_cv_is_refused_in_words(call, name, content):
    data = {"name": "Ada", "email": "ada@example.org", "file": SimpleUploadedFile(name, content)}
    answer = Client().post(form_of(call), data)
    assert answer.status_code == 400 and "field-error" in answer.content.decode()
    assert not Applicant.objects.exists()


def test_a_call_that_is_closed_or_over_takes_nothing(call, coordinator):
    with time_machine.travel(timezone.now(), tick=False):
        call.perform("close", by=coordinator)
        assert "No applications are taken" in Client().get(form_of(call)).content.decode()
        assert sent(call).status_code == 400 and not Applicant.objects.exists()
    assert Client().get("/advisors/apply/no-such-programme/").status_code == 404
    assert Client().get("/advisors/own/no-such-code/").status_code == 404


def test_what_nobody_proves_goes_after_three_days(call):
    sent(call)
    stored = Applicant.objects.get().stored
    assert Applicant.forget() == 0
    with time_machine.travel(timezone.now() + dt.timedelta(days=4)):
        assert tasks.forget_applicants() == 1
    assert not Applicant.objects.exists() and stored not in storages["documents"].listdir("")[1]


def test_another_consent_is_another_version_and_the_first_stays(call, coordinator):
    call.perform("edit", by=coordinator, consent_text=CONSENT, retention_months=12, text="Green minds")
    assert call.consent_version == 1
    call.perform("edit", by=coordinator, consent_text="Another.", retention_months=12)
    assert call.consent_version == 2
    assert list(call.consent_texts.order_by("number").values_list("text", flat=True)) == [CONSENT, "Another."]
    with pytest.raises(Invalid, match="edit that one"):
        AdvisorCall().perform(
            "create", by=coordinator, programme=str(call.programme_id), consent_text="x", retention_months=1
        )


def test_nothing_personal_stands_in_jobs(call):
    sent(call)
    assert "ada1" not in str(list(Job.objects.values_list("args", "key")))
