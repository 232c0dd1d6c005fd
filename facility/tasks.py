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
from facility.instruments.exchange import KEPT_FOR, Import
from facility.instruments.link import DAYS, Link
from facility.papers import ApplicationPartner
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


@job("facility.ask_by_mail")
def ask_by_mail(work: Job) -> None:
    """Sends somebody a link to one step of a record, if the step still waits for them; the link before it ends."""
    record, person = work.record(), Person.objects.get(pk=work.args["person"])
    step = type(record).step(work.args["step"])
    offered = [offer.step.name for offer in record.steps_for(person)]
    if not (person.is_active and person.email and step.name in offered):
        return
    Link.objects.filter(person=person, record_id=record.pk, step=step.name, used_at__isnull=True).update(
        until_at=clock.now()
    )
    link = _address("by-link", code=Link.make(person, record, step.name))
    with translation.override(person.language):
        context = {"person": person, "record": record, "step": step, "link": link, "days": DAYS}
        body = render_to_string("facility/ask_by_mail.txt", context)
        post(letter(str(work.pk), person, _("%(step)s: %(title)s") % {"step": step.label, "title": record}, body))


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


@job("facility.ask_partner")
def ask_partner(work: Job) -> None:
    """Mails the manager of a partner a link to confirm its part. It is made here and kept nowhere."""
    person = Person.objects.filter(pk=work.args["person"], is_active=True, email__isnull=False).first()
    partners = ApplicationPartner.objects.select_related("application__lead_cluster", "application__call", "cluster")
    partner = partners.filter(pk=work.args["partner"]).first()
    if person is None or partner is None or partner.application.state not in {"draft", "returned"}:
        return
    code = Link.make(person, partner.application, "confirm_part")
    with translation.override(person.language):
        context = {"person": person, "partner": partner, "link": _address("part-link", code=code)}
        body = render_to_string("facility/ask_partner.txt", context)
        subject = _("Does %s take part in this application?") % partner.cluster.name
        post(letter(str(work.pk), person, subject, body))


@job("facility.check_import")
def check_import(work: Job) -> None:
    """Compares the rows of a long table with the register, in the language of whoever waits for it."""
    table = Import.objects.select_related("person").get(pk=work.record_id)
    if table.state == Import.State.RECEIVED:
        with translation.override(table.person.language):
            table.perform("examine", by=SYSTEM)


@job("facility.apply_import", whole=False)
def apply_import(work: Job) -> None:
    """Takes over a long table, portion by portion; a run that was lost goes on where it was."""
    table = Import.objects.select_related("person").get(pk=work.record_id)
    with translation.override(table.person.language):
        while table.state == Import.State.APPLYING:
            table.perform("proceed", by=SYSTEM)
            work.advance(table.taken_over, table.new + table.changed)


def _address(name: str, **kwargs: str) -> str:
    return settings.BASE_URL + reverse(name, kwargs=kwargs)


@daily
def forget_where_people_were_signed_in() -> int:
    """Address and browser of sessions that are over."""
    there = Session.objects.values("session_key")
    return UserSession.objects.exclude(session_key__in=there).delete()[0]


@daily
def forget_imported_rows() -> int:
    """Rows of imports that nobody confirmed, and of those that were left out."""
    old = Import.objects.filter(received_at__lt=clock.now() - dt.timedelta(days=KEPT_FOR)).exclude(lines=[])
    found = list(old.filter(state__in=[Import.State.CHECKED, Import.State.APPLIED]))
    for one in found:
        one.perform("discard" if one.state == Import.State.CHECKED else "forget", by=SYSTEM)
    return len(found)


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
