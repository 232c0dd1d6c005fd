"""Two tabs edit one draft: whatever comes in between, no typed word is lost, and nothing is overwritten unseen."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facility import merging
from facility.merging import Change, Tab, digest, merge


def test_a_field_that_only_one_tab_changed_is_set():
    made = merge({"a": "old", "b": "x"}, {}, {"a": Change("new", digest("old"))}, Tab("one", 1))

    assert (made.values, made.clashes) == ({"a": "new"}, {})


def test_where_both_changed_it_the_one_that_stands_stays_and_the_other_is_kept():
    made = merge({"a": "theirs"}, {"a": ("two", 1)}, {"a": Change("mine", digest("old"))}, Tab("one", 1))

    assert (made.values, made.clashes) == ({}, {"a": "mine"})


def test_different_fields_of_two_tabs_do_not_meet():
    made = merge({"a": "theirs", "b": "old"}, {"a": ("two", 1)}, {"b": Change("mine", digest("old"))}, Tab("one", 1))

    assert (made.values, made.clashes) == ({"b": "mine"}, {})


def test_the_same_text_typed_twice_is_no_clash():
    made = merge({"a": "same"}, {"a": ("two", 1)}, {"a": Change("same", digest("old"))}, Tab("one", 1))

    assert (made.values, made.clashes, made.held) == ({}, {}, ["a"])


def test_a_tab_that_sends_what_it_read_does_not_go_on_from_what_another_has_written():
    made = merge({"a": "theirs"}, {"a": ("two", 1)}, {"a": Change("old", digest("old"))}, Tab("one", 1))

    assert made == merging.Merge()


def test_a_tab_that_never_heard_that_its_words_were_saved_goes_on_from_them():
    made = merge({"a": "first"}, {"a": ("one", 1)}, {"a": Change("first second", digest(""))}, Tab("one", 2))

    assert (made.values, made.clashes) == ({"a": "first second"}, {})


def test_what_comes_late_or_twice_changes_nothing():
    made = merge({"a": "first second"}, {"a": ("one", 2)}, {"a": Change("first", digest(""))}, Tab("one", 1))

    assert (made.values, made.clashes) == ({}, {})


def test_a_tab_may_take_its_words_back_although_the_answer_was_lost():
    made = merge({"a": "typed"}, {"a": ("one", 1)}, {"a": Change("old", digest("old"))}, Tab("one", 2))

    assert made.values == {"a": "old"}


class Page:
    """A tab as the script behaves: what it shows, over what it was typed, and what it has sent."""

    def __init__(self, name, server):
        self.name, self.server, self.turn = name, server, 1
        self.text, self.base = server.text, digest(server.text)
        self.mail = []

    def type(self, word):
        self.text = f"{self.text} {word}".strip()
        self.turn += 1

    def send(self, fate):
        """`fate`: arrives, is lost on the way, its answer is lost, or it comes a second time later."""
        message = ({"a": Change(self.text, self.base)}, Tab(self.name, self.turn))
        if fate == "lost":
            return
        self.mail += [message] if fate == "twice" else []
        answer = self.server.take(*message)
        if fate != "unheard" and answer is not None:
            self.base = answer

    def echo(self):
        if self.mail:
            self.server.take(*self.mail.pop())


class Server:
    """One field, kept as the step keeps it."""

    def __init__(self):
        self.text, self.writers, self.kept = "start", {}, {}

    def take(self, changes, tab):
        made = merging.merge({"a": self.text}, self.writers, changes, tab)
        if "a" in made.values:
            self.text, self.writers = made.values["a"], {"a": (tab.name, tab.turn)}
            self.kept.pop(tab.name, None)
        if "a" in made.clashes:
            known = self.kept.get(tab.name)
            if known is None or known[0] < tab.turn:
                self.kept[tab.name] = (tab.turn, made.clashes["a"])
        return digest(self.text) if made.held else None


FATES = st.sampled_from(["arrives", "arrives", "lost", "unheard", "twice"])
ACTS = st.lists(
    st.tuples(st.sampled_from([0, 1]), st.sampled_from(["type", "send", "echo"]), FATES), min_size=1, max_size=40
)


def lost_words(acts):
    """The words that two tabs typed and that stand nowhere when both have sent what they hold."""
    server = Server()
    pages, typed = [Page("one", server), Page("two", server)], []
    for at, (who, act, fate) in enumerate(acts):
        page = pages[who]
        if act == "type":
            typed.append(f"w{at}")
            page.type(typed[-1])
        elif act == "send":
            page.send(fate)
        else:
            page.echo()
    for page in pages:
        page.send("arrives")
    there = " ".join([server.text, *(text for _turn, text in server.kept.values())]).split()
    return [word for word in typed if word not in there]


@settings(max_examples=400, deadline=None)
@given(ACTS)
def test_no_typed_word_is_lost_however_two_tabs_interleave(acts):
    assert lost_words(acts) == []


def unguarded(current, writers, changes, by):
    """The merge without the look at the base: the last one wins."""
    return merging.Merge({name: one.value for name, one in changes.items()}, held=list(changes))


def test_control_without_the_base_check_a_tab_overwrites_the_other(monkeypatch):
    acts = [(0, "type", "arrives"), (0, "send", "arrives"), (1, "type", "arrives"), (1, "send", "arrives")]
    assert lost_words(acts) == []
    monkeypatch.setattr(merging, "merge", unguarded)

    assert lost_words(acts) == ["w0"] or lost_words(acts) == ["w2"]


def test_control_the_property_notices_a_merge_without_turns(monkeypatch):
    def forgetful(current, writers, changes, by):
        return merge(current, {name: (tab, -1) for name, (tab, _turn) in writers.items()}, changes, by)

    monkeypatch.setattr(merging, "merge", forgetful)
    late = [(0, "type", ""), (0, "send", "twice"), (0, "type", ""), (0, "send", "arrives"), (0, "echo", "")]
    assert lost_words(late) == []  # the tab sends once more and mends it
    server = Server()
    page = Page("one", server)
    page.type("first")
    page.send("twice")
    page.type("second")
    page.send("arrives")
    page.echo()
    with pytest.raises(AssertionError):
        assert server.text == "start first second"
