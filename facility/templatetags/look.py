"""What every page says in the same way: icons, state tags, dates as people write them, fields and small charts.

A value given to `show` may be text, a number, a date, a list of values, a state (`{"label", "tone"}`) or a mapping
`{"value", "url", "lang"}`; `lang` marks a name that is never translated.
"""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from django import forms, template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import conditional_escape, format_html, format_html_join, linebreaks
from django.utils.safestring import mark_safe
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from facility.workflow.input import Rows

register = template.Library()

TONES = {
    "idle": "minus-outline",
    "active": "play-outline",
    "wait": "clock",
    "good": "check-filled",
    "warn": "warning-outline",
    "bad": "error-outline",
    "done": "check",
}
MESSAGE_TONES = {"debug": "idle", "info": "wait", "success": "good", "warning": "warn", "error": "bad"}
BREAK = format_html("<br>{}", "")
# Days ahead that still belong to this week, days that make a task press, letters of a mark such as 5 or A+.
WEEK, PRESSING, MARK = 7, 2, 2
# Sessions that reach each tint of the toolkit; none is 0, more than the last is 4.
HEAT = (0, 5, 15, 30)


@cache
def _icon(name, size, css=""):
    href = f"{static('ecl/icons/icons.svg')}#{name}"
    extra = f" {css}" * bool(css) + " down" * size.endswith("-down")
    return format_html(
        '<svg class="ecl-icon ecl-icon--{}{}" aria-hidden="true" focusable="false"><use href="{}"></use></svg>',
        size.removesuffix("-down"),
        extra,
        href,
    )


@register.simple_tag
def icon(name, size="xs", css=""):
    """An icon of the sprite, hidden from screen readers; size 2xs, xs, s or m, with `-down` turned round."""
    return _icon(name, size, css)


def _tone(value):
    tone = str(value or "idle").removeprefix("is-")
    return tone if tone in TONES else "idle"


@register.simple_tag
def state(value):
    """A state tag: icon, word and colour. `value` is `{"label", "tone"}`, its icon follows from the tone."""
    if not value:
        return ""
    tone = _tone(value.get("tone"))
    name = value.get("icon") or TONES[tone]
    return format_html('<span class="state is-{}">{}{}</span>', tone, _icon(name, "xs"), value["label"])


@register.simple_tag
def toned(text, tone="idle"):
    """A word with the icon and colour of a tone, without a box; plain grey when idle."""
    tone = _tone(tone)
    if tone == "idle":
        return format_html('<span class="soft">{}</span>', text)
    return format_html('<span class="tone is-{}">{}{}</span>', tone, _icon(TONES[tone], "xs"), text)


@register.filter
def message_tone(level_tag):
    """The tone of a message of the messages framework."""
    return MESSAGE_TONES.get(level_tag, "wait")


@register.filter
def tone_icon(tone):
    return TONES[_tone(tone)]


def _local(value):
    if isinstance(value, dt.datetime):
        return timezone.localtime(value) if timezone.is_aware(value) else value
    return value


def _now(context):
    shell = context.get("shell") or {}
    return _local(shell.get("now"))


def _short(value, now):
    text = date_format(value, pgettext("day and month", "j N"))
    if get_language() == "en":
        text = text.replace(".", "")
    if now is None or value.year != now.year:
        text = f"{text} {value.year}"
    return text


def _time(value, text):
    instant = value.isoformat(timespec="minutes") if isinstance(value, dt.datetime) else value.isoformat()
    full = date_format(value, pgettext("full day", "l j F Y"))
    if isinstance(value, dt.datetime):
        full = f"{full}, {value:%H:%M} {value.tzname() or ''}".rstrip()
    return format_html('<time datetime="{}" title="{}">{}</time>', instant, full, text)


@register.simple_tag(takes_context=True)
def day(context, value):
    """`20 Aug`, with the year when it is not this one; text passes as it is, so that a view may write `March`."""
    if not isinstance(value, dt.date):
        return value or ""
    value = _local(value)
    return _time(value, _short(value, _now(context)))


@register.simple_tag(takes_context=True)
def moment(context, value):
    """`20 Aug, 14:02`; only the time when it is today, with the day of the week when that was within six days."""
    if not isinstance(value, dt.datetime):
        return day(context, value)
    value, now = _local(value), _now(context)
    if now is not None and value.date() == now.date():
        return _time(value, f"{value:%H:%M}")
    if now is not None and 0 < (now.date() - value.date()).days < WEEK:
        return _time(value, f"{date_format(value, 'D')} {value:%H:%M}")
    return _time(value, f"{_short(value, now)}, {value:%H:%M}")


def _days_away(value, now):
    value = _local(value)
    if isinstance(value, dt.datetime):
        value = value.date()
    return (value - now.date()).days


