"""What stands around a call on its public page: questions and answers, and what later apps add to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import template
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from facility.asked import Asked, published_on, takes_questions, until_in_words
from facility.call import Call
from facility.workflow.show import step_url

FEW = 5
Addition = Callable[[Call, HttpRequest], SafeString]

register = template.Library()
_additions: list[Addition] = []


def beside_a_call(addition: Addition) -> Addition:
    """Declares a function of a later app that answers what it has to say on a call's public page; empty for nothing."""
    _additions.append(addition)
    return addition


@register.simple_tag(takes_context=True)
def around(context: dict[str, Any], call: Call) -> SafeString:
    """The sections around a call, for its public page."""
    request = context["request"]
    parts = [answers(call, request), *(addition(call, request) for addition in _additions)]
    return format_html_join("\n", "{}", ((part,) for part in parts))


def answers(call: Call, request: HttpRequest) -> SafeString:
    """The last few published answers, with the way to all of them and to asking."""
    rows = list(published_on(call))
    context = asking(call) | {"rows": rows[-FEW:], "number": len(rows), "call": call}
    return render_to_string("facility/parts/asked.html", context, request)


def asking(call: Call) -> dict[str, Any]:
    """Until when and where one asks; no address once it is too late."""
    address = f"{step_url(Asked(), Asked.step('ask'))}?call={call.pk}"
    return {
        "ask_url": address if takes_questions(call) else "",
        "until": until_in_words(call),
        "all_url": reverse("public-call-questions", kwargs={"pk": call.pk}),
    }
