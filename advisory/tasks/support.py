"""Jobs of projects and sessions."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from advisory.session import SupportSession
from facility.instruments.link import Link
from facility.registry.people import Person
from facility.workflow import clock
from facility.workflow.jobs import Job, job
from facility.workflow.tasks import letter, post
from facility.workflow.trail import Notice


@job("advisory.ask_confirmation")
def ask_confirmation(work: Job) -> None:
    """Asks one manager to confirm a session: a notice, and a mail with a link that is made here and kept nowhere.

    A repetition sends the same Message-ID with a fresh link; a session that was changed since has its own job.
    """
    confirms = SupportSession.step("confirm").who
    person = Person.objects.filter(pk=work.args["person"], is_active=True).first()
    if person is None:
        return
    sessions = SupportSession.objects.select_related(*SupportSession.door_related).filter(
        pk=work.record_id, version=work.args["version"], state=SupportSession.State.LOGGED
    )
    session = sessions.filter(confirms.q(person)).first()
    if session is None:
        return
    Notice.objects.create(
        to=person,
        scope_id=session.scope_id(),
        record_type=session._meta.label_lower,
        record_id=session.pk,
        key=gettext_noop("Please confirm the session of %(day)s."),
        params={"day": session.held_on.isoformat()},
        created_at=clock.now(),
    )
    if person.email:
        post(message_for(session, person))


def message_for(session: SupportSession, person: Person) -> EmailMessage:
    """The mail with the link, in the reader's language."""
    link = settings.BASE_URL + reverse("confirm-link", kwargs={"code": Link.make(person, session, "confirm")})
    with translation.override(person.language):
        firms = session.firms.select_related("organisation").order_by("organisation__sort_name", "pk")
        body = render_to_string(
            "advisory/ask_confirmation.txt",
            {"person": person, "session": session, "firms": [one.organisation.name for one in firms], "link": link},
        )
        subject = _("Was this your session of %s?") % session.day_in_words()
    return letter(str(uuid.uuid5(session.pk, f"{session.version} {person.pk}")), person, subject, body)


__all__ = ["ask_confirmation", "message_for"]
