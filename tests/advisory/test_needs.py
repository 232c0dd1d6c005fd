"""Needs: named with author and role, ranked by three voices in private, agreed by all three."""

from __future__ import annotations

import json

import pytest
from django.db import IntegrityError, connection

from advisory.needs import Need, NeedsAssessment
from advisory.order import Ranking, agreed_order
from facility.workflow.steps import Blocked, Invalid, NotAllowed, NotFound
from facility.workflow.trail import Detail, Entry
from tests import factories as make
from tests.advisory import making_matching as matching
from tests.advisory import making_support as support

pytestmark = pytest.mark.django_db


@pytest.mark.row("F13")
def test_a_need_carries_its_author_and_role():
    case = support.case("assessing")
    roles = [support.need(case, voice).author_role for voice in case.voices]
    assert roles == ["advisor", "manager", "coordinator"]
    stranger = make.person()
    with pytest.raises((NotAllowed, Invalid)):
        support.need(case, stranger)


def test_needs_are_named_after_the_first_meeting_only():
    case = support.case("matched")
    with pytest.raises(Invalid) as refused:
        support.need(case)
    assert refused.value.errors == {"project": ["Needs are named after the first meeting of the project."]}


@pytest.mark.row("F13")
def test_nobody_sees_an_order_before_all_three_are_in(client):
    case = support.case("assessing")
    needs = [support.need(case), support.need(case)]
    case.assessment.perform("submit_ranking", by=case.adviser, ranks=support.ranks(*needs))
    address = f"/api/needs-assessments/{case.assessment.pk}/"
    for person in (case.manager, case.coordinator, case.lead):
        client.force_login(person)
        assert client.get(address).json()["rankings"] == []
        page = client.get(case.project.get_absolute_url())
        assert "1 of 3 voices have ranked" in page.content.decode()
        assert [row["ranks"] for row in page.context["needs"]["rows"]] == [[{"value": None, "apart": None}] * 3] * 2
    entries = Detail.objects.filter(entry__record_id=case.assessment.pk)
    told = json.dumps([entry.changes for entry in entries])
    assert not any(need.text in told or str(need.pk) in told for need in needs)
    for voice in (case.manager, case.coordinator):
        case.assessment.perform("submit_ranking", by=voice, ranks=support.ranks(*reversed(needs)))
    shown = client.get(address).json()
    assert shown["state"] == "ranked"
    assert len(shown["rankings"]) == 6


@pytest.mark.row("F13")
def test_two_of_three_are_not_enough():
    case = support.case("assessing")
    needs = [support.need(case), support.need(case)]
    for voice in (case.adviser, case.coordinator):
        case.assessment.perform("submit_ranking", by=voice, ranks=support.ranks(*needs))
    assert case.assessment.state == "open"
    with pytest.raises(Blocked):
        case.assessment.perform("agree", by=case.adviser)
    case.assessment.perform("submit_ranking", by=case.manager, ranks=support.ranks(*needs))
    for voice in (case.manager, case.adviser):
        case.assessment.perform("agree", by=voice)
    assert (case.assessment.state, case.again().state) == ("ranked", "assessing")
    with pytest.raises(NotAllowed):
        case.assessment.perform("agree", by=case.adviser)
    with pytest.raises(NotAllowed):
        case.assessment.perform("agree", by=case.manager)
    case.assessment.perform("agree", by=case.lead)  # the lead coordinator speaks for the coordinators
    assert (case.assessment.state, case.again().state) == ("agreed", "planning")
    with pytest.raises((NotAllowed, Blocked)):
        case.assessment.perform("agree", by=case.coordinator)


def test_a_voice_ranks_once_and_strangers_not_at_all():
    case, other = support.cases(2)
    support.kicked_off(case)
    needs = [support.need(case), support.need(case)]
    case.assessment.perform("submit_ranking", by=case.coordinator, ranks=support.ranks(*needs))
    for person in (case.coordinator, case.second):  # the same person, and another of the same voice
        with pytest.raises(NotAllowed):
            case.assessment.perform("submit_ranking", by=person, ranks=support.ranks(*needs))
    for person in (other.adviser, other.manager, make.person()):
        with pytest.raises(NotFound):
            case.assessment.perform("submit_ranking", by=person, ranks=support.ranks(*needs))


