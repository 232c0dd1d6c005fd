"""The questions of a call: what is a form, what is asked, which answers are kept, and versions that freeze."""

import pytest

from facility.questions import Malformed, NotAnAnswer, parse, wording

FORM = [
    {
        "key": "plan",
        "title": {"en": "Your plan", "nl": "Uw plan"},
        "questions": [
            {
                "key": "stage",
                "kind": "choice",
                "label": {"en": "Stage"},
                "required": True,
                "options": [{"value": "new", "label": {"en": "New"}}, {"value": "going", "label": {"en": "Going on"}}],
            },
            {
                "key": "since",
                "kind": "date",
                "label": {"en": "Since when"},
                "required": True,
                "condition": {"question": "stage", "is": ["going"]},
            },
            {"key": "why", "kind": "text", "label": {"en": "Why"}, "limit": 2, "unit": "words", "required": True},
        ],
    }
]


def test_a_form_is_read_and_stored_without_loss():
    form = parse(FORM)

    assert parse(form.as_json()) == form
    assert wording(form.sections[0].title, "nl-BE") == "Uw plan"
    assert wording(form.sections[0].title, "fr") == "Your plan"


def test_every_fault_is_named_by_its_path():
    with pytest.raises(Malformed) as refused:
        parse(
            [
                {"key": "a", "title": {"en": "A"}, "questions": [{"key": "q", "kind": "choice", "label": {"en": "Q"}}]},
                {"key": "a", "title": {"nl": "B"}, "questions": [{"key": "q", "kind": "text", "label": {"en": "Q"}}]},
            ]
        )

    assert set(refused.value.errors) == {
        "sections[0].questions[0].options",
        "sections[1].key",
        "sections[1].title",
        "sections[1].questions[0].key",
    }


def test_a_question_is_asked_where_its_condition_holds():
    form = parse(FORM)

    assert [question.key for question in form.asked({"stage": "new"})] == ["stage", "why"]
    assert [question.key for question in form.asked({"stage": "going"})] == ["stage", "since", "why"]
    assert set(form.problems({"stage": "new"})) == {"why"}
    assert set(form.problems({"stage": "going"}, complete=False)) == set()


def test_too_long_a_text_is_kept_but_stands_against_submitting():
    form = parse(FORM)

    assert form.clean("why", " one two\r\nthree ") == "one two\nthree"
    said = form.problems({"stage": "new", "why": "one two three"})["why"]
    assert [str(one) for one in said] == ["Shorten this by 1 words; 2 are allowed."]
    with pytest.raises(NotAnAnswer, match="answers given"):
        form.clean("stage", "other")
