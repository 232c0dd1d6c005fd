"""The trail: who reads it, what it holds back, whether the chain holds, and the export."""

import csv
import datetime as dt
import io

import pytest

from facility.workflow.sheets import unformula
from facility.workflow.trail import Entry, fault_of
from tests import factories as make


@pytest.fixture
def scene(db):
    programme = make.programme()
    coordinator = make.staff("coordinator", programme)
    return programme, coordinator, make.call(programme, coordinator, title_text="Call of spring")


def shown(client, path="/workspace/trail/"):
    return client.get(path).content.decode().split("<main")[1]


@pytest.mark.parametrize("role", ["lead", "coordinator", "observer"])
def test_office_and_observer_read_the_trail_of_their_programme(client, scene, role):
    programme, coordinator, _call = scene
    client.force_login(make.staff(role, programme))
    html = shown(client)

    assert "Publish call" in html
    assert str(coordinator) in html


@pytest.mark.parametrize("role", ["evaluator", "policymaker"])
def test_others_do_not(client, scene, role):
    client.force_login(make.staff(role, scene[0]))

    assert client.get("/workspace/trail/").status_code == 403


def test_another_programme_s_trail_is_nowhere(client, scene):
    _programme, coordinator, call = scene
    client.force_login(make.staff("coordinator", make.programme()))

    assert str(coordinator) not in shown(client)
    assert client.get(f"/workspace/trail/?record={call.pk}").status_code == 404
    assert str(coordinator) not in client.get("/workspace/trail/?as=csv").getvalue().decode()


def test_values_read_as_on_the_record_s_page(client, scene):
    programme, coordinator, call = scene
    call.perform(
        "extend", by=make.staff("lead", programme), closes_at=dt.datetime(2099, 7, 1, 16, tzinfo=dt.UTC), reason="Snow."
    )
    client.force_login(coordinator)
    html = shown(client, f"/workspace/trail/?record={call.pk}")

    assert "<ins>1 Jul 2099, " in html
    assert "2099-07-01T16" not in html


def test_what_an_applicant_drafts_is_not_read_before_it_is_handed_in(client, scene):
    _programme, coordinator, call = scene
    lead = make.cluster()
    manager = make.manager_of(lead)
    bid = make.draft(call, manager, lead, motivation="Not for the office yet")
    client.force_login(coordinator)

    assert "Not for the office yet" not in shown(client)
    assert client.get(f"/workspace/trail/?record={bid.pk}").status_code == 404
    bid.perform("submit", by=manager)
    assert "Not for the office yet" in shown(client)


@pytest.mark.parametrize(
    ("query", "there", "gone"),
    [
        ("type=facility.call", "Publish call", "Give a role:"),
        ("step=publish", "Publish call", "New call"),
        ("since=2000-01-01", "Publish call", "Nothing fits"),
        ("until=2000-01-01", "Nothing fits this filter", "Publish call:"),
        ("type=facility.nonsense", "Nothing fits this filter", "Publish call:"),
    ],
)
def test_filters(client, scene, query, there, gone):
    client.force_login(scene[1])
    entries = shown(client, f"/workspace/trail/?{query}").split("</form>")[1]

    assert there in entries
    assert gone not in entries


def test_filter_by_person(client, scene):
    programme, coordinator, _call = scene
    other = make.staff("coordinator", programme)
    client.force_login(coordinator)
    only = shown(client, f"/workspace/trail/?actor={coordinator.pk}").split("</form>")[1]

    assert f"<b>{coordinator}</b>" in only
    assert "<b>System</b>" not in only
    assert f"<b>{other}</b>" not in only


def test_a_record_s_own_trail_says_that_its_chain_holds(client, scene):
    client.force_login(scene[1])
    html = shown(client, f"/workspace/trail/?record={scene[2].pk}")

    assert "Trail of Call of spring" in html
    assert "The chain holds" in html
    assert "3 entries, unchanged since they were written." in html


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "UPDATE workflow_entry SET role = 'lead' WHERE record_id = %s AND number = 2",
            "Entry 2 does not match its hash.",
        ),
        ("DELETE FROM workflow_entry WHERE record_id = %s AND number = 3", "Entry 3 is missing."),
        (
            "UPDATE workflow_detail SET reason = 'x' WHERE entry_id IN "
            "(SELECT id FROM workflow_entry WHERE record_id = %s AND number = 1)",
            "The values of entry 1 do not match their digest.",
        ),
    ],
)
@pytest.mark.usefixtures("committed")
def test_a_chain_that_was_tampered_with_says_where(owner, change, said):
    programme = make.programme()
    call = make.call(programme, make.staff("coordinator", programme))
    assert fault_of(call) is None
    if change.startswith("DELETE"):
        last = "(SELECT id FROM workflow_entry WHERE record_id = %s AND number = 3)"
        owner.execute(f"DELETE FROM workflow_detail WHERE entry_id IN {last}", [call.pk])
    owner.execute(change, [call.pk])

    assert fault_of(call).text() == said


def test_the_csv_holds_every_entry_and_no_formula(client, scene):
    programme, coordinator, _call = scene
    lead = make.staff("lead", programme)
    draft = make.call(programme, coordinator, open_now=False)
    draft.perform("cancel", by=lead, reason="=HYPERLINK(1)")
    client.force_login(coordinator)
    answer = client.get("/workspace/trail/?as=csv&type=facility.call")
    head, *rows = csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig")))

    assert answer["Content-Disposition"] == 'attachment; filename="trail.csv"'
    assert head[:5] == ["at", "record", "id", "number", "step"]
    assert len(rows) == Entry.objects.filter(record_type="facility.call").count() == 5
    assert "'=HYPERLINK(1)" in rows[0]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_taken_for_a_formula(start):
    assert unformula(f"{start}1") == f"'{start}1"
    assert unformula("1=1") == "1=1"


def test_the_trail_is_paged_by_key(client, scene):
    programme, coordinator, _call = scene
    for number in range(17):
        make.call(programme, coordinator, title_text=f"Call number {number}")
    client.force_login(coordinator)
    first = client.get("/workspace/trail/?type=facility.call").content.decode()
    following = next(part for part in first.split('href="') if 'rel="next"' in part).split('"')[0].replace("&amp;", "&")
    second = client.get(following).content.decode()

    assert first.count("<li><div><time") == 50
    assert second.count("<li><div><time") == 4
    assert "Call number 0" in second


@pytest.mark.parametrize("rows", [1, 3])
def test_the_trail_asks_the_same_number_of_questions(client, scene, django_assert_num_queries, rows):
    programme, coordinator, _call = scene
    for _ in range(rows):
        make.call(programme, coordinator)
    client.force_login(coordinator)

    with django_assert_num_queries(6):
        client.get("/workspace/trail/")
