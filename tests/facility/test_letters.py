"""Letters: staged and readable before the release, sent with it, each once."""

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from facility import letter
from facility.application import Application
from facility.letter import Letter
from facility.registry.grants import Grant, grant
from facility.selection import Selection
from facility.workflow import door, tasks
from facility.workflow.steps import SYSTEM, Blocked, Invalid
from facility.workflow.trail import Notice
from tests import factories as make
from tests.facility.making_selection import after_closing, approved, crowd, scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def staged():
    """Three applications, one place, one on the reserve list, one below the minimum; approved."""
    call, lead, coordinator, _evaluator = scene(places=1, minimum_score=60)
    with after_closing(call):
        crowd(call, 3, scores=[90, 80, 50])
        yield approved(call, coordinator, lead), lead, coordinator


def statements(act):
    with CaptureQueriesContext(
        connection,
    ) as caught:
        act()
    return len(caught)


def test_each_manager_has_a_letter_of_the_outcome_in_their_language(staged):
    selection, _lead, _coordinator = staged
    found = {one.application.number: one for one in selection.staged()}

    assert [(found[n].kind, found[n].language) for n in ("001", "002", "003")] == [
        ("selected", "en"),
        ("reserve", "de"),
        ("rejected", "fr"),
    ]
    assert "Dear Manager 000" in found["001"].body
    assert found["002"].position == 1
    with translation.override("fr"):
        assert letter.usual("rejected")[0]
    assert all(letter.left_open(one.body) in ([], ["review_until"]) for one in found.values())


def to(addresses):
    return [one for one in mail.outbox if one.to[0] in addresses]


def test_nothing_leaves_before_the_release_and_each_letter_leaves_once_with_it(staged):
    selection, lead, _coordinator = staged
    letters = list(selection.staged())
    readers = {one.to.email for one in letters}
    tasks.mail()
    assert to(readers) == []
    assert not Notice.objects.filter(params__has_key="letter").exists()

    selection.perform("release", by=lead)
    with pytest.raises(Blocked):
        selection.perform("release", by=lead)
    tasks.mail()
    tasks.mail()

    assert sorted(one.to[0] for one in to(readers)) == sorted(readers)
    assert len(readers) == 3
    sent = {one.to_id: one for one in Letter.objects.filter(sent_at__isnull=False)}
    for one in letters:
        (post,) = [it for it in mail.outbox if it.to == [one.to.email]]
        assert post.subject == sent[one.to_id].subject
        assert sent[one.to_id].body in post.body
        assert "{" not in post.body


def test_control_a_letter_sent_when_it_is_drafted_is_noticed(monkeypatch):
    call, lead, coordinator, _evaluator = scene(places=1)
    real = Selection.draft
    monkeypatch.setattr(Selection, "draft", lambda self: (real(self), letter.send(list(self.staged()))))
    with after_closing(call):
        (one,) = crowd(call, 1)
        approved(call, coordinator, lead)
        tasks.mail()
        assert to({one.managers().get().email}) != []


def test_an_edited_letter_leaves_as_it_was_edited(staged):
    selection, lead, coordinator = staged
    one = selection.staged().first()
    selection.perform("edit_letter", by=coordinator, letter=str(one.pk), subject="Good news", body="Come, {name}!")
    assert letter.open_fields(selection.staged()) == [
        f"The field {{name}} is empty in 1 letters: {one.application.lead_cluster.name} ({one.get_kind_display()})."
    ]
    with pytest.raises(Blocked) as refused:
        selection.perform("release", by=lead)
    assert "{name}" in refused.value.sentences[0]
    selection.perform("edit_letter", by=coordinator, letter=str(one.pk), subject="Good news", body="Come!")
    selection.perform("word_letter", by=coordinator, kind=one.kind, language="en", subject="S", body="B {cluster}")
    selection.perform("release", by=lead)
    assert (Letter.objects.get(pk=one.pk).subject, Letter.objects.get(pk=one.pk).body) == ("Good news", "Come!")


