"""Signing in: who may open an account, what counts as a second factor, and when sessions end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed
from allauth.mfa.utils import is_mfa_enabled
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from facility.instruments.link import Link
from facility.registry.grants import WITH_SECOND_FACTOR
from facility.workflow import api
from facility.workflow.steps import NotAllowed, NotFound

STAFF = {"lead", "coordinator", "evaluator", "observer", "administrator"}
WRITTEN_EVERY = 60
# Words of RFC 8176 for what is known and for what is held.
KNOWN, HELD = {"pwd", "pin", "kba"}, {"otp", "hwk", "swk", "sc"}


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by invitation (a grant); nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Whoever has just signed in is not asked again at once."""
        return not signed_in_recently(self.request) and super().is_reauthentication_required(app=app, **kwargs)


class SocialAdapter(DefaultSocialAccountAdapter):
    """Accounts of a provider are known by (issuer, subject) and by nothing else; addresses are not even asked for."""

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Checks the issuer, keeps nothing of the claims, and connects the account where an invitation led here."""
        account = sociallogin.account
        claims = account.extra_data.get("id_token") or {}
        if claims.get("iss") != settings.OIDC_ISSUER:
            raise PermissionDenied("The token names another issuer.")
        account.extra_data = {}
        if account.pk:
            account.save(update_fields=["extra_data"])
        request.several_factors = several_factors(claims)  # type: ignore[attr-defined]
        invited = (sociallogin.state.get("data") or {}).get("invitation")
        if invited and not sociallogin.is_existing:
            self.accept(request, sociallogin, invited)

    def accept(self, request: HttpRequest, sociallogin: Any, invited: str) -> None:
        """Uses the invitation up; one that no longer holds leaves the account unknown."""
        link = Link.in_force().filter(pk=invited, step=Link.SIGN_IN, used_at__isnull=True).first()
        if link is None or link.person.can_sign_in():
            return
        try:
            link.set_up(lambda: sociallogin.connect(request, link.person))
        except NotFound:
            return

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: Any) -> str:
        """Back to the page of the account."""
        return reverse("account")


def several_factors(claims: dict[str, Any]) -> bool:
    """Whether the provider says that it asked for several factors: by its acr as configured, or by its amr.

    A single word for a single method, such as "otp" or "hwk", is not taken for several.
    """
    methods = claims.get("amr")
    said = set(methods) if isinstance(methods, list) else set()
    return claims.get("acr") in settings.OIDC_MFA_ACR or "mfa" in said or bool(said & KNOWN and said & HELD)


def has_second_factor(person: Any) -> bool:
    """Whether the person has set up an app or a passkey; recovery codes alone are none."""
    found: bool = is_mfa_enabled(person, [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN])
    return found


def signed_in_recently(request: HttpRequest) -> bool:
    """Whether this session began in the last minutes."""
    return time.time() - request.session.get("began", 0) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


@receiver(user_logged_in)
def begin_session(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """Notes when somebody signed in, and whether with a second factor."""
    session = request.session
    session["began"] = session["seen"] = int(time.time())
    own = any(record["method"] == "mfa" for record in get_authentication_records(request, user))
    session["second_factor"] = own or getattr(request, "several_factors", False)


@receiver([authenticator_added, authenticator_removed])
def factors_changed(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """Whoever gains or loses a factor goes on under a new session key; all other sessions end."""
    only_this_session(request)
    request.session["second_factor"] = has_second_factor(user)


def only_this_session(request: HttpRequest) -> None:
    """Ends every other session of the person; this one goes on under a new key."""
    person: Any = request.user
    mine = UserSession.objects.filter(user=person)
    mine.exclude(session_key=request.session.session_key).delete()
    person.end_sessions()
    person.refresh_from_db(fields=["sessions_ended"])
    update_session_auth_hash(request, person)
    mine.update(session_key=request.session.session_key)


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
    """Leads, coordinators and evaluators sign in with a second factor, and set one up before anything else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_api = request.path.startswith("/api/")
        inside = settings.SECOND_FACTOR and (is_api or request.path.startswith("/workspace/"))
        person: Any = request.user
        if not inside or not person.is_authenticated or request.session.get("second_factor"):
            return self.get_response(request)
        if not person.roles_held() & WITH_SECOND_FACTOR:
            return self.get_response(request)
        if is_api:
            said = NotAllowed(_("Your role needs a second factor. Set one up in the browser, then sign in with it."))
            return api.problem(said, {})  # type: ignore[return-value]
        return HttpResponseRedirect(reverse("mfa_index"))
