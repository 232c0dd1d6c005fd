"""Writing an application: typed in several tabs and by several people, saved as it is typed, with its files."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from facility.bid import FOCUS_THRESHOLD, Bid, State, own_manager
from facility.merging import Change, Merge, Tab, digest, merge
from facility.papers import ApplicationDocument, ApplicationNeed, ApplicationPartner, KeptText
from facility.questions import Form
from facility.registry import declaration
from facility.registry.documents import Document
from facility.workflow import clock
from facility.workflow.steps import NEW, guard, step

# The texts that every application has, with the number of characters that may be handed in.
TEXTS = {"title_text": 200, "motivation": 4000, "context": 4000, "training_needs": 2000}
OWN_FIELDS = (*TEXTS, "strategic_focus", "needs")
# A field that holds the answer to a question of the call.
ANSWER = "q_"
INTAKE_AREA = "resilient-business-models"
INTAKE_NEED = gettext_noop("Agree on a strategic focus for the green transition: the intake rated it as weak.")


class Drafting(Bid):
    """The steps by which an application is written."""

    class Meta(Bid.Meta):
        abstract = True

    silent = frozenset({"autosave"})
    # Set by `autosave` for whoever called it.
    merged = Merge()

    @guard(_("This field is not open now."))
    def is_open_for_writing(self) -> Any:
        """A draft until the call closes, or returned with fields that are asked."""
        if self.state == State.DRAFT and not self.open_fields():
            return [_t("The call is closed; a draft can no longer be changed.")]
        return bool(self.open_fields())

    @step(label=_("New application"), source=NEW, target=State.DRAFT, who=own_manager, form="ApplicationForm")
    def create(self, *, by: Any, **data: Any) -> None:
        """Starts an application. What you write is saved as you type; nobody reads it before you submit."""
        self.take(data, by)

    @step(
        label=_("Write"),
        source=[State.DRAFT, State.RETURNED],
        target=None,
        who=own_manager,
        guards=[is_open_for_writing],
        form="AutosaveForm",
    )
    def autosave(self, *, by: Any, tab: str, turn: int, changes: dict[str, Change]) -> None:
        """Saves what was changed in one tab. Where somebody else changed the same field, both texts are kept."""
        page = Tab(tab, turn)
        made = merge(self.draft(), self.writers, changes, page)
        self.put(made.values)
        self.writers = {**self.writers, **{name: [tab, turn] for name in made.values}}
        self.kept_texts.filter(tab=tab, field__in=made.values).delete()
        for name, value in made.clashes.items():
            kept = KeptText.objects.filter(application_id=self.pk, field=name, tab=tab).first()
            kept = kept or KeptText(application_id=self.pk, field=name, tab=tab, turn=-1)
            if kept.turn < turn:
                kept.turn, kept.value, kept.by, kept.at = turn, value, by, clock.now()
                kept.save()
        self.merged = made

    @step(
        label=_("Choose a text"),
        source=[State.DRAFT, State.RETURNED],
        target=None,
        who=own_manager,
        form="SettleForm",
        quiet=True,
    )
    def settle(self, *, by: Any, kept: KeptText, take: bool) -> None:
        """Of two texts of one field the one that you choose stands; the other is gone."""
        if take:
            self.trail_also(kept.field, self.draft()[kept.field], kept.value)
            self.put({kept.field: kept.value})
            self.writers = {name: tab for name, tab in self.writers.items() if name != kept.field}
        kept.delete()

    @step(
        label=_("Edit"),
        source=State.DRAFT,
        target=None,
        who=own_manager,
        form="ApplicationForm",
        edits=True,
        quiet=True,
        guards=[is_open_for_writing],
    )
    def edit(self, *, by: Any, **data: Any) -> None:
        """Replaces the draft as a whole, as programs do."""
        self.writers = {}
        self.take(data, by)

    @step(label=_("Sign the declaration"), source=[State.DRAFT], target=None, who=own_manager, form="SignForm")
    def sign(self, *, by: Any, version: int) -> None:
        """You sign the declaration of honour for your cluster, in its present version."""
        self.signed_version, self.signed_by, self.signed_at = version, by, clock.now()

    @step(
        label=_("Add a document"),
        source=[State.DRAFT, State.RETURNED],
        target=None,
        who=own_manager,
        guards=[is_open_for_writing],
        form="AddDocument",
    )
    def add_document(self, *, by: Any, file: Any, question: str = "") -> None:
        """The answer to a question that asks for a file, or a supporting document, for the office and evaluators."""
        received = Document().perform(
            "receive", by=by, files={"file": file}, programme=self.programme_id, audience="application"
        )
        for paper in self.files().filter(question=question) if question else []:
            self.take_out(paper)
        ApplicationDocument(application_id=self.pk, document=received, question=question).save(force_insert=True)
        self.trail_also("documents", None, [received.name])

    @step(
        label=_("Remove a document"),
        source=[State.DRAFT, State.RETURNED],
        target=None,
        who=own_manager,
        guards=[is_open_for_writing],
        form="RemoveDocument",
        quiet=True,
    )
    def remove_document(self, *, by: Any, paper: ApplicationDocument) -> None:
        """Takes a file out of the application. One that was handed in before stays with that submission."""
        self.trail_also("documents", [paper.document.name], None)
        self.take_out(paper)

    # -- what is written

    def open_fields(self) -> list[str]:
        """The fields that can be written now: all of a draft until the call closes, or those that were asked for again.

        What is written after closing must not slip into a submission that is still under way then.
        """
        if self.state == State.RETURNED:
            asked = self.clarifications.order_by("asked_at").last()
            return list(asked.fields) if asked else []
        is_draft = self.state == State.DRAFT and clock.received() < self.call.closes_at
        if self.state != NEW and not is_draft:
            return []
        return [*OWN_FIELDS, *(f"{ANSWER}{key}" for key in self.asks.questions), "documents"]

    @cached_property
    def asks(self) -> Form:
        """The questions of the call."""
        return self.call.questions() if self.call_id else Form()

    def question_keys(self) -> list[str]:
        """The keys of the call's questions whose answers are written, which those with files are not."""
        return [key for key, question in self.asks.questions.items() if question.kind != "file"]

    def all_answers(self) -> dict[str, Any]:
        """Answers by key, those with files by the key of their document."""
        if self._state.adding:
            return {**self.answers}
        files = self.files().exclude(question="").values_list("question", "document_id")
        return {**self.answers, **{question: str(key) for question, key in files}}

    def files(self) -> Any:
        """The documents that belong to it now."""
        return self.papers.filter(is_removed=False).select_related("document").order_by("question", "pk")

    def take_out(self, paper: ApplicationDocument) -> None:
        """Of a draft without a trace; of what was handed in, so that it can still be read."""
        if self.state == State.DRAFT:
            paper.delete()
        else:
            paper.is_removed = True
            paper.save(update_fields=["is_removed"])

    def draft(self) -> dict[str, Any]:
        """Every field with its value as JSON has it."""
        found: dict[str, Any] = {name: getattr(self, name) for name in (*TEXTS, "strategic_focus")}
        needs = self.needs.filter(source="applicant").order_by("rank") if not self._state.adding else self.needs.none()
        found["needs"] = list(needs.values("area", "text"))
        return found | {f"{ANSWER}{key}": self.answers.get(key) for key in self.question_keys()}

    def put(self, values: dict[str, Any]) -> None:
        """Sets fields of `draft`."""
        for name, value in values.items():
            if name == "needs":
                self.put_needs(value)
            elif name.startswith(ANSWER):
                self.answers = {**self.answers, name.removeprefix(ANSWER): value}
            else:
                setattr(self, name, value)

    def put_needs(self, rows: list[dict[str, Any]]) -> None:
        """The applicant's needs in their order; what the intake raised is raised anew when it is handed in."""
        self.needs.all().delete()
        ApplicationNeed.objects.bulk_create(
            ApplicationNeed(application_id=self.pk, rank=rank, **row) for rank, row in enumerate(rows, 1)
        )

    def take(self, data: dict[str, Any], by: Any) -> None:
        """Sets the values, partners and needs of the whole form; partners that stay keep what they have confirmed."""
        partners, needs, has_signed = data.pop("partners"), data.pop("needs"), data.pop("has_signed")
        given = data.pop("answers")
        self.answers = {**self.answers, **given} if given else self.answers
        for name, value in data.items():
            setattr(self, name, value)
        self.programme_id = self.call.programme_id
        self.put_needs(needs)
        wanted = {row["cluster"].pk: row["cluster"] for row in partners}
        self.partners.exclude(cluster__in=wanted).delete()
        there = set(self.partners.values_list("cluster_id", flat=True))
        ApplicationPartner.objects.bulk_create(
            ApplicationPartner(application_id=self.pk, cluster=one) for key, one in wanted.items() if key not in there
        )
        self.trail_also("partners", None, [row["cluster"].name for row in partners])
        self.trail_also("needs", None, [row["area"] for row in needs])
        now = declaration.in_force(self.programme_id).number if has_signed else None
        if now != self.signed_version:
            self.signed_version = now
            self.signed_by, self.signed_at = (by, clock.now()) if has_signed else (None, None)

    @property
    def has_signed(self) -> bool:
        """Whether the declaration is signed, in whichever version."""
        return self.signed_version is not None

    def raise_need(self) -> None:
        """A weak strategic focus raises one need, which goes again when the rating is mended (E07)."""
        is_weak = self.strategic_focus is not None and self.strategic_focus < FOCUS_THRESHOLD
        raised = self.needs.filter(source="intake")
        if not is_weak:
            raised.delete()
        elif not raised.exists():
            last = self.needs.order_by("-rank").values_list("rank", flat=True).first() or 0
            need = ApplicationNeed(application_id=self.pk, rank=last + 1, area=INTAKE_AREA, text=INTAKE_NEED)
            need.source = "intake"
            need.save(force_insert=True)


__all__ = ["ANSWER", "OWN_FIELDS", "TEXTS", "Drafting", "digest"]
