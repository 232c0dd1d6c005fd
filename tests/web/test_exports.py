"""Lists as files: the same rows as on the page, no formula, and a number of questions that does not grow."""

from __future__ import annotations

import csv
import io

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from facility.workflow.engine import all_records
from facility.workflow.sheets import LEADS, Table, unformula, write_xlsx
from tests import factories as make

LISTED = [model.records for model in all_records() if model.records and model._meta.app_label != "tests"]


def lines(answer) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))


@pytest.mark.parametrize("records", LISTED)
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_every_list_is_had_as_a_file(client, db, records, kind):
    client.force_login(make.staff("coordinator", make.programme(de_minimis=True)))
    answer = client.get(f"/workspace/{records}/?as={kind}")

    answer.close()
    assert answer.status_code == 200
    assert f"{records}.{kind}" in answer["Content-Disposition"]


def test_a_list_as_csv_holds_the_rows_of_the_page_and_no_other(client, db):
    programme = make.programme()
    coordinator = make.staff("coordinator", programme)
    call = make.call(programme, coordinator, title_text="Call of spring")
    make.call(programme, coordinator, title_text="=cmd|' /C calc'!A0")
    foreign = make.programme()
    make.call(foreign, make.staff("coordinator", foreign), title_text="Not yours", open_now=False)
    client.force_login(coordinator)

    head, *rows = lines(client.get("/workspace/calls/?as=csv"))
    assert head[:2] == ["Call", "State"]
    assert sorted(row[0] for row in rows) == ["'=cmd|' /C calc'!A0", "Call of spring"]
    assert lines(client.get("/workspace/calls/?as=csv&search=spring"))[1][0] == str(call)


def test_a_file_of_300_rows_asks_as_many_questions_as_one_of_3(client, db):
    client.force_login(make.staff("coordinator", make.programme()))

    def asked(number: int) -> int:
        for _ in range(number):
            make.cluster()
        with CaptureQueriesContext(connection) as queries:
            client.get("/workspace/clusters/?as=csv").getvalue()
        return len(queries)

    assert asked(3) == asked(297)


@pytest.mark.parametrize("lead", LEADS)
def test_a_text_with_such_a_beginning_is_no_formula(lead):
    assert unformula(f"{lead}1+1").startswith("'")
    file = io.BytesIO()
    write_xlsx(file, [Table("one", ["text"], [[f"{lead}1+1"]])])
    cells = list(openpyxl.load_workbook(file).active.iter_rows(min_row=2))
    assert [cell.data_type for row in cells for cell in row] == ["s"]


def test_numbers_stay_numbers():
    assert unformula(-5) == "-5"
