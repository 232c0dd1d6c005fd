"""`manage.py build_report`: the report of a programme as files, without jobs; one cut gives the same bytes always."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from facility.registry.programme import Programme
from facility.workflow import clock
from reporting.cut import SECTIONS, check
from reporting.render.assembly import render_all
from reporting.render.compiler import LANGUAGES, RenderError
from reporting.report import FORMATS, Report, snapshot
from reporting.sections import cut_of


def formats(text: str) -> list[str]:
    """The formats of a list such as pdf,docx; ValueError for one that is not known."""
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in FORMATS]:
        raise ValueError(f"Not a format: {', '.join(unknown)}. Known are {', '.join(FORMATS)}.")
    return wanted


class Command(BaseCommand):
    help = "Writes the report of a programme as final-report.<format>, from its data now or from a stored report's cut."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which programme or report, which formats, and where to."""
        of = parser.add_mutually_exclusive_group(required=True)
        of.add_argument("--programme", help="address of the programme; its data as they are now")
        of.add_argument("--report", help="id of a report; its frozen data")
        parser.add_argument("--formats", default=",".join(FORMATS), help="pdf,docx,xlsx,json")
        parser.add_argument("--language", default="en", choices=LANGUAGES, help="language of the headings")
        parser.add_argument("--out", required=True, type=Path, help="folder for the files")

    def handle(self, *args: Any, **options: Any) -> None:
        """Writes the files and prints name, size and SHA-256 of each."""
        try:
            wanted = formats(options["formats"])
            cut = stored(options["report"]) if options["report"] else fresh(options["programme"])
            if breaches := check(cut):
                raise CommandError("\n".join(breaches))
            files = render_all(cut, wanted, options["language"], settings.FONTS)
        except (ValueError, RenderError) as error:
            raise CommandError(str(error)) from error
        options["out"].mkdir(parents=True, exist_ok=True)
        for kind, data in files.items():
            path = options["out"] / f"final-report.{kind}"
            path.write_bytes(data)
            self.stdout.write(f"{path.name} {len(data)} {hashlib.sha256(data).hexdigest()}")


def stored(key: str) -> dict[str, Any]:
    """The frozen cut of a report; ValueError when there is none."""
    report = Report.objects.filter(pk=key, frozen_at__isnull=False).first()
    if report is None:
        raise ValueError("There is no report with this id whose data are frozen.")
    return report.frozen()


def fresh(slug: str) -> dict[str, Any]:
    """A cut of the programme now, numbered after its last report; ValueError for an unknown address."""
    with snapshot():
        programme = Programme.objects.filter(slug=slug).first()
        if programme is None:
            raise ValueError(f"There is no programme with the address {slug}.")
        number = Report.objects.filter(programme=programme).count() + 1
        instant = clock.now().replace(microsecond=0)
        return cut_of(programme, as_of=instant, number=number, title="Final report", chosen=SECTIONS)
