"""Jobs of assignments: the mail of an offer with its link, and the daily look for conflicts that others caused."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from advisory.assignment import Assignment
from advisory.watch import flag_the_tied
from facility.instruments.link import Link
from facility.workflow import clock
from facility.workflow.jobs import Job, job
from facility.workflow.steps import SYSTEM
from facility.workflow.tasks import daily, letter, post
from facility.workflow.trail import Notice

ASKED = gettext_noop("You are asked to advise %(project)s. Please answer within %(days)d days.")


@job("advisory.mail_offer")
def mail_offer(work: Job) -> None:
    """A notice, and a mail with a link that is made here and kept nowhere; the link before it ends.

    A repetition sends the same Message-ID with a fresh link; an offer that was answered meanwhile is not mailed.
    """
    rows = Assignment.objects.select_related(*Assignment.door_related)
    offer = rows.filter(pk=work.record_id, state=Assignment.State.OFFERED).first()
    if offer is None or not offer.advisor.person.is_active:
        return
    person = offer.advisor.person
    if not Notice.objects.filter(to=person, record_id=offer.pk, key=ASKED).exists():
        Notice.objects.create(
            to=person,
            scope_id=offer.scope_id(),
            record_type=offer._meta.label_lower,
            record_id=offer.pk,
            key=ASKED,
            params={"project": offer.project.name, "days": offer.offer_days},
            created_at=clock.now(),
        )
    if not person.email:
        return
    Link.objects.filter(person=person, record_id=offer.pk, step="accept", used_at__isnull=True).update(
        until_at=clock.now()
    )
    code = Link.make(person, offer, "accept", days=offer.offer_days)
    with translation.override(person.language), timezone.override(offer.tz()):
        link = settings.BASE_URL + reverse("offer-link", kwargs={"code": code})
        body = render_to_string("advisory/offer.txt", {"person": person, "offer": offer, "link": link})
        subject = _("Will you advise %s?") % offer.project.name
        post(letter(str(uuid.uuid5(offer.pk, str(work.pk))), person, subject, body))


@daily
def flag_new_conflicts() -> int:
    """Assignments upon which a conflict came by what others changed: a partner, the members of a cluster, a manager."""
    return flag_the_tied(by=SYSTEM)


__all__ = ["flag_new_conflicts", "mail_offer"]
