"""Bearer tokens of the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from facility.registry.people import Token


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
