"""PostgreSQL restarts while people work: what was acknowledged is kept and not doubled; meanwhile the answer is 503.

The servers are the module's own (config/separate.py), since these restart and wait for the disk as a real one does.
"""

from __future__ import annotations

import collections
import http.client
import itertools
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config import embedded
from config.process import ROOT, commands, environment
from config.separate import HOST, Separate, free_ports
from tests.faults.plant import Plant, amount, plant, until

pytestmark = pytest.mark.faults

WRITERS, READERS, RESTARTS, WELL_AGAIN = 5, 2, 20, 15.0
MODES = ("away", "immediate", "fast", "fast")  # "away": stopped for two seconds before it starts again
STEPS = ("give", "begin", "finish")
PAGES = ("/workspace/", "/workspace/errands/", "/api/errands/?page_size=5", "/")
SEED = f"""
import json, django
django.setup()
from django.test import Client
from facility.registry.people import Token
from tests import factories as make
programme = make.programme()
people = [make.staff("coordinator", programme) for _ in range({WRITERS + READERS})]
tokens = {{str(person.pk): Token.make(person, "load") for person in people}}
client = Client()
client.force_login(people[0])
print(json.dumps({{"tokens": tokens, "session": client.cookies["session"].value}}))
"""


@dataclass
class Site:
    """The servers, and who may come in over HTTP."""

    servers: Separate
    environment: dict[str, str]
    tokens: dict[str, str]
    session: str


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Servers of one's own with a migrated database and people with keys; in a folder that PostgreSQL may enter."""
    embedded.LOCAL.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="faults-", dir=embedded.LOCAL))
    folder.chmod(0o755)
    with Separate(folder).running() as servers:
        own = {
            **servers.addresses(),
            "EMBEDDED": "1",
            "EXTRA_APPS": "tests.errands",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DOCUMENTS_ROOT": str(folder / "documents"),
            "EMAIL_URL": f"filemail:///{folder}/mail",
        }
        run(own, "manage.py", "migrate", "--verbosity", "0")
        yield Site(servers, own, **json.loads(run(own, "-c", SEED)))
    shutil.rmtree(folder)


def run(own: dict[str, str], *arguments: str) -> str:
    """Runs Python with a part of the environment; answers what it printed."""
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment() | own, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


@dataclass
class Answer:
    """What came back: status 0 when nothing did."""

    status: int
    kind: str = ""
    text: str = ""


