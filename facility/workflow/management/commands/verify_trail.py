"""Reads the whole trail and says whether it holds."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from facility.workflow import trail
from facility.workflow.engine import all_records


class Command(BaseCommand):
    help = "Checks every chain of the trail, its details, versions and seals; names the first bad row of each record."

    def handle(self, *args: Any, **options: Any) -> None:
        faults = trail.verify(all_records(), progress=lambda n: self.stderr.write(f"{n} entries read"))
        for fault in faults:
            self.stdout.write(fault)
        count = trail.Entry.objects.count()
        if faults:
            raise CommandError(f"The trail does not hold: {len(faults)} faults in {count} entries.")
        self.stdout.write(f"The trail holds: {count} entries.")
