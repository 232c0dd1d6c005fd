"""What `manage.py prepare_database` does on a server that is not ours, tried as each role it may be given."""

import psycopg
import pytest
from psycopg import sql

from config.database import EXTENSIONS, PreparationError, make_role, prepare
from config.embedded import Lease, Servers


@pytest.fixture
def lease(servers: Servers) -> Lease:
    """A running server with a bare database `other`, whose owner `other_owner` has no special right."""
    lease = servers.start()
    with servers.postgres.connect() as connection:
        connection.execute("CREATE ROLE other_owner LOGIN")
        connection.execute("CREATE DATABASE other OWNER other_owner TEMPLATE template0")
    return lease


def test_a_superuser_prepares_and_may_repeat_it(servers: Servers, lease: Lease) -> None:
    with servers.postgres.connect("other") as connection:
        assert make_role(connection, "other_app", "secret'word") is True
        assert prepare(connection, owner="other_owner", application="other_app") == list(EXTENSIONS)
        assert make_role(connection, "other_app", "secret'word") is False
        assert prepare(connection, owner="other_owner", application="other_app") == []
    with servers.postgres.connect("other", "other_owner") as connection:
        connection.execute("CREATE TABLE item (id serial, name text)")
    with servers.postgres.connect("other", "other_app") as connection:
        connection.execute("INSERT INTO item (name) VALUES ('a')")
        connection.execute("UPDATE item SET name = 'b'")
        connection.execute("DELETE FROM item")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE own (id int)")
    servers.stop(lease)


def test_an_owner_without_rights_reads_what_an_administrator_must_run(servers: Servers, lease: Lease) -> None:
    with servers.postgres.connect("other", "other_owner") as connection:
        with pytest.raises(PreparationError, match="CREATE ROLE \"other_app\" LOGIN PASSWORD '…';"):
            make_role(connection, "other_app")
        with pytest.raises(PreparationError, match="CREATE EXTENSION vector;"):
            prepare(connection, owner="other_owner", application="other_app")
    with servers.postgres.connect("other") as administrator:
        administrator.execute('CREATE ROLE "other_app" LOGIN')
        administrator.execute("CREATE EXTENSION vector")
    with servers.postgres.connect("other", "other_owner") as connection:
        made = prepare(connection, owner="other_owner", application="other_app")
        assert made == [name for name in EXTENSIONS if name != "vector"]
    servers.stop(lease)


def test_a_role_that_is_not_the_owner_is_told_so(servers: Servers, lease: Lease) -> None:
    with servers.postgres.connect("other") as administrator:
        for role in ("other_app", "stranger"):
            administrator.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        for name in EXTENSIONS:
            administrator.execute(sql.SQL("CREATE EXTENSION {}").format(sql.Identifier(name)))
    complaint = pytest.raises(PreparationError, match="must name the database's owner")
    with servers.postgres.connect("other", "stranger") as connection, complaint:
        prepare(connection, owner="other_owner", application="other_app")
    servers.stop(lease)
