"""`python -m bench.pool [CVS…]`: how well the search answers labelled questions, and how fast among many CVs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from bench.__main__ import database, run
from config import embedded

RESULT = Path(".local") / "bench-pool.json"
SIZES = (300, 3000)


def main(sizes: list[int]) -> None:
    """Measures in a database of its own, as the owner of its tables; prints the figures and keeps them."""
    lease = embedded.use()
    try:
        with database("facility_bench_pool") as own:
            run(own, "manage.py", "migrate", "--verbosity", "0")
            own["DATABASE_URL"] = own["MIGRATE_DATABASE_URL"]
            found: dict[str, Any] = {"quality": json.loads(run(own, "-m", "bench.pool.measure", "quality"))}
            found["speed"] = [json.loads(run(own, "-m", "bench.pool.measure", str(size))) for size in sizes or SIZES]
    finally:
        embedded.stop(lease)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    show(found)


def show(found: dict[str, Any]) -> None:
    """The tables."""
    print(f"{found['quality']['questions']} questions, tuned and held out, to {found['quality']['people']} CVs")
    for budget, one in found["quality"]["budgets"].items():
        print(f"budget {budget} tokens: {one['tokens']:.0f} used, {one['cpu']:.2f} CPU seconds a CV")
        for way, figures in one["ways"].items():
            print(f"  {way:<20}", " ".join(f"{name} {value:.3f}" for name, value in figures.items()))
    for one in found["speed"]:
        print(json.dumps(one))


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]])
