"""The API of every record: list, detail, create and one address per step. Nothing here knows a domain."""

from __future__ import annotations

import errno
import json
from typing import Any, ClassVar

from django.core.exceptions import RequestDataTooBig
from django.db.models import QuerySet
from django.db.utils import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.urls import path, reverse
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

from . import door, shape
from .engine import Record, all_records
from .input import json_schema
from .lists import KeysetPages, filters_for, searched
from .once import KeyReused, fingerprint, once
from .steps import Blocked, Invalid, NotAllowed, NotFound, Refused, Stale, Step


class RecordView(APIView):
    """Base: the model is set by the address."""

    model: ClassVar[type[Record]] = None  # type: ignore[assignment]
    step_name: ClassVar[str] = ""

    def one(self, request: Request, pk: Any) -> Any:
        """The row with its JSON, or 404."""
        row = shape.select(self.model.objects.visible_to(request.user), request.user).filter(pk=pk).first()
        if row is None:
            raise NotFound(_("There is no such record."))
        return row


class RecordList(RecordView):
    """GET: the rows that the person may see, keyset-paged. POST: a new record, where the role may."""

    def get(self, request: Request) -> HttpResponse:
        """`page_size`, `cursor`, filters, `search`, `ordering`."""
        rows: QuerySet = self.model.objects.visible_to(request.user)
        chosen = filters_for(self.model)(request.GET, queryset=rows, request=request)
        if not chosen.is_valid():
            raise Invalid({name: [str(e) for e in said] for name, said in chosen.errors.items()})
        rows = chosen.qs
        if request.GET.get("search"):
            rows = searched(rows, request.GET["search"], request.user)
        pages = KeysetPages()
        pages.ordering = self.ordering(request)
        rows = self.in_sight(rows, pages.ordering, request.user)
        keys = {key.lstrip("-") for key in pages.ordering}
        page = pages.paginate_queryset(shape.select(rows, request.user).values("json", *keys), request, view=self)
        body = ",".join(row["json"] for row in page)
        ends = json.dumps({"next": pages.get_next_link(), "previous": pages.get_previous_link()})
        return HttpResponse(f'{{"results":[{body}],{ends[1:]}', content_type="application/json")

    def ordering(self, request: Request) -> tuple[str, ...]:
        """From the keys that the record allows, with the key as the tie-break."""
        wanted = request.GET.get("ordering", "")
        allowed = {key.lstrip("-") for key in self.model.order_by}
        if wanted and wanted.lstrip("-") not in allowed:
            raise Invalid({"ordering": [_("Order by one of: %(keys)s.") % {"keys": ", ".join(sorted(allowed))}]})
        first = (wanted,) if wanted else self.model.order_by[:1]
        return first if first[0].lstrip("-") == "id" else (*first, "id")

    def in_sight(self, rows: QuerySet, ordering: tuple[str, ...], person: Any) -> QuerySet:
        """Only rows whose columns of the order the person may read: order and cursor would tell them."""
        return rows.filter(shape.readers_of(self.model, {key.lstrip("-") for key in ordering}, person))

    def post(self, request: Request) -> HttpResponse:
        """Takes the step that makes a new record."""
        makes = [step for step in self.model.steps().values() if step.creates() and not step.quiet]
        if not makes:
            raise NotAllowed(_("Records of this kind are not made by hand."))
        return perform(request, self.model(), makes[0], created=True)


class RecordDetail(RecordView):
    """GET: one record, with the steps that are open to this person."""

    def get(self, request: Request, pk: Any) -> HttpResponse:
        """The record's members and `steps`."""
        row = self.one(request, pk)
        steps = []
        for offer in row.steps_for(request.user):
            form = row.form_for(offer.step, by=request.user)
            steps.append(
                {
                    "name": offer.step.name,
                    "label": str(offer.step.label),
                    "blocked_by": list(offer.blocked_by),
                    "input": json_schema(form) if form else {"type": "object", "additionalProperties": False},
                }
            )
        tail = json.dumps({"steps": steps}, default=str)
        answer = HttpResponse(f"{row.json[:-1]}, {tail[1:]}", content_type="application/json")
        answer["ETag"] = etag(row)
        return answer


class StepView(RecordView):
    """POST: takes one step."""

    def post(self, request: Request, pk: Any) -> HttpResponse:
        """The step's input as JSON or multipart; answers the record as it is then."""
        step = self.model.step(self.step_name)
        known = self.model.visible().q(request.user) | step.who.q(request.user)
        record = self.model._base_manager.filter(known, pk=pk).first() if request.user.is_authenticated else None
        if record is None:
            raise NotFound(_("There is no such record.")) if request.user.is_authenticated else NotAuthenticated
        return perform(request, record, step)


def etag(record: Record) -> str:
    """The entity tag of a record's version."""
    return f'"{record.version}"'


