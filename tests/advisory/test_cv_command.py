"""`manage.py read_cv`: the shape that scripts rely on."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

SAMPLES = Path(__file__).parent / "samples"


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("read_cv", *arguments, stdout=out)
    return out.getvalue()


def test_json_is_one_object_per_file_and_line(tmp_path):
    empty = tmp_path / "empty.pdf"
    empty.write_bytes(b"")
    files = [str(SAMPLES / "jsonresume.json"), str(empty)]
    rows = [json.loads(line) for line in run("--json", *files).splitlines()]
    assert [row["file"] for row in rows] == files
    assert all(set(row) == {"file", "format", "language", "status", "reason", "fields", "sections"} for row in rows)
    assert rows[0]["status"] == "read"
    assert rows[0]["fields"][0] == {
        "name": "full_name",
        "value": "Maja Lindqvist",
        "snippet": "Maja Lindqvist",
        "place": "basics.name",
        "confidence": 1.0,
    }
    assert (rows[1]["status"], rows[1]["reason"]) == ("rejected", "The file is empty. Send the CV again.")


def test_without_json_people_can_read_it():
    shown = run(str(SAMPLES / "europass_candidate_attached.pdf"))
    assert "read (europass-candidate-pdf, en)" in shown
    levels = "code en, cefr B2, listening C1, reading C2, interaction C1, production B2, writing C1"
    assert f"  language: {levels}  [Candidate/CandidateProfile/PersonQualifications/PersonCompetency, 1.00]" in shown


def test_a_missing_file_is_named():
    with pytest.raises(CommandError, match=r"nowhere\.pdf: No such file"):
        run("nowhere.pdf")
