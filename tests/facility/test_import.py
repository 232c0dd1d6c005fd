"""Tables of clusters and members: shown before anything is written, taken over once, refused in plain words."""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
import threading
import zipfile

import openpyxl
import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facility.instruments import exchange, tables
from facility.instruments.columns import CLUSTERS, MEMBERS, known, rows_for
from facility.instruments.exchange import Import
from facility.registry.cluster import Cluster
from facility.registry.organisation import Organisation
from facility.tasks import forget_imported_rows
from facility.workflow import jobs, sheets
from facility.workflow.steps import SYSTEM, Blocked, Invalid, NotAllowed, NotFound
from facility.workflow.trail import Entry, Notice
from tests import factories as make

HEAD = ["name", "country", "sector", "members", "smes"]
ONE = ["Clúster Téxtil", "ES", "textiles", "40", "30"]


@pytest.fixture
def coordinator(db):
    return make.staff("coordinator", make.programme())


def as_csv(*rows: list[str], separator: str = ",", start: str = "", end: str = "\n") -> bytes:
    file = io.StringIO()
    csv.writer(file, delimiter=separator, lineterminator=end).writerows(rows)
    return (start + file.getvalue()).encode()


def as_xlsx(**named: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in named.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def upload(by, data: bytes, name: str = "clusters.csv") -> Import:
    return Import().perform("upload", by=by, files={"file": SimpleUploadedFile(name, data)})


def counted(made: Import) -> tuple[int, int, int, int]:
    return made.new, made.changed, made.unchanged, made.wrong


def refusal(by, data: bytes, name: str = "clusters.csv") -> str:
    with pytest.raises(Invalid) as refused:
        upload(by, data, name)
    assert Import.objects.count() == 0
    return " ".join(refused.value.errors["file"])


# -- what is taken


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_csv_of_any_common_kind_is_read(coordinator, separator, start, end):
    made = upload(coordinator, as_csv(HEAD, ONE, separator=separator, start=start, end=end))

    assert (made.state, counted(made)) == ("checked", (1, 0, 0, 0))
    assert Cluster.objects.count() == 0
    made.perform("confirm", by=coordinator)
    found = Cluster.objects.get()
    assert (found.name, found.country.code, found.members_count) == ("Clúster Téxtil", "ES", 40)
    assert (made.state, made.taken_over) == ("applied", 1)


def test_what_is_confirmed_goes_through_the_door_and_names_its_cause(coordinator):
    made = upload(coordinator, as_csv(HEAD, ONE))
    made.perform("confirm", by=coordinator)
    entry = Entry.objects.get(record_id=Cluster.objects.get().pk)

    assert (entry.step, entry.actor) == ("create", coordinator)
    assert (entry.caused_by.record_id, entry.caused_by.step) == (made.pk, "confirm")


def test_a_workbook_brings_clusters_and_members_of_new_and_known_ones(coordinator):
    known_one = make.cluster("PT", name="Polo")
    book = as_xlsx(
        clusters=[HEAD, ["Glasvallei", "Netherlands", "glass", 20, 10.0]],
        members=[
            ["cluster", "organisation", "kind", "size", "country"],
            ["Glasvallei", "Ovens BV", "Firm", "small", "NL"],
            ["polo ", "Algas Lda", "firm", "micro", "Portugal"],
            ["Nowhere", "Lost", "firm", "micro", "PT"],
        ],
    )
    made = upload(coordinator, book, "both.xlsx")
    assert counted(made) == (3, 0, 0, 1)
    made.perform("confirm", by=coordinator)

    assert Organisation.objects.get(name="Ovens BV").cluster.name == "Glasvallei"
    assert Organisation.objects.get(name="Algas Lda").cluster == known_one
    (left,) = made.refused_rows()
    assert (left["sheet"], left["row"], left["faults"][0][0]) == ("members", 4, "cluster")


def test_the_same_file_again_changes_nothing(coordinator):
    data = as_csv(HEAD, ONE, ["Polo", "PT", "algae", "9", "9"])
    upload(coordinator, data).perform("confirm", by=coordinator)
    entries = Entry.objects.filter(record_type="facility.cluster").count()
    again = upload(coordinator, data)

    assert counted(again) == (0, 0, 2, 0)
    with pytest.raises(Blocked, match="No row can be taken over"):
        again.perform("confirm", by=coordinator)
    assert Entry.objects.filter(record_type="facility.cluster").count() == entries


def test_changes_are_shown_before_and_after_and_other_columns_stay(coordinator, client):
    one = make.cluster("ES", name="Clúster Téxtil", website="https://example.org", members_count=40)
    made = upload(coordinator, as_csv(["name", "country", "members"], ["clúster  téxtil", "ES", "41"]))
    client.force_login(coordinator)
    page = client.get(made.get_absolute_url()).content.decode()

    assert "<del>40</del>" in page and "<ins>41</ins>" in page
    assert Cluster.objects.get(pk=one.pk).members_count == 40
    made.perform("confirm", by=coordinator)
    one.refresh_from_db()
    assert (one.members_count, one.website, one.name) == (41, "https://example.org", "clúster téxtil")


def test_with_the_key_a_name_may_change(coordinator):
    one = make.cluster("ES", name="Old name")
    made = upload(coordinator, as_csv(["id", "name", "country"], [str(one.pk), "New name", "ES"], ["7", "X", "ES"]))
    assert counted(made) == (0, 1, 0, 1)
    made.perform("confirm", by=coordinator)
    one.refresh_from_db()
    assert one.name == "New name"


def test_each_wrong_row_is_named_with_its_column_and_the_right_ones_are_taken(coordinator, client):
    rows = [
        HEAD,
        ["Right", "ES", "glass", "10", "5"],
        ["No such land", "Atlantis", "glass", "10", "5"],
        ["More than there are", "ES", "glass", "5", "10"],
        ["No number", "ES", "glass", "many", "1"],
        ["RIGHT", "ES", "glass", "10", "5"],
        ["", "ES", "glass", "10", "5"],
    ]
    made = upload(coordinator, as_csv(*rows))
    faults = {line["row"]: line["faults"][0][0] for line in made.refused_rows()}
    assert counted(made) == (1, 0, 0, 5)
    assert faults == {3: "country", 4: "smes", 5: "members", 6: "name", 7: "name"}
    made.perform("confirm", by=coordinator)
    assert Cluster.objects.count() == 1

    client.force_login(coordinator)
    answer = client.get(f"/workspace/imports/{made.pk}/rows-left-out/")
    book = openpyxl.load_workbook(io.BytesIO(answer.getvalue()))
    rows = list(book["clusters"].iter_rows(values_only=True))
    assert [row[1] for row in rows[1:]][:2] == ["No such land", "More than there are"]
    assert rows[0][-1] == "why it was left out" and rows[2][-1] == "smes: There cannot be more SMEs than members."


def test_an_empty_cell_empties_and_a_missing_column_leaves(coordinator):
    one = make.cluster("ES", name="A", website="https://example.org", nuts="ES52")
    upload(coordinator, as_csv(["name", "country", "region"], ["A", "ES", ""])).perform("confirm", by=coordinator)
    one.refresh_from_db()
    assert (one.nuts, one.website) == ("", "https://example.org")


# -- two at once


def test_what_somebody_else_entered_since_is_named_and_left_out(coordinator):
    first, second = upload(coordinator, as_csv(HEAD, ONE)), upload(coordinator, as_csv(HEAD, ONE))
    first.perform("confirm", by=coordinator)
    second.perform("confirm", by=coordinator)

    assert Cluster.objects.count() == 1
    assert (second.state, second.taken_over) == ("applied", 0)
    assert "is registered in this country" in second.refused_rows()[0]["faults"][0][1]


def test_what_somebody_else_changed_since_is_not_overwritten(coordinator):
    one = make.cluster("ES", name="A", members_count=40)
    made = upload(coordinator, as_csv(["name", "country", "members"], ["A", "ES", "41"]))
    values = {"name": "A", "country": "ES", "lang": "en", "sector": "x", "members_count": 99, "smes_count": 1}
    one.perform("edit", by=coordinator, **values)
    made.perform("confirm", by=coordinator)

    one.refresh_from_db()
    assert one.members_count == 99
    assert "Somebody else has changed this" in made.refused_rows()[0]["faults"][0][1]


def test_control_without_the_version_the_later_import_overwrites(coordinator, monkeypatch):
    """Shows that the test above looks: the same course with the version not asked for."""
    one = make.cluster("ES", name="A", members_count=40)
    made = upload(coordinator, as_csv(["name", "country", "members"], ["A", "ES", "41"]))
    values = {"name": "A", "country": "ES", "lang": "en", "sector": "x", "members_count": 99, "smes_count": 1}
    one.perform("edit", by=coordinator, **values)
    written = Import.written
    monkeypatch.setattr(Import, "written", lambda self, line: written(self, line | {"version": None}))
    made.perform("confirm", by=coordinator)
    one.refresh_from_db()
    assert one.members_count == 41


def test_two_people_who_confirm_at_the_same_moment_make_each_cluster_once(committed):
    people = [make.staff("coordinator", make.programme()) for _ in range(2)]
    rows = [[f"Cluster {n}", "ES", "glass", "10", "5"] for n in range(20)]
    made = [upload(by, as_csv(HEAD, *random.sample(rows, len(rows)))) for by in people]
    ready = threading.Barrier(2)

    def confirm(one, by):
        ready.wait()
        one.perform("confirm", by=by)
        connections.close_all()

    threads = [threading.Thread(target=confirm, args=pair) for pair in zip(made, people, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Cluster.objects.count() == 20
    assert sum(Import.objects.get(pk=one.pk).taken_over for one in made) == 20


# -- what is refused


def merged() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["Clusters of 2021", None])
    book.active.append(HEAD)
    book.active.merge_cells("A1:B1")
    return saved(book)


def with_macros() -> bytes:
    file = io.BytesIO(as_xlsx(clusters=[HEAD, ONE]))
    with zipfile.ZipFile(file, "a") as packed:
        packed.writestr("xl/vbaProject.bin", b"x")
    return file.getvalue()


def bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", "x" * 120_000_000)
    return file.getvalue()


def entities() -> bytes:
    file = io.BytesIO(as_xlsx(clusters=[HEAD, ONE]))
    out = io.BytesIO()
    evil = b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]>'
    with zipfile.ZipFile(file) as packed, zipfile.ZipFile(out, "w") as made:
        for name in packed.namelist():
            data = packed.read(name)
            made.writestr(name, evil + data if name == "xl/workbook.xml" else data)
    return out.getvalue()


def far_cell() -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx(clusters=[HEAD, ONE])))
    book.active["A1048576"] = "here"
    return saved(book)


