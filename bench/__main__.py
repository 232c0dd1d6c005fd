"""Makes a database for each size, measures in it, and compares: a table on standard output and .local/bench.json.

python -m bench [SIZE…]: numbers of applications; 25 and 2500 without any. The first is the one that others grow from.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from bench.rows import Row, rows_of
from config import embedded

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / ".local" / "bench.json"
SIZES = (25, 2500)
PROJECTS = 25
MEASURED = ("pages", "zip", "xlsx", "sheet", "table")


def main(sizes: list[int]) -> int:
    """Measures at every size; answers 0 also where a goal is missed, since a miss is a finding and no fault."""
    lease = embedded.use()
    try:
        with database("facility_bench") as migrated:
            run(migrated, "manage.py", "migrate", "--verbosity", "0")
            found = {size: measured(size) for size in sizes or SIZES}
    finally:
        embedded.stop(lease)
    rows = rows_of(found)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps({"rows": [row.told() for row in rows]}, indent=1, ensure_ascii=False) + "\n")
    show(rows)
    return 0


@contextmanager
def database(name: str, template: str = "template1") -> Iterator[dict[str, str]]:
    """A new database, for as long as it is needed; answers the environment that names it."""
    addresses = ("DATABASE_URL", "MIGRATE_DATABASE_URL")
    own = {address: with_database(os.environ[address], name) for address in addresses}
    names = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
    with psycopg.connect(os.environ["MIGRATE_DATABASE_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {name} WITH (FORCE)").format(**names))
        connection.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**names))
        try:
            yield os.environ | own | {"DEBUG": "0", "EMBEDDED": "1", "LOG_LEVEL": "ERROR", "SECOND_FACTOR": "0"}
        finally:
            connection.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**names))


def measured(size: int) -> dict[str, Any]:
    """What is measured in a database of this size."""
    with database(f"facility_bench_{size}", "facility_bench") as own:
        load = ("--projects", str(min(PROJECTS, size // 2)), "--applications", str(size))
        run(own, "manage.py", "load_scale", *load)
        return {part: json.loads(run(own, "-m", "bench.measure", part)) for part in MEASURED}


def run(environment: dict[str, str], *arguments: str) -> str:
    """Runs Python with these arguments; answers what it printed, and says what goes wrong."""
    print(f"  {' '.join(arguments)}", file=sys.stderr, flush=True)
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True)  # noqa: S603
    said = done.stdout.decode()
    print(said, file=sys.stderr, end="", flush=True)
    return said


def with_database(address: str, name: str) -> str:
    """The same server and role, another database."""
    return urlunsplit(urlsplit(address)._replace(path=f"/{name}"))


def show(rows: list[Row]) -> None:
    """The table."""
    width = max(len(row.name) for row in rows)
    for row in rows:
        mark = "" if row.met else "  MISSED"
        print(f"{row.name:<{width}}  {f'{row.figure:g} {row.unit}'.strip():>16}   goal: {row.goal}{mark}")


if __name__ == "__main__":
    sys.exit(main([int(size) for size in sys.argv[1:]]))
