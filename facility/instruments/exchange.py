"""Imports: a table of clusters and members, shown row by row before anything is written, then taken over by steps.

The file itself is not kept: its rows are, with its hash, so that what is confirmed is what was shown. Every right row
goes through the door as its own step, which asks again: a row that somebody else has changed or entered since is named
and left out. To run it twice changes nothing twice.
"""

from __future__ import annotations

import copy
import uuid
from typing import Any

from django.conf import settings
from django.db import IntegrityError, models
from django.db.models import Q
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from django_fsm import RETURN_VALUE

from facility.instruments.columns import TABLES
from facility.instruments.matching import Line, compared, same
from facility.roles import any_of, any_office, system, who
from facility.workflow import clock
from facility.workflow.engine import Faces, Workflow, state_field
from facility.workflow.steps import NEW, Invalid, Refused, guard, step

# So many rows are checked or taken over while the person waits; more are work in the background, in such portions.
AT_ONCE = 200
# Days after which the rows of an import are forgotten.
KEPT_FOR = 30
REFUSALS = {
    "kind": _("%(name)s: this kind of file is not read here. Accepted are XLSX and CSV."),
    "other": _("%(name)s is not what its name says. Accepted are XLSX and CSV."),
    "huge": _("The file is larger than %(limit)d MB. Accepted are up to %(limit)d MB."),
    "unsafe": _("The workbook is not read: %(why)s Accepted is an XLSX without macros and without a password."),
    "damaged": _("The workbook cannot be read. Save it again as XLSX and send the new copy."),
    "long": _("The file has more than %(limit)d rows. Accepted are up to %(limit)d; divide it."),
    "wide": _("%(sheet)s has more than %(limit)d columns. Leave only those that the template has."),
    "merged": _(
        "Sheet %(sheet)s: the cells %(cells)s are merged. Give every column a heading and every row cells of its own."
    ),
    "formula": _("%(sheet)s, %(cell)s: a cell holds a formula. Put its value in its place, then send the file again."),
    "letters": _("The file is no text in UTF-8. Save it as “CSV UTF-8” and send the new copy."),
    "broken": _("Line %(row)d of the CSV breaks off within quotes. Save it again as “CSV UTF-8”."),
    "missing": _(
        "%(sheet)s: these columns are missing: %(columns)s. The first row holds the headings of the template."
    ),
    "twice": _("%(sheet)s: the heading “%(column)s” stands there twice. Leave one."),
    "empty": _("The file holds no rows. Fill in the template and send it."),
}
NOTES = {
    "not_read": _("Sheet %(sheet)s has none of the headings of the template and is not read."),
    "unknown": _("%(sheet)s: the column “%(column)s” is not known and is not read."),
}
ACTS = {
    "new": _("New"),
    "changed": _("Changed"),
    "unchanged": _("Unchanged"),
    "wrong": _("Wrong"),
}

importer = who("importer", lambda person: Q(person=person) & any_office.q(person), "lead", "coordinator")


