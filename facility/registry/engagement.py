"""Engagement declarations: what the organisations of a cluster commit themselves to, signed by each of them (C03)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from django_fsm import RETURN_VALUE

from facility.instruments.signature import Signature, publish, sign, texts_of
from facility.roles import any_of, holders, manager_of, who
from facility.workflow.engine import Faces, Part, Workflow, state_field
from facility.workflow.steps import NEW, step

from .cluster import Cluster, office_of, readers_of
from .organisation import Organisation
from .people import Person

own_manager = manager_of("cluster_id")
own_office = office_of("cluster_id")


def _named(person: Any, **more: Any) -> Q:
    return Q(pk__in=Signatory.objects.filter(person=person, **more).values("declaration_id"))


# Named in a row whose signature stands under no text, or under an older one only.
still_to_sign = who("signatory who has not signed", lambda person: _named(person, has_signed=False))
signatory = who("signatory", _named)


class Engagement(Workflow):
    """A declaration of engagement: complete once everybody who is named has signed its present text."""

    class State(models.TextChoices):
        OPEN = "open", _("To be signed")
        COMPLETE = "complete", _("Signed by all")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    records = "engagements"
    lede = _("What the organisations of a cluster commit themselves to.")
    columns = ("title_text", "cluster", "text_number")
    facts = ("cluster", "text_number", "text")
    filter_by = ("state", "cluster")
    tones = {"open": "wait", "complete": "good", "withdrawn": "bad"}
    shape = {
        "cluster": "cluster_id",
        "title": "title_text",
        "text": "text",
        "text_number": "text_number",
        "signatories": {"named": "named", "signed": "signed"},
    }
    faces = Faces(readers_of("cluster_id"), participant=any_of(own_manager, signatory))
    door_related = ("cluster",)
    awaits = {"open": ("sign",)}

    state = state_field(State)
    cluster = models.ForeignKey(
        Cluster, on_delete=models.PROTECT, related_name="engagements", verbose_name=Cluster._meta.verbose_name
    )
    title_text = models.CharField(_("title"), max_length=200)
    text = models.TextField(_("text"))
    text_number = models.PositiveSmallIntegerField(_("version of the text"), default=1)
    named = models.PositiveSmallIntegerField(_("named"), default=0)
    signed = models.PositiveSmallIntegerField(_("signed"), default=0)

    class Meta:
        verbose_name = _("engagement declaration")
        verbose_name_plural = _("engagement declarations")

    def __str__(self) -> str:
        return self.title_text

    @step(
        label=_("New declaration"),
        source=NEW,
        target=State.OPEN,
        who=any_of(own_manager, own_office),
        form="EngagementForm",
    )
    def create(self, *, by: Any, cluster: Cluster, **data: Any) -> None:
        """Writes a declaration and names who signs it; each gets a mail with a link to read and sign."""
        self.cluster = cluster
        self.put(data)

    @step(
        label=_("New text or signatories"),
        source=[State.OPEN, State.COMPLETE],
        target=RETURN_VALUE(State.OPEN, State.COMPLETE),
        who=any_of(own_manager, own_office),
        form="ReviseEngagement",
        edits=True,
    )
    def revise(self, *, by: Any, **data: Any) -> str:
        """Changes the text or who is named. A new text asks everybody to sign anew; what was signed stays readable."""
        self.put(data)
        return self.standing()

    @step(
        label=_("Sign"),
        source=State.OPEN,
        target=RETURN_VALUE(State.OPEN, State.COMPLETE),
        who=still_to_sign,
        form="SignEngagement",
    )
    def sign(self, *, by: Any, seen: str) -> str:
        """Signs the text below, for each organisation that you are named for."""
        for row in self.signatories.filter(person=by, has_signed=False).select_related("organisation"):
            sign(self, by, seen, row.organisation.name)
            row.has_signed = True
            row.save(update_fields=["has_signed"])
        self.count()
        return self.standing()

    @step(
        label=_("Send the links again"),
        source=State.OPEN,
        target=None,
        who=any_of(own_manager, own_office),
    )
    def ask_again(self, *, by: Any) -> None:
        """Sends a new link to everybody who has not signed."""
        self.ask()

    @step(
        label=_("Withdraw"),
        source=[State.OPEN, State.COMPLETE],
        target=State.WITHDRAWN,
        who=any_of(own_manager, own_office),
        form="facility.workflow.input.ReasonForm",
    )
    def withdraw(self, *, by: Any, reason: str) -> None:
        """The declaration no longer holds; it stays readable with its signatures."""

    def after_step(self, name: str, *, by: Any) -> None:
        """When the last one has signed, the managers are told."""
        if name == "sign" and self.state == self.State.COMPLETE:
            managers = holders("manager", scope="cluster", key=self.cluster_id)
            self.tell(managers, gettext_noop("Everybody has signed “%(title)s”."), title=self.title_text)

    def put(self, data: dict[str, Any]) -> None:
        """Inside a step: the text and those who sign it. Rows that stay keep their signature, if the text stays."""
        self.title_text, self.text = data["title_text"], data["text"]
        text = publish(self, self.text)
        self.text_number = text.number
        signed = set(text.signatures.values_list("person_id", "signs_for"))
        before = sorted(self.signatories.values_list("organisation__name", flat=True))
        self.signatories.all().delete()
        for row in data["signatories"]:
            person = Person.objects.known_or_new(row["email"], row["name"])
            is_signed = (person.pk, row["organisation"].name) in signed
            Signatory(
                declaration_id=self.pk, organisation=row["organisation"], person=person, has_signed=is_signed
            ).save()
        self.trail_also("signatories", before, sorted(row["organisation"].name for row in data["signatories"]))
        self.count()
        self.ask()

    def count(self) -> None:
        """Inside a step: how many are named, and how many of them have signed."""
        rows = list(self.signatories.values_list("has_signed", flat=True))
        self.named, self.signed = len(rows), sum(rows)

    def standing(self) -> str:
        """Complete once all have signed."""
        return self.State.COMPLETE if self.signed == self.named else self.State.OPEN

    def ask(self) -> None:
        """Inside a step: a mail with a link to everybody who has not signed."""
        for person in dict.fromkeys(self.signatories.filter(has_signed=False).values_list("person_id", flat=True)):
            self.queue("facility.ask_by_mail", person=str(person), step="sign")

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """Who is named and who has signed; and every text with its signatures."""
        rows = self.signatories.select_related("organisation", "person")
        named = [
            [
                one.organisation.name,
                one.organisation.get_kind_display(),
                one.person.name,
                _t("Yes") if one.has_signed else _t("Not yet"),
            ]
            for one in rows.order_by("organisation__sort_name", "pk")
        ]
        return [
            {
                "title": _t("Who signs"),
                "columns": [_t("Organisation"), _t("Kind"), _t("Person"), _t("Has signed")],
                "rows": named,
                "empty": _t("Nobody is named."),
            },
            {
                "title": _t("Signatures"),
                "columns": [_t("Version"), _t("Organisation"), _t("Person"), _t("When"), _t("Digest of the text")],
                "rows": [
                    [one.signed.number, one.signs_for, one.person.name, one.at, one.signed.sha256[:16]]
                    for one in Signature.objects.filter(signed__in=texts_of(self))
                    .select_related("signed", "person")
                    .order_by("-signed__number", "at", "pk")
                ],
                "empty": _t("Nobody has signed yet."),
            },
            {
                "title": _t("Earlier texts"),
                "columns": [_t("Version"), _t("Text")],
                "rows": [[one.number, one.text] for one in texts_of(self).filter(number__lt=self.text_number)],
                "empty": _t("This is the first text."),
            },
        ]


class Signatory(Part):
    """An organisation that is asked to sign, and the person who signs for it."""

    declaration = models.ForeignKey(Engagement, on_delete=models.PROTECT, related_name="signatories")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="signatory_rows")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="signatory_rows")
    has_signed = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["declaration", "organisation"], name="organisation_signs_once")]

    def __str__(self) -> str:
        return f"{self.organisation}, {self.person}"


__all__ = ["Engagement", "Signatory"]
