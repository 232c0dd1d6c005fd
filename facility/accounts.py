"""Signing in: who may open an account, bearer tokens, and the second factor."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from facility.registry.people import Token

WITH_SECOND_FACTOR = {"lead", "coordinator", "evaluator"}
STAFF = {"lead", "coordinator", "evaluator", "observer", "administrator"}
WRITTEN_EVERY = 60


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by invitation (a grant); nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer …`: a hashed, expiring, revocable token; one with the scope "read" reads only."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """The person of the token, or None when the header carries none."""
        kind, _space, plain = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not plain:
            return None
        found = Token.person_of(plain.strip())
        if found is None:
            raise AuthenticationFailed("This token is not known, expired or revoked.")
        person, scope = found
        if scope == "read" and request.method not in {"GET", "HEAD", "OPTIONS"}:
            raise PermissionDenied("This token may only read.")
        return person, scope

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return "Bearer"


class BearerScheme(OpenApiAuthenticationExtension):
    """The bearer token as OpenAPI names it."""

    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """A scheme of HTTP."""
        return {"type": "http", "scheme": "bearer"}


@receiver(user_logged_in)
def begin_session(sender: Any, request: HttpRequest, **kwargs: Any) -> None:
    """Notes when somebody signed in."""
    request.session["began"] = request.session["seen"] = int(time.time())


class SessionLimits:
    """Ends a session eight hours after signing in, and that of staff after half an hour without a request.

    Runs on the machine's clock, also in the demo. The time of the last request is written once a minute at most.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now, session = int(time.time()), request.session
            began, seen = session.get("began", 0), session.get("seen", 0)
            idle = now - seen > settings.SESSION_IDLE and bool(request.user.roles_held() & STAFF)
            if idle or now - began > settings.SESSION_COOKIE_AGE:
                logout(request)
            elif now - seen >= WRITTEN_EVERY:
                session["seen"] = now
        return self.get_response(request)


class SecondFactorMiddleware:
    """Leads, coordinators and evaluators set up a second factor before they reach the workspace."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        person = request.user
        inside = request.path.startswith(("/workspace/", "/api/"))
        if settings.SECOND_FACTOR and inside and person.is_authenticated and person.roles_held() & WITH_SECOND_FACTOR:
            from allauth.mfa.utils import is_mfa_enabled

            if not is_mfa_enabled(person):
                return HttpResponseRedirect(reverse("mfa_activate_totp"))
        return self.get_response(request)
