"""What comes in and goes out as tables: the whole of a call, and the import of clusters with their members."""

from __future__ import annotations

from typing import Any

import structlog
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from facility.call import Call
from facility.dossier import tables_of
from facility.workflow import sheets
from facility.workflow.steps import NotFound

log = structlog.get_logger()


@login_required
def call_export(request: HttpRequest, pk: Any) -> HttpResponseBase:
    """All that a call holds, for its office and observers: a workbook, or a ZIP of CSVs that is sent while it is read."""
    call = Call.objects.filter(Call.faces.staff.q(request.user), pk=pk).first()
    if call is None:
        raise NotFound(_("There is no such record."))
    kind = "zip" if request.GET.get("as") == "zip" else "xlsx"
    log.info("call_exported", record_id=str(call.pk), kind=kind)
    return sheets.answer(kind, f"call-{call.pk}", tables_of(call, request.user))
