"""The OpenAPI description of the record views, from shapes and forms."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema

from . import shape
from .api import RecordDetail, RecordList, RecordView, StepView
from .input import json_schema

PROBLEM = {
    "description": "Problem details (RFC 9457)",
    "content": {"application/problem+json": {"schema": {"type": "object"}}},
}


class RecordSchema(AutoSchema):
    """Describes a record's list, detail, creation and steps; other views as usual."""

    def get_operation(self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any) -> Any:
        """One operation of OpenAPI 3.1."""
        view = self.view
        if not isinstance(view, RecordView):
            return super().get_operation(path, path_regex, path_prefix, method, registry)
        model = view.model
        row = shape.schema(model)
        made: dict[str, Any] = {
            "operationId": f"{model.records}_{view.step_name or ('list' if isinstance(view, RecordList) else 'one')}"
            f"_{method.lower()}",
            "tags": [model.records],
            "responses": {"default": PROBLEM},
            "parameters": [],
            "security": [{"bearer": []}, {}],
        }
        if "{id}" in path or "<uuid:pk>" in path or "{pk}" in path:
            name = "id" if "{id}" in path else "pk"
            made["parameters"].append(
                {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
            )
        if isinstance(view, RecordList) and method == "GET":
            page = {"type": "object", "properties": {"results": {"type": "array", "items": row}}}
            made["responses"]["200"] = _json("A page of records", page)
            made["parameters"] += [
                _query(name) for name in ("cursor", "page_size", "search", "ordering", *model.filter_by)
            ]
        elif isinstance(view, RecordDetail):
            made["responses"]["200"] = _json("The record", row)
        else:
            creates = [s for s in model.steps().values() if s.creates()]
            step = model.step(view.step_name) if isinstance(view, StepView) else (creates[0] if creates else None)
            if step is None:
                return None
            made["summary"], made["description"] = str(step.label), step.doc
            made["responses"]["200" if isinstance(view, StepView) else "201"] = _json("The record", row)
            form = model().form_for(step, by=None)
            if form is not None:
                made["requestBody"] = {"content": {"application/json": {"schema": json_schema(form)}}}
        return made


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _query(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "integer" if name == "page_size" else "string"}}
