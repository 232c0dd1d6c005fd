"""What an import would do: each row of a file compared with the register, and judged by the form of its step.

A line is JSON-able: {"table", "sheet", "row", "cells", "title", "act" (new, changed, unchanged, wrong), "key",
"version", "values" (input of the step), "under" (index of the line that makes its cluster), "changes" [[heading,
before, after]], "faults" [[heading, sentence]]}.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from facility.instruments.columns import TABLES, Column
from facility.registry.cluster import Cluster
from facility.registry.organisation import Organisation
from facility.workflow.input import Rows

Line = dict[str, Any]


def compared(rows: list[dict[str, Any]], by: Any) -> list[Line]:
    """A line for each row, clusters first, as the register stands now."""
    return Comparison(rows, by).lines()


class Comparison:
    """The rows of a file beside the register. The register is read in two statements, the forms ask what they ask."""

    def __init__(self, rows: list[dict[str, Any]], by: Any) -> None:
        self.rows, self.by = rows, by
        self.found: list[Line] = []
        self.taken: dict[Any, int] = {}
        clusters = list(Cluster.objects.visible_to(by).with_offers(by))
        self.clusters = {(same(one.name), str(one.country)): one for one in clusters}
        self.by_name: dict[str, list[Any]] = {}
        for one in clusters:
            self.by_name.setdefault(same(one.name), []).append(one)
        self.by_key: dict[str, Any] = {str(one.pk): one for one in clusters}
        self.members: dict[Any, Any] = {}
        if any(row["table"] == "members" for row in rows):
            for firm in Organisation.objects.visible_to(by).with_offers(by).filter(cluster__isnull=False):
                self.members[firm.cluster_id, same(firm.name)] = self.by_key[str(firm.pk)] = firm

    def lines(self) -> list[Line]:
        """The clusters' lines, then the members', which may belong to a cluster of the same file."""
        for table, judge in (("clusters", self.cluster), ("members", self.member)):
            for row in self.rows:
                if row["table"] == table:
                    self.found.append(self.judged(row, judge))
        return self.found

    def judged(self, row: dict[str, Any], judge: Callable[[Line, dict[str, str]], None]) -> Line:
        """One line."""
        columns = {column.heading: column for column in TABLES[row["table"]][1]}
        raw = {heading: columns[heading].raw(text) for heading, text in row["cells"].items()}
        line: Line = {name: row[name] for name in ("table", "sheet", "row", "cells")}
        line |= {"act": "wrong", "key": None, "version": None, "values": {}, "under": None, "changes": [], "faults": []}
        line["title"] = raw.get("name") or raw.get("organisation") or ""
        for heading in row["spoilt"]:
            said = _("There is more in this row than the sheet has headings.")
            line["faults"].append(
                [heading, said if heading == "…" else _("The cell holds an error of the spreadsheet.")]
            )
        judge(line, raw)
        return line

    def cluster(self, line: Line, raw: dict[str, str]) -> None:
        """A cluster is known by its key, else by name and country."""
        record = self.known(line, raw, Cluster, lambda: self.clusters.get((same(raw["name"]), raw["country"])))
        if not line["faults"]:
            self.settle(line, raw, record, (Cluster, same(raw["name"]), raw["country"]))

    def member(self, line: Line, raw: dict[str, str]) -> None:
        """A member is known by its key, else by its cluster and name."""
        cluster, under = self.cluster_of(line, raw)
        key = cluster.pk if cluster else under
        record = self.known(line, raw, Organisation, lambda: self.members.get((key, same(raw["organisation"]))))
        line["under"] = under
        if not line["faults"]:
            given = raw | {"cluster": str(cluster.pk) if cluster else ""}
            self.settle(line, given, record, (Organisation, key, same(raw["organisation"])))

    def known(self, line: Line, raw: dict[str, str], model: type[Any], same_key: Callable[[], Any]) -> Any:
        """The record that a row is about; None for a new one. A key that is nobody's is a fault."""
        key = raw.get("id", "")
        if not key:
            return same_key()
        record = self.by_key.get(key.lower())
        if not isinstance(record, model):
            line["faults"].append(["id", _("The register has no such key. Leave the cell empty for a new row.")])
        return record

    def cluster_of(self, line: Line, raw: dict[str, str]) -> tuple[Any, int | None]:
        """(the cluster of a member in the register, or the index of the line that makes it)."""
        name, country = same(raw["cluster"]), raw.get("cluster country", "")
        fits = [one for one in self.by_name.get(name, []) if country in ("", str(one.country))]
        made = [
            at
            for at, other in enumerate(self.found)
            if other["table"] == "clusters" and same(other["title"]) == name and other["act"] in ("new", "wrong")
            if country in ("", other["values"].get("country", country))
        ]
        if len(fits) == 1:
            return fits[0], None
        if len(fits) > 1:
            line["faults"].append(["cluster", _("Several clusters have this name; say which by its country.")])
        elif made and self.found[made[0]]["act"] == "new":
            return None, made[0]
        elif made:
            said = _("Its cluster is not taken over: see row %(row)d.") % {"row": self.found[made[0]]["row"]}
            line["faults"].append(["cluster", said])
        else:
            said = _("There is no cluster of this name, neither in the register nor in this file.")
            line["faults"].append(["cluster", said])
        return None, None

    def settle(self, line: Line, raw: dict[str, str], record: Any, key: Any) -> None:
        """Judges the row by the form of its step, and says what would change."""
        if (twin := self.taken.get(record.pk if record else key)) is not None:
            heading = "organisation" if line["table"] == "members" else "name"
            line["faults"].append([heading, _("Row %(row)d of this file is about the same.") % {"row": twin}])
            return
        self.taken[record.pk if record else key] = line["row"]
        if record is not None and not record._may_edit:
            line["faults"].append(["", _("You may not change this one; its programme's office does.")])
            return
        model, columns = TABLES[line["table"]]
        fresh = record or model()
        step = model.step("edit" if record else "create")
        empty = fresh.form_for(step, by=self.by)
        given = [column for column in columns if column.heading in line["cells"] and column.path in empty.fields]
        values = first_values(empty) | {column.path: raw[column.heading] for column in given}
        if line["table"] == "members":
            if "cluster" in empty.fields:
                values["cluster"] = raw["cluster"]
            elif str(record.cluster_id) != raw["cluster"]:
                line["faults"].append(["cluster", _("It is a member of another cluster. Change that on its page.")])
                return
        form = fresh.form_for(step, by=self.by, raw=values)
        if not form.is_valid():
            headings = {column.path: column.heading for column in columns}
            for name, said in form.flat_errors().items():
                line["faults"].append([headings.get(name, name), " ".join(said)])
            return
        line["values"] = values
        if record is None:
            line["act"] = "new"
            return
        line["key"], line["version"] = str(record.pk), record.version
        line["changes"] = changes(record, form.cleaned_data, given)
        if "cluster" in values and values["cluster"] != str(getattr(record, "cluster_id", values["cluster"])):
            line["changes"].append(["cluster", str(record.cluster or ""), line["cells"]["cluster"]])
        line["act"] = "changed" if line["changes"] else "unchanged"


def first_values(form: Any) -> dict[str, Any]:
    """What the form says before anything is typed: for an edit the values of the record."""
    found = {}
    for name, field in form.fields.items():
        value = form.get_initial_for_field(field, name)
        if value not in (None, "") and not isinstance(field, Rows):
            found[name] = str(value.pk) if isinstance(value, models.Model) else _simple(value)
    return found


def _simple(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | list) else str(value)


def changes(record: Any, cleaned: dict[str, Any], columns: list[Column]) -> list[list[str]]:
    """[[heading, before, after]] of the columns whose value differs."""
    found = []
    for column in columns:
        before, after = str(getattr(record, column.path)), str(cleaned[column.path])
        if before != after:
            found.append([column.heading, before, after])
    return found


def same(name: str) -> str:
    """A name as two writings of it are compared: without regard to case and space."""
    return " ".join(name.split()).casefold()
