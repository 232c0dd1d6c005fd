"""A real browser before a real server: one scene for the whole folder, made through the door and committed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connections
from django.test import Client, override_settings
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.scene import Scene, build
from tests.conftest import OWNER

SCREENS = settings.LOCAL / "screens"
AXE = settings.LOCAL / "assets" / "axe" / "axe.min.js"
QUIET = ["no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"]
QUIET += ["disable-component-update", "disable-sync"]
# Milliseconds that a window waits for what should come, on a machine that may be busy.
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="package", autouse=True)
def _fast_passwords(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The settings of the suite, for as long as the server runs; files are served as they lie in the tree."""
    documents = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(tmp_path_factory.mktemp("documents"))},
    }
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend",
        STORAGES=settings.STORAGES | {"documents": documents, "staticfiles": static},
        ALLOWED_HOSTS=["127.0.0.1"],
        SECOND_FACTOR=False,
    ):
        yield


@pytest.fixture(autouse=True)
def _own_documents() -> None:
    """They lie where the package's settings say."""


@pytest.fixture(autouse=True)
def _own_tries() -> None:
    """All windows come from one address: the tries that a test counts are none of the next one's."""
    cache.clear()


@pytest.fixture(scope="package")
def scene(_fast_passwords: None, django_db_setup: None, django_db_blocker: Any) -> Iterator[Scene]:
    """The scene; afterwards the owner empties the tables for the tests that follow."""
    with django_db_blocker.unblock():
        try:
            yield build()
        finally:
            connections.close_all()
            empty()
            connections.close_all()


def empty() -> None:
    """Empties all tables as their owner."""
    found = connections["default"].get_connection_params()
    place = {name: found[name] for name in ("host", "port", "dbname") if found.get(name)}
    with psycopg.connect(**place, user=OWNER["USER"], password=OWNER["PASSWORD"] or None) as raw:
        names = raw.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        tables = ", ".join(f'"{name}"' for (name,) in names if name != "django_migrations")
        raw.execute(f"TRUNCATE {tables} CASCADE")


@pytest.fixture(scope="package")
def server(scene: Scene) -> Iterator[str]:
    """The address of the server."""
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.test.testcases import LiveServerThread

    thread = LiveServerThread("127.0.0.1", StaticFilesHandler)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    if thread.error:
        raise thread.error
    yield f"http://127.0.0.1:{thread.port}"
    thread.terminate()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without what phones home."""
    # Playwright keeps an event loop in this thread; the tests' own questions to the database are plain calls.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[f"--{one}" for one in QUIET],
        )
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Visit:
    """A person with a browser window; what goes wrong on the way is collected in `faults`."""

    def __init__(self, context: BrowserContext, server: str, *, person: Any = None) -> None:
        self.server, self.faults = server, []
        self.context = context
        if person is not None:
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session_of(person), "url": server}])
        self.page: Page = context.new_page()
        self.page.on("console", lambda said: said.type == "error" and self.faults.append(f"console: {said.text}"))
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("requestfailed", self.failed)
        self.page.on("request", self.asked)
        self.page.on("response", lambda got: got.status >= 400 and self.faults.append(f"{got.status}: {got.url}"))

    def failed(self, request: Any) -> None:
        """A picture that the next page cuts short is no fault."""
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"failed: {request.url}")

    def asked(self, request: Any) -> None:
        """Nothing is asked of anybody but the server."""
        if not request.url.startswith((f"{self.server}/", "data:")):
            self.faults.append(f"outside: {request.url}")

    def open(self, path: str) -> Page:
        """Opens a page of the server, with everything that belongs to it."""
        self.page.goto(self.server + path, wait_until="load")
        return self.page

    def saved(self, name: str) -> Path:
        """The page as a picture, down to its end."""
        SCREENS.mkdir(parents=True, exist_ok=True)
        path = SCREENS / f"{name}.png"
        self.page.screenshot(path=path, full_page=True)
        return path


def session_of(person: Any) -> str:
    """The key of a session in which the person is signed in."""
    client = Client()
    client.force_login(person)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.fixture
def visit(browser: Browser, server: str) -> Iterator[Any]:
    """`visit(person, width=390, script=False, language="nl")` opens a window; without a person nobody is signed in."""
    contexts = []

    def opened(person: Any = None, *, width: int = 1280, script: bool = True, language: str = "en-GB") -> Visit:
        context = browser.new_context(
            viewport={"width": width, "height": 844 if width < 700 else 900},
            java_script_enabled=script,
            locale=language,
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        return Visit(context, server, person=person)

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="package")
def axe() -> str:
    """The text of axe-core."""
    return AXE.read_text()