def perform(request: Request, record: Any, step: Step, *, created: bool = False) -> HttpResponse:
    """One step through the API: idempotency, If-Match, the door, the answer."""
    if not request.user.is_authenticated:
        raise NotAuthenticated
    body = request.data
    if not isinstance(body, dict):
        raise Invalid({"": [_("Give one JSON object.")]})
    expected = _expected(request, record, step)
    files = request.FILES if isinstance(body, QueryDict) else None
    size = {name: [file.size, file.name] for name, file in (files or {}).items()}
    mark = fingerprint(request.path, {k: v for k, v in dict(body).items() if k not in size}, size, expected)

    def act() -> tuple[int, Any]:
        given = type(record)() if created else record
        done = door.perform([given], step.name, by=request.user, raw=body, files=files, expected=expected, via="api")[0]
        row = shape.select(type(done).objects.filter(pk=done.pk), request.user).get()
        return (201 if created else 200), {"id": str(done.pk), "version": done.version, "json": row.json}

    status, answer, _repeated = once(request.user, request.headers.get("Idempotency-Key", "")[:120], mark, act)
    made = HttpResponse(answer["json"], status=status, content_type="application/json")
    made["ETag"] = f'"{answer["version"]}"'
    if created:
        made["Location"] = reverse(f"api-{record.records}", kwargs={"pk": answer["id"]})
    return made


class MatchRequired(APIException):
    """428: an edit without saying which version was seen."""

    status_code = 428
    default_code = "precondition_required"


def _expected(request: Request, record: Any, step: Step) -> int | None:
    given = request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')
    if given.isdecimal():
        return int(given)
    if given == "*" or not step.edits or step.creates():
        return None
    raise MatchRequired(_("Send If-Match with the ETag of the version that you have read."))


PROBLEMS: list[tuple[type[Refused], int, Any]] = [
    (NotFound, 404, "Not found"),
    (NotAllowed, 403, "Not allowed"),
    (Stale, 412, "Changed in the meantime"),
    (Blocked, 409, "Not possible now"),
    (Invalid, 400, "Input not accepted"),
]


def is_away(error: BaseException | None) -> bool:
    """Whether the database did not answer."""
    return isinstance(error, OperationalError | InterfaceError)


def is_full(error: BaseException | None) -> bool:
    """Whether a disk, or what somebody may use of it, is full."""
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}


def outage(error: BaseException | None) -> HttpResponse | None:
    """503 where the database does not answer, 507 where the disk is full, else None."""
    if is_away(error):
        return _problem(503, "Unavailable", _("The database does not answer. Please try again in a moment."))
    if is_full(error):
        return _problem(507, "No room", _("There is no room for files at the moment. What you sent was not kept."))
    return None


def problem(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Every error as problem details (RFC 9457) with the request's id."""
    if isinstance(error, KeyReused):
        return _problem(422, "Idempotency key reused", _("This Idempotency-Key came before with another body."))
    if known := outage(error):
        return known
    if isinstance(error, RequestDataTooBig):
        return _problem(413, "Too large", _("The body is larger than is accepted; send files as multipart."))
    for kind, status, title in PROBLEMS:
        if isinstance(error, kind):
            return _problem(status, title, str(error), **_particulars(error))
    answered: Response | None = exception_handler(error, context)
    if answered is None:
        return None
    made = _problem(answered.status_code, type(error).__name__, _sentence(answered.data))
    for name in ("WWW-Authenticate", "Retry-After", "Allow"):
        if name in answered.headers:
            made[name] = answered.headers[name]
    return made


def broken() -> HttpResponse:
    """A fault of ours: its number and nothing of what it was about."""
    return _problem(500, "Broken", _("Something broke on our side. What you sent was not kept."))


def _particulars(error: Exception) -> dict[str, Any]:
    if isinstance(error, Blocked):
        return {"blocked_by": error.sentences}
    if isinstance(error, Invalid):
        return {"errors": error.errors}
    return {"version": error.record.version} if isinstance(error, Stale) else {}


def _sentence(data: Any) -> str:
    return str(data.get("detail", "")) if isinstance(data, dict) else str(data)


def _problem(status: int, title: str, detail: str, **extra: Any) -> HttpResponse:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **extra}
    body["request_id"] = door.request_id.get()
    return JsonResponse(body, status=status, content_type="application/problem+json")


def index(request: HttpRequest) -> JsonResponse:
    """The records of the API and their addresses."""
    found = {model.records: reverse(f"api-{model.records}-list") for model in all_records() if model.records}
    return JsonResponse({"records": found, "schema": reverse("api-schema"), "docs": reverse("api-docs")})


def gone(request: HttpRequest, rest: str) -> HttpResponse:
    """An address under /api/ that does not exist answers as the API does."""
    if not rest:
        raise Http404
    return _problem(404, "Not found", _("There is no such address."))


def urls() -> list[Any]:
    """The addresses of every record and of every step."""
    made = [path("", index, name="api")]
    for model in (m for m in all_records() if m.records):
        base = model.records
        made.append(path(f"{base}/", RecordList.as_view(model=model), name=f"api-{base}-list"))
        made.append(path(f"{base}/<uuid:pk>/", RecordDetail.as_view(model=model), name=f"api-{base}"))
        for name, step in model.steps().items():
            if not step.creates():
                view = StepView.as_view(model=model, step_name=name)
                made.append(path(f"{base}/<uuid:pk>/perform/{name}/", view, name=f"api-{base}-{name}"))
    return made