@dataclass
class Load:
    """People at work over HTTP, each in a thread: writers who repeat a post until it is acknowledged, and readers.

    without_key: the control, a client whose posts carry no Idempotency-Key.
    """

    site: Site
    port: int
    without_key: bool = False
    acknowledged: dict[tuple[str, str], str] = field(default_factory=dict)  # (errand's name, step): its id
    improper: collections.Counter[str] = field(default_factory=collections.Counter)
    away: collections.Counter[str] = field(default_factory=collections.Counter)
    well: dict[str, float] = field(default_factory=dict)  # by thread: when its last good request began
    unwell: float = 0.0  # when the last request began that did not come through
    stop: threading.Event = field(default_factory=threading.Event)
    losing: float = 0.1  # the part of the posts whose answer gets lost on the way

    def ask(self, method: str, path: str, headers: dict[str, str], body: str = "", *, lose: bool = False) -> Answer:
        """One request; with `lose` it is sent, and the answer is never read."""
        line = http.client.HTTPConnection(HOST, self.port, timeout=30)
        try:
            line.request(method, path, body or None, headers)
            if lose:
                time.sleep(0.05)
                return Answer(0)
            came = line.getresponse()
            return Answer(came.status, came.headers.get("Content-Type", ""), came.read().decode())
        except (OSError, http.client.HTTPException):
            return Answer(0)
        finally:
            line.close()

    def judge(self, who: str, began: float, path: str, answer: Answer) -> bool:
        """Whether it came through; what is neither that nor a proper 503 is noted with its status."""
        if answer.status in {200, 201}:
            self.well[who] = began
            return True
        is_api = path.startswith("/api/")
        self.unwell = max(self.unwell, began)
        if answer.status == 503:
            self.away["api" if is_api else "page"] += 1
            kind = "application/problem+json" if is_api else "text/html"
            said = "The database does not answer" if is_api else "away for a moment"
            if not answer.kind.startswith(kind) or said not in answer.text:
                self.improper[f"503 of {path}, {answer.kind}"] += 1
        else:
            self.improper[f"{answer.status or 'no answer'} of {path}: {answer.text[:200]}"] += 1
        return False

    def write(self, who: str, token: str) -> None:
        """Gives, begins and finishes one errand after the other."""
        choose = random.Random(who)
        while not self.stop.is_set():
            name, address = f"{self.port} {uuid.uuid4()}", "/api/errands/"
            for step in STEPS:
                body = {"runner": who, "what": name, "stops": []} if step == "give" else {}
                done = self.post(who, token, address, json.dumps(body), choose)
                if done is None:
                    return
                key = json.loads(done.text)["id"]
                self.acknowledged[name, step] = key
                address = f"/api/errands/{key}/perform/{STEPS[min(STEPS.index(step) + 1, 2)]}/"

    def post(self, who: str, token: str, path: str, body: str, choose: random.Random) -> Answer | None:
        """Posts until it is acknowledged, always with the same key; now and then the answer gets lost on the way."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        if not self.without_key:
            headers["Idempotency-Key"] = uuid.uuid4().hex
        creates = path == "/api/errands/"
        for attempt in itertools.count():
            began = time.monotonic()
            lose = attempt == 0 and choose.random() < self.losing and (creates or not self.without_key)
            answer = self.ask("POST", path, headers, body, lose=lose)
            if not lose and self.judge(who, began, path, answer):
                return answer
            if answer.status not in {0, 503}:
                return None  # noted as improper
            time.sleep(0.1)
        raise AssertionError("unreachable")

    def read(self, who: str, token: str) -> None:
        """Looks at pages with a session, at the API with a key."""
        for path in itertools.cycle(PAGES):
            if self.stop.is_set():
                return
            is_api = path.startswith("/api/")
            headers = {"Authorization": f"Bearer {token}"} if is_api else {"Cookie": f"session={self.site.session}"}
            began = time.monotonic()
            self.judge(who, began, path, self.ask("GET", path, headers))
            time.sleep(0.05)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """The threads at work; afterwards each ends what it has begun."""
        people = list(self.site.tokens.items())
        acts: list[tuple[Callable[[str, str], None], tuple[str, str]]] = [
            *((self.write, one) for one in people[:WRITERS]),
            *((self.read, one) for one in people[WRITERS:]),
        ]
        threads = [threading.Thread(target=act, args=one) for act, one in acts]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()

    def all_well_since(self, instant: float) -> bool:
        """Whether everybody has had a good answer to a request of after this instant."""
        return len(self.well) == WRITERS + READERS and min(self.well.values()) > instant


@dataclass
class Found:
    """What the database holds in the end, against what was acknowledged."""

    lost: int
    doubled: int
    unknown: int


def compare(load: Load) -> Found:
    """Counts acknowledged steps that are not there, steps taken twice, and steps nobody was told of."""
    acknowledged = set(load.acknowledged)
    with psycopg.connect(load.site.servers.addresses()["MIGRATE_DATABASE_URL"]) as connection:
        there = collections.Counter(
            connection.execute(
                "SELECT e.what, t.step FROM tests_errand e JOIN workflow_entry t ON t.record_id = e.id "
                "WHERE e.what LIKE %s AND t.step = ANY(%s)",
                [f"{load.port} %", list(STEPS)],
            ).fetchall()
        )
    return Found(
        lost=sum(1 for act in acknowledged if not there[act]),
        doubled=sum(count - 1 for count in there.values()),
        unknown=len(there.keys() - acknowledged),
    )


def restart(servers: Separate, mode: str) -> float:
    """Restarts PostgreSQL in one of the modes; answers the instant when it was there again."""
    if mode == "away":
        servers.postgres.stop()
        time.sleep(2)
        servers.postgres.start()
    else:
        servers.postgres.restart(mode)
    return time.monotonic()


def serve(made: Plant, port: int, application: str) -> None:
    """The web process of the Procfile, answering."""
    made.start("web", commands()["web"].replace("config.wsgi", application), PORT=str(port), BIND=HOST)

    def answers() -> bool:
        line = http.client.HTTPConnection(HOST, port, timeout=5)
        try:
            line.request("GET", "/ready")
            return line.getresponse().status == 200
        except OSError:
            return False
        finally:
            line.close()

    until(answers, 60)


@pytest.fixture
def started(site: Site, tmp_path: Path) -> Iterator[Callable[..., tuple[Plant, Load]]]:
    """Starts the web process, and others by name, on the servers."""
    with ExitStack() as stack:

        def start(*others: str, without_key: bool = False, application: str = "config.wsgi") -> tuple[Plant, Load]:
            made = stack.enter_context(plant(tmp_path, **site.environment))
            (port,) = free_ports(1)
            serve(made, port, application)
            for name in others:
                made.start(name)
            return made, Load(site, port, without_key=without_key)

        yield start


def test_restarts_under_load(site: Site, started: Any, figure: Any) -> None:
    made, load = started("worker", "relay")
    slowest, unwell = 0.0, 0.0
    with load.going_on():
        until(lambda: load.all_well_since(0), 30)
        for number in range(amount(RESTARTS)):
            there = restart(site.servers, MODES[number % len(MODES)])
            slowest = max(slowest, until(lambda there=there: load.all_well_since(there), WELL_AGAIN * 2))
            time.sleep(random.uniform(0.3, 1.0))
            unwell = max(unwell, load.unwell - there)
    found = compare(load)
    figure("PostgreSQL restarts: acknowledged writes", len(load.acknowledged), "some", "", bool(load.acknowledged))
    figure("PostgreSQL restarts: acknowledged writes lost", found.lost, "0", "", found.lost == 0)
    figure("PostgreSQL restarts: writes doubled", found.doubled, "0", "", found.doubled == 0)
    figure("PostgreSQL restarts: answers 503", load.away.total(), "some", "", bool(load.away))
    figure("PostgreSQL restarts: other faults", load.improper.total(), "0", "", not load.improper)
    worst = round(max(slowest, unwell), 2)
    figure("PostgreSQL restarts: well again, worst", worst, "at most 15 s", "s", worst <= WELL_AGAIN)
    assert len(load.acknowledged) > 20
    assert found == Found(lost=0, doubled=0, unknown=0)
    assert not load.improper
    assert load.away["api"] and load.away["page"], "nobody met the server while it was away"
    assert worst <= WELL_AGAIN
    assert all(one.poll() is None for one in made.running.values()), "a process has ended"
    figure("PostgreSQL restarts: jobs and mails done after", round(drained(load), 1), "all", "s")


def drained(load: Load) -> float:
    """Seconds until worker and relay have done all that waits: each errand thanked for once, each notice sent."""
    finished = {key for (_name, step), key in load.acknowledged.items() if step == "finish"}
    assert finished
    with psycopg.connect(load.site.servers.addresses()["DATABASE_URL"], autocommit=True) as connection:

        def count(question: str) -> int:
            return connection.execute(question, [list(finished)]).fetchone()[0]

        unsent = "SELECT count(*) FROM workflow_notice WHERE record_id = ANY(%s::uuid[]) AND mailed_at IS NULL"
        thanks = "SELECT count(*) FROM workflow_entry WHERE record_id = ANY(%s::uuid[]) AND step = 'thank'"
        took = until(lambda: count(thanks) >= len(finished) and not count(unsent), 120, pause=0.5)
        assert count(thanks) == len(finished)
        assert count(unsent.replace("IS NULL", "IS NOT NULL")) == len(finished)
        unfinished = "SELECT count(*) FROM workflow_job WHERE record_id = ANY(%s::uuid[]) AND state <> 'done'"
        until(lambda: not count(unfinished), 30, pause=0.5)
    assert run(load.site.environment, "manage.py", "verify_trail").startswith("The trail holds")
    return took


def test_control_acknowledged_before_it_is_on_the_disk(site: Site, started: Any) -> None:
    """A server that says yes before it has written is one whose acknowledged writes a crash takes away."""
    with site.servers.postgres.connect() as connection:
        for setting in ("synchronous_commit = off", "wal_writer_delay = '10s'", "wal_writer_flush_after = '1GB'"):
            connection.execute(f"ALTER SYSTEM SET {setting}")
        connection.execute("SELECT pg_reload_conf()")
    try:
        _made, load = started()
        with load.going_on():
            until(lambda: load.all_well_since(0), 30)
            time.sleep(1)
            restart(site.servers, "immediate")
            load.losing = 0
        assert compare(load).lost > 0
    finally:
        with site.servers.postgres.connect() as connection:
            connection.execute("ALTER SYSTEM RESET ALL")
        site.servers.postgres.restart()


def test_control_without_a_key_a_lost_answer_is_a_second_record(started: Any) -> None:
    _made, load = started(without_key=True)
    with load.going_on():
        until(lambda: load.all_well_since(0), 30)
        until(lambda: compare(load).doubled > 0, 60, pause=0.5)


def test_control_without_the_answers_to_it_a_restart_is_a_fault_of_ours(site: Site, started: Any) -> None:
    _made, load = started(application="tests.faults.careless")
    with load.going_on():
        until(lambda: load.all_well_since(0), 30)
        there = restart(site.servers, "away")
        until(lambda: load.all_well_since(there), WELL_AGAIN)
    assert any(said.startswith("500 of /workspace/") for said in load.improper)
