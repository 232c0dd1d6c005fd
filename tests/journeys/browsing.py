"""A browser without a screen: what a person sends from a page, hidden fields and all, through Django's client."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode, urljoin

import lxml.html
from django.test import Client

from facility.registry.people import Token

FORM = "application/x-www-form-urlencoded"


class Visitor:
    """Somebody who reads pages and sends forms; signed in if there is a person."""

    def __init__(self, person: Any = None) -> None:
        self.client = Client(enforce_csrf_checks=True)
        if person is not None:
            self.client.force_login(person)

    def read(self, path: str) -> Page:
        """A page that is there."""
        answer = self.client.get(path, follow=True)
        assert answer.status_code == 200, f"{path} answers {answer.status_code}"
        return Page(self, answer.request["PATH_INFO"], answer)

    def send(self, path: str, data: list[tuple[str, str]], files: dict[str, Any]) -> Page:
        """Posts a form and follows to where it leads."""
        if files:
            given: dict[str, Any] = {}
            for name, value in data:
                given.setdefault(name, []).append(value)
            answer = self.client.post(path, given | files, follow=True)
        else:
            answer = self.client.post(path, urlencode(data), content_type=FORM, follow=True)
        return Page(self, answer.request["PATH_INFO"], answer)

    def take(self, record: Any, step: str, **given: Any) -> Page:
        """Opens a record's page, goes to the step that it offers, fills in what is asked, and takes it."""
        page = self.read(record.get_absolute_url())
        address = f"{record.get_absolute_url()}{step}/"
        if page.forms(address):
            return page.submit(address, **given)
        assert page.links(address), f"{page.path} does not offer {step}: {page.said()}"
        return self.read(address).submit(address, **given)

    def make(self, records: str, step: str, query: str = "", **given: Any) -> Page:
        """Makes a record on the page of the step."""
        address = f"/workspace/{records}/new/{step}/"
        return self.read(address + query).submit(address, **given)


class Page:
    """A page as it came."""

    def __init__(self, visitor: Visitor, path: str, answer: Any) -> None:
        self.visitor, self.path, self.status = visitor, path, answer.status_code
        self.text = answer.content.decode()
        self.tree = lxml.html.fromstring(self.text)

    def forms(self, address: str = "") -> list[Any]:
        """The forms that post to an address, by default to the page itself."""
        posting = [form for form in self.tree.forms if form.method == "POST"]
        return [form for form in posting if urljoin(self.path, form.action or self.path) == (address or self.path)]

    def links(self, address: str) -> list[Any]:
        """The links to an address, whatever they carry along."""
        return [one for one in self.tree.xpath("//a[@href]") if one.get("href").partition("?")[0] == address]

    def said(self) -> str:
        """What the page says, for a test that fails."""
        return " ".join(" ".join(self.tree.xpath("//main//text()")).split())[:1500]

    def submit(
        self,
        address: str = "",
        *,
        button: str = "",
        rows: dict[str, list[dict[str, Any]]] | None = None,
        refused: bool = False,
        **given: Any,
    ) -> Page:
        """Fills in the form and sends it, by its first button or the one named `name=value` or by its formaction.

        rows: what to put into a field of several rows; more rows are asked for by the page's own button.
        """
        page = self.with_rows(address, rows or {})
        form, files = page.forms(address)[0], {}
        for name, value in given.items():
            if getattr(form.inputs[name], "type", "") == "file":
                assert form.get("enctype") == "multipart/form-data", "this form cannot carry a file"
                files[name] = value
            else:
                fill(form, name, value)
        target, pressed = urljoin(page.path, form.action or page.path), []
        if button.startswith("/"):
            assert form.xpath(f".//button[@formaction='{button}' and @type='submit']"), f"no button to {button}"
            target = button
        elif button:
            name, _equals, value = button.partition("=")
            assert form.xpath(f".//button[@name='{name}' and @value='{value}']"), f"no button {button}"
            pressed = [(name, value)]
        came = page.visitor.send(target, form.form_values() + pressed, files)
        assert refused == (came.status >= 400), f"{target} answers {came.status}: {came.said()}"
        return came

    def with_rows(self, address: str, rows: dict[str, list[dict[str, Any]]]) -> Page:
        """The same page with these rows filled in, each new one asked for when those before it are full."""
        page = self
        for name, values in rows.items():
            for at, row in enumerate(values):
                form = page.forms(address)[0]
                if at >= int(form.fields[f"{name}-TOTAL_FORMS"]):
                    (more,) = form.xpath(f".//button[@name='add-{name}']")
                    data = [*form.form_values(), (more.get("name"), more.get("value") or "")]
                    page = page.visitor.send(urljoin(page.path, form.action or page.path), data, {})
                    assert page.status == 200, page.said()
                    form = page.forms(address)[0]
                for key, value in row.items():
                    fill(form, f"{name}-{at}-{key}", value)
        return page


def fill(form: Any, name: str, value: Any) -> None:
    """Fills in one field; a choice that the page does not offer cannot be made."""
    field = form.inputs[name]
    if isinstance(value, list | tuple | set):
        if isinstance(field, lxml.html.InputElement):  # a single box that stands for a list of one
            field.checked = field.get("value") in {str(one) for one in value}
            return
        wanted = field.value
        wanted.clear()
        wanted.update(str(one) for one in value)
    elif isinstance(value, bool):
        field.checked = value
    else:
        field.value = str(value)


class Program:
    """A program with a person's bearer token."""

    def __init__(self, person: Any) -> None:
        self.client = Client(headers={"authorization": f"Bearer {Token.make(person, 'journey')}"})

    def get(self, path: str) -> dict[str, Any]:
        """What stands there."""
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def post(self, path: str, data: Any = None, status: int = 200) -> dict[str, Any]:
        """What became of it."""
        answer = self.client.post(path, json.dumps(data or {}), content_type="application/json")
        assert answer.status_code == status, answer.content
        return answer.json()

    def take(self, record: Any, step: str, data: Any = None) -> dict[str, Any]:
        """Takes a step of a record."""
        return self.post(f"/api/{record.records}/{record.pk}/perform/{step}/", data)
