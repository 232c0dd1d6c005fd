"""What surrounds every request: its id, and plain answers to refusals that no page has caught."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable

import structlog
from django.conf import settings
from django.db.utils import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from . import api, door
from .steps import Blocked, Invalid, NotAllowed, NotFound, Stale

log = structlog.get_logger()


class RequestIdMiddleware:
    """Gives each request an id for answers, logs and the trail; no personal data goes into the log."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        number = secrets.token_hex(8)
        token = door.request_id.set(number)
        structlog.contextvars.bind_contextvars(request_id=number)
        try:
            answer = self.get_response(request)
        finally:
            door.request_id.reset(token)
            structlog.contextvars.unbind_contextvars("request_id")
        answer["X-Request-Id"] = number
        if settings.SESSION_COOKIE_NAME in request.COOKIES or "Authorization" in request.headers:
            answer.headers.setdefault("Cache-Control", "no-store")
        return answer


class RefusalMiddleware:
    """Turns refusals that no page has caught into plain answers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """404 for what may not be known, 403, 409, and 503 when the database does not answer."""
        for kind, status in ((NotFound, 404), (NotAllowed, 403), (Blocked, 409), (Stale, 409), (Invalid, 400)):
            if isinstance(error, kind):
                template = "404.html" if status == 404 else "403.html"  # noqa: PLR2004
                return render(request, template, {"exception": str(error), "reason": str(error)}, status=status)
        if isinstance(error, OperationalError | InterfaceError):
            return away(error)
        return None


def away(error: BaseException) -> HttpResponse:
    """503 without session or database, since these are what does not answer."""
    log.error("database_away", error=type(error).__name__)
    return HttpResponse(render_to_string("503.html"), status=503)


def server_error(request: HttpRequest) -> HttpResponse:
    """The page of a fault: without session or database, since they may be the fault; 503 where the database is it.

    A fault in a middleware, such as the loading of the session, comes here without passing any view.
    """
    error, is_api = sys.exc_info()[1], request.path.startswith("/api/")
    if isinstance(error, OperationalError | InterfaceError):
        return api.problem(error, {}) if is_api else away(error)  # type: ignore[return-value]
    if is_api:
        return api.broken()
    return HttpResponse(render_to_string("500.html", {"request_id": door.request_id.get()}), status=500)
