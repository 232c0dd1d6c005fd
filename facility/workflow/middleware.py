"""What surrounds every request: its id, and plain answers to refusals that no page has caught."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import structlog
from django.conf import settings
from django.db.utils import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from . import door
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
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
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
            log.error("database_away", error=type(error).__name__)
            return render(request, "503.html", status=503)
        return None