class Import(Workflow):
    """A table of clusters and members that somebody of the office hands in: checked, shown, confirmed, taken over."""

    class State(models.TextChoices):
        RECEIVED = "received", _("Being checked")
        CHECKED = "checked", _("To be confirmed")
        APPLYING = "applying", _("Being taken over")
        APPLIED = "applied", _("Taken over")
        DISCARDED = "discarded", _("Discarded")

    records = "imports"
    lede = _("Tables of clusters and their members, looked at row by row before anything is written.")
    columns = ("person", "received_at", "taken_over")
    facts = ("person", "received_at", "size", "sha256")
    filter_by = ("state",)
    door_related = ("person",)
    list_related = ("person",)
    tones = {"received": "wait", "checked": "wait", "applying": "active", "applied": "good", "discarded": "idle"}
    awaits = {"checked": ("confirm",)}
    shape = {
        "file": "file_name",
        "sha256": "sha256",
        "size": "size",
        "received_at": "received_at",
        "new": "new",
        "changed": "changed",
        "unchanged": "unchanged",
        "wrong": "wrong",
        "taken_over": "taken_over",
    }
    faces = Faces(any_office)
    # The rows are the content of other records, whose own trail says what became of them.
    untrailed = frozenset({"lines"})

    state = state_field(State)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("handed in by")
    )
    file_name = models.CharField(_("file"), max_length=200)
    sha256 = models.CharField("SHA-256", max_length=64)
    size = models.PositiveIntegerField(_("bytes"), default=0)
    received_at = models.DateTimeField(_("received"), null=True)
    notes = models.JSONField(default=list)
    lines = models.JSONField(default=list)
    total = models.PositiveIntegerField(default=0)
    new = models.PositiveIntegerField(_("new"), default=0)
    changed = models.PositiveIntegerField(_("changed"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    wrong = models.PositiveIntegerField(_("wrong"), default=0)
    taken_over = models.PositiveIntegerField(_("rows taken over"), default=0)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")

    def __str__(self) -> str:
        return self.file_name

    @guard(_("No row can be taken over. Mend the file and send it again."))
    def has_right_rows(self) -> bool:
        """Something is new or changed."""
        return self.new + self.changed > 0

    @step(
        label=_("Import a table"),
        source=NEW,
        target=RETURN_VALUE(State.RECEIVED, State.CHECKED),
        who=any_office,
        form="UploadTable",
    )
    def upload(self, *, by: Any, file: Any, sha256: str, reading: dict[str, Any]) -> str:
        """Reads a table of clusters and members. Nothing is written to the register before you have seen every row."""
        self.person, self.file_name, self.size, self.sha256 = by, file.name[:200], file.size, sha256
        self.received_at, self.notes, self.lines = clock.now(), reading["notes"], reading["rows"]
        self.total = len(self.lines)
        if self.total <= AT_ONCE:
            self.compare()
            return self.State.CHECKED
        self.queue("facility.check_import", key=f"check:{self.pk}")
        return self.State.RECEIVED

    @step(label=_("Check the rows"), source=State.RECEIVED, target=State.CHECKED, who=system, quiet=True)
    def examine(self, *, by: Any) -> None:
        """Compares every row with the register."""
        self.compare()
        self.tell(self.person, gettext_noop("Your table %(file)s is checked; look at it."), file=self.file_name)

    @step(
        label=_("Take over the right rows"),
        source=State.CHECKED,
        target=RETURN_VALUE(State.APPLYING, State.APPLIED),
        who=importer,
        guards=[has_right_rows],
    )
    def confirm(self, *, by: Any) -> str:
        """Writes what is new and what is changed; wrong rows are left out and can be downloaded with their reasons."""
        if len(self.open_lines()) <= AT_ONCE:
            return self.proceeded()
        self.queue("facility.apply_import", key=f"apply:{self.pk}")
        return self.State.APPLYING

    @step(
        label=_("Go on"),
        source=State.APPLYING,
        target=RETURN_VALUE(State.APPLYING, State.APPLIED),
        who=system,
        quiet=True,
    )
    def proceed(self, *, by: Any) -> str:
        """Takes over the next portion of rows."""
        state = self.proceeded()
        if state == self.State.APPLIED:
            self.tell(self.person, gettext_noop("Your table %(file)s is taken over."), file=self.file_name)
        return state

    @step(label=_("Discard"), source=State.CHECKED, target=State.DISCARDED, who=any_of(importer, system))
    def discard(self, *, by: Any) -> None:
        """Takes nothing over and forgets the rows."""
        self.lines = []

    @step(label=_("Forget the rows"), source=State.APPLIED, target=None, who=system, quiet=True)
    def forget(self, *, by: Any) -> None:
        """The rows that were left out have been here long enough to be fetched."""
        self.lines = []

    def compare(self) -> None:
        """Makes lines of the rows, and counts them."""
        self.lines = compared(self.lines, self.person)
        for act in ACTS:
            setattr(self, act, sum(line["act"] == act for line in self.lines))

    def open_lines(self) -> list[Line]:
        """What is still to be taken over; in one order for everybody, or two imports could block each other."""
        found = [line for line in self.lines if line["act"] in ("new", "changed")]
        return sorted(found, key=lambda line: (line["table"], same(line["title"])))

    def proceeded(self) -> str:
        """Takes over the next portion, each row by its own step; answers the state then."""
        # A copy, or the door would not see that they have changed.
        self.lines = copy.deepcopy(self.lines)
        for line in self.open_lines()[:AT_ONCE]:
            try:
                line["key"] = str(self.written(line).pk)
                line["act"] = "done"
                self.taken_over += 1
            except (Refused, IntegrityError) as refused:
                line["act"] = "wrong"
                line["faults"] = faults_of(line, refused)
                self.wrong += 1
        if self.open_lines():
            return self.State.APPLYING
        self.lines = [line for line in self.lines if line["act"] == "wrong"]
        return self.State.APPLIED

    def written(self, line: Line) -> Any:
        """The record of a line after its step. Raises Refused when the register has changed since it was shown."""
        model, _columns = TABLES[line["table"]]
        values = dict(line["values"])
        if line["under"] is not None:
            values["cluster"] = self.lines[line["under"]]["key"] or ""
            if not values["cluster"]:
                raise Invalid({"cluster": [_t("Its cluster is not taken over.")]})
        if line["act"] == "new":
            return model().perform("create", by=self.person, **values)
        return model(pk=uuid.UUID(line["key"])).perform("edit", by=self.person, expected=line["version"], **values)

    def overseers(self) -> list[Any]:
        """Whoever handed it in."""
        return [self.person]

    def refused_rows(self) -> list[Line]:
        """The wrong rows, in the order of the file."""
        return [line for line in self.lines if line["act"] == "wrong"]


def faults_of(line: Line, refused: Exception) -> list[list[str]]:
    """[[heading, sentence]] of a step that was refused, by the door or by the database."""
    if isinstance(refused, IntegrityError):
        return [["", _t("This is there already, or somebody else has just entered it.")]]
    headings = {column.path: column.heading for column in TABLES[line["table"]][1]}
    if isinstance(refused, Invalid):
        return [[headings.get(name, name), " ".join(map(str, said))] for name, said in refused.errors.items()]
    return [["", str(refused)]]
