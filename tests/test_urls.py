"""Every address of the project, asked by people who have no business there: no fault, and nothing that is not theirs.

The list is read from the URL table. A route whose arguments are not known here fails the test, so none can hide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from facility.registry.matrix import matrix
from facility.workflow.engine import all_records, by_plural
from tests.world import World, build

STRANGERS = ("anonymous", "nobody", "other manager", "other evaluator", "other adviser", "foreign coordinator")
RECORDS = [model for model in all_records() if model.records and model._meta.app_label != "tests"]
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")
# What stands for a parameter that names no record.
ARGUMENTS = {
    "cell": lambda world: next(iter(matrix().cells())).id,
    "code": lambda world: "no-such-code",
    "key": lambda world: "no-such-key",
    "name": lambda world: "register.xlsx",
    "kind": lambda world: "pdf",
    "programme": lambda world: world.records["facility.programme"].slug,
    "provider_id": lambda world: "no-such-provider",
    "rest": lambda world: "no/such/address",
    "uidb36": lambda world: "1",
}
# Addresses with a key that is not in a record's own address, and whose key it is; notices, tokens and passkeys
# are their owner's only, and no stranger here has one.
KEYS = {
    "advisor-kept": "advisory.advisor",
    "advisor-export": "advisory.advisor",
    "intake-progress": "advisory.cvintake",
    "intake-results": "advisory.cvintake",
    "application-receipt": "facility.application",
    "account-token": "facility.document",
    "decision-record": "facility.selection",
    "call-export": "facility.call",
    "call-figures": "facility.call",
    "import-progress": "facility.import",
    "document-file": "facility.document",
    "letter": "facility.document",
    "mfa_edit_webauthn": "facility.document",
    "mfa_remove_webauthn": "facility.document",
    "notice": "facility.document",
    "release-preview": "facility.selection",
    "public-call-questions": "facility.call",
    "public-webinar": "webinars.webinar",
    "public-calls": "facility.call",
    "public-figures": "facility.call",
    "register-rows": "facility.import",
    "report-file": "reporting.report",
    "report-progress": "reporting.report",
    "simulator": "facility.selection",
    "fairness": "advisory.matchrun",
    "what-if": "advisory.matchrun",
    "webinar-calendar": "webinars.webinar",
}


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker) -> World:
    """One world for all addresses; it is never committed."""
    with django_db_blocker.unblock(), transaction.atomic():
        made = build()
        made.strangers = [  # type: ignore[attr-defined]
            (name, client_of(made.people[name]), unseen(made, made.people[name])) for name in STRANGERS
        ]
        yield made
        transaction.set_rollback(True)


def routes(patterns: Any = None, before: str = "") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(route, name, fixed arguments) of the whole table."""
    for one in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(one.pattern).removeprefix("^").removesuffix("$")
        if isinstance(one, URLResolver):
            yield from routes(one.url_patterns, route)
        elif isinstance(one, URLPattern):
            yield route, one.name or "", one.default_args


ROUTES = [route for route in routes() if "errands" not in route[0]]


def addresses(world: World, route: str, name: str, fixed: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """(address, the record that it is about or None) of a route."""
    names = [one or other for one, other in PARAMETER.findall(route)]
    if "records" in names:
        for model in RECORDS:
            for step in model.steps().values() if "step" in names else [None]:
                if step is None or step.creates() != ("pk" in names):
                    record = world.records[model._meta.label_lower] if "pk" in names else None
                    yield filled(route, {"records": model.records, "step": step and step.name, "pk": record}), record
        return
    record = None
    if "pk" in names:
        plural = fixed.get("records") or name.removeprefix("api-").partition("/")[0]
        label = KEYS.get(name) or label_of(plural)
        assert label, f"The route {name} ({route}) has a key of nothing that is known here."
        record = world.records[label]
    unknown = set(names) - set(ARGUMENTS) - {"pk"}
    assert not unknown, f"The route {name} ({route}) has arguments that are not known here: {unknown}"
    yield filled(route, {"pk": record} | {one: ARGUMENTS[one](world) for one in names if one != "pk"}), record


def label_of(plural: str) -> str:
    """The label of the record in an API name such as `calls-publish` or `needs-assessments-agree`."""
    fits = [m for m in RECORDS if plural == m.records or plural.startswith(f"{m.records}-")]
    fits = [m for m in fits if plural == m.records or plural.removeprefix(f"{m.records}-") in m.steps()]
    return fits[0]._meta.label_lower if fits else ""


def filled(route: str, values: dict[str, Any]) -> str:
    """The address."""
    text = {name: str(getattr(value, "pk", value)) for name, value in values.items()}
    return "/" + PARAMETER.sub(lambda found: text[found[1] or found[2]], route)


def client_of(person: Any) -> Client:
    client = Client(raise_request_exception=False)
    if person.is_authenticated:
        client.force_login(person)
    return client


def content(answer: Any) -> str:
    raw = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return raw.decode(errors="replace")


def unseen(world: World, person: Any) -> dict[str, str]:
    """Keys of the records that the person may not know of, with their labels."""
    return {
        str(record.pk): label
        for label, record in world.records.items()
        if not type(record).objects.visible_to(person).filter(pk=record.pk).exists()
    }


@pytest.mark.row("F03")
@pytest.mark.parametrize(("route", "name", "fixed"), ROUTES, ids=[f"{name}:{route}" for route, name, _f in ROUTES])
def test_no_address_breaks_or_tells_a_stranger_anything(world, route, name, fixed, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        for stranger, client, hidden in world.strangers:
            for address, record in addresses(world, route, name, fixed):
                is_step = "/perform/" in address
                answer = client.post(address, "{}", content_type="application/json") if is_step else client.get(address)
                said = f"{stranger} asks {address}: {answer.status_code}"
                assert answer.status_code < 500, said
                if record is not None and str(record.pk) in hidden:
                    assert answer.status_code in {302, 401, 403, 404, 405}, said
                if answer.status_code == 200:
                    text = content(answer).replace(address, "")
                    assert [label for key, label in hidden.items() if key in text] == [], said
        transaction.set_rollback(True)


def test_control_a_page_that_shows_a_hidden_record_is_noticed(world, django_db_blocker, monkeypatch):
    """Shows that the test above looks: with the rule of who sees it broken, the list tells."""
    model = by_plural("evaluations")
    from facility.roles import signed_in
    from facility.workflow.engine import Faces

    with django_db_blocker.unblock(), transaction.atomic():
        person = world.people["nobody"]
        hidden = unseen(world, person)
        monkeypatch.setattr(model, "faces", Faces(signed_in))
        text = content(client_of(person).get("/workspace/evaluations/"))
        transaction.set_rollback(True)
    assert "facility.evaluation" in {label for key, label in hidden.items() if key in text}
