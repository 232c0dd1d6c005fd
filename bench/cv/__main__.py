"""`python -m bench.cv`: writes the files, reads them, prints the figures and keeps them in .local/bench-cv.json."""

import argparse
import json
import shutil
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from advisory.cv import ocr
from advisory.cv.reader import read
from bench.cv import producers, writers
from bench.cv.people import people
from bench.cv.scoring import AIMED, Board, Tally

LOCAL = Path(".local")
# The layouts of each part by the file of its people.
HALVES: dict[str, dict[str, dict[str, Any]]] = {
    "tuned": {"tuned": writers.TUNED, "tuned_too": writers.TUNED_TOO},
    "held_out": {"held_out": writers.HELD_OUT},
    "producers": {"held_out": producers.PRODUCERS},
}


def main() -> None:
    """Measure every part."""
    options = argparse.ArgumentParser(prog="python -m bench.cv", description=__doc__)
    options.add_argument("--half", choices=HALVES, help="one part only")
    options.add_argument("--layout", help="layouts whose name begins so")
    options.add_argument("--keep", action="store_true", help="read the files of the last run, write none")
    options.add_argument("--slips", action="store_true", help="list every value missed or wrong")
    chosen = options.parse_args()
    figures = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for half in [chosen.half] if chosen.half else list(HALVES):
            board, speed = measure(half, None if chosen.keep else browser, chosen.layout or "")
            figures[half] = shown(half, board, speed, slips=chosen.slips)
        browser.close()
    LOCAL.mkdir(exist_ok=True)
    (LOCAL / "bench-cv.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def measure(half: str, browser: Any, beginning: str) -> tuple[Board, dict[str, Any]]:
    """Write, read and score every person of a half in every layout of it; without a browser, read only."""
    board, seconds, count = Board(), 0.0, 0
    folder = LOCAL / "bench-cv" / half
    folder.mkdir(parents=True, exist_ok=True)
    files = [
        (layout, write, person)
        for file, layouts in HALVES[half].items()
        for layout, write in layouts.items() if layout.startswith(beginning)
        for person in people(file)
    ]  # fmt: skip
    for layout, write, person in files:
        path = folder / f"{layout}.{person.id}"
        if browser is not None:
            path.write_bytes(write(person.said, browser))
        data = path.read_bytes()
        began = time.process_time()
        reading = ocr.read_scanned(data, "cv") or {} if layout in producers.SCANS else read(data, "cv").as_dict()
        seconds, count = seconds + time.process_time() - began, count + 1
        board.score(f"{layout}.{person.id}", layout, reading.get("fields", []), person.truth())
        if reading.get("language") != person.written_in:
            board.slips.append((path.name, "whole language", [person.written_in], [str(reading.get("language"))]))
    return board, {"files": count, "cpu_seconds": round(seconds, 2), "files_per_cpu_second": round(count / seconds, 1)}


def shown(half: str, board: Board, speed: dict[str, Any], *, slips: bool) -> dict[str, Any]:
    """Print a half's tables and return the same figures."""
    layouts = list(dict.fromkeys(layout for layout, _name in board.tallies))
    names = list(dict.fromkeys(name for _layout, name in board.tallies))
    groups = {
        "structured": [layout for layout in layouts if layout in writers.STRUCTURED],
        "free text": [layout for layout in layouts if layout not in writers.STRUCTURED],
    }
    figures: dict[str, Any] = {"speed": speed, "fields": {}, "layouts": {}}
    print(f"\n{half}: {speed['files']} files, {speed['files_per_cpu_second']} a CPU second")
    print(f"{'':24}" + "".join(f"{group:>28}" for group in groups))
    print(f"{'field':24}" + f"{'precision recall     F1':>28}" * 2)
    for name in names:
        row = {group: board.sum(layouts, (name,)) for group, layouts in groups.items()}
        figures["fields"][name] = {group: _figures(tally) for group, tally in row.items()}
        print(f"{name + (' *' if name in AIMED else ''):24}" + "".join(f"{_row(tally):>28}" for tally in row.values()))
    print(f"\n{'layout (fields with *)':28}{'precision recall     F1':>28}")
    for layout in layouts:
        tally = board.sum((layout,), AIMED)
        figures["layouts"][layout] = _figures(tally)
        print(f"{layout:28}{_row(tally):>28}")
    if slips:
        for file, name, missed, wrong in board.slips:
            print(f"{file} {name}: missed {missed} wrong {wrong}")
    return figures


def _row(tally: Tally) -> str:
    return "  ".join("    –" if value is None else f"{value:6.3f}" for value in tally.figures())


def _figures(tally: Tally) -> dict[str, float | None]:
    rounded = [None if value is None else round(value, 4) for value in tally.figures()]
    return dict(zip(("precision", "recall", "f1"), rounded, strict=True))


if __name__ == "__main__":
    main()
