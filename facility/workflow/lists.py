"""Narrowing and paging of lists, for web and API alike."""

from __future__ import annotations

from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django.db import DataError, models
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination

from .engine import Record
from .shape import hidden, readers_of
from .sheets import Table
from .show import bare, label_of

# Files of a list, by the value of `as`.
KINDS = {"csv": gettext_lazy("As CSV"), "xlsx": gettext_lazy("As XLSX")}


def filters_for(model: type[Record]) -> type[django_filters.FilterSet]:
    """The filter of a record's lists: its states, and the relations in `filter_by` as far as visible."""
    found: dict[str, Any] = {}
    for name in model.filter_by:
        column: Any = model._meta.get_field(name.split("__")[0])
        if "__" not in name and column.is_relation and issubclass(column.related_model, Record):
            related = column.related_model
            found[name] = django_filters.ModelChoiceFilter(
                queryset=lambda request, related=related: related.objects.visible_to(request.user).select_related(
                    *related.door_related
                ),
                label=capfirst(str(column.verbose_name)),
            )
        elif getattr(column, "choices", None):
            choices = [c for c in column.choices if c[0] != "new"]
            found[name] = django_filters.ChoiceFilter(choices=choices, label=capfirst(str(column.verbose_name)))
        elif isinstance(column, models.BooleanField):
            found[name] = django_filters.BooleanFilter(label=capfirst(str(column.verbose_name)))
        else:
            found[name] = django_filters.CharFilter(label=capfirst(str(column.verbose_name)))
    found["Meta"] = type("Meta", (), {"model": model, "fields": []})
    return type(f"{model.__name__}Filter", (django_filters.FilterSet,), found)


def searched(rows: QuerySet, words: str, person: Any) -> QuerySet:
    """The rows that hold every word in one of the columns of `search_in` that the person may read."""
    readers = {column: readers_of(rows.model, {column}, person) for column in rows.model.search_in}
    for word in words.replace("\x00", "").split()[:8]:
        any_column = Q()
        for column, may_read in readers.items():
            any_column |= Q(**{f"{column}__icontains": word}) & may_read
        rows = rows.filter(any_column) if any_column else rows.none()
    return rows


def narrowed(rows: QuerySet, request: HttpRequest) -> tuple[Any, str, QuerySet]:
    """(the filter, the words, the rows that fit both) of a request for a list."""
    chosen = filters_for(rows.model)(request.GET, queryset=rows, request=request)
    words = request.GET.get("search", "")
    return chosen, words, searched(chosen.qs, words, request.user) if words else chosen.qs


def table_of(rows: QuerySet) -> Table:
    """All rows of a list, which have their faces, as a file holds them: the columns of the page, read as it is sent."""
    model: Any = rows.model
    head = [capfirst(str(model._meta.verbose_name)), *([_("State")] if model.has_states() else [])]

    def line(record: Any) -> list[Any]:
        unseen = hidden(model, record.face)
        start = [record.title(), *([record.state_word(record.face)] if model.has_states() else [])]
        return [*start, *("" if name in unseen else bare(record, name) for name in model.columns)]

    ordered = rows.order_by(*model.order_by[:1], "pk").iterator(chunk_size=500)
    return Table(model.records, [*head, *(label_of(model, name) for name in model.columns)], map(line, ordered))


def exports_of(model: type[Record], request: HttpRequest) -> list[dict[str, Any]]:
    """Links to the same rows in other forms."""
    asked = request.GET.copy()
    asked.pop("cursor", None)
    found = []
    for kind, label in KINDS.items():
        asked["as"] = kind
        found.append({"label": label, "url": f"?{asked.urlencode()}"})
    return [*found, {"label": _("As JSON"), "url": reverse(f"api-{model.records}-list")}]


class KeysetPages(CursorPagination):
    """Pages by key: each costs the same, however far on. A cursor that fits nothing is an address that is not there."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 100
    cursor_query_param = "cursor"

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> Any:
        """The rows of the page that the request asks for."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (NotFound, ValidationError, ValueError, DataError):
            raise Http404(_("There is no such page.")) from None