BAD = {
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n", "clusters.png", "Accepted are XLSX and CSV"),
    "a macro book by name": (with_macros, "clusters.xlsm", "Accepted are XLSX and CSV"),
    "a macro book": (with_macros, "clusters.xlsx", "macros"),
    "a bomb": (bomb, "clusters.xlsx", "unpacks to more"),
    "entities": (entities, "clusters.xlsx", "cannot be read"),
    "a PDF as CSV": (lambda: b"%PDF-1.7", "clusters.csv", "not what its name says"),
    "XLSX as CSV": (lambda: as_xlsx(clusters=[HEAD]), "clusters.csv", "not what its name says"),
    "CSV as XLSX": (lambda: as_csv(HEAD, ONE), "clusters.xlsx", "not what its name says"),
    "old Excel": (lambda: b"\xd0\xcf\x11\xe0" + b"x" * 600, "clusters.xlsx", "not what its name says"),
    "a torn workbook": (lambda: as_xlsx(clusters=[HEAD])[:900], "clusters.xlsx", "damaged or not what"),
    "too large": (lambda: b"x" * 5_000_001, "clusters.csv", "larger than 5 MB"),
    "100,000 rows": (lambda: as_csv(HEAD, *[ONE] * 100_000), "clusters.csv", "more than 5000 rows"),
    "100,000 rows of XLSX": (
        lambda: as_xlsx(clusters=[HEAD, *[ONE] * 100_000]),
        "clusters.xlsx",
        "more than 5000 rows",
    ),
    "a cell far away": (far_cell, "clusters.xlsx", "more than 5000 rows"),
    "a merged heading": (merged, "clusters.xlsx", "A1:B1 are merged"),
    "a formula": (
        lambda: as_xlsx(clusters=[HEAD, ["=1+1", *ONE[1:]]]),
        "clusters.xlsx",
        "clusters, A2: a cell holds a f",
    ),
    "a formula in CSV": (lambda: as_csv(HEAD, ["=1+1", *ONE[1:]]), "clusters.csv", "holds a formula"),
    "a missing column": (lambda: as_csv(["name", "sector"], ["A", "x"]), "clusters.csv", "missing: country"),
    "a missing column by sheet": (
        lambda: as_xlsx(clusters=[["name"], ["A"]]),
        "c.xlsx",
        "clusters: these columns are mi",
    ),
    "a heading twice": (lambda: as_csv([*HEAD, "Name"], [*ONE, "B"]), "clusters.csv", "“name” stands there twice"),
    "Latin-1": (lambda: as_csv(HEAD, ONE).decode().encode("latin-1"), "clusters.csv", "CSV UTF-8"),
    "UTF-16": (lambda: as_csv(HEAD, ONE).decode().encode("utf-16"), "clusters.csv", "CSV UTF-8"),
    "NUL": (lambda: as_csv(HEAD, ONE) + b"\x00", "clusters.csv", "CSV UTF-8"),
    "an open quote": (lambda: as_csv(HEAD) + b'"A,ES,x,1,1\n', "clusters.csv", "breaks off within quotes"),
    "nothing": (lambda: b" ", "clusters.csv", "holds no rows"),
    "only headings": (lambda: as_csv(HEAD), "clusters.csv", "holds no rows"),
    "too wide": (lambda: as_csv([*HEAD, *map(str, range(90))], ONE), "clusters.csv", "more than 60 columns"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_is_not_taken_is_refused_in_plain_words(coordinator, kind):
    make_it, name, said = BAD[kind]
    assert said in refusal(coordinator, make_it(), name)


def test_the_page_says_why_and_keeps_nothing(coordinator, client):
    client.force_login(coordinator)
    file = SimpleUploadedFile("clusters.pdf", b"%PDF-1.7")
    answer = client.post("/workspace/imports/new/upload/", {"file": file, "_token": "a1"})
    assert answer.status_code == 400
    assert "Accepted are XLSX and CSV" in answer.content.decode()


def test_a_cell_with_an_error_and_one_beside_the_headings_are_faults_of_their_rows(coordinator):
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx(clusters=[HEAD, ONE, [*ONE, "beside"]])))
    book["clusters"]["C2"] = "#REF!"
    book["clusters"]["C2"].data_type = "e"
    made = upload(coordinator, saved(book), "c.xlsx")
    assert [line["faults"][0][0] for line in made.refused_rows()] == ["sector", "…"]