@pytest.mark.parametrize(
    ("body", "said"),
    [("Dear {nane}", "There is no field {nane}; it stands in 1 letters"), ("At {position}", "{position} is empty")],
)
def test_a_field_that_is_unknown_or_empty_is_named_and_holds_the_release(staged, body, said):
    selection, lead, coordinator = staged
    one = selection.staged().filter(kind="selected").get()
    selection.perform("edit_letter", by=coordinator, letter=str(one.pk), subject="S", body=body)
    with pytest.raises(Blocked) as refused:
        selection.perform("release", by=lead)
    assert said in refused.value.sentences[0]
    assert Application.objects.filter(call=selection.call, state="evaluated").count() == 3


def test_a_wording_with_an_unknown_field_is_refused(staged):
    with pytest.raises(Invalid) as refused:
        staged[0].perform("word_letter", by=staged[2], kind="selected", language="en", subject="S", body="{nobody}")
    assert "body" in refused.value.errors


def test_a_wording_of_the_call_is_used_in_its_language_and_english_where_there_is_none(staged):
    selection, _lead, coordinator = staged
    for language, words in (("en", "English {score}"), ("de", "Deutsch {score}")):
        for kind in ("reserve", "rejected"):
            selection.perform("word_letter", by=coordinator, kind=kind, language=language, subject="S", body=words)
    found = {one.kind: one.body for one in selection.staged()}
    assert found["reserve"] == "Deutsch 80,00"
    assert found["rejected"] == "English 50,00"


def test_when_a_manager_comes_or_goes_the_letters_are_drafted_again(staged):
    selection, lead, coordinator = staged
    application = selection.lines.get(rank=1).application
    grant(make.person("Second Manager"), "manager", "cluster", application.lead_cluster_id, by=SYSTEM)
    with pytest.raises(Blocked) as refused:
        selection.perform("release", by=lead)
    assert refused.value.sentences == [
        "Draft the letters again: the people who manage the clusters have changed since."
    ]
    selection.perform("draft_letters", by=coordinator)
    selection.perform("release", by=lead)
    assert Letter.objects.filter(application=application, sent_at__isnull=False).count() == 2


def test_two_rankings_that_are_approved_have_each_their_letters_and_one_is_sent(staged):
    selection, lead, coordinator = staged
    other = Selection().perform("create", by=coordinator, call=selection.call)
    other.perform("propose", by=coordinator, overrides=[])
    other.perform("approve", by=lead)
    selection.perform("release", by=lead)
    with pytest.raises(Blocked):
        other.perform("release", by=lead)
    assert (selection.staged().count(), other.staged().count()) == (0, 3)
    assert Letter.objects.filter(sent_at__isnull=False).count() == 3


def test_sent_back_the_letters_are_gone(staged):
    selection, lead, _coordinator = staged
    selection.perform("send_back", by=lead, reason="Look again.")
    assert not Letter.objects.exists()


