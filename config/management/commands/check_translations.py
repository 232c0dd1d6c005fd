"""`manage.py check_translations`: every word for people is marked for translation; names file and line where not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.wording import Bare, in_python, in_template

APPS = ("facility", "advisory", "webinars", "reporting")


def bare_words(root: Path) -> Iterator[tuple[Path, Bare]]:
    """Each file of the apps under `root` with the words in it that are not marked."""
    for app in APPS:
        for path in sorted((root / app).rglob("*")):
            if path.suffix == ".html":
                yield from ((path, bare) for bare in in_template(path.read_text(encoding="utf-8")))
            elif path.suffix == ".py" and "migrations" not in path.parts:
                yield from ((path, bare) for bare in in_python(path.read_text(encoding="utf-8")))


class Command(BaseCommand):
    """Checks templates, labels, guards, refusals and notices."""

    help = "Checks that every word for people is marked for translation."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Writes one line per finding; exit status 1 when there is any."""
        found = [
            f"{path.relative_to(settings.BASE_DIR)}:{bare.line}: {bare.words}"
            for path, bare in bare_words(settings.BASE_DIR)
        ]
        for line in found:
            self.stderr.write(line)
        if found:
            raise CommandError(f"{len(found)} texts are not marked for translation.")
