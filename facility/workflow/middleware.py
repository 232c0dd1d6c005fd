"""What surrounds every request: its id, and plain answers to refusals that no page has caught."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable
from http import HTTPStatus

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.functional import SimpleLazyObject

from . import api, clock, door, roles
from .steps import Blocked, Invalid, NotAllowed, NotFound, Stale

log = structlog.get_logger()


class RequestIdMiddleware:
    """Gives each request an id and the time at which it came; no personal data goes into the log."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        number, began = secrets.token_hex(8), time.monotonic()
        token = door.request_id.set(number)
        structlog.contextvars.bind_contextvars(request_id=number)
        try:
            with clock.receiving(), roles.keeping():
                answer = self.get_response(request)
            # The name of the route, since addresses may hold codes and what people searched for.
            route = request.resolver_match.view_name if request.resolver_match else ""
            log.info(
                "request",
                method=request.method,
                route=route,
                status=answer.status_code,
                ms=round((time.monotonic() - began) * 1000),
                person_id=_person_id(request),
            )
        finally:
            door.request_id.reset(token)
            structlog.contextvars.unbind_contextvars("request_id")
        answer["X-Request-Id"] = number
        if settings.SESSION_COOKIE_NAME in request.COOKIES or "Authorization" in request.headers:
            answer.headers.setdefault("Cache-Control", "no-store")
        return answer


def _person_id(request: HttpRequest) -> str:
    """Of whoever has been recognised; nothing is looked up for the log."""
    user = request.__dict__.get("user")
    known = request.__dict__.get("_cached_user") if isinstance(user, SimpleLazyObject) else user
    return str(getattr(known, "pk", None) or "")


class RefusalMiddleware:
    """Turns refusals that no page has caught into plain answers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if answer.status_code == HTTPStatus.INSUFFICIENT_STORAGE:
            for handler in request.upload_handlers:
                handler.upload_interrupted()  # gives back at once what the beginning of a file has taken
        return answer

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """404 for what may not be known, 403, 409, and 503 or 507 when it is the server's state."""
        for kind, status in ((NotFound, 404), (NotAllowed, 403), (Blocked, 409), (Stale, 409), (Invalid, 400)):
            if isinstance(error, kind):
                template = "404.html" if status == 404 else "403.html"  # noqa: PLR2004
                return render(request, template, {"exception": str(error), "reason": str(error)}, status=status)
        return outage(error)


def outage(error: BaseException | None) -> HttpResponse | None:
    """503 where the database does not answer, 507 where the disk is full, else None; without session or database."""
    if api.is_away(error):
        log.error("database_away", error=type(error).__name__)
        return HttpResponse(render_to_string("503.html"), status=503)
    if api.is_full(error):
        log.error("disk_full")
        return HttpResponse(render_to_string("507.html"), status=HTTPStatus.INSUFFICIENT_STORAGE)
    return None


def server_error(request: HttpRequest) -> HttpResponse:
    """The page of a fault: without session or database, since they may be the fault.

    A fault in a middleware, such as the loading of the session, comes here without passing any view.
    """
    error, is_api = sys.exc_info()[1], request.path.startswith("/api/")
    if is_api:
        return api.outage(error) or api.broken()
    return outage(error) or HttpResponse(
        render_to_string("500.html", {"request_id": door.request_id.get()}), status=500
    )
