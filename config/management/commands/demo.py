"""Loads the demo Facility of 2021 and drives it from the open call to the published final report."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import storages
from django.core.management.base import BaseCommand, CommandError

from config.demo import (
    act_advisors,
    act_around,
    act_call,
    act_report,
    act_second,
    act_support,
    act_webinars,
    facts,
    outcome,
)
from config.demo.stage import DemoFailed, Stage, fresh_database, processes
from facility.registry.programme import Programme

FOLDER = settings.DATA_ROOT / "demo"
SUMMARY, ACCESS = FOLDER / "summary.json", FOLDER / "access.json"


class Command(BaseCommand):
    help = "The demo: a programme of 2021 from its call to its report, and one in flight around today."

    def handle(self, *args: Any, **options: Any) -> None:
        if is_done():
            self.stdout.write(f"The demo is there: {SUMMARY}, {ACCESS}")
            return
        if not settings.DEMO_CLOCK:
            raise CommandError("Run it by `make demo`, which sets the demo's clock.")
        began = time.monotonic()
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name in ("summary.json", "access.json"):
            (FOLDER / name).unlink(missing_ok=True)

        def say(text: str) -> None:
            self.stdout.write(f"[{time.monotonic() - began:5.0f} s] {text}")
            self.stdout.flush()

        facts.check()
        say("Making the database anew")
        documents: Any = storages["documents"]
        shutil.rmtree(documents.location, ignore_errors=True)
        fresh_database(say)
        stage = Stage(say)
        try:
            with processes(say):
                act_around.play(stage)
                act_call.play(stage)
                act_advisors.play(stage)
                act_support.play(stage)
                act_webinars.play(stage)
                stage.run()
                stage.say("25 projects have come to their end")
                act_report.play(stage)
                act_second.play(stage)
                outcome.write(stage, FOLDER, mark())
        except DemoFailed as failed:
            raise CommandError(str(failed)) from failed
        finally:
            Path(settings.DEMO_CLOCK).unlink(missing_ok=True)
        say(f"Done: {FOLDER / 'final-report.pdf'}, {SUMMARY}, {ACCESS}")


def mark() -> str:
    """What the demo was made from: another version of the demo is another demo."""
    running = hashlib.sha256()
    for path in sorted(Path(__file__).parents[2].joinpath("demo").rglob("*")):
        if path.is_file() and path.suffix in {".py", ".yaml", ".csv"}:
            running.update(path.read_bytes())
    return running.hexdigest()


def is_done() -> bool:
    """Whether the last run came to its end and its database is there."""
    try:
        made_from = json.loads(SUMMARY.read_text())["made_from"]
        return made_from == mark() and Programme.objects.filter(slug=facts.programme()["programme"]["slug"]).exists()
    except Exception:
        return False
