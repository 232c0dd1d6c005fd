"""Test databases are made by the owner; the tests themselves run as the application's role, as production does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import environ
import pytest
from django.conf import settings
from django.db import connection, connections
from django.utils import timezone, translation

OWNER = environ.Env.db_url_config(os.environ["MIGRATE_DATABASE_URL"])

# Workers of one run share a server; what one counts or clears in the cache must be none of the other's.
if "OPTIONS" in settings.CACHES["default"]:
    settings.CACHES["default"]["OPTIONS"]["db"] = 1 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])


def _be(who: dict[str, Any]) -> None:
    connection.close()
    for name in ("USER", "PASSWORD"):
        connection.settings_dict[name] = who[name]


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest, django_test_environment: None, django_db_blocker: Any
) -> Iterator[None]:
    """Makes the database as its owner, then steps down to the application's role."""
    from django.test.utils import setup_databases, teardown_databases

    application = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD")}
    with django_db_blocker.unblock():
        _be(OWNER)
        connection.settings_dict["TEST"]["NAME"] = f"test_facility_{os.getpid()}"  # several runs side by side
        made = setup_databases(verbosity=0, interactive=False, serialized_aliases=set())
        _be(application)
    yield
    with django_db_blocker.unblock():
        _be(OWNER)
        teardown_databases(made, verbosity=0)


@pytest.fixture
def owner(django_db_setup: None) -> Iterator[Any]:
    """A cursor as the owner of the tables, outside the test's transaction."""
    import psycopg

    settings = connections["default"].get_connection_params()
    with psycopg.connect(
        host=settings.get("host"),
        port=settings.get("port"),
        dbname=settings["dbname"],
        user=OWNER["USER"],
        password=OWNER["PASSWORD"] or None,
    ) as raw:
        raw.autocommit = True
        yield raw.cursor()


@pytest.fixture
def as_owner(committed: None) -> Iterator[None]:
    """The test itself works as the owner of the tables, as the commands that change more than the application may."""
    application = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD")}
    _be(OWNER)
    yield
    _be(application)


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any, owner: Any) -> Iterator[None]:
    """Tests whose transactions really commit (several threads, deferred constraints); the owner empties the tables."""
    with django_db_blocker.unblock():
        yield
        connections.close_all()
        owner.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'django_migrations'"
        )
        tables = ", ".join(f'"{name}"' for (name,) in owner.fetchall())
        owner.execute(f"TRUNCATE {tables} CASCADE")


@pytest.fixture(autouse=True)
def _fast_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture(autouse=True)
def _english_and_utc() -> Iterator[None]:
    """What a request of one test activates (its language, its zone) lasts in the thread; it ends here."""
    yield
    translation.deactivate()
    timezone.deactivate()


@pytest.fixture(autouse=True)
def _own_documents(settings: Any, tmp_path: Any) -> None:
    from django.core.files.storage import storages

    settings.STORAGES = settings.STORAGES | {
        "documents": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "documents")},
        }
    }
    storages._storages.clear()
    if "backends" in storages.__dict__:
        del storages.__dict__["backends"]
    storages._backends = None