@register.filter
def urgency(due_at, now):
    """`overdue`, `week` or `later`, by which tasks are grouped; a task without a date is for later."""
    if not isinstance(due_at, dt.date) or now is None:
        return "later"
    now, due_at = _local(now), _local(due_at)
    away = _days_away(due_at, now)
    if away < 0 or (isinstance(due_at, dt.datetime) and due_at < now):
        return "overdue"
    return "week" if away < WEEK else "later"


@register.filter
def by_urgency(tasks, now):
    """`[{"name", "label", "tasks"}]` of tasks with a `due_at`: overdue, this week, later; empty groups fall away."""
    labels = {"overdue": _("Overdue"), "week": _("This week"), "later": _("Later")}
    groups = {name: [task for task in tasks if urgency(task["due_at"], now) == name] for name in labels}
    return [{"name": name, "label": labels[name], "tasks": found} for name, found in groups.items() if found]


@register.simple_tag(takes_context=True)
def due(context, value):
    """When something is due, in words: overdue in red with its days, within two days as a warning, else grey."""
    now = _now(context)
    if not isinstance(value, dt.date) or now is None:
        return toned(value or "")
    value = _local(value)
    away = _days_away(value, now)
    if urgency(value, now) == "overdue":
        if away == 0:
            text = _("since today, %(time)s") % {"time": f"{value:%H:%M}"}
        elif away == -1:
            text = _("since yesterday")
        else:
            text = ngettext("%(days)d day overdue", "%(days)d days overdue", -away) % {"days": -away}
        tone = "bad"
    elif away <= PRESSING:
        tone, text = "warn", {0: _("today"), 1: _("tomorrow")}.get(away) or date_format(value, "l")
    else:
        tone, text = "idle", date_format(value, "l") if away < WEEK else _short(value, now)
    return _time(value, toned(text, tone))


def _linked(context, value):
    text = show(context, value.get("value"))
    lang = format_html(' lang="{}"', value["lang"]) if value.get("lang") else ""
    if value.get("url"):
        return format_html('<a href="{}"{}>{}</a>', value["url"], lang, text)
    return format_html("<span{}>{}</span>", lang, text) if lang else text


def _plain(value):
    """Text, numbers and answers as HTML."""
    if isinstance(value, str) and "\n" in value:
        return mark_safe(linebreaks(value, autoescape=True))  # noqa: S308 (escaped by linebreaks, which does not say so)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, float):
        return number_format(value, 1)
    if isinstance(value, int | Decimal):
        return number_format(value)
    return conditional_escape("" if value is None else value)


@register.simple_tag(takes_context=True)
def show(context, value):
    """Any value as people read it; see the head of this module for its shapes."""
    if isinstance(value, dt.date):
        return moment(context, value)
    if isinstance(value, Mapping):
        return state(value) if "tone" in value else _linked(context, value)
    if isinstance(value, list | tuple):
        return format_html_join(BREAK, "{}", ((show(context, one),) for one in value))
    return _plain(value)


@register.filter
def align(value):
    """The class of a table cell: numbers stand right."""
    if isinstance(value, Mapping):
        return "num" if value.get("align") in {"right", "num"} else ""
    return "num" if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else ""


@register.filter
def zipped(labels, cells):
    """Labels with their cells; a row of another length than its head is a fault of the view and raises."""
    return list(zip(labels, cells, strict=True))


@register.filter
def heat(sessions):
    """The tint, 0 to 4, of a toolkit field by the number of sessions behind it."""
    return sum(sessions > limit for limit in HEAT)


@register.filter
def kind(field):
    """How a bound field is laid out: rows, check, checks, pick, scale or box (one input)."""
    if isinstance(field.field, Rows):
        return "rows"
    widget = field.field.widget
    if isinstance(widget, forms.CheckboxInput):
        return "check"
    if isinstance(widget, forms.CheckboxSelectMultiple):
        return "checks"
    if isinstance(widget, forms.RadioSelect):
        labels = [str(label) for value, label in field.field.choices if value not in {"", None}]
        return "scale" if labels and all(len(label) <= MARK for label in labels) else "pick"
    return "box"


def _native(widget):
    """The browser's own date and time fields: they are the accessible ones and post ISO 8601, which fields accept."""
    for base, input_type, fmt in (
        (forms.DateInput, "date", "%Y-%m-%d"),
        (forms.DateTimeInput, "datetime-local", "%Y-%m-%dT%H:%M"),
        (forms.TimeInput, "time", "%H:%M"),
    ):
        if isinstance(widget, base):
            widget.input_type, widget.format = input_type, fmt


