"""The jobs of this app."""

import datetime as dt

from allauth.account import app_settings
from allauth.account.utils import user_pk_to_url_str
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.files.storage import storages
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from facility.evaluation import Evaluation
from facility.instruments.link import Link
from facility.registry.documents import Document
from facility.registry.grants import Grant
from facility.registry.people import Person
from facility.workflow import clock
from facility.workflow.jobs import Job, job
from facility.workflow.steps import SYSTEM
from facility.workflow.tasks import daily, letter, post

INVITED_FOR_DAYS = 14


@job("facility.scan_document")
def scan_document(work: Job) -> None:
    """Checks a received file; what was checked already stays as it is."""
    document = Document.objects.get(pk=work.record_id)
    if document.state == Document.State.RECEIVED:
        document.perform("scan_file", by=SYSTEM)


@job("facility.invite")
def invite(work: Job) -> None:
    """Sends a link to set up a sign-in. It stands only in the mail, and the one before it ends."""
    grant = Grant.objects.select_related("programme").get(pk=work.record_id)
    # Locked, so that of two invitations at once the later ends the earlier.
    grant.person = person = Person.objects.select_for_update(no_key=True).get(pk=grant.person_id)
    if not (person.is_active and person.email and grant.is_in_force() and grant.is_new_here()):
        return
    Link.objects.filter(person=person, step=Link.SIGN_IN, used_at__isnull=True).update(until_at=clock.now())
    code = Link.make(person, grant, Link.SIGN_IN, days=INVITED_FOR_DAYS)
    with translation.override(person.language):
        link = _address("invitation", code=code)
        context = {"person": person, "grant": grant, "days": INVITED_FOR_DAYS, "link": link}
        body = render_to_string("account/invitation.txt", context)
        post(letter(str(work.pk), person, _("Your access to %s") % settings.PLATFORM_NAME, body))


@job("facility.mail_new_password")
def mail_new_password(work: Job) -> None:
    """Sends a link to set a new password, if there is somebody to send it to."""
    person = Person.objects.filter(pk=work.record_id, is_active=True, email__isnull=False).first()
    if person is None:
        return
    key = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(person)
    link = _address("account_reset_password_from_key", uidb36=user_pk_to_url_str(person), key=key)
    with translation.override(person.language):
        body = render_to_string("account/new_password.txt", {"person": person, "link": link})
        post(letter(str(work.pk), person, _("A new password"), body))


def _address(name: str, **kwargs: str) -> str:
    return settings.BASE_URL + reverse(name, kwargs=kwargs)


@daily
def forget_where_people_were_signed_in() -> int:
    """Address and browser of sessions that are over."""
    there = Session.objects.values("session_key")
    return UserSession.objects.exclude(session_key__in=there).delete()[0]


@daily
def take_off_the_tied() -> int:
    """Evaluators who came into conflict by what others changed: a partner, the members of a cluster, its managers."""
    return Evaluation.take_off_the_tied(by=SYSTEM)


@daily
def sweep_files() -> int:
    """Files that no document names: their step was undone, or the machine died between the two."""
    storage, gone = storages["documents"], 0
    _folders, files = storage.listdir("") if storage.exists("") else ([], [])
    young = clock.actual() - dt.timedelta(days=1)
    stored = set(Document.objects.values_list("stored", flat=True))
    for name in files:
        if name.endswith(".bin") and name not in stored and storage.get_modified_time(name) < young:
            storage.delete(name)
            gone += 1
    return gone
