"""What is handed in: its content as JSON, the hash over it, and how it reads afterwards."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import zoneinfo
from typing import Any

from django.utils import formats, translation
from django.utils.translation import gettext as _

from facility.papers import AREAS
from facility.questions import parse, wording
from facility.readiness import Ready


def content_of(application: Ready) -> dict[str, Any]:
    """Everything that counts as submitted: texts, needs, answers with their questions, partners, files, signature.

    People stand in it by their keys. Answers are those to the questions that are asked, in their order.
    """
    answers = application.all_answers()
    asked = [question.key for question in application.asks.asked(answers)]
    partners = application.partners.select_related("cluster").order_by("cluster__sort_name", "pk")
    return {
        "application": str(application.pk),
        "call": str(application.call_id),
        "lead_cluster": str(application.lead_cluster_id),
        "title": application.title_text,
        "motivation": application.motivation,
        "context": application.context,
        "training_needs": application.training_needs,
        "strategic_focus": application.strategic_focus,
        "needs": list(application.needs.filter(source="applicant").order_by("rank").values("area", "text")),
        "questions": application.asks.as_json(),
        "answers": {key: answers.get(key) for key in asked},
        "partners": [
            {
                "cluster": str(row.cluster_id),
                "name": row.cluster.name,
                "country": row.cluster.country.code,
                "role": row.role,
                "contribution": row.contribution,
                "confirmed_by": str(row.answered_by_id),
                "confirmed_at": row.answered_at.isoformat() if row.answered_at else None,
            }
            for row in partners
        ],
        "documents": [
            {
                "document": str(paper.document_id),
                "question": paper.question,
                "name": paper.document.name,
                "size": paper.document.size,
                "sha256": paper.document.sha256,
            }
            for paper in application.files()
        ],
        "declaration": {
            "version": application.signed_version,
            "signed_by": str(application.signed_by_id),
            "signed_at": application.signed_at.isoformat() if application.signed_at else None,
        },
    }


def sha256_of(content: dict[str, Any]) -> str:
    """Over the content as JSON with sorted keys and without spaces, in UTF-8."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def moment(instant: dt.datetime, zone: str) -> str:
    """An instant to the second, in a zone that is named."""
    local = instant.astimezone(zoneinfo.ZoneInfo(zone))
    return f"{formats.date_format(local, 'j F Y, H:i:s')} ({zone})"


def told(content: dict[str, Any]) -> list[dict[str, Any]]:
    """What was submitted as [{"field", "label", "value"}], for reading and for comparing two of them."""
    language = translation.get_language() or "en"
    areas = dict(AREAS)
    needs = [f"{rank}. {areas.get(row['area'], '')}: {row['text']}" for rank, row in enumerate(content["needs"], 1)]
    rows: list[tuple[str, str, Any]] = [
        ("title_text", _("Title"), content["title"]),
        ("motivation", _("Motivation"), content["motivation"]),
        ("context", _("Context"), content["context"]),
        ("training_needs", _("Training needs"), content["training_needs"]),
        ("strategic_focus", _("Strategic focus, 1 to 5"), content["strategic_focus"]),
        ("needs", _("Needs"), needs),
    ]
    questions, files = parse(content["questions"]).questions, {one["question"]: one for one in content["documents"]}
    for key, question in questions.items():
        if key in content["answers"]:
            answer = content["answers"][key]
            value = [files[key]["name"]] if key in files else question.in_words(answer, language)
            rows.append((f"q_{key}", wording(question.label, language), value))
    partners = [
        " · ".join(part for part in (row["name"], row["country"], row["role"], row["contribution"]) if part)
        for row in content["partners"]
    ]
    rows.append(("partners", _("Partner clusters"), partners))
    documents = [f"{one['name']} (SHA-256 {one['sha256']})" for one in content["documents"]]
    rows.append(("documents", _("Documents"), documents))
    rows.append(("declaration", _("Declaration of honour, version"), str(content["declaration"]["version"])))
    return [{"field": name, "label": label, "value": value} for name, label, value in rows]


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields in which two submissions differ: [{"field", "before", "after"}]."""
    old = {row["field"]: row["value"] for row in told(before)}
    return [
        {"field": row["label"], "before": old.get(row["field"]), "after": row["value"]}
        for row in told(after)
        if row["value"] != old.get(row["field"])
    ]
