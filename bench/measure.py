"""Measures one part in the database that the environment names, and prints JSON. Run by `python -m bench`.

CPU is that of this process and of its database server's process together, taken from the kernel's own count.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

import psutil  # noqa: E402
from django.core.files.uploadedfile import SimpleUploadedFile  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import TextField  # noqa: E402
from django.db.models.functions import Cast  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.template import engines  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext, override_settings  # noqa: E402
from django.urls import path, reverse  # noqa: E402

from config import urls as real  # noqa: E402
from facility.application import Application  # noqa: E402
from facility.call import Call  # noqa: E402
from facility.evaluation import Evaluation  # noqa: E402
from facility.instruments.exchange import AT_ONCE, Import  # noqa: E402
from facility.papers import Submission  # noqa: E402
from facility.registry.people import Person  # noqa: E402
from facility.roles import holders  # noqa: E402
from facility.submission import content_of, sha256_of  # noqa: E402
from facility.web import shell  # noqa: E402
from facility.workflow.shape import build  # noqa: E402
from facility.workflow.sheets import Table, write_xlsx  # noqa: E402
from facility.workflow.steps import SYSTEM  # noqa: E402

ROUNDS, WARM = 11, 2
MEGABYTE = 1_000_000
ROWS = 100_000
IMPORTED = 1_000
STATIC = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
CELLS = "".join(f"<td>{{{{ r.{at} }}}}</td>" for at in range(2, 8))
TABLE = (
    "<table><thead><tr><th>Name</th><th>State</th><th>Number</th><th>Country</th><th>Call</th><th>Submitted</th>"
    "<th>Score</th></tr></thead><tbody>{% for r in rows %}<tr><th>"
    "<a href='/workspace/applications/{{ r.0 }}/'>{{ r.1 }}</a></th>" + CELLS + "</tr>{% endfor %}</tbody></table>"
)
BARE = f"<!doctype html><html lang='en'><title>Applications</title><body>{TABLE}</body></html>"
FRAMED = "{% extends 'base.html' %}{% block layout %}" + TABLE + "{% endblock %}"
LISTED = """SELECT a.id, c.name, a.state, a.number, c.country, k.title_text, a.submitted_at, a.score
    FROM facility_application a JOIN facility_cluster c ON c.id = a.lead_cluster_id JOIN facility_call k
    ON k.id = a.call_id ORDER BY a.id DESC LIMIT 50"""
CURSOR = """SELECT a.number, a.state, c.name, c.country, p.name, s.value, s.comment, e.total
    FROM facility_score s JOIN facility_evaluation e ON e.id = s.evaluation_id JOIN facility_person p
    ON p.id = e.evaluator_id JOIN facility_application a ON a.id = e.application_id
    JOIN facility_cluster c ON c.id = a.lead_cluster_id WHERE a.call_id = %s"""


# -- the plain side


def plain_json(request: Any) -> HttpResponse:
    """One statement that makes the JSON of 50 nested rows, through a view and nothing else."""
    rows = Application._base_manager.order_by("-id").annotate(
        json=Cast(build({"id": "pk", "version": "version", "state": "state"} | Application.shape, "staff"), TextField())
    )
    statement, values = rows.values_list("json")[:50].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        body = ",".join(row[0] for row in cursor)
    return HttpResponse(f'{{"results":[{body}]}}', content_type="application/json")


def plain_list(request: Any) -> HttpResponse:
    """The same rows in a template, without a frame or within the frame of every page."""
    with connection.cursor() as cursor:
        cursor.execute(LISTED)
        rows = cursor.fetchall()
    if request.path == "/bare/":
        return HttpResponse(TEMPLATES["bare"].render({"rows": rows}))
    return HttpResponse(TEMPLATES["framed"].render({"rows": rows, **shell(request)}, request))


TEMPLATES = {name: engines["django"].from_string(text) for name, text in (("bare", BARE), ("framed", FRAMED))}
urlpatterns = [
    path("json/", plain_json),
    path("bare/", plain_list),
    path("framed/", plain_list),
    *real.urlpatterns,
]


# -- how it is measured


class Clock:
    """CPU of this process and its database server's, in milliseconds."""

    def __init__(self) -> None:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            self.server = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")

    def now(self) -> float:
        """The count so far; without the kernel's count of the server, this process alone."""
        server = int(self.server.read_text().split()[0]) if self.server.exists() else 0
        return time.process_time() * 1000 + server / 1e6


