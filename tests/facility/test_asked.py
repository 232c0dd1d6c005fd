"""Questions on a call: who asks until when, who answers, and that everybody reads the answer at the same moment."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.template import engines
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from facility.asked import Asked, EarlierAnswer, questions_until
from facility.registry.grants import Grant
from facility.workflow import tasks
from facility.workflow.steps import Blocked, Invalid, NotAllowed, NotFound
from facility.workflow.trail import Entry, Notice
from tests import factories as make

pytestmark = pytest.mark.django_db
PAGE_QUERIES = 3
TEXT = "May Cluster Nine, Ann Applicant, bring a partner from Tunisia?"


@pytest.fixture
def scene():
    return Scene()


class Scene:
    """An open call with its office, an applicant with a draft, and a manager who has none."""

    def __init__(self) -> None:
        self.programme = make.programme()
        self.lead, self.coordinator = (make.staff(role, self.programme) for role in ("lead", "coordinator"))
        self.call = make.call(self.programme, self.coordinator, question_days=7)
        self.cluster = make.cluster(name="Cluster Nine")
        self.manager = make.person("Ann Applicant", ("manager", "cluster", self.cluster), programme=self.programme)
        self.draft = make.draft(self.call, self.manager, self.cluster)
        self.other = make.manager_of(make.cluster("FR"))

    def asked(self, text: str = TEXT, by=None) -> Asked:
        return Asked().perform("ask", by=by or self.manager, call=self.call, text=text)

    def answered(self, text: str = TEXT, wording: str = "May a partner come from Tunisia?") -> Asked:
        made = self.asked(text)
        return made.perform("prepare_answer", by=self.coordinator, wording=wording, reply="Yes, as a partner.")

    def published(self, n: int = 1) -> Asked:
        return self.answered(wording=f"Question of round {n}?").perform("publish", by=self.coordinator)

    def page(self, words: str = "", client: Client | None = None) -> str:
        answer = (client or Client()).get(f"/calls/{self.call.pk}/questions/", {"search": words} if words else {})
        assert answer.status_code == 200
        return answer.content.decode()


def signed_in(person):
    client = Client()
    client.force_login(person)
    return client


def test_a_question_goes_its_way_and_nobody_reads_the_answer_before_all_do(scene):
    made = scene.asked()
    assert (made.state, made.asker, made.channel) == ("asked", scene.manager, "platform")
    made.perform("prepare_answer", by=scene.coordinator, wording="May partners be Tunisian?", reply="They may.")
    for client in (Client(), signed_in(scene.manager), signed_in(scene.other)):
        assert "They may." not in scene.page(client=client)
        assert "They may." not in client.get("/api/call-questions/").content.decode()
        assert "They may." not in client.get(f"/workspace/call-questions/{made.pk}/").content.decode()
    made.perform("publish", by=scene.coordinator)
    for client in (Client(), signed_in(scene.manager), signed_in(scene.other)):
        assert "They may." in scene.page(client=client)
        [row] = client.get("/api/call-questions/").json()["results"]
        assert (row["number"], row["question"], row["answer"]) == (1, "May partners be Tunisian?", "They may.")


def test_the_asker_does_not_learn_from_the_state_that_an_answer_waits(scene):
    made = scene.answered()
    page = signed_in(scene.manager).get(made.get_absolute_url()).content.decode()
    assert "Answered" not in page and TEXT in page
    [row] = signed_in(scene.manager).get("/api/call-questions/").json()["results"]
    assert not {"wording", "reply"} & set(row)


def test_what_is_published_names_nobody(scene):
    made = scene.asked()
    with pytest.raises(Invalid) as refused:
        made.perform("prepare_answer", by=scene.coordinator, wording=TEXT, reply="Ann Applicant may.")
    assert refused.value.errors == {
        "wording": ["This names who asked: Ann Applicant, Cluster Nine. What is published names nobody."],
        "reply": ["This names who asked: Ann Applicant. What is published names nobody."],
    }
    made.perform("prepare_answer", by=scene.coordinator, wording="May they?", reply="Yes.")
    made.perform("publish", by=scene.coordinator)
    with pytest.raises(Invalid, match="names who asked"):
        made.perform("correct", by=scene.coordinator, question="May Cluster Nine?", answer="Yes.", reason="Clearer.")
    for client in (Client(), signed_in(scene.other)):
        everything = scene.page(client=client) + client.get("/api/call-questions/").content.decode()
        everything += client.get(f"/api/call-questions/{made.pk}/").content.decode()
        assert not [word for word in ("Ann", "Nine", str(scene.manager.pk)) if word in everything]
    assert "Ann" not in signed_in(scene.other).get(made.get_absolute_url()).content.decode()


def test_control_without_the_look_at_names_a_name_would_be_published(scene, monkeypatch):
    monkeypatch.setattr(Asked, "named_in", lambda self, *texts: [])
    made = scene.asked()
    made.perform("prepare_answer", by=scene.coordinator, wording=TEXT, reply="Yes.").perform(
        "publish", by=scene.coordinator
    )
    assert "Ann Applicant" in scene.page()


def test_questions_are_taken_until_so_many_days_before_closing_in_the_zone_of_the_call(scene):
    last = scene.call.closes_at - dt.timedelta(days=7)
    with time_machine.travel(last - dt.timedelta(seconds=1), tick=False):
        scene.asked("In time?")
    with time_machine.travel(last, tick=False), pytest.raises(Invalid) as refused:
        scene.asked("Too late?")
    assert list(refused.value.errors) == ["call"]
    assert "were taken until" in str(refused.value) and "(Europe/Brussels)" in str(refused.value)
    assert Asked.objects.count() == 1
    with time_machine.travel(last, tick=False):
        assert "no longer taken" in scene.page()


def test_over_the_change_to_winter_time_the_last_moment_keeps_its_time_of_day(scene):
    closes = dt.datetime(2027, 11, 3, 16, 0, tzinfo=dt.UTC)  # 17:00 in Brussels, winter
    call = make.call(scene.programme, scene.coordinator, closes_at=closes, question_days=7, open_now=False)
    assert questions_until(call) == dt.datetime(2027, 10, 27, 15, 0, tzinfo=dt.UTC)  # 17:00 in Brussels, summer


def test_a_call_that_is_not_announced_takes_no_question_and_shows_none(scene):
    hidden = make.call(scene.programme, scene.coordinator, open_now=False)
    with pytest.raises(Invalid, match="call"):
        Asked().perform("ask", by=scene.manager, call=hidden, text="Early?")
    assert Client().get(f"/calls/{hidden.pk}/questions/").status_code == 404


def test_managers_ask_and_the_office_for_others_and_nobody_else(scene):
    made = Asked().perform("ask", by=scene.coordinator, call=scene.call, text="By telephone?", channel="telephone")
    assert made.channel == "telephone"
    with pytest.raises(Invalid, match="no field"):
        Asked().perform("ask", by=scene.manager, call=scene.call, text="As if?", channel="telephone")
    foreign = make.staff("coordinator", make.programme())
    for person in (make.person(), make.staff("evaluator", scene.programme)):
        with pytest.raises((NotAllowed, NotFound)):
            Asked().perform("ask", by=person, call=scene.call, text="Me?")
    with pytest.raises(Invalid, match="call"):
        Asked().perform("ask", by=foreign, call=scene.call, text="Me?")
    assert Asked.objects.count() == 1
    Grant.objects.get(person=scene.manager).perform("revoke", by=scene.lead, reason="Left.")
    with pytest.raises((NotAllowed, NotFound)):
        scene.asked("Still?")


def test_a_stranger_sees_an_unpublished_question_nowhere(scene):
    made = scene.answered()
    client = signed_in(scene.other)
    assert client.get(made.get_absolute_url()).status_code == 404
    assert client.get(f"/api/call-questions/{made.pk}/").status_code == 404
    assert "Tunisia" not in client.get("/workspace/call-questions/").content.decode()


def test_answers_have_numbers_in_the_order_of_their_publication(scene):
    first, second = scene.answered(wording="First?"), scene.answered(wording="Second?")
    second.perform("publish", by=scene.coordinator)
    first.perform("publish", by=scene.coordinator)
    page = scene.page()
    assert page.index("<h2>1. Second?</h2>") < page.index("<h2>2. First?</h2>")


def test_the_database_itself_keeps_a_number_from_coming_twice(scene):
    one, two = scene.published(1), scene.published(2)
    with pytest.raises(IntegrityError, match="answer_number_once"), transaction.atomic():
        Asked._base_manager.filter(pk=two.pk).update(number=one.number)
    with pytest.raises(IntegrityError, match="answer_read_only_once_published"), transaction.atomic():
        Asked._base_manager.filter(pk=scene.answered().pk).update(answer="Too early.")


def test_a_correction_keeps_the_old_text_with_its_date_and_reason(scene):
    made = scene.published()
    made.perform("correct", by=scene.coordinator, question="Round one?", answer="No, after all.", reason="We erred.")
    page = scene.page()
    assert "No, after all." in page and "Yes, as a partner." in page and "We erred." in page
    [row] = Client().get("/api/call-questions/").json()["results"]
    assert [old["answer"] for old in row["earlier"]] == ["Yes, as a partner."]
    assert row["number"] == 1
    assert EarlierAnswer.objects.count() == 1


def test_whoever_has_a_draft_and_whoever_asked_is_told_once(scene):
    made = scene.answered()
    Notice.objects.all().delete()
    made.perform("publish", by=scene.coordinator)
    told = Notice.objects.filter(record_id=made.pk)
    assert [one.to for one in told] == [scene.manager]
    notice = told.get()
    assert notice.text() == f"Answer 1 to questions on the call {scene.call.title_text} is published."
    answer = signed_in(scene.manager).get(f"/workspace/notices/{notice.pk}/")
    assert answer["Location"] == f"/calls/{scene.call.pk}/questions/#answer-1"


def test_others_with_a_draft_are_told_and_those_without_are_not(scene):
    cluster = make.cluster("PT")
    drafting = make.manager_of(cluster)
    make.draft(scene.call, drafting, cluster)
    made = scene.published()
    assert {one.to for one in Notice.objects.filter(record_id=made.pk, key__startswith="Answer")} == {
        scene.manager,
        drafting,
    }


def test_a_declined_question_has_its_reason_for_the_asker_alone(scene):
    made = scene.asked()
    made.perform("decline", by=scene.coordinator, reason="It is answered in the text of the call.")
    assert "text of the call" in signed_in(scene.manager).get(made.get_absolute_url()).content.decode()
    assert signed_in(scene.other).get(made.get_absolute_url()).status_code == 404
    assert "text of the call" not in scene.page()
    with pytest.raises(Blocked):
        made.perform("prepare_answer", by=scene.coordinator, wording="A?", reply="B.")


def test_what_is_not_answered_waits_on_the_office_and_is_overdue(scene):
    made = scene.asked()
    assert list(Asked.objects.waiting_on(scene.coordinator)) == [made]
    assert not Asked.objects.waiting_on(scene.manager)
    with time_machine.travel(timezone.now() + dt.timedelta(days=6)):
        tasks.tick()
    assert Notice.objects.filter(to=scene.coordinator, key__startswith="Overdue").exists()


def test_the_answers_can_be_searched(scene):
    scene.published(1)
    scene.published(2)
    page = scene.page("round 2")
    assert "round 2?" in page and "round 1?" not in page
    assert "Nothing fits these words." in scene.page("nowhere")


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_asks_the_same_number_of_queries(scene, number, django_assert_num_queries):
    for n in range(number):
        made = scene.published(n)
        made.perform("correct", by=scene.coordinator, question="New?", answer="New.", reason="Better.")
    with django_assert_num_queries(PAGE_QUERIES):
        scene.page()


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_of_the_office_asks_the_same_number_of_queries(scene, number):
    def queries():
        with CaptureQueriesContext(connection) as found:
            assert client.get("/workspace/call-questions/").status_code == 200
        return len(found)

    client = signed_in(scene.coordinator)
    scene.asked()
    one = queries()
    for _ in range(number - 1):
        scene.asked()
    assert queries() == one


def test_the_fragment_shows_the_last_answers_and_where_to_ask(scene):
    request = RequestFactory().get("/")
    show = engines["django"].from_string("{% load around %}{% around call %}")
    assert "No question has been answered yet." in show.render({"call": scene.call}, request)
    for n in range(6):
        scene.published(n)
    page = show.render({"call": scene.call}, request)
    assert "round 5?" in page and "round 0?" not in page and "All 6 questions" in page
    assert f"/workspace/call-questions/new/ask/?call={scene.call.pk}" in page


def test_asking_by_the_page_and_twice_is_one_question(scene):
    client = signed_in(scene.manager)
    address = f"/workspace/call-questions/new/ask/?call={scene.call.pk}"
    page = client.get(address).content.decode()
    assert f'value="{scene.call.pk}" selected' in page and "How it reached us" not in page
    for _ in range(2):
        answer = client.post(address, {"call": scene.call.pk, "text": "Once?", "_version": 0, "_token": "abc"})
        assert answer.status_code == 302
    assert Asked.objects.count() == 1
    assert "has arrived" in client.get(answer["Location"]).content.decode()


def test_bad_input_names_the_field_and_writes_nothing(scene):
    client, before = signed_in(scene.manager), Entry.objects.count()
    for raw in (
        {"text": "?"},
        {"call": "x", "text": "?"},
        {"call": str(scene.call.pk)},
        {"call": str(scene.call.pk), "text": "x" * 2001},
    ):
        answer = client.post("/api/call-questions/", raw, content_type="application/json")
        assert answer.status_code == 400 and answer.json()["errors"], answer.content
    assert Entry.objects.count() == before


def test_the_words_that_a_question_came_in_are_searched_by_nobody(scene):
    scene.published()
    address = "/api/call-questions/?search="

    assert len(Client().get(f"{address}Tunisia").json()["results"]) == 0
    assert len(Client().get(f"{address}round").json()["results"]) == 1
    for reader in (None, scene.other):
        found = (signed_in(reader) if reader else Client()).get(f"{address}Applicant").json()["results"]
        assert found == []
