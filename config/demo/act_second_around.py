"""Act six, around the calls: what is asked and told, and what a cluster shows of itself."""

from __future__ import annotations

import datetime as dt
from typing import Any

import typst
from django.core.files.uploadedfile import SimpleUploadedFile

from advisory.project import Project
from config.demo import facts
from config.demo.act_call import coordinator
from config.demo.stage import Now
from facility.asked import Asked
from facility.call import Call
from facility.instruments.signature import texts_of
from facility.registry.assessment import OutsideAssessment
from facility.registry.contact import Contact
from facility.registry.engagement import Engagement
from facility.registry.label import Label
from facility.registry.organisation import Organisation
from webinars.webinar import Webinar

INVENTED = "Invented for the demo"
CERTIFICATE = b"""#set document(title: "Certificate (demo)")
#set text(lang: "en")
= Certificate (demo)
Environmental management after ISO 14001. This certificate is invented.
"""
PROMISE = """We take part in the workshops of the cluster, give it our figures on energy and waste once a year, and try
at least one of the actions that it plans."""


def around(now: Now, call: Call, asker: Any) -> None:
    """An information webinar in a few days, one published answer, and one question that waits."""
    stage = now.stage
    webinar = Webinar().perform(
        "create",
        by=coordinator(stage),
        programme=now.programme,
        kind="information",
        call=call,
        order=1,
        title_text="How to apply",
        summary="What the call offers, who can apply, and how applications are judged.",
        starts_at=now.at(5, 13),
        ends_at=now.at(5, 15),
        zone="Europe/Brussels",
        link="https://meeting.example.org/information",
        agenda=[],
    )
    webinar.perform("announce", by=coordinator(stage))
    wording, reply = "May a partner come from outside the European Union?", "Yes, as a partner; the lead may not."
    asked = Asked().perform("ask", by=asker, call=call, text=wording)
    asked.perform("prepare_answer", by=coordinator(stage), wording=wording, reply=reply)
    asked.perform("publish", by=coordinator(stage))
    Asked().perform("ask", by=asker, call=call, text="Can a cluster that was selected before apply again?")
    stage.settle()


def profile(now: Now, project: Project) -> None:
    """The cluster of a project with a label to confirm, an outside assessment, a signed declaration and a contact."""
    stage, cluster, head = now.stage, project.application.lead_cluster, project.managers().first()
    now.on(-30)
    awarded = now.today - dt.timedelta(days=60)
    Label().perform(
        "record",
        by=head,
        cluster=cluster,
        level="bronze",
        awarded_on=awarded,
        valid_until=awarded + dt.timedelta(days=730),
        issuer=INVENTED,
    )
    OutsideAssessment().perform(
        "create",
        by=head,
        cluster=cluster,
        scheme="iso_14001",
        result="Certified for its office and its test site",
        assessor=INVENTED,
        assessed_on=awarded,
        files={"file": SimpleUploadedFile("certificate.pdf", typst.compile(CERTIFICATE, ignore_system_fonts=True))},
    )
    engage(now, cluster, head)
    office = coordinator(stage)
    contact = Contact().perform(
        "propose",
        by=office,
        programme=now.programme,
        about="programme",
        name=office.name,
        email=office.email,
        role_text="Coordinator",
        until_on=now.today + dt.timedelta(days=200),
    )
    contact.perform("agree", by=office, consent=True)
    contact.perform("release", by=office)
    stage.settle()


def engage(now: Now, cluster: Any, head: Any) -> None:
    """A declaration of engagement that two members sign."""
    signers = [now.stage.person(who) for who in facts.signatories()]
    members = Organisation.objects.filter(cluster=cluster, kind="firm").order_by("sort_name")
    declaration = Engagement().perform(
        "create",
        by=head,
        cluster=cluster,
        title_text="What members bring to the support",
        text=PROMISE,
        signatories=[
            {"organisation": str(firm.pk), "name": who.name, "email": who.email}
            for firm, who in zip(members, signers, strict=False)
        ],
    )
    for who in signers:
        declaration.perform("sign", by=who, seen=texts_of(declaration)[0].sha256, has_read=True)
