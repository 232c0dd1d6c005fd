"""The input of bulk uploads of CVs."""

from __future__ import annotations

import zipfile
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from advisory.forms.advisors import own_programmes, programme_field
from advisory.intake import PACK_BYTES
from advisory.pack import FILES_AT_MOST
from facility.workflow.input import StepForm


class SeveralInput(forms.ClearableFileInput):
    """An input that takes several files."""

    allow_multiple_selected = True


class SeveralFiles(forms.FileField):
    """Files chosen at once; the cleaned value is a list."""

    widget = SeveralInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """Each as one file is looked at."""
        given = data if isinstance(data, list | tuple) else [data] if data else []
        if not given and self.required:
            raise ValidationError(self.error_messages["required"])
        return [super(SeveralFiles, self).clean(one, initial) for one in given]


class UploadCvs(StepForm):
    """A ZIP, several files or a folder of CVs; several become one ZIP here, so that all take the same way."""

    programme = programme_field()
    files = SeveralFiles(  # type: ignore[assignment]  # a field of the form, not what was posted
        label=_("ZIP or files"),
        required=False,
        max_length=200,
        help_text=_(
            "A ZIP of up to 150 MB and 600 files, or several CVs chosen at once: PDF, DOCX, ODT, Europass XML, "
            "JSON Resume or text, each up to 10 MB."
        ),
    )
    folder = SeveralFiles(
        label=_("or a folder"),
        required=False,
        max_length=200,
        widget=SeveralInput(attrs={"webkitdirectory": True}),
    )

    def prepare(self) -> None:
        """Own programmes; the only one is chosen."""
        mine = own_programmes(self.by)
        self.narrow_to("programme", mine)
        # Without a person it describes itself, which asks no database.
        if self.by is not None and len(keys := list(mine.values_list("pk", flat=True)[:2])) == 1:
            self.initial["programme"] = keys[0]

    def clean(self) -> dict[str, Any]:
        """One ZIP, given or made."""
        data = super().clean() or {}
        given = [*data.pop("files", []), *data.pop("folder", [])]
        if self.errors:
            return data
        if not given:
            self.add_error("files", _t("Choose a ZIP, several files or a folder."))
        elif sum(one.size for one in given) > PACK_BYTES:
            said = _t("That is more than %(limit)d MB. Divide it.")
            self.add_error("files", said % {"limit": PACK_BYTES // 1_000_000})
        elif len(given) > FILES_AT_MOST:
            said = _t("These are %(n)d files. Accepted are up to %(limit)d; divide them.")
            self.add_error("files", said % {"n": len(given), "limit": FILES_AT_MOST})
        else:
            is_pack = len(given) == 1 and given[0].name.lower().endswith(".zip")
            data["pack"], data["is_made"] = (given[0], False) if is_pack else (packed(given), True)
        return data


def packed(files: list[Any]) -> TemporaryUploadedFile:
    """A ZIP of several files, uncompressed, since it is unpacked again at once."""
    name = files[0].name if len(files) == 1 else _t("%d files") % len(files)
    made = TemporaryUploadedFile(name, "application/zip", 0, None)
    names: set[str] = set()
    space: Any = made.file
    with zipfile.ZipFile(space, "w") as archive:
        for number, one in enumerate(files, 1):
            inside = one.name if one.name not in names else f"{number}/{one.name}"
            names.add(inside)
            with archive.open(zipfile.ZipInfo(inside), "w") as entry:
                for chunk in one.chunks():
                    entry.write(chunk)
            one.seek(0)
    made.size = space.tell()
    space.seek(0)
    return made


class ListFiles(StepForm):
    """From the child that looked into the ZIP."""

    listing = forms.JSONField()


class TakeFiles(StepForm):
    """From the child that unpacked them: places with reasons, and the files themselves by their places."""

    contents = forms.JSONField()

    def clean(self) -> dict[str, Any]:
        """Each with its file."""
        data = super().clean() or {}
        for one in data.get("contents") or []:
            one["file"] = self.files.get(str(one["place"]))
        return data


__all__ = ["ListFiles", "TakeFiles", "UploadCvs"]