def test_a_person_with_two_roles_has_one_voice():
    case = support.case("assessing")
    both = make.person(
        "Both", ("coordinator", "programme", case.project.programme), ("advisor", "project", case.project)
    )
    needs = [support.need(case), support.need(case)]
    case.assessment.perform("submit_ranking", by=both, ranks=support.ranks(*needs))
    assert Ranking.objects.filter(by=both).values_list("voice", flat=True).distinct().get() == "advisor"
    with pytest.raises(NotAllowed):
        case.assessment.perform("submit_ranking", by=both, ranks=support.ranks(*needs))


@pytest.mark.row("F14")
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([(0, 1), (1, 1), (2, 2)], "The rank 1 is given twice; give each rank once."),
        ([(0, 1), (1, 2)], "Rank the need “Third” too."),
        ([(0, 1), (1, 2), (2, 4)], "Give the ranks 1 to 3."),
        ([(0, 1), (0, 2), (1, 3), (2, 4)], "The need “First” stands twice."),
    ],
)
def test_a_ranking_that_is_not_an_order_is_refused(given, said):
    case = support.case("assessing")
    needs = [support.need(case, text=text) for text in ("First", "Second", "Third")]
    rows = [{"need": str(needs[at].pk), "rank": rank} for at, rank in given]
    with pytest.raises(Invalid) as refused:
        case.assessment.perform("submit_ranking", by=case.adviser, ranks=rows)
    assert refused.value.errors == {"ranks": [said]}
    assert not Ranking.objects.exists()


def test_a_need_of_another_project_cannot_be_ranked():
    case, other = (support.kicked_off(one) for one in support.cases(2))
    needs = [support.need(case), support.need(other)]
    support.need(case)
    with pytest.raises(Invalid) as refused:
        case.assessment.perform("submit_ranking", by=case.adviser, ranks=support.ranks(*needs))
    assert list(refused.value.errors) == ["ranks[1].need"]


def test_one_need_alone_is_not_ranked():
    case = support.case("assessing")
    support.need(case)
    with pytest.raises(Blocked) as refused:
        case.assessment.perform("submit_ranking", by=case.adviser, ranks=[])
    assert refused.value.sentences == ["Name at least two needs before they are ranked."]


@pytest.mark.row("F14")
def test_the_order_is_the_mean_of_ranks_and_a_tie_goes_to_the_manager():
    ranks = {
        "advisor": {"a": 1, "b": 2, "c": 3, "d": 4},
        "manager": {"b": 1, "a": 2, "d": 3, "c": 4},
        "coordinator": {"a": 2, "b": 3, "c": 1, "d": 4},
    }
    # Means: a 5/3, b 2, c 8/3, d 11/3.
    assert agreed_order(ranks) == ["a", "b", "c", "d"]
    ranks["coordinator"] = {"b": 1, "a": 2, "c": 3, "d": 4}
    ranks["advisor"] = {"a": 1, "b": 3, "d": 2, "c": 4}
    # a and b are both at 5/3; the manager puts b first.
    assert agreed_order(ranks) == ["b", "a", "d", "c"]


@pytest.mark.row("F14")
def test_a_new_order_is_taken_as_a_whole_and_the_old_ranks_stay_in_the_trail():
    case = support.case("assessing")
    first, second = support.ranked(case)
    case.assessment.perform("agree", by=case.manager)
    rows = support.ranks(second, first)
    twice = [{**row, "rank": 1} for row in rows]
    with pytest.raises(Invalid) as refused:
        case.assessment.perform("reorder", by=case.coordinator, ranks=twice, reason="Energy prices.")
    assert refused.value.errors == {"ranks": ["The rank 1 is given twice; give each rank once."]}
    case.assessment.perform("reorder", by=case.coordinator, ranks=rows, reason="Energy prices.")
    order = list(Need.objects.filter(project=case.project).order_by("rank").values_list("pk", "rank"))
    assert order == [(second.pk, 1), (first.pk, 2)]
    assert not case.project.signatures.filter(subject="order").exists()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    entry = Entry.objects.filter(record_id=first.pk, step="place").select_related("detail").latest("number")
    assert entry.detail.changes["rank"] == [1, 2]
    assert entry.actor == case.coordinator
    assert Entry.objects.get(pk=entry.caused_by_id).detail.reason == "Energy prices."


