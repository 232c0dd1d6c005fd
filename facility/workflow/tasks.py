"""The kernel's own work: the one Celery task, the timers' ticks, and the mailing of notices."""

from __future__ import annotations

import datetime as dt
from email.utils import parseaddr
from typing import Any

import structlog
from celery import shared_task
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_noop

from . import clock, jobs, trail
from .engine import all_records, by_type
from .ids import uuid7
from .steps import SYSTEM, Refused

log = structlog.get_logger()
MAIL_AGAIN, FAILURES_IN_A_ROW = dt.timedelta(minutes=15), 3
# No transaction lasts longer (the hard limit of a job is ten minutes), so every entry older than this is visible.
SETTLED = dt.timedelta(minutes=15)


@shared_task(name="workflow.run_job")
def run_job(job_id: str) -> None:
    """Runs the job of this id."""
    jobs.run(job_id)


def send(job_id: str, queue: str) -> bool:
    """Rings: asks a worker of the queue to run the job. A broker that is away is no error for anybody."""
    try:
        run_job.apply_async(args=[job_id], queue=queue, retry=False)
    except Exception as error:
        log.warning("broker_away", error=type(error).__name__)
        return False
    return True


def tick() -> int:
    """Lets due timers act: reminders, overdue marks, escalations, and the steps that the system takes by itself.

    A timer that breaks stays due for the next tick and does not hold up those after it.
    """
    instant, acted = clock.now(), 0
    for key in list(
        clock.Timer.objects.filter(next_at__lte=instant).order_by("next_at").values_list("pk", flat=True)[:500]
    ):
        try:
            with transaction.atomic():
                rows = clock.Timer.objects.select_for_update(skip_locked=True)
                timer = rows.filter(pk=key, next_at__lte=instant).first()
                if timer is not None:
                    _act(timer, instant)
                    acted += 1
        except Exception as error:
            if not connection.is_usable():
                raise
            log.error("timer_broke", timer_id=str(key), error=type(error).__name__)
    return acted


def _act(timer: clock.Timer, instant: dt.datetime) -> None:
    record = by_type(timer.record_type)._base_manager.filter(pk=timer.record_id).first()
    if record is None or record.state != timer.state or record.clock_stopped():
        timer.next_at = None
        timer.save(update_fields=["next_at"])
        return
    if timer.step:
        timer.next_at = None
        timer.save(update_fields=["next_at"])
        try:
            record.perform(timer.step, by=SYSTEM)
        except Refused as refused:
            log.warning("timed_step_refused", step=timer.step, record_id=str(record.pk), reason=type(refused).__name__)
            _notify(record, record.overseers(), gettext_noop("“%(title)s” could not go on by itself: %(step)s."), timer)
        return
    if timer.reminded_at is None and timer.due_at > instant:
        timer.reminded_at, timer.next_at = instant, timer.due_at
        _notify(record, record.awaited_people(), gettext_noop("Reminder: “%(title)s” waits for you."), timer)
    elif timer.overdue_at is None:
        timer.overdue_at = instant
        timer.next_at = timer.escalate_at
        _notify(record, record.awaited_people(), gettext_noop("Overdue: “%(title)s” still waits for you."), timer)
    elif timer.escalated_at is None:
        timer.escalated_at, timer.next_at = instant, None
        _notify(record, record.overseers(), gettext_noop("“%(title)s” is overdue; please look after it."), timer)
    timer.save(update_fields=["reminded_at", "overdue_at", "escalated_at", "next_at"])


def _notify(record: Any, people: list[Any], key: str, timer: clock.Timer) -> None:
    trail.Notice.objects.bulk_create(
        trail.Notice(
            to=person,
            scope_id=timer.scope_id,
            record_type=timer.record_type,
            record_id=timer.record_id,
            key=key,
            params={"title": record.title(), "step": timer.step},
            created_at=clock.now(),
            mail_after=clock.now() if person.email else None,
        )
        for person in people
    )


def mail(limit: int = 100) -> int:
    """Mails notices that wait for it. Each has one Message-ID, so that a repetition can be told as such.

    A notice that cannot be mailed waits for a while and does not hold up those after it; after three in a row the
    server of mail is taken to be away, and the rest waits for the next turn.
    """
    sent = failed = 0
    waiting = Q(mailed_at__isnull=True, mail_after__lte=clock.now(), to__is_active=True)
    for key in list(trail.Notice.objects.filter(waiting).order_by("mail_after").values_list("pk", flat=True)[:limit]):
        with transaction.atomic():
            notice = (
                trail.Notice.objects.select_for_update(skip_locked=True, of=("self",))
                .select_related("to")
                .filter(waiting, pk=key)
                .first()
            )
            if notice is None:
                continue
            try:
                message_for(notice).send()
            except Exception as error:
                log.warning("mail_failed", notice_id=str(notice.pk), error=type(error).__name__)
                notice.mail_after, failed = clock.now() + MAIL_AGAIN, failed + 1
                notice.save(update_fields=["mail_after"])
            else:
                notice.mailed_at, failed = clock.now(), 0
                notice.save(update_fields=["mailed_at"])
                sent += 1
        if failed >= FAILURES_IN_A_ROW:
            break
    return sent


def message_for(notice: trail.Notice) -> EmailMessage:
    """The mail of a notice in its reader's language; never more than one line of it in the subject."""
    with translation.override(notice.to.language):
        text = notice.text()
        link = settings.BASE_URL + (notice.link or reverse("notice", kwargs={"pk": notice.pk}))
        body = render_to_string("workflow/mail.txt", {"notice": notice, "text": text, "link": link})
        domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
        return EmailMessage(
            subject=" ".join(text.split())[:120],
            body=body,
            to=[notice.to.email or ""],
            headers={"Message-ID": f"<{notice.pk}@{domain}>"},
        )


def seal(settled: dt.timedelta = SETTLED) -> trail.Seal | None:
    """Seals the heads of all chains up to the last entry that is `settled`; nothing when it is sealed already.

    The keys of entries are given before the commit, so that a younger one can be seen before an older one.
    """
    old = trail.Entry.objects.filter(at__lte=jobs.clock_of_machine() - settled)
    newest = old.order_by("-id").values_list("pk", flat=True).first()
    last = trail.Seal.objects.order_by("-at").first()
    if newest is None or (last and last.last_entry == newest):
        return None
    chains, entries, sha = trail.heads(newest)
    return trail.Seal.objects.create(
        id=uuid7(), at=clock.now(), chains=chains, entries=entries, last_entry=newest, sha256=sha
    )


def verify() -> list[str]:
    """The whole trail, read and checked."""
    return trail.verify(all_records())