def test_a_release_costs_the_same_number_of_statements_for_10_and_for_100():
    counts = []
    for number in (10, 100):
        call, lead, coordinator, _evaluator = scene(places=number // 4, reserve_places=number // 4)
        with after_closing(call):
            crowd(call, number)
            selection = approved(call, coordinator, lead)
            counts.append(statements(lambda selection=selection, lead=lead: selection.perform("release", by=lead)))
        assert Letter.objects.filter(application__call=call, sent_at__isnull=False).count() == number
    assert counts[0] == counts[1], counts


def test_control_a_release_that_asks_for_each_manager_grows(monkeypatch):
    counts = []
    real = door.tell

    def tell(record, *args, **more):
        if isinstance(record, Application):
            list(record.managers())
        real(record, *args, **more)

    monkeypatch.setattr(door, "tell", tell)
    for number in (4, 8):
        call, lead, coordinator, _evaluator = scene(places=2)
        with after_closing(call):
            crowd(call, number)
            selection = approved(call, coordinator, lead)
            counts.append(statements(lambda selection=selection, lead=lead: selection.perform("release", by=lead)))
    assert counts[0] < counts[1]


def test_those_not_selected_read_score_threshold_and_comments_but_no_rank_and_no_names():
    call, lead, coordinator, evaluator = scene(places=1, minimum_score=60, open_now=False)
    call.perform(
        "set_quotas",
        by=coordinator,
        quotas=[],
        tie_rule="received",
        label_weight=0,
        review_days=14,
        shares_comments=True,
    )
    call.perform("publish", by=coordinator)
    call.perform("open", by=SYSTEM)
    make.evaluated(call, coordinator, evaluator, value=9)
    late = make.evaluated(call, coordinator, evaluator, value=3)
    with after_closing(call):
        selection = approved(call, coordinator, lead)
        (one,) = selection.staged().filter(application=late)
        selection.perform("release", by=lead)
        page = Client()
        page.force_login(late.managers().get())
        shown = page.get(f"/workspace/applications/{late.pk}/").content.decode()
    assert "scored 30.00 of 100; the minimum score is 60.00" in one.body
    assert "Relevance: Fine." in one.body
    assert "Rank" not in one.body and evaluator.name not in one.body
    assert "scored 30.00 of 100" in shown
    assert "review can be asked for until" in shown.lower()


def test_a_letter_is_read_by_its_reader_and_the_office_and_by_nobody_else(staged):
    selection, lead, coordinator = staged
    one = selection.staged().filter(kind="selected").get()
    other = selection.staged().filter(kind="reserve").get().to
    clients = {}
    for name, person in {"reader": one.to, "other": other, "office": coordinator}.items():
        clients[name] = Client()
        clients[name].force_login(person)
    url = one.get_absolute_url()
    assert [clients[n].get(url).status_code for n in ("reader", "other", "office")] == [404, 404, 200]
    selection.perform("release", by=lead)
    assert [clients[n].get(url).status_code for n in ("reader", "other", "office")] == [200, 404, 200]
    assert Client().get(url).status_code == 302


def test_the_letters_page_shows_whom_the_release_touches(staged):
    selection, lead, coordinator = staged
    pages = {}
    for name, person in {"lead": lead, "coordinator": coordinator}.items():
        client = Client()
        client.force_login(person)
        pages[name] = client.get(f"/workspace/selections/{selection.pk}/letters/?letter=2").content.decode()
    assert "Release 3 decisions" in pages["lead"] and "3 letters to 3 people" in pages["lead"]
    assert "Letter 2 of 3" in pages["lead"]
    assert "The lead coordinator releases." in pages["coordinator"]


def test_a_cluster_without_a_manager_is_named(staged):
    selection, lead, _coordinator = staged
    application = selection.lines.get(rank=1).application
    for held in Grant.objects.filter(scope_key=application.lead_cluster_id):
        held.perform("revoke", by=lead, reason="Left.")
    selection.perform("draft_letters", by=lead)
    client = Client()
    client.force_login(lead)
    said = client.get(f"/workspace/selections/{selection.pk}/letters/").content.decode()
    assert "Nobody manages these clusters" in said and application.title() in said
    assert Selection.objects.get(pk=selection.pk).perform("release", by=lead).state == "released"


def test_the_pages_of_a_selection_cost_the_same_for_4_and_for_40():
    counts = []
    for number in (4, 40):
        call, lead, coordinator, _evaluator = scene(places=2)
        with after_closing(call):
            crowd(call, number)
            selection = approved(call, coordinator, lead)
            client = Client()
            client.force_login(lead)
            pages = [f"/workspace/selections/{selection.pk}/{end}" for end in ("", "letters/?letter=3", "release/")]
            costs = [statements(lambda page=page, client=client: client.get(page)) for page in pages]
            selection.perform("release", by=lead)
            costs.append(statements(lambda pages=pages, client=client: client.get(pages[0])))
            counts.append(costs)
    assert counts[0] == counts[1], counts
