"""The matrix of permissions: (record, step) -> who may. One row for each step."""

from __future__ import annotations

NONE: set[str] = set()
OFFICE = {"lead", "coordinator"}
LEAD = {"lead"}
SYSTEM = {"system"}
EVERY_OFFICE = OFFICE | {"foreign lead", "foreign coordinator"}
MANAGER = {"manager"}

MAY: dict[tuple[str, str], set[str]] = {
    ("facility.programme", "create"): {"administrator", "foreign administrator", "system"},
    ("facility.programme", "edit"): {"lead", "system"},
    ("facility.grant", "give"): OFFICE | {"administrator", "system"},
    ("facility.grant", "revoke"): {"lead", "administrator"},
    ("facility.cluster", "create"): EVERY_OFFICE | SYSTEM,
    ("facility.cluster", "edit"): EVERY_OFFICE | MANAGER,
    ("facility.organisation", "create"): EVERY_OFFICE | MANAGER | SYSTEM,
    ("facility.organisation", "edit"): EVERY_OFFICE | MANAGER,
    ("facility.conflict", "declare"): EVERY_OFFICE | {"other evaluator", "system"},
    ("facility.document", "scan_file"): SYSTEM,
    ("facility.call", "create"): OFFICE,
    ("facility.call", "edit"): OFFICE,
    ("facility.call", "publish"): OFFICE,
    ("facility.call", "open"): SYSTEM,
    ("facility.call", "close"): SYSTEM,
    ("facility.call", "extend"): LEAD,
    ("facility.call", "decide"): LEAD,
    ("facility.call", "archive"): LEAD,
    ("facility.call", "cancel"): LEAD,
    ("facility.application", "create"): MANAGER,
    ("facility.application", "edit"): MANAGER,
    ("facility.application", "submit"): MANAGER,
    ("facility.application", "return_for_clarification"): OFFICE,
    ("facility.application", "resubmit"): MANAGER,
    ("facility.application", "declare_eligible"): OFFICE,
    ("facility.application", "declare_ineligible"): OFFICE,
    ("facility.application", "close_evaluation"): OFFICE,
    ("facility.application", "select"): NONE,
    ("facility.application", "reserve"): NONE,
    ("facility.application", "reject"): NONE,
    ("facility.application", "decline"): MANAGER,
    ("facility.application", "promote"): LEAD,
    ("facility.application", "withdraw"): MANAGER,
    ("facility.application", "request_review"): MANAGER,
    ("facility.application", "uphold"): LEAD,
    ("facility.application", "uphold_rejection"): LEAD,
    ("facility.application", "overturn"): LEAD,
    ("facility.evaluation", "assign"): OFFICE,
    ("facility.evaluation", "accept"): {"evaluator"},
    ("facility.evaluation", "recuse"): {"evaluator"},
    ("facility.evaluation", "submit"): {"evaluator"},
    ("facility.evaluation", "save_draft"): {"evaluator"},
    ("facility.evaluation", "reopen"): OFFICE,
    ("facility.selection", "create"): OFFICE,
    ("facility.selection", "propose"): OFFICE,
    ("facility.selection", "approve"): LEAD,
    ("facility.selection", "send_back"): LEAD,
    ("facility.selection", "release"): LEAD,
}

# Handing in a file is open to everybody who is signed in.
EVERYBODY_SIGNED_IN = {
    "lead", "coordinator", "observer", "administrator", "policymaker", "foreign lead", "foreign coordinator",
    "foreign observer", "foreign administrator", "foreign policymaker", "evaluator", "fellow evaluator", "other evaluator",
    "manager", "partner manager", "other manager", "nobody", "holder",
}  # fmt: skip
MAY["facility.document", "receive"] = EVERYBODY_SIGNED_IN | SYSTEM
