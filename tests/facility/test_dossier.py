"""The whole of a call in one file: who may have it, what is in it, and one statement for all of it."""

from __future__ import annotations

import csv
import io
import zipfile

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.scale import Scale
from facility.call import Call
from facility.dossier import SHEETS, tables_of
from facility.evaluation import Evaluation
from facility.roles import signed_in
from facility.workflow.engine import Faces
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    programme = make.programme()
    lead, coordinator, evaluator = (make.staff(role, programme) for role in ("lead", "coordinator", "evaluator"))
    return programme, lead, coordinator, evaluator, make.call(programme, coordinator)


def packed(answer) -> dict[str, list[list[str]]]:
    with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as found:
        return {
            name.removesuffix(".csv"): list(csv.reader(io.StringIO(found.read(name).decode("utf-8-sig"))))
            for name in found.namelist()
        }


def workbook(answer):
    return openpyxl.load_workbook(io.BytesIO(answer.getvalue()))


def address(call, kind="zip"):
    return f"/workspace/calls/{call.pk}/export/?as={kind}"


@pytest.mark.parametrize("role", ["lead", "coordinator", "observer"])
def test_office_and_observers_have_everything_that_was_handed_in(client, scene, role):
    programme, _lead, coordinator, evaluator, call = scene
    made = make.evaluated(call, coordinator, evaluator, value=8, country="PT")
    other = make.cluster()
    make.draft(call, make.manager_of(other), other, motivation="Not handed in")
    client.force_login(make.staff(role, programme))

    found = packed(client.get(address(call)))
    assert list(found) == [sheet.name for sheet in SHEETS]
    assert [row[0] for row in found["applications"]] == ["application", made.number]
    assert found["needs"][1] == [made.number, "1", "Maximising energy efficiency", "Less energy in dyeing."]
    assert found["evaluations"][1][1:4] == [evaluator.name, "Submitted", "80.0"]
    assert [row[2:5] for row in found["scores"][1:]] == [["Relevance", "60", "8.0"], ["Capacity", "40", "8.0"]]
    assert len(found["partners"]) == len(found["selection"]) == 1
    assert "Not handed in" not in str(found)


def test_what_an_evaluator_only_drafts_is_in_no_file(client, scene):
    _programme, _lead, coordinator, evaluator, call = scene
    made = make.evaluated(call, coordinator, evaluator)
    made.perform("reopen_evaluation", by=coordinator, reason="A third reading.")
    third = make.staff("evaluator", call.programme)
    judged = (
        Evaluation().perform("assign", by=coordinator, application=made, evaluator=third).perform("accept", by=third)
    )
    judged.perform("save_draft", by=third, scores=make.scores(call, 1), comment="Not done with it")
    client.force_login(coordinator)
    found = packed(client.get(address(call)))

    assert (len(found["evaluations"]), len(found["scores"])) == (2, 3)
    assert "Not done with it" not in str(found)


def test_the_workbook_holds_the_same_as_the_csvs(client, scene):
    _programme, _lead, coordinator, evaluator, call = scene
    make.evaluated(call, coordinator, evaluator)
    client.force_login(coordinator)
    book, found = workbook(client.get(address(call, "xlsx"))), packed(client.get(address(call)))

    assert book.sheetnames == list(found)
    row = dict(zip(found["applications"][0], next(book["applications"].iter_rows(min_row=2)), strict=True))
    assert (row["score"].value, row["score"].data_type) == (80, "n")
    assert row["submitted"].is_date


@pytest.mark.parametrize("who", ["foreign", "evaluator", "manager"])
def test_nobody_else_knows_of_it(client, scene, who):
    _programme, _lead, _coordinator, evaluator, call = scene
    lead = make.cluster()
    manager = make.manager_of(lead)
    make.draft(call, manager, lead).perform("submit", by=manager)
    people = {"foreign": make.staff("lead", make.programme()), "evaluator": evaluator, "manager": manager}
    client.force_login(people[who])

    assert client.get(address(call)).status_code == 404


def test_control_a_call_that_everybody_reads_as_staff_is_exported_to_anybody(client, scene, monkeypatch):
    """Shows that the test above looks at the guard."""
    monkeypatch.setattr(type(scene[4]), "faces", Faces(signed_in))
    client.force_login(make.staff("lead", make.programme()))

    answer = client.get(address(scene[4]))
    answer.getvalue()
    assert answer.status_code == 200


def test_300_applications_take_as_many_statements_as_3(client, db):
    def asked(number: int) -> list[int]:
        made = Scale(1, number, seed=number, say=lambda said: None)
        programme = made.load()
        client.force_login(made.staff["coordinator"])
        call = Call.objects.get(programme=programme, state="decided")
        found = []
        for kind in ("zip", "xlsx"):
            with CaptureQueriesContext(connection) as queries:
                answer = client.get(address(call, kind))
                rows = (
                    len(packed(answer)["applications"]) if kind == "zip" else workbook(answer)["applications"].max_row
                )
            assert rows == number + 1
            found.append(len(queries))
        return found

    few = asked(3)
    assert few == asked(300)
    assert max(few) <= 6


def test_no_cell_of_the_whole_call_is_a_formula(client, scene):
    _programme, _lead, coordinator, _evaluator, call = scene
    lead = make.cluster(name="=cmd|calc")
    manager = make.manager_of(lead)
    need = {"area": "energy-efficiency", "text": "@SUM(1)"}
    made = make.draft(call, manager, lead, motivation="+1+1", context="-2", title_text="=1", needs=[need])
    made.perform("submit", by=manager)
    client.force_login(coordinator)

    texts = [cell for rows in packed(client.get(address(call))).values() for row in rows for cell in row]
    assert [text for text in texts if text.startswith(("=", "+", "-", "@"))] == []
    assert {"'=cmd|calc", "'+1+1", "'-2", "'@SUM(1)"} <= set(texts)
    cells = [cell for sheet in workbook(client.get(address(call, "xlsx"))) for row in sheet for cell in row]
    assert [cell.value for cell in cells if cell.data_type == "f"] == []


def test_the_tables_are_one_statement(scene):
    _programme, _lead, coordinator, evaluator, call = scene
    make.evaluated(call, coordinator, evaluator)
    with CaptureQueriesContext(connection) as queries:
        rows = {table.name: len(list(table.rows)) for table in tables_of(call, coordinator)}
    assert len(queries) == 1
    assert rows == {"applications": 1, "partners": 0, "needs": 1, "evaluations": 1, "scores": 2, "selection": 0}
