"""The pages on one's own account: what one signs in with, sessions and tokens; and the page of an invitation."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate, get_reauthentication_flows
from allauth.account.utils import perform_login
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.models import Session
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables

from facility.accounts import only_this_session, signed_in_recently
from facility.forms.accounts import Language, NewPassword, NewToken
from facility.instruments.link import Link, Tries
from facility.registry.cluster import Cluster
from facility.registry.grants import Grant, Role, Scope
from facility.registry.people import Person, SignedIn, Token
from facility.roles import in_force
from facility.workflow import clock
from facility.workflow.steps import NotFound

PageOf = Callable[..., HttpResponseBase]


def recently(page: PageOf) -> PageOf:
    """Only for those who proved in the last minutes who they are.

    Whoever signs in at a provider alone has nothing to be asked for here, and signs in again.
    """

    @wraps(page)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if signed_in_recently(request):
            return page(request, *args, **kwargs)
        if not get_reauthentication_flows(request.user):
            logout(request)
            return redirect_to_login(request.path)
        if not did_recently_reauthenticate(request):
            raise ReauthenticationRequired
        return page(request, *args, **kwargs)

    return login_required(asked)


def provider(request: HttpRequest) -> Any:
    """The provider of OpenID Connect that is set up, or None."""
    return next(iter(get_adapter().list_providers(request)), None)


@login_required
def account(request: SignedIn) -> HttpResponse:
    """Who one is here, and with what one signs in."""
    person = request.user
    form = Language(request.POST or None, instance=person)
    if request.method == "POST" and form.is_valid():
        Person.objects.filter(pk=person.pk).update(language=form.cleaned_data["language"])
        messages.success(request, _("Your mails come in this language from now on."))
        return HttpResponseRedirect(reverse("account"))
    factors = Authenticator.objects.filter(user=person)
    going_on = Q(session_key__in=Session.objects.filter(expire_date__gt=clock.actual()).values("session_key"))
    context = {
        "form": form,
        "facts": [{"label": _("Name"), "value": person.name}, {"label": _("E-mail"), "value": person.email or ""}],
        "roles": roles_of(person),
        "app": factors.filter(type=Authenticator.Type.TOTP).exists(),
        "passkeys": factors.filter(type=Authenticator.Type.WEBAUTHN).count(),
        "provider": provider(request),
        "connected": list(SocialAccount.objects.filter(user=person).order_by("date_joined")),
        "sessions": list(UserSession.objects.filter(going_on, user=person).order_by("-created_at")),
        "here": request.session.session_key,
        "tokens": list(Token.in_force(person=person).order_by("made_at")),
    }
    return render(request, "account/account.html", context)


def roles_of(person: Any) -> list[dict[str, Any]]:
    """The roles that the person holds, each once for what it is for; a manager may invite others from here."""
    found = list(in_force().filter(person=person).select_related("programme").order_by("from_at"))
    clusters = Cluster.objects.in_bulk([one.scope_key for one in found if one.scope_type == Scope.CLUSTER])
    give = reverse("new", kwargs={"records": Grant.records, "step": "give"})
    return [
        {
            "label": one.get_role_display(),
            "about": clusters.get(one.scope_key) or one.programme or one.get_scope_type_display(),
            "invite_url": f"{give}?scope_key={one.scope_key}"
            if (one.role, one.scope_type) == (Role.MANAGER, Scope.CLUSTER)
            else "",
        }
        for one in found
    ]


@login_required
def end_sessions(request: SignedIn) -> HttpResponse:
    """A post ends one session of the person, or all but this one."""
    if request.method == "POST":
        key = request.POST.get("session", "")
        if key.isdecimal():
            for one in UserSession.objects.filter(user=request.user, pk=int(key)):
                one.end()
        else:
            only_this_session(request)
        messages.success(request, _("Signed out there."))
    return HttpResponseRedirect(reverse("account"))


@recently
@never_cache
@sensitive_variables("plain")
def new_token(request: SignedIn) -> HttpResponse:
    """Makes a token; the answer to the post is the only page that ever shows it."""
    form = NewToken(request.POST or None)
    if request.method == "POST" and form.is_valid():
        plain = Token.make(request.user, **form.cleaned_data)
        return render(request, "account/token_made.html", {"plain": plain, "label": form.cleaned_data["label"]})
    return render(request, "account/new_token.html", {"form": form})


@login_required
def revoke_token(request: SignedIn, pk: Any) -> HttpResponse:
    """A post ends a token of the person."""
    if request.method == "POST" and Token.revoke(pk=pk, person=request.user):
        messages.success(request, _("The token is revoked. A program that uses it is refused from now on."))
    return HttpResponseRedirect(reverse("account"))


@method_decorator([never_cache, sensitive_variables("code")], name="dispatch")
class Invitation(View):
    """Setting up a sign-in by the link from the mail: a password, or an account at the provider."""

    link: Link

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """One answer for every link that does not work: not known, used, over, or not needed any more."""
        found = self.known(kwargs["code"])
        if (found is None or request.method == "POST") and not Tries().allow_request(request, self):
            return render(request, "account/invitation_over.html", {"is_too_often": True}, status=429)
        if found is None:
            return self.over()
        self.link = found
        return super().dispatch(request, *args, **kwargs)

    def known(self, code: str) -> Link | None:
        """The link, if it still does something."""
        try:
            link = Link.find(code)
        except NotFound:
            return None
        return None if link.step != Link.SIGN_IN or link.used_at or link.person.can_sign_in() else link

    def over(self) -> HttpResponse:
        """The link does nothing, for whatever reason."""
        return render(self.request, "account/invitation_over.html", status=404)

    def show(self, form: Any, status: int = 200) -> HttpResponse:
        """The page."""
        context = {"form": form, "person": self.link.person, "provider": provider(self.request)}
        return render(self.request, "account/invitation.html", context, status=status)

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """The form."""
        return self.show(NewPassword(user=self.link.person))

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        """Goes to the provider, or takes the password and signs the person in."""
        elsewhere = provider(request)
        if "elsewhere" in request.POST and elsewhere:
            data = {"invitation": str(self.link.pk)}
            answer: HttpResponse = elsewhere.redirect(
                request, process="login", next_url=settings.LOGIN_REDIRECT_URL, data=data
            )
            return answer
        form = NewPassword(request.POST, user=self.link.person)
        if not form.is_valid():
            return self.show(form, 400)
        try:
            self.link.set_up(form.save)
        except NotFound:
            return self.over()
        done: HttpResponse = perform_login(request, self.link.person, redirect_url=settings.LOGIN_REDIRECT_URL)
        return done