def test_strange_sheets_and_columns_are_named_and_not_read(coordinator):
    book = as_xlsx(notes=[["just text"]], clusters=[[*HEAD, "colour"], [*ONE, "red"]])
    made = upload(coordinator, book, "c.xlsx")
    assert made.notes == [
        ["not_read", {"sheet": "notes"}],
        ["unknown", {"sheet": "clusters", "column": "colour"}],
    ]


# -- there and back


TEXT = st.text(st.characters(blacklist_categories=["Cc", "Cs"]), min_size=1, max_size=40).map(str.strip).filter(bool)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_exported_and_imported_changes_nothing(data, coordinator):
    with transaction.atomic():
        there_and_back(data, coordinator)
        transaction.set_rollback(True)


def there_and_back(data, coordinator):
    names = data.draw(st.lists(TEXT, min_size=1, max_size=4, unique_by=lambda name: " ".join(name.split()).casefold()))
    made = []
    for name in names:
        members = data.draw(st.integers(0, 500))
        one = make.cluster(name=name, sector=data.draw(TEXT), members_count=members, smes_count=members // 2)
        make_firm(one, coordinator, data.draw(TEXT))
        made.append(one)
    kind = data.draw(st.sampled_from(["xlsx", "csv"]))
    for order in (data.draw(st.permutations(CLUSTERS)), data.draw(st.permutations(MEMBERS))):
        tables_ = [permuted(table, [c.heading for c in order]) for table in rows_for(coordinator)]
        for table in [one for one in tables_ if one is not None]:
            result = upload(coordinator, written(kind, table), f"{table.name}.{kind}")
            assert (result.new, result.changed, result.wrong) == (0, 0, 0), result.lines
            assert result.unchanged == len(table.rows)


def make_firm(one, by, name):
    Organisation().perform("create", by=by, name=name, kind="firm", size="small", country="ES", cluster=str(one.pk))


def permuted(table, head):
    if set(head) != set(table.head):
        return None
    rows = [[row[table.head.index(name)] for name in head] for row in table.rows]
    return sheets.Table(table.name, head, rows)


def written(kind, table) -> bytes:
    if kind == "csv":
        return b"".join(sheets.in_chunks(sheets.csv_lines(table)))
    file = io.BytesIO()
    sheets.write_xlsx(file, [table])
    return file.getvalue()


def test_the_template_says_what_it_wants_and_is_read_when_filled(coordinator, client):
    client.force_login(coordinator)
    book = openpyxl.load_workbook(io.BytesIO(client.get("/workspace/imports/files/template.xlsx").getvalue()))
    assert book.sheetnames == ["clusters", "members", "columns"]
    explained = {(row[0], row[1]) for row in book["columns"].iter_rows(min_row=2, values_only=True)}
    assert explained == {(name, heading) for name, table in known().items() for heading in table["columns"]}
    book["clusters"].append([None, "Glasvallei", "NL", "nl", "", "glass", "", 20, 10, ""])
    assert counted(upload(coordinator, saved(book), "filled.xlsx")) == (1, 0, 0, 0)


def test_the_register_comes_back_as_it_is(coordinator, client):
    make.cluster("ES", name="=cmd|calc")
    client.force_login(coordinator)
    book = client.get("/workspace/imports/files/register.xlsx").getvalue()
    lines = client.get("/workspace/imports/files/clusters.csv").getvalue()
    assert b"'=cmd|calc" in lines
    assert counted(upload(coordinator, book, "register.xlsx")) == (0, 0, 1, 0)
    assert counted(upload(coordinator, lines)) == (0, 0, 1, 0)


# -- long tables


def test_a_long_table_is_worked_on_in_the_background_in_portions(committed, monkeypatch):
    monkeypatch.setattr(exchange, "AT_ONCE", 4)
    by = make.staff("coordinator", make.programme())
    made = upload(by, as_csv(HEAD, *[[f"C {n}", "ES", "glass", "10", "5"] for n in range(10)]))
    assert made.state == "received"
    run_all()
    made.refresh_from_db()
    assert (made.state, made.new) == ("checked", 10)
    made.perform("confirm", by=by)
    assert (made.state, Cluster.objects.count()) == ("applying", 0)
    run_all()
    made.refresh_from_db()
    assert (made.state, made.taken_over, Cluster.objects.count()) == ("applied", 10, 10)
    job = jobs.Job.objects.get(name="facility.apply_import")
    assert (job.progress, job.total) == (10, 10)
    assert Notice.objects.filter(to=by).count() == 2


def test_a_worker_that_is_lost_half_way_leaves_nothing_twice(committed, monkeypatch):
    monkeypatch.setattr(exchange, "AT_ONCE", 4)
    by = make.staff("coordinator", make.programme())
    made = upload(by, as_csv(HEAD, *[[f"C {n}", "ES", "glass", "10", "5"] for n in range(10)]))
    made.perform("examine", by=SYSTEM)
    made.perform("confirm", by=by)
    made.perform("proceed", by=SYSTEM)
    assert Cluster.objects.count() == 4
    run_all()
    made.refresh_from_db()
    assert (made.taken_over, made.wrong, Cluster.objects.count()) == (10, 0, 10)


def run_all() -> None:
    for key in jobs.Job.objects.filter(state="waiting", name__contains="import").values_list("pk", flat=True):
        assert jobs.run(str(key)) == "done"


# -- who, how many questions, and what is forgotten


@pytest.mark.parametrize("role", ["observer", "evaluator", "policymaker"])
def test_others_may_neither_upload_nor_look(coordinator, client, role):
    other = make.staff(role, make.programme())
    made = upload(coordinator, as_csv(HEAD, ONE))
    with pytest.raises(NotAllowed):
        upload(other, as_csv(HEAD, ONE))
    with pytest.raises(NotFound):
        made.perform("confirm", by=other)
    client.force_login(other)
    assert client.get(made.get_absolute_url()).status_code == 404
    assert client.get(f"/workspace/imports/{made.pk}/rows-left-out/").status_code == 404
    status = client.get("/workspace/imports/files/register.xlsx")
    status.close()
    assert status.status_code == (200 if role == "observer" else 403)


def test_only_whoever_saw_the_preview_confirms_it(coordinator):
    made = upload(coordinator, as_csv(HEAD, ONE))
    with pytest.raises(NotAllowed):
        made.perform("confirm", by=make.staff("lead", make.programme()))


def test_control_with_everybody_as_importer_another_confirms(coordinator, monkeypatch):
    """Shows that the test above looks."""
    import dataclasses

    from facility.roles import signed_in

    steps = dict(Import.steps())
    steps["confirm"] = dataclasses.replace(steps["confirm"], who=signed_in)
    monkeypatch.setattr(Import, "_steps", steps)
    made = upload(coordinator, as_csv(HEAD, ONE))
    assert made.perform("confirm", by=make.staff("lead", make.programme())).state == "applied"


def test_the_preview_asks_as_many_questions_for_150_rows_as_for_3(coordinator, client):
    client.force_login(coordinator)

    def asked(number: int) -> int:
        rows = [[f"C {number}-{n}", "ES", "glass", "10", "5"] for n in range(number)]
        made = upload(coordinator, as_csv(HEAD, *rows, ["Wrong", "XX", "", "", ""]))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(made.get_absolute_url()).status_code == 200
        return len(queries)

    assert asked(3) == asked(150)


def test_rows_are_forgotten_after_a_month(coordinator):
    open_one, done = (
        upload(coordinator, as_csv(HEAD, ONE)),
        upload(coordinator, as_csv(HEAD, ONE, ["", "ES", "", "", ""])),
    )
    done.perform("confirm", by=coordinator)
    assert forget_imported_rows() == 0
    with time_machine.travel(timezone.now() + dt.timedelta(days=31), tick=False):
        assert forget_imported_rows() == 2
    open_one.refresh_from_db()
    done.refresh_from_db()
    assert (open_one.state, open_one.lines, done.state, done.lines) == ("discarded", [], "applied", [])


def test_a_column_is_one_line(coordinator, monkeypatch):
    """A new line in the list is in the template, in the export and in the import."""
    from facility.instruments import columns

    more = (*columns.CLUSTERS, columns.Column("demo", "is_demo", "Whether it is invented."))
    monkeypatch.setitem(columns.TABLES, "clusters", (Cluster, more))
    assert "demo" in known()["clusters"]["columns"]
    make.cluster("ES", name="A")
    made = upload(coordinator, as_csv(["name", "country", "demo"], ["A", "ES", "True"]))
    made.perform("confirm", by=coordinator)
    assert Cluster.objects.get().is_demo
    assert next(iter(rows_for(coordinator)[0].rows))[-1] is True


def test_the_reader_alone_needs_no_database():
    reading = tables.read(as_csv(HEAD, ONE), "a.csv", known(), list(sheets.LEADS))
    assert reading["rows"][0]["cells"]["name"] == "Clúster Téxtil"