def cpu(*sides: Callable[[], Any], rounds: int = ROUNDS) -> list[float]:
    """The median CPU of each side in milliseconds, their rounds in turn."""
    clock = Clock()
    taken: list[list[float]] = [[] for _ in sides]
    for number in range(rounds + WARM):
        for side, spent in zip(sides, taken, strict=True):
            began = clock.now()
            side()
            if number >= WARM:
                spent.append(clock.now() - began)
    return [median(spent) for spent in taken]


def counted(act: Callable[[], Any]) -> int:
    """How many statements something asks."""
    act()
    with CaptureQueriesContext(connection) as queries:
        act()
    return len(queries)


def got(client: Client, address: str) -> Callable[[], Any]:
    """A request that must be answered."""

    def ask() -> None:
        answer = client.get(address)
        if answer.status_code != 200:  # noqa: PLR2004
            raise SystemExit(f"{address} answered {answer.status_code}")
        if answer.streaming:
            for _piece in answer.streaming_content:
                pass
            answer.close()

    return ask


def signed_in(person: Person) -> Client:
    """A client with a session."""
    client = Client()
    client.force_login(person)
    return client


def one(role: str) -> Person:
    """Somebody of the synthetic programme."""
    call = Call.objects.get(state="decided")
    return holders(role, scope="programme", key=call.programme_id).first()


# -- pages and steps


def pages() -> dict[str, Any]:
    """Statements and CPU of every page, beside its plain side."""
    office, evaluator = signed_in(one("coordinator")), signed_in(one("evaluator"))
    bid = Application.objects.filter(state="selected").order_by("number").first()
    call = Call.objects.get(state="decided")
    asked = {
        "API list of 50": got(office, "/api/applications/?page_size=50"),
        "web list": got(office, "/workspace/applications/"),
        "detail": got(office, bid.get_absolute_url()),
        "home of an evaluator": got(evaluator, "/workspace/"),
        "home of a coordinator": got(office, "/workspace/"),
        "board": got(office, reverse("board")),
        "figures of a call": got(office, reverse("call-figures", kwargs={"pk": call.pk})),
    }
    with override_settings(MIDDLEWARE=[]):
        bare = Client()
        plain = {name: got(bare, address) for name, address in (("json", "/json/"), ("bare", "/bare/"))}
        for ask in plain.values():
            ask()
    plain["framed"] = got(office, "/framed/")
    statements = {name: counted(ask) for name, ask in asked.items()} | steps_counted()
    spent = {name: cpu(ask)[0] for name, ask in asked.items()}
    ratio = {}
    for name, own, other in (
        ("API list of 50", "API list of 50", "json"),
        ("web list, framed", "web list", "framed"),
        ("web list, bare", "web list", "bare"),
    ):
        mine, theirs = cpu(asked[own], plain[other])
        ratio[name] = mine / theirs
    ratio["step"] = step_ratio()
    pss = psutil.Process().memory_full_info().pss / MEGABYTE
    return {"statements": statements, "cpu": spent, "ratio": ratio, "pss": pss, "first": first_answer()}


ASKED: dict[str, Any] = {"reason": "Please say more.", "fields": ["context"], "days": 7}


class Course:
    """An application that the office returns and the applicant hands in again, for ever."""

    def __init__(self) -> None:
        self.bid = Application.objects.filter(call__state="closed", state="submitted").order_by("number").first()
        self.office = one("coordinator")
        self.manager = holders("manager", scope="cluster", key=self.bid.lead_cluster_id).first()
        if not self.bid.submissions.exists():  # rows written in bulk were never handed in
            content = content_of(self.bid)
            told = {"at": self.bid.submitted_at, "by": self.manager, "content": content, "sha256": sha256_of(content)}
            Submission.objects.bulk_create([Submission(application_id=self.bid.pk, number=1, **told)])

    def there(self) -> None:
        """Asks for clarification; the managers get a notice."""
        self.bid.perform("return_for_clarification", by=self.office, **ASKED)

    def back(self) -> None:
        """The clarification comes."""
        self.bid.perform("resubmit", by=self.manager, clarification="More.")


def steps_counted() -> dict[str, int]:
    """The statements of one step with a notice, through the API and in the door alone."""
    course = Course()
    course.there()
    course.back()
    with CaptureQueriesContext(connection) as queries:
        course.there()
    door = len(queries)  # now, since the next request forgets them
    course.back()
    client = signed_in(course.office)
    client.get("/api/applications/?page_size=1")  # the session is in use, as it is for all but the first request
    address = reverse("api-applications-return_for_clarification", kwargs={"pk": course.bid.pk})
    with CaptureQueriesContext(connection) as asked:
        answer = client.post(address, ASKED, content_type="application/json")
    through_api = len(asked)
    if answer.status_code != 200:  # noqa: PLR2004
        raise SystemExit(answer.content.decode())
    course.back()
    return {"step in the door": door, "step through the API": through_api}


