"""What clusters and their member organisations look like as tables: one declared list for template, export and import.

A new column is one line here; its `path` is the record's attribute and the field of the step's form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from facility.registry.cluster import ECOSYSTEMS, Cluster
from facility.registry.organisation import KINDS, SIZES, Organisation
from facility.workflow.sheets import Table

COUNTRIES = [(code, name) for code, name in countries]


@dataclass(frozen=True)
class Column:
    """A column: its heading, which is never translated; where its value stands; what it means.

    choices: the values a cell may have, by code; a cell may say the word instead.
    """

    heading: str
    path: str
    meaning: Any
    choices: tuple[tuple[str, Any], ...] = ()
    required: bool = False

    def raw(self, text: str) -> str:
        """The cell as the form takes it: a word becomes its code, everything else stays as it is."""
        words = {str(word).casefold(): code for code, word in self.choices}
        codes = {code.casefold(): code for code, _word in self.choices}
        return codes.get(text.casefold()) or words.get(text.casefold()) or text

    def cell(self, record: Any) -> Any:
        """The value of a record as a cell."""
        value: Any = record
        for name in self.path.split("__"):
            value = getattr(value, name, None)
        return value if isinstance(value, int) else str(value or "")


CLUSTERS = (
    Column("id", "pk", _("The Facility's own key. Leave it empty for a new cluster; with it, a name may change.")),
    Column("name", "name", _("As the cluster writes it; never translated."), required=True),
    Column("country", "country", _("Two letters, such as ES, or the name."), tuple(COUNTRIES), required=True),
    Column("language", "lang", _("Language of the name, such as es.")),
    Column("region", "nuts", _("NUTS code, such as ES52.")),
    Column("sector", "sector", _("In a few words. Needed for a new cluster.")),
    Column("ecosystem", "ecosystem", _("Industrial ecosystem, by its code or name."), tuple(ECOSYSTEMS)),
    Column("members", "members_count", _("How many members it has. Needed for a new cluster.")),
    Column("smes", "smes_count", _("How many of them are small or medium-sized. Needed for a new cluster.")),
    Column("website", "website", _("With https://.")),
)
MEMBERS = (
    Column("id", "pk", _("The Facility's own key. Leave it empty for a new organisation.")),
    Column("cluster", "cluster__name", _("Name of the cluster, in the register or in this file."), required=True),
    Column("cluster country", "cluster__country", _("Where several clusters have that name."), tuple(COUNTRIES)),
    Column("organisation", "name", _("Name of the member."), required=True),
    Column("kind", "kind", _("What it is; without it, a firm."), tuple(KINDS)),
    Column("size", "size", _("Size class of Recommendation 2003/361/EC."), tuple(SIZES)),
    Column("country", "country", _("Two letters or the name."), tuple(COUNTRIES)),
)
TABLES: dict[str, tuple[type[Any], tuple[Column, ...]]] = {
    "clusters": (Cluster, CLUSTERS),
    "members": (Organisation, MEMBERS),
}
# Those with more are explained by their meaning alone.
LISTED_AT_MOST = 40


def known() -> dict[str, dict[str, list[str]]]:
    """The tables as the reader of files wants them."""
    return {
        name: {"columns": [c.heading for c in columns], "required": [c.heading for c in columns if c.required]}
        for name, (_model, columns) in TABLES.items()
    }


def rows_for(person: Any) -> list[Table]:
    """Every cluster and member that the person may see. One statement a table."""
    clusters = Cluster.objects.visible_to(person).order_by("sort_name", "pk")
    members = Organisation.objects.visible_to(person).filter(cluster__isnull=False).select_related("cluster")
    rows: dict[str, QuerySet] = {
        "clusters": clusters,
        "members": members.order_by("cluster__sort_name", "sort_name", "pk"),
    }
    return [_table(name, columns, rows[name]) for name, (_model, columns) in TABLES.items()]


def _table(name: str, columns: tuple[Column, ...], rows: QuerySet) -> Table:
    lines = ([column.cell(record) for column in columns] for record in rows.iterator(chunk_size=500))
    return Table(name, [column.heading for column in columns], lines)


def template() -> list[Table]:
    """Empty tables, and a sheet that explains their columns."""
    empty = [Table(name, [column.heading for column in columns], ()) for name, (_m, columns) in TABLES.items()]
    head = [_t("Sheet"), _t("Column"), _t("Needed"), _t("What it says"), _t("Accepted values")]
    return [*empty, Table("columns", head, _explained())]


def _explained() -> Iterator[list[Any]]:
    for name, (_model, columns) in TABLES.items():
        for one in columns:
            listed = one.choices if len(one.choices) <= LISTED_AT_MOST else ()
            values = ", ".join(f"{code} ({word})" for code, word in listed)
            yield [name, one.heading, one.required, str(one.meaning), values]