@pytest.mark.row("F14")
def test_the_database_refuses_a_rank_that_is_given_twice():
    case = support.case("assessing")
    first, second = support.ranked(case)
    assert (first.pk, 1) in case.project.needs.values_list("pk", "rank")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE advisory_need SET rank = 1 WHERE id = %s", [second.pk])
        with pytest.raises(IntegrityError, match="need_rank_once_per_project"):
            cursor.execute("SET CONSTRAINTS need_rank_once_per_project IMMEDIATE")


@pytest.mark.row("F14")
def test_opening_again_keeps_who_gave_which_rank():
    case = support.case("planning")
    first, second = case.project.needs.order_by("rank")
    case.assessment.perform("reopen", by=case.coordinator, reason="Energy prices.")
    assert case.assessment.state == "open"
    assert not Ranking.objects.exists()
    assert set(case.project.needs.values_list("rank", flat=True)) == {None}
    entry = Entry.objects.filter(record_id=case.assessment.pk).select_related("detail").latest("number")
    assert entry.detail.changes["rankings"] == [
        [
            [voice, rank, text]
            for voice in ("advisor", "coordinator", "manager")
            for rank, text in ((1, first.text), (2, second.text))
        ],
        [],
    ]
    support.need(case)  # named in the second round
    assert case.manager.notices.filter(key__startswith="The needs of").exists()
    assert case.again().state == "planning"


def test_no_need_is_added_or_withdrawn_once_somebody_has_ranked():
    case = support.case("assessing")
    needs = [support.need(case), support.need(case)]
    case.assessment.perform("submit_ranking", by=case.adviser, ranks=support.ranks(*needs))
    said = ["The needs are ranked already; ask the coordinator to open them again."]
    for act in (lambda: support.need(case), lambda: needs[0].perform("withdraw", by=case.adviser, reason="Twice.")):
        with pytest.raises(Blocked) as refused:
            act()
        assert refused.value.sentences == said


def test_outcomes_are_recorded_during_support():
    case = support.case("planning")
    need = case.project.needs.first()
    with pytest.raises(Blocked):
        need.perform("set_outcome", by=case.adviser, end_status="solved", end_reason="Done.")
    support.approved_plan(case)
    with pytest.raises(NotAllowed):
        need.perform("set_outcome", by=case.manager, end_status="solved", end_reason="Done.")
    need.perform("set_outcome", by=case.adviser, end_status="solved", end_reason="Done.")
    assert Need.objects.get(pk=need.pk).end_status == "solved"


@pytest.mark.row("F13")
def test_only_voices_that_are_missing_are_waited_for():
    case = support.case("assessing")
    needs = [support.need(case), support.need(case)]
    case.assessment.perform("submit_ranking", by=case.manager, ranks=support.ranks(*needs))
    waiting = NeedsAssessment.objects.waiting_on
    assert [waiting(person).exists() for person in case.voices] == [True, False, True]
    assert set(case.assessment.awaited_people()) == {case.adviser, case.coordinator, case.second, case.lead}


def test_the_ranking_page_moves_a_need_by_post_and_keeps_what_was_typed(client):
    case = support.case("assessing")
    first, second, third = (support.need(case, text=text) for text in ("First", "Second", "Third"))
    client.force_login(case.manager)
    page = f"/workspace/needs-assessments/{case.assessment.pk}/submit_ranking/"
    assert "Rank the needs of" in client.get(page).content.decode()
    given = {f"rank-{need.pk}": str(at) for at, need in enumerate((first, second, third), 1)}
    moved = client.post(page, given | {"down": str(first.pk)}).content.decode()
    assert moved.index("Second</a>") < moved.index("First</a>") < moved.index("Third</a>")
    wrong = client.post(page, given | {f"rank-{second.pk}": "1", "do": "send"})
    assert wrong.status_code == 400
    assert "The rank 1 is given twice; give each rank once." in wrong.content.decode()
    sent = client.post(page, given | {"do": "send"})
    assert sent.status_code == 302
    assert case.assessment.ranked_count == 1


@pytest.mark.parametrize(
    "path", ["/workspace/needs/", "/api/needs/", "/workspace/needs-assessments/", "/api/needs-assessments/"]
)
def test_lists_take_as_many_statements_for_three_as_for_one(client, path):
    programme = make.programme()
    first = support.kicked_off(support.cases(1, programme)[0])
    support.need(first)
    client.force_login(first.lead)
    one = matching.statements(client, path)
    for case in support.cases(2, programme):
        support.kicked_off(case)
        support.need(case)
    client.force_login(first.lead)
    assert matching.statements(client, path) == one