@register.simple_tag
def control(field):
    """The input of a bound field with the classes of the component library."""
    widget = field.field.widget
    _native(widget)
    if isinstance(widget, forms.CheckboxInput):
        classes = ["ecl-checkbox__input"]
    elif isinstance(widget, forms.FileInput):
        classes = ["file-input"]
    elif isinstance(widget, forms.Select):
        classes = ["ecl-select"]
    else:
        base = "ecl-text-area" if isinstance(widget, forms.Textarea) else "ecl-text-input"
        classes = [base] + [f"{base}--invalid"] * bool(field.errors)
    if isinstance(widget, forms.NumberInput):
        classes.append("few")
    own = widget.attrs.get("class")
    attrs: dict[str, Any] = {"class": " ".join(classes + [own] * bool(own))}
    # Ten rows are what Django gives when a form asks for no size; four invite a few sentences and grow by hand.
    if widget.attrs.get("rows") == "10":
        attrs["rows"] = 4
    return field.as_widget(attrs=attrs)


def _problems(form, prefix=""):
    for field in form.visible_fields():
        label, href = f"{prefix}{field.label}", f"#{field.auto_id}"
        if not isinstance(field.field, Rows):
            yield from ({"href": href, "label": label, "text": text} for text in field.errors)
            continue
        rows = [row for row in form.shown_rows(field.name) if row.is_bound]
        if not any(row.errors for row in rows):
            yield from ({"href": href, "label": label, "text": text} for text in field.errors)
        for number, row in enumerate(rows, start=1):
            where = _("%(label)s, row %(number)d") % {"label": label, "number": number}
            yield from ({"href": href, "label": where, "text": text} for text in row.non_field_errors())
            yield from _problems(row, prefix=f"{where}: ")


@register.simple_tag
def shown_rows(field):
    """The row forms of a bound `Rows` field: those posted or stored, and one more that is empty."""
    return field.form.shown_rows(field.name)


@register.simple_tag
def problems(form):
    """`[{"href", "label", "text"}]` for the error summary in the order of the page; rows are named by number."""
    if not form.is_bound or form.is_valid():
        return []
    general = [{"href": "", "label": "", "text": text} for text in form.non_field_errors()]
    return general + list(_problems(form))


def _number(value):
    """A number for an SVG attribute, which knows no decimal comma."""
    return f"{float(value):.1f}".removesuffix(".0")


def segments(values, total, width):
    """[(x, width)] of the parts of a bar as SVG numbers; parts that together exceed `total` share the width."""
    scale = width / float(max(total, sum(values)) or 1)
    x, found = 0.0, []
    for value in values:
        found.append((_number(x), _number(float(value) * scale)))
        x += float(value) * scale
    return found


@register.inclusion_tag("charts/burn.html")
def burn(used, total, gone=None, left="", right=""):
    """Days used of a total as a bar, with the share of time gone (0 to 1) as a black mark; the words stand below."""
    ((_x, width),) = segments([used], total, 200)
    mark = None if gone is None else _number(min(max(float(gone), 0), 1) * 198)
    return {"width": width, "mark": mark, "left": left, "right": right}


@register.inclusion_tag("charts/ledger.html", takes_context=True)
def ledger(context, parts, total, gone=None, name="ledger"):
    """The days ledger: parts `[{"label", "value", "note", "url"}]`, what is left comes last; chart, key and table."""
    rest = float(total) - sum(float(part["value"]) for part in parts)
    drawn = segments([float(part["value"]) for part in parts], total, 800)
    pairs = enumerate(zip(parts, drawn, strict=True), start=1)
    parts = [part | {"x": x, "width": width, "tint": min(index, 6)} for index, (part, (x, width)) in pairs]
    return {
        "shell": context.get("shell"),
        "parts": parts,
        "total": total,
        "half": float(total) / 2,
        "rest": max(rest, 0),
        "mark": None if gone is None else _number(min(max(float(gone), 0), 1) * 797),
        "percent": None if gone is None else round(float(gone) * 100),
        "name": name,
    }


@register.inclusion_tag("charts/columns.html")
def columns(values, label):
    """A small column chart of counts; `label` says the same in words for who does not see it."""
    values = [float(value) for value in values]
    step = 160 / max(len(values), 1)
    tall = max([*values, 1])
    bars = [
        {
            "x": _number(i * step),
            "y": _number(36 - 36 * v / tall),
            "width": _number(step - 2),
            "height": _number(36 * v / tall),
        }
        for i, v in enumerate(values)
    ]
    return {"bars": bars, "label": label}


@register.inclusion_tag("charts/score.html")
def score(parts, total):
    """A score of 100 as its parts `[{"label", "value"}]`, coloured in the fixed order of the data colours."""
    drawn = segments([float(part["value"]) for part in parts], 100, 100)
    bars = [{"x": x, "width": w, "tint": min(i, 8)} for i, (x, w) in enumerate(drawn, start=1)]
    return {"bars": bars, "parts": parts, "total": total}
