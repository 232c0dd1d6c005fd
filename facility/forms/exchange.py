"""The input of imports: one file."""

from __future__ import annotations

import hashlib
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from facility.instruments.columns import known
from facility.instruments.exchange import REFUSALS
from facility.instruments.tables import BYTES_AT_MOST
from facility.isolation import IsolationError, run_isolated
from facility.workflow.input import StepForm
from facility.workflow.sheets import LEADS


class UploadTable(StepForm):
    """A table of clusters, of members, or a workbook of both; read in a process of its own."""

    file = forms.FileField(
        label=_("Table"),
        max_length=200,
        help_text=_("XLSX, or CSV in UTF-8 with commas, semicolons or tabs; up to 5 MB and 5,000 rows."),
    )

    def clean(self) -> dict[str, Any]:
        """What the file says, and its hash."""
        data = super().clean() or {}
        file = data.get("file")
        if file is None:
            return data
        if file.size > BYTES_AT_MOST:
            self.add_error("file", REFUSALS["huge"] % {"limit": BYTES_AT_MOST // 1_000_000})
            return data
        content = file.read()
        file.seek(0)
        data["sha256"] = hashlib.sha256(content).hexdigest()
        try:
            data["reading"] = reading = run_isolated(
                "facility.instruments.tables.read", content, file.name, known(), list(LEADS)
            )
        except IsolationError as error:
            raise ValidationError({"file": error.sentence}) from None
        if "refused" in reading:
            key, said = reading["refused"]
            self.add_error("file", str(REFUSALS[key]) % said)
        return data
