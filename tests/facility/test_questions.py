"""The questions of a call: what is a form, what is asked, which answers are kept, and versions that freeze."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facility.questions import COLUMN_KINDS, SETTINGS, Form, Malformed, NotAnAnswer, parse, wording
from facility.questions.drafting import Draft
from facility.registry.vocabulary_data import vocabulary

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


# -- whatever the form and the answers

LABEL = st.fixed_dictionaries({"en": st.text("abc é\n", min_size=1).filter(str.strip)}, optional={"nl": st.text("xyz")})
SOME_TEXT = st.text(max_size=20)
RAW = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | SOME_TEXT,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "c"]) | SOME_TEXT, inner, max_size=3)
    ),
    max_leaves=8,
)
AREA_IDS = vocabulary("areas").ids


@st.composite
def forms(draw):
    """A form of up to eight questions of any kind, some of them under conditions."""
    made, offering = [], []
    for number in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from(list(SETTINGS)))
        question = {"key": f"q{number}", "kind": kind, "label": draw(LABEL), "required": draw(st.booleans())}
        if kind == "text":
            question |= {"limit": draw(st.integers(1, 9)), "unit": draw(st.sampled_from(["characters", "words"]))}
        if "options" in SETTINGS[kind]:
            values = draw(st.lists(st.sampled_from("abcdef"), min_size=1, unique=True))
            question["options"] = [{"value": value, "label": {"en": value}} for value in values]
        if kind == "table":
            question["columns"] = [
                {"key": key, "label": {"en": key}, "kind": draw(st.sampled_from(COLUMN_KINDS))} for key in "ab"
            ]
        if offering and draw(st.booleans()):
            earlier, offered = draw(st.sampled_from(offering))
            question["condition"] = {"question": earlier, "is": [draw(st.sampled_from(offered))]}
        if "options" in SETTINGS[kind]:
            offering.append((question["key"], values))
        made.append(question)
    return parse([{"key": "s", "title": {"en": "S"}, "questions": made}])


def fitting(question):
    """Raw answers that come near to what the question asks for."""
    values = [option.value for option in question.options] or ["a"]
    return {
        "text": st.text("ab \r\n", max_size=20),
        "number": st.integers() | st.floats() | st.sampled_from(["1", "-2.50", "1e3", " 7 "]),
        "choice": st.sampled_from(values),
        "multiple": st.lists(st.sampled_from(values)),
        "date": st.dates().map(str) | st.just("20210305"),
        "file": st.uuids().map(str) | st.uuids().map(lambda key: key.hex.upper()),
        "table": st.lists(
            st.fixed_dictionaries({}, optional={"a": RAW, "b": st.integers(0, 9) | st.just(" ")}), max_size=4
        ),
        "area_ranking": st.lists(st.sampled_from(AREA_IDS), unique=True),
    }[question.kind]


@st.composite
def answered(draw):
    """A form with answers as they are kept; some are missing."""
    form, answers = draw(forms()), {}
    for key, question in form.questions.items():
        try:
            answers[key] = form.clean(key, draw(st.none() | fitting(question) | RAW))
        except NotAnAnswer:
            continue
    return form, answers


@settings(max_examples=60, deadline=None)
@given(forms())
def test_any_form_is_stored_and_read_without_loss(form):
    assert parse(json.loads(json.dumps(form.as_json()))) == form


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_is_kept_is_json_and_is_kept_again_as_it_is(data):
    form, answers = data.draw(answered())
    for key, value in answers.items():
        stored = json.loads(json.dumps(value, allow_nan=False))
        assert stored == value
        assert form.clean(key, stored) == value
        assert form.questions[key].in_words(value, "en") == [] or value is not None


@settings(max_examples=60, deadline=None)
@given(answered())
def test_only_questions_that_are_asked_have_problems_and_none_that_is_hidden_asks_for_more(made):
    form, answers = made
    asked = {question.key for question in form.asked(answers)}

    assert set(form.problems(answers)) <= asked
    for question in form.asked(answers):
        if question.condition:
            assert question.condition.question in asked
    hidden = {key: value for key, value in answers.items() if key in asked}
    assert form.problems(hidden) == form.problems(answers)
    assert form.asked(hidden) == form.asked(answers)


@settings(max_examples=60, deadline=None)
@given(answered())
def test_a_draft_has_no_problem_that_the_complete_application_has_not(made):
    form, answers = made
    complete, draft = form.problems(answers), form.problems(answers, complete=False)

    assert set(draft) <= set(complete)
    missing = {q.key for q in form.asked(answers) if q.required and answers.get(q.key) is None}
    assert set(complete) - set(draft) == missing


@settings(max_examples=60, deadline=None)
@given(RAW)
def test_whatever_is_posted_is_a_form_or_refused_by_path(raw):
    refused = {}
    try:
        parse(raw)
    except Malformed as said:
        refused = said.errors
    assert all(path.startswith("sections") and str(sentence) for path, sentence in refused.items())


@settings(max_examples=60, deadline=None)
@given(forms(), st.data())
def test_the_moves_of_a_writer_lose_no_question(form, data):
    draft = Draft(form.as_json())
    draft.add_section()
    wordings = sorted(str(question["label"]) for question in questions_of(draft))
    for _step in range(data.draw(st.integers(1, 12))):
        places = [one["at"] for section in draft.outline() for one in [section, *section["questions"]]]
        at, act = (
            data.draw(st.sampled_from(places)),
            data.draw(st.sampled_from(["up", "down", "away and back", "twice"])),
        )
        if act == "away and back":
            item = draft.find(at)
            draft.remove(at)
            draft.insert(at, item)
        elif act == "twice":
            draft.remove(draft.duplicate(at))
        else:
            draft.move(at, -1 if act == "up" else 1)
    assert sorted(str(question["label"]) for question in questions_of(draft)) == wordings
    keys = [question["key"] for question in questions_of(draft)]
    assert len(set(keys)) == len(keys)


def questions_of(draft):
    return [question for section in draft.sections for question in section["questions"]]


def test_control_a_hidden_question_that_has_a_say_would_be_found(monkeypatch):
    """Shows that the property on hidden questions would notice: the conditions of hidden questions count here."""

    def careless(self, answers):
        return [q for q in self.questions.values() if not q.condition or answers.get(q.condition.question) is not None]

    first = {
        "key": "first",
        "kind": "choice",
        "label": {"en": "First"},
        "options": [{"value": "a", "label": {"en": "A"}}],
    }
    second = first | {"key": "second", "condition": {"question": "first", "is": ["a"]}}
    third = first | {"key": "third", "condition": {"question": "second", "is": ["a"]}}
    made = parse([{"key": "s", "title": {"en": "S"}, "questions": [first, second, third]}]), {"second": "a"}
    holds = test_only_questions_that_are_asked_have_problems_and_none_that_is_hidden_asks_for_more.hypothesis.inner_test
    holds(made)
    monkeypatch.setattr(Form, "asked", careless)
    with pytest.raises(AssertionError):
        holds(made)
