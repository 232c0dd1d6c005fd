"""Topics: proposed by those who take part, one vote each, merged with credit, ranked with ties shown."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from facility.workflow import trail
from facility.workflow.engine import all_records
from facility.workflow.steps import Invalid, NotAllowed, NotFound
from facility.workflow.trail import Notice
from tests import factories as make
from tests.webinars import making
from webinars.topic import Topic, Vote, most_wanted

pytestmark = pytest.mark.django_db
QUERIES_OF_THE_LIST = 7


@pytest.fixture
def house():
    return making.house()


@pytest.mark.row("G10")
def test_advisor_manager_and_coordinator_propose_and_a_stranger_does_not(house):
    for person in (house.advisor, house.manager, house.coordinator):
        assert making.topic(house, person, "Pricing").proposer_names() == [person.name]
    stranger = making.house()
    with pytest.raises(Invalid) as refused:
        making.topic(house, stranger.advisor, "Mine")
    assert list(refused.value.errors) == ["programme"]
    assert Topic.objects.visible_to(stranger.advisor).count() == 0
    assert Topic.objects.visible_to(house.advisor).count() == 3


@pytest.mark.row("G11")
def test_one_vote_for_each_person_and_topic(house):
    topic = making.topic(house, house.manager, "Pricing", house.advisor)
    assert topic.votes_count == 1
    with pytest.raises(NotAllowed):
        topic.perform("vote", by=house.advisor)
    assert [offer.step.name for offer in topic.steps_for(house.advisor)] == ["take_back_vote"]
    assert list(Topic.objects.waiting_on(house.advisor)) == []
    assert list(Topic.objects.waiting_on(house.manager)) == [topic]
    with pytest.raises(NotAllowed):
        topic.perform("vote", by=house.coordinator)
    with pytest.raises(NotFound):
        topic.perform("vote", by=make.person())


def test_a_vote_taken_back_can_be_given_again(house):
    topic = making.topic(house, house.manager, "Pricing", house.advisor)
    topic.perform("take_back_vote", by=house.advisor)
    assert topic.votes_count == 0
    topic.perform("vote", by=house.advisor)
    assert topic.votes_count == 1
    assert topic.votes.count() == 2


@pytest.mark.row("G11")
def test_the_database_itself_keeps_a_second_vote_out(house):
    topic = making.topic(house, house.manager, "Pricing", house.advisor)
    with pytest.raises(IntegrityError), transaction.atomic():
        Vote.objects.bulk_create([Vote(topic=topic, person=house.advisor, at=timezone.now())])


@pytest.mark.row("G10")
def test_nine_topics_of_which_one_is_merged_with_both_authors_and_no_vote_twice(house):
    other = making.joins(house.project)
    topics = [making.topic(house, house.manager, f"Topic {n}") for n in range(8)]
    twin = making.topic(house, other, "Topic 0 again", house.advisor, house.manager)
    topics[0].perform("vote", by=house.advisor)
    assert Topic.objects.filter(programme=house.programme, state="proposed").count() == 9
    twin.perform("merge", by=house.coordinator, into=topics[0].pk)
    kept = Topic.objects.get(pk=topics[0].pk)
    assert (twin.state, twin.merged_into_id) == ("merged", kept.pk)
    assert kept.proposer_names() == [house.manager.name, other.name]
    assert kept.votes_count == 2
    assert twin.votes.count() == 2
    assert Notice.objects.get(to=other).text() == (
        "Your topic Topic 0 again is one with Topic 0 now; its votes went along."
    )
    entry = trail.Entry.objects.get(record_id=kept.pk, step="take_over")
    assert entry.caused_by_id == trail.Entry.objects.get(record_id=twin.pk, step="merge").pk
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert trail.verify(all_records()) == []


def test_a_topic_is_merged_into_an_open_one_of_its_programme_only(house):
    topic = making.topic(house, house.manager, "Pricing")
    assert [offer.blocked_by for offer in topic.steps_for(house.coordinator) if offer.step.name == "merge"] == [
        ("There is no other topic to merge it into.",)
    ]
    elsewhere = making.house()
    foreign = making.topic(elsewhere, elsewhere.manager, "Pricing")
    making.topic(house, house.manager, "Take-back")
    for wrong in (foreign, topic):
        with pytest.raises(Invalid):
            topic.perform("merge", by=house.coordinator, into=wrong.pk)


@pytest.mark.row("G11")
def test_a_tie_at_the_cut_is_shown_and_not_dropped(house):
    people = [making.joins(house.project) for _ in range(3)]
    made = {}
    for title, votes in (("A", 3), ("B", 2), ("C", 1), ("D", 1), ("E", 0)):
        made[title] = making.topic(house, house.manager, title, *people[:votes])
    assert [(r.topic.title_text, r.rank, r.is_tied_at_cut) for r in most_wanted(house.programme, 3)] == [
        ("A", 1, False),
        ("B", 2, False),
        ("C", 3, True),
        ("D", 3, True),
    ]
    assert [r.topic.title_text for r in most_wanted(house.programme, 2)] == ["A", "B"]
    assert [(r.rank, r.is_tied_at_cut) for r in most_wanted(house.programme, 4)][-1] == (3, False)


def test_a_topic_is_scheduled_and_waits_again_when_its_webinar_is_cancelled(house):
    topic = making.topic(house, house.manager, "Pricing", house.advisor)
    webinar = making.webinar(house)
    topic.perform("schedule", by=house.coordinator, webinar=webinar.pk)
    assert topic.state == "scheduled"
    told = set(Notice.objects.filter(record_id=topic.pk).values_list("to", flat=True))
    assert told == {house.manager.pk, house.advisor.pk}
    webinar.perform("cancel", by=house.coordinator, reason="The speaker is ill.")
    topic.refresh_from_db()
    assert (topic.state, topic.webinar_id, topic.votes_count) == ("proposed", None, 1)


def test_an_answer_always_has_its_reason(house):
    topic = making.topic(house, house.manager, "Commuting of staff")
    with pytest.raises(Invalid) as refused:
        topic.perform("answer", by=house.coordinator, answer_kind="declined", answer_text="")
    assert list(refused.value.errors) == ["answer_text"]
    with pytest.raises(NotAllowed):
        topic.perform("answer", by=house.manager, answer_kind="declined", answer_text="No.")
    topic.perform("answer", by=house.coordinator, answer_kind="declined", answer_text="Outside the eleven areas.")
    assert topic.state == "answered"
    assert "There is an answer" in Notice.objects.get(to=house.manager, record_id=topic.pk).text()


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_shows_votes_and_a_button_with_the_same_number_of_queries(
    house, number, client, django_assert_num_queries
):
    for n in range(number):
        making.topic(house, house.manager, f"Topic {n}", house.manager)
    client.force_login(house.advisor)
    client.get("/workspace/topics/")
    with django_assert_num_queries(QUERIES_OF_THE_LIST):
        page = client.get("/workspace/topics/").content.decode()
    assert page.count(">Vote<") == number
    assert "tied for the last place" not in page


def test_the_list_names_those_most_wanted_with_the_tie_at_the_cut(house, client):
    for title in "ABCD":
        making.topic(house, house.manager, f"Topic {title}", house.advisor)
    client.force_login(house.coordinator)
    page = client.get("/workspace/topics/").content.decode()
    assert page.count("tied for the last place") == 4
    assert page.index("Most wanted in") < page.index("Topic D")


def test_voting_by_the_button_leads_back_to_the_list(house, client):
    topic = making.topic(house, house.manager, "Pricing")
    client.force_login(house.advisor)
    answer = client.post(f"/workspace/topics/{topic.pk}/vote/", {"_version": topic.version, "_token": "once"})
    assert answer.status_code == 302
    assert answer["Location"] == "/workspace/topics/"
    assert Topic.objects.get(pk=topic.pk).votes_count == 1
    again = client.post(f"/workspace/topics/{topic.pk}/vote/", {"_version": topic.version, "_token": "twice"})
    assert again.status_code == 403
    assert "Take the vote back" in client.get("/workspace/topics/").content.decode()


def test_the_api_shows_topics_to_participants_and_to_nobody_else(house, client):
    topic = making.topic(house, house.manager, "Pricing", house.advisor)
    assert client.get("/api/topics/").json()["results"] == []
    client.force_login(house.advisor)
    [row] = client.get("/api/topics/").json()["results"]
    assert (row["title"], row["votes"], row["state"]) == ("Pricing", 1, "proposed")
    assert row["proposers"] == [{"id": str(house.manager.pk), "name": house.manager.name}]
    client.force_login(making.house().manager)
    assert client.get(f"/api/topics/{topic.pk}/").status_code == 404
