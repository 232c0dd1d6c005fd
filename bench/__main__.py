"""Makes a database for each size, measures in it, and compares: a table on standard output and .local/bench.json.

python -m bench [SIZE…]: numbers of applications; 25 and 2500 without any. The first is the one that others grow from.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
        found = {size: measured(size) for size in sizes or SIZES}
    finally:
        embedded.stop(lease)
    rows = rows_of(found)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps({"rows": [row.told() for row in rows]}, indent=1, ensure_ascii=False) + "\n")
    show(rows)
    return 0


def measured(size: int) -> dict[str, Any]:
    """What is measured in a new database of this size; the database is dropped afterwards."""
    name = f"facility_bench_{size}"
    owner = os.environ["MIGRATE_DATABASE_URL"]
    own = {key: with_database(os.environ[key], name) for key in ("DATABASE_URL", "MIGRATE_DATABASE_URL")}
    environment = os.environ | own | {"DEBUG": "0", "EMBEDDED": "1", "LOG_LEVEL": "WARNING", "SECOND_FACTOR": "0"}
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            run(environment, "manage.py", "migrate", "--verbosity", "0")
            load = ("--projects", str(min(PROJECTS, size)), "--applications", str(size))
            run(environment, "manage.py", "load_scale", *load)
            parts = {part: json.loads(run(environment, "-m", "bench.measure", part)) for part in MEASURED}
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    return parts


def run(environment: dict[str, str], *arguments: str) -> str:
    """Runs Python with these arguments; answers what it printed, and says what goes wrong."""
    print(f"  {' '.join(arguments)}", file=sys.stderr, flush=True)
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True)  # noqa: S603
    return done.stdout.decode()


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
