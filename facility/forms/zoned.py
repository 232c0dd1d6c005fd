"""Times as people of a place write them: without an offset, in a zone that the form names beside them."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t


class ZonedTimeField(forms.DateTimeField):
    """A time that is read and shown in a zone that only the form knows; `in_zone` makes it an instant.

    With an offset, as programs send it, it is an instant already.
    """

    def to_python(self, value: Any) -> Any:
        """As it was written: without an offset it stays without a zone."""
        if isinstance(value, str):
            try:
                value = dt.datetime.fromisoformat(value.strip())
            except ValueError:
                raise ValidationError(_t("Give a day and a time, as 2021-02-04 09:00.")) from None
        if value in self.empty_values or isinstance(value, dt.datetime):
            return value or None
        raise ValidationError(_t("Give a day and a time, as 2021-02-04 09:00."))

    def prepare_value(self, value: Any) -> Any:
        """As given: the form has put first values into its zone."""
        return value


def in_zone(value: dt.datetime, zone: str) -> dt.datetime:
    """The instant of a time in a zone. ValidationError where the clocks skip it, or where it comes twice."""
    if value.tzinfo is not None:
        return value
    place = zoneinfo.ZoneInfo(zone)
    first, second = value.replace(tzinfo=place, fold=0), value.replace(tzinfo=place, fold=1)
    words = {"time": f"{value:%Y-%m-%d %H:%M}", "zone": zone}
    if first.astimezone(dt.UTC).astimezone(place).replace(tzinfo=None) != value:
        raise ValidationError(
            _t("There is no %(time)s in %(zone)s: the clocks are put forward over it. Give another time.") % words
        )
    if first.utcoffset() != second.utcoffset():
        raise ValidationError(
            _t("%(time)s comes twice in %(zone)s, since the clocks are put back. Give another time.") % words
        )
    return first.astimezone(dt.UTC)


def wall(instant: dt.datetime | None, zone: str) -> dt.datetime | None:
    """An instant as a time of day in a zone, without an offset, for the first value of a field; None of none."""
    return instant and instant.astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None)
