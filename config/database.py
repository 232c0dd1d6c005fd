"""What every PostgreSQL server of the project needs before the first migration: extensions, roles and their rights.

Pure SQL over psycopg, without Django: the embedded server uses it before settings are read, `manage.py
prepare_database` uses it for every other server. Every call may be repeated.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

EXTENSIONS = ("vector", "pg_trgm", "unaccent", "btree_gist")


class PreparationError(Exception):
    """The server or the role lacks something; the text says what, and what to do about it."""


def make_role(
    connection: psycopg.Connection, role: str, password: str | None = None, *, createdb: bool = False
) -> bool:
    """Make the login role `role` unless it is there; answer whether it was made. An existing password stays."""
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
        return False
    command = sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role))
    if createdb:
        command += sql.SQL(" CREATEDB")
    if password:
        command += sql.SQL(" PASSWORD {}").format(sql.Literal(password))
    try:
        connection.execute(command)
    except psycopg.errors.InsufficientPrivilege:
        raise PreparationError(
            f"The role “{_current_role(connection)}” may not make the application's role “{role}”. "
            f"Let an administrator run: CREATE ROLE \"{role}\" LOGIN PASSWORD '…';"
        ) from None
    return True


def prepare(connection: psycopg.Connection, *, owner: str, application: str) -> list[str]:
    """Give the connected database its extensions, and `application` the right to serve what `owner` makes there.

    The connection must be in autocommit. Answers the extensions that were made.

    Raises:
        PreparationError: an extension is not installed on the server, or the connected role lacks a right.
    """
    made = [name for name in EXTENSIONS if _make_extension(connection, name)]
    names = {
        "owner": sql.Identifier(owner),
        "application": sql.Identifier(application),
        "database": sql.Identifier(connection.info.dbname),
    }
    try:
        for statement in (
            "GRANT CONNECT ON DATABASE {database} TO {application}",
            "GRANT USAGE ON SCHEMA public TO {application}",
            "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {application}",
            "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE ON SEQUENCES TO {application}",
        ):
            connection.execute(sql.SQL(statement).format(**names))
    except psycopg.errors.InsufficientPrivilege as error:
        raise PreparationError(
            f"The role “{_current_role(connection)}” may not give rights in the database "
            f"“{connection.info.dbname}” ({str(error).strip()}). MIGRATE_DATABASE_URL must name the database's owner."
        ) from None
    return made


def _make_extension(connection: psycopg.Connection, name: str) -> bool:
    if connection.execute("SELECT 1 FROM pg_extension WHERE extname = %s", [name]).fetchone():
        return False
    try:
        connection.execute(sql.SQL("CREATE EXTENSION {}").format(sql.Identifier(name)))
    except psycopg.errors.FeatureNotSupported:
        raise PreparationError(
            f"The PostgreSQL server has no extension “{name}”. Install its package there (pgvector is a package of its "
            "own, the others are in PostgreSQL's contrib package)."
        ) from None
    except psycopg.errors.InsufficientPrivilege:
        raise PreparationError(
            f"The role “{_current_role(connection)}” may not make the extension “{name}”. Let a superuser run in the "
            f"database “{connection.info.dbname}”: CREATE EXTENSION {name};"
        ) from None
    return True


def _current_role(connection: psycopg.Connection) -> str:
    return connection.info.user
