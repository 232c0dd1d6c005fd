"""`manage.py read_cv FILE… [--json]`: read CVs and show each field with its snippet, place and confidence."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from advisory.cv.reading import Reading
from facility.isolation import IsolationError, run_isolated


class Command(BaseCommand):
    """Reads CV files in an isolated child; touches no database."""

    help = "Read CV files: fields with their snippets, places and confidence."
    requires_system_checks: list[str] = []  # Django's own way to say that no check is needed

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--json", action="store_true", help="print one JSON object per file and line")

    def handle(self, *args: Any, **options: Any) -> None:
        for path in options["files"]:
            try:
                data = path.read_bytes()
            except OSError as error:
                raise CommandError(f"{path}: {error.strerror}") from error
            shape = {"file": str(path), **read_file(data, path.name)}
            self.stdout.write(json.dumps(shape, ensure_ascii=False) if options["json"] else as_text(shape))


def read_file(data: bytes, filename: str) -> dict[str, Any]:
    """Return the JSON shape of one reading; a child that gave no answer is a rejection with its sentence."""
    try:
        shape = run_isolated("advisory.cv.reader.read_as_dict", data, filename)
    except IsolationError as error:
        shape = Reading("unknown", None, "rejected", str(error)).as_dict(with_text=True)
    del shape["text"], shape["breaks"]
    return shape


def as_text(shape: dict[str, Any]) -> str:
    """Word a reading for people: a line for the file, a line for each field."""
    head = f"{shape['file']}: {shape['status']} ({shape['format']}, {shape['language'] or 'language unknown'})"
    lines = [head, *([f"  {shape['reason']}"] if shape["reason"] else [])]
    for field in shape["fields"]:
        value = field["value"]
        if isinstance(value, dict):
            skills = value.pop("skills", {})
            value = ", ".join(f"{name} {part}" for name, part in (value | skills).items() if part)
        lines.append(f"  {field['name']}: {value}  [{field['place']}, {field['confidence']:.2f}]")
    return "\n".join(lines)
