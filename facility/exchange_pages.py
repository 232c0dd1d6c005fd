"""What comes in and goes out as tables: the whole of a call, and the import of clusters with their members."""

from __future__ import annotations

from typing import Any

import structlog
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from facility.call import Call
from facility.dossier import tables_of
from facility.instruments.columns import TABLES, rows_for, template
from facility.instruments.exchange import ACTS, NOTES, Import
from facility.registry.cluster import Cluster
from facility.workflow import sheets
from facility.workflow.steps import NotAllowed, NotFound
from facility.workflow.web import DetailPage, ListPage, StepPage, page_of

UNDER_WAY = (Import.State.RECEIVED, Import.State.APPLYING)
# Kinds of rows in the order in which a page shows them, and how many of each.
SHOWN, SHOWN_AT_MOST = ("wrong", "changed", "new"), 100
NAMES = {"name", "organisation"}
log = structlog.get_logger()


@login_required
def call_export(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """All that a call holds, for its office and observers: a workbook, or CSVs in a ZIP, sent as it is read."""
    call = Call.objects.filter(Call.faces.staff.q(request.user), pk=pk).first()
    if call is None:
        raise NotFound(_("There is no such record."))
    kind = "zip" if request.GET.get("as") == "zip" else "xlsx"
    log.info("call_exported", record_id=str(call.pk), kind=kind)
    return sheets.answer(kind, f"call-{call.pk}", tables_of(call, request.user))


def _office(request: HttpRequest, *roles: str) -> None:
    if not request.user.is_authenticated or not request.user.roles_held() & {"lead", "coordinator", *roles}:
        raise NotAllowed(_("Tables of clusters are exchanged by the coordinators."))


@login_required
def register_file(request: HttpRequest, name: str) -> HttpResponseBase:
    """The register as an import takes it: `template.xlsx`, `register.xlsx`, `clusters.csv` or `members.csv`."""
    _office(request, "observer")
    if name == "template.xlsx":
        return sheets.answer("xlsx", "clusters-template", template())
    if name == "register.xlsx":
        return sheets.answer("xlsx", "clusters", rows_for(request.user))
    for table in rows_for(request.user):
        if name == f"{table.name}.csv":
            return sheets.answer("csv", table.name, [table])
    raise NotFound(_("There is no such file."))


def _seen(person: Any, pk: Any) -> Import:
    record = Import.objects.visible_to(person).filter(pk=pk).first()
    if record is None:
        raise NotFound(_("There is no such record."))
    return record


@login_required
def refused_rows(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """The rows that an import leaves out, as they stood in the file, with the reasons; to be mended and sent again."""
    rows = _seen(request.user, pk).refused_rows()
    found = []
    for name, (_model, columns) in TABLES.items():
        mine = [line for line in rows if line["table"] == name]
        head = [*(column.heading for column in columns), _("row in the file"), _("why it was left out")]
        cells = [
            [*(line["cells"].get(c.heading, "") for c in columns), line["row"], " ".join(said_of(line))]
            for line in mine
        ]
        found += [sheets.Table(name, head, cells)] if mine else []
    return sheets.answer("xlsx", "rows-left-out", found or [sheets.Table("clusters", [], ())])


@login_required
def import_progress(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """How far an import is, asked for again and again; once it is done the whole page is loaded anew."""
    record = _seen(request.user, pk)
    answer = render(request, "facility/import_progress.html", {"import": record})
    if record.state not in UNDER_WAY:
        answer["HX-Refresh"] = "true"
    return answer


def said_of(line: dict[str, Any]) -> list[str]:
    """The faults of a line in words, each with its column."""
    return [f"{heading}: {said}" if heading else said for heading, said in line["faults"]]


@page_of(Cluster)
class ClusterList(ListPage):
    """The clusters, with the way to their import."""

    def page(self, context: dict[str, Any], status: int = 200) -> HttpResponse:
        """For the office: tables come in next door."""
        if self.person.roles_held() & {"lead", "coordinator"}:
            url = reverse("records", kwargs={"records": Import.records})
            context["exports"] += [{"label": _("Import a table"), "url": url}]
        return super().page(context, status)


@page_of(Import)
class ImportList(ListPage):
    """The imports, with the template and the register to begin from."""

    template = "facility/imports.html"

    def page(self, context: dict[str, Any], status: int = 200) -> HttpResponse:
        """With the files to begin from."""
        names = {
            "template.xlsx": _("Template with explained columns"),
            "register.xlsx": _("Clusters and members as XLSX"),
            "clusters.csv": _("Clusters as CSV"),
            "members.csv": _("Members as CSV"),
        }
        files = [
            {"label": label, "url": reverse("register-file", kwargs={"name": name})} for name, label in names.items()
        ]
        return super().page(context | {"files": files, "exports": []}, status)


@page_of(Import)
class UploadPage(StepPage):
    """The step that takes a file says where the template is."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The upload has a page of its own."""
        if kwargs["step"] == "upload":
            self.template = "facility/import_upload.html"  # type: ignore[misc]
        return super().dispatch(request, *args, **kwargs)


@page_of(Import)
class ImportPage(DetailPage):
    """What a table would change, row by row; after it is taken over, what was left out."""

    template = "facility/import.html"

    def context(self, record: Import) -> dict[str, Any]:
        """Figures, and a table for each kind of row."""
        url = reverse("register-rows", kwargs={"pk": record.pk})
        under_way = record.state in UNDER_WAY
        return super().context(record) | {
            "import": record,
            "figures": [
                {"value": record.total, "label": _("rows")},
                *({"value": getattr(record, act), "label": label} for act, label in ACTS.items()),
                *([{"value": record.taken_over, "label": _("taken over")}] if record.state == "applied" else []),
            ],
            "notes": [str(NOTES[key]) % said for key, said in record.notes],
            "groups": [] if under_way else [group for act in SHOWN if (group := _group(record, act))],
            "refused_url": url if record.refused_rows() and not under_way else "",
            "live_url": reverse("import-progress", kwargs={"pk": record.pk}) if under_way else "",
        }


def _cells(line: dict[str, Any]) -> list[str]:
    """What a row says beside its name, in the order of the template."""
    headings = (column.heading for column in TABLES[line["table"]][1] if column.heading not in NAMES)
    return [f"{heading}: {line['cells'][heading]}" for heading in headings if line["cells"].get(heading)]


def _group(record: Import, act: str) -> dict[str, Any] | None:
    lines = [line for line in record.lines if line["act"] == act]
    if not lines:
        return None
    heads = {
        "wrong": (_("Rows that are left out"), _("What is wrong")),
        "changed": (_("Changes"), _("Before and after")),
        "new": (_("New rows"), _("What it says")),
    }
    rows = [
        {
            "place": _("%(sheet)s, row %(row)d") % line,
            "title": line["title"],
            "faults": said_of(line),
            "changes": [dict(zip(("field", "before", "after"), change, strict=True)) for change in line["changes"]],
            "cells": ", ".join(_cells(line)),
        }
        for line in lines[:SHOWN_AT_MOST]
    ]
    return {"act": act, "title": heads[act][0], "what": heads[act][1], "rows": rows, "more": len(lines) - len(rows)}