def step_ratio() -> float:
    """CPU of a step with permission, guards, entry and notice, to that of one statement that updates and inserts."""
    course = Course()
    turns = itertools.cycle([course.there, course.back])
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE plain (id int PRIMARY KEY, state text, version int)")
        cursor.execute("CREATE TEMP TABLE plain_log (id int, state text, at timestamptz, who text, said text)")
        cursor.execute("INSERT INTO plain VALUES (1, 'a', 1)")

    def plain() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "WITH done AS (UPDATE plain SET state = %s, version = version + 1 WHERE id = %s RETURNING id, state) "
                "INSERT INTO plain_log SELECT id, state, now(), %s, %s FROM done",
                ["b", 1, "somebody", "Please say more."],
            )

    def taken() -> None:
        next(turns)()

    mine, theirs = cpu(taken, plain, rounds=30)
    return mine / theirs


def first_answer() -> float:
    """Seconds from the start of a process to its first answer."""
    said = "import django; django.setup(); from django.test import Client\n"
    said += "Client().get('/live', headers={'host': 'localhost'})"
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", said], check=True, env=os.environ)  # noqa: S603
    return round(time.monotonic() - began, 2)


# -- files


def whole_call(kind: str) -> dict[str, Any]:
    """The whole decided call as a file: statements, seconds, memory on top of what the process had before."""
    call, client = Call.objects.get(state="decided"), signed_in(one("coordinator"))
    ask = got(client, f"{reverse('call-export', kwargs={'pk': call.pk})}?as={kind}")
    client.get("/workspace/")
    before = peak()
    began = time.monotonic()
    with CaptureQueriesContext(connection) as queries:
        ask()
    seconds, on_top, statements = time.monotonic() - began, peak() - before, len(queries)

    def plain() -> None:
        writer = csv.writer(io.StringIO())
        with connection.chunked_cursor() as cursor:
            cursor.execute(CURSOR, [call.pk])
            for row in cursor:
                writer.writerow(row)

    mine, theirs = cpu(ask, plain, rounds=1)
    rows = Evaluation.objects.filter(application__call=call).count() + call.applications.count()
    told = {"statements": statements, "seconds": round(seconds, 2), "peak": round(on_top, 1), "rows": rows}
    return told | {"ratio": round(mine / theirs, 1)}


def sheet() -> dict[str, Any]:
    """A workbook of 100,000 rows of ten cells."""
    row = ["Text of some length", 1, 2.5, "ES", "=1", "textiles", 40, 30, True, None]
    before, began = peak(), time.monotonic()
    with open(os.devnull, "wb") as file:
        write_xlsx(file, [Table("rows", [f"c{n}" for n in range(10)], itertools.repeat(row, ROWS))])
    return {"seconds": round(time.monotonic() - began, 2), "peak": round(peak() - before, 1)}


def table() -> dict[str, Any]:
    """An import of 1,000 clusters, half of them known."""
    by = one("coordinator")
    known = Application.objects.order_by("pk").values_list("lead_cluster__name", "lead_cluster__country")[
        : IMPORTED // 2
    ]
    rows = [f"{name},{country},other,50,40" for name, country in known]
    rows += [f"New {number},ES,glass,10,5" for number in range(IMPORTED - len(rows))]
    data = "\n".join(["name,country,sector,members,smes", *rows]).encode()
    began = time.monotonic()
    made = Import().perform("upload", by=by, files={"file": SimpleUploadedFile("t.csv", data)})
    if len(rows) > AT_ONCE:
        made.perform("examine", by=SYSTEM)
    checked = time.monotonic() - began
    began = time.monotonic()
    made.perform("confirm", by=by)
    while made.state == "applying":
        made.perform("proceed", by=SYSTEM)
    return {"checked": round(checked, 1), "taken": round(time.monotonic() - began, 1), "rows": made.taken_over}


def peak() -> float:
    """The most memory that this process has ever had, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE


PARTS = {
    "pages": pages,
    "zip": lambda: whole_call("zip"),
    "xlsx": lambda: whole_call("xlsx"),
    "sheet": sheet,
    "table": table,
}

if __name__ == "__main__":
    from django.conf import settings

    with override_settings(
        ROOT_URLCONF="bench.measure", ALLOWED_HOSTS=["testserver"], STORAGES=settings.STORAGES | STATIC
    ):
        sys.modules.setdefault("bench.measure", sys.modules["__main__"])
        print(json.dumps(PARTS[sys.argv[1]]()))
