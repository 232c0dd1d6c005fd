"""The pool: filters with their counts, search across languages, lists, notes, and who sees nothing of it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import openpyxl
import pytest

from advisory.advisor import Advisor
from advisory.note import AdvisorNote
from advisory.searchable import CvSentence
from advisory.shortlist import Shortlist
from advisory.tasks.pool import index_the_rest
from facility.registry.conflicts import Conflict
from facility.workflow.jobs import Job
from facility.workflow.steps import SYSTEM, Blocked, Invalid, NotFound
from facility.workflow.trail import Detail
from tests import factories as make
from tests.advisory import making_matching as matching
from tests.advisory import making_pool as pool

pytestmark = pytest.mark.django_db
PAGE, TOGETHER, COMPARE = (
    "/workspace/advisors/pool/",
    "/workspace/advisors/pool/together/",
    "/workspace/advisors/pool/compare/",
)
ROOT = Path(__file__).parents[2]
WATER = "Designed closed water loops for dyeing works in Prato and Biella, saving a third of the fresh water."
MONEY = "Kept the books of bakeries and small hotels and prepared their yearly accounts."
BEES = "Bred queen bees and taught beekeeping to school classes in the mountains."


@pytest.fixture
def coordinator(programme):
    return make.staff("coordinator", programme)


@pytest.fixture
def office(client, coordinator):
    client.force_login(coordinator)
    return client


@pytest.fixture(scope="module")
def embedder(tmp_path_factory):
    """The real process that turns questions into vectors; answers its socket."""
    with pool.embedding(tmp_path_factory.mktemp("embedder") / "e.sock") as socket:
        yield socket


def names_on(answer):
    return [row["title"] for row in answer.context["rows"]]


def asked(client, question, **query):
    address = PAGE + ("?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else "")
    return client.post(address, {"question": question}, follow=True)


def content(answer):
    return b"".join(answer.streaming_content).decode("utf-8-sig")


# -- filters


@pytest.mark.row("F06")
def test_filters_by_area_language_and_the_rest_narrow_each_other(programme, coordinator, office):
    water = {"areas": ["water-use"], "languages": [{"code": "fr", "cefr": "C1"}], "countries": ["FR"]}
    both = water | {"areas": ["water-use", "energy-efficiency"], "languages": [{"code": "fr", "cefr": "B1"}]}
    matching.candidate(programme, coordinator, name="Water Only", **water)
    matching.candidate(programme, coordinator, name="Water Both", years=12, **both)
    later = {"available_from": "2031-05-01", "sectors": ["textiles"], "days": 20}
    matching.candidate(programme, coordinator, name="Energy Only", kind="sustainability", years=3, **later)

    assert names_on(office.get(PAGE)) == ["Water Both", "Energy Only", "Water Only"]
    answer = office.get(PAGE, {"area": "water-use"})
    assert names_on(answer) == ["Water Both", "Water Only"]
    areas = next(one for one in answer.context["facets"] if one["name"] == "area")
    assert {one["value"]: one["count"] for one in areas["options"]} == {"energy-efficiency": 2, "water-use": 2}
    for query, expected in [
        ({"language": "fr", "level": "C1"}, ["Water Only"]),
        ({"area": ["water-use", "energy-efficiency"], "years": 4}, ["Water Both"]),
        ({"country": "FR", "kind": "sustainability"}, []),
        ({"sector": "textiles"}, ["Energy Only"]),
        ({"free_from": "2031-04-30"}, ["Water Both", "Water Only"]),
        ({"free_from": "2031-05-01", "sort": "years"}, ["Water Both", "Energy Only", "Water Only"]),
        ({"days": 20}, ["Energy Only"]),
        ({"places": 3}, []),
        ({"state": "pool"}, []),
        ({"years": "many", "page": "9" * 30, "sort": "odd"}, ["Water Both", "Energy Only", "Water Only"]),
        ({"area": "no-such-area"}, []),
    ]:
        assert names_on(office.get(PAGE, query)) == expected, query


@pytest.mark.row("F06")
def test_a_shortlist_is_a_filter_and_the_roster_holds_what_the_filters_leave(programme, coordinator, office):
    first = matching.candidate(programme, coordinator, name='=HYPERLINK("x") Formula', years=7)
    matching.candidate(programme, coordinator, name="Other Person")
    made = pool.shortlist(programme, coordinator, first)

    assert names_on(office.get(PAGE, {"shortlist": made.pk})) == [first.person.name]
    rows = list(csv.reader(io.StringIO(content(office.get(PAGE, {"shortlist": made.pk, "as": "csv"})))))
    assert [row[0] for row in rows] == ["Advisor", "'" + first.person.name]
    assert dict(zip(rows[0], rows[1], strict=True))["Lists"] == "Water in the spring"
    answer = office.get(PAGE, {"as": "xlsx"})
    sheet = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active
    assert sheet.max_row == 3
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n", "d"}


def test_pages_and_their_statements_do_not_grow_with_the_pool(programme, coordinator, office):
    people = [matching.candidate(programme, coordinator, name="First One")]
    pool.with_cv(programme, coordinator, WATER)
    pool.indexed()
    compare = f"{COMPARE}?p={people[0].pk}"
    words = asked(office, "dyeing").redirect_chain[0][0]
    before = [matching.statements(office, page) for page in (PAGE, words)]
    people += [matching.candidate(programme, coordinator) for _more in range(2)]
    pair = matching.statements(office, f"{compare}&p={people[1].pk}")
    for text in (MONEY, BEES + " Dyeing too."):
        pool.with_cv(programme, coordinator, text)
    pool.indexed()
    assert [matching.statements(office, page) for page in (PAGE, words)] == before
    assert matching.statements(office, f"{compare}&p={people[1].pk}&p={people[2].pk}") == pair
    assert before[0] <= 10 and before[1] <= 14 and pair <= 12, (before, pair)


# -- search


@pytest.mark.row("F06")
def test_a_question_finds_names_and_sentences_and_stands_in_no_address(programme, coordinator, office):
    found = pool.with_cv(programme, coordinator, f"{WATER}\n{BEES}")
    pool.with_cv(programme, coordinator, MONEY, name="Zora Hidden-Zhang")
    pool.indexed()

    answer = asked(office, "dyed Water")
    assert "dye" not in answer.redirect_chain[0][0].lower()
    assert names_on(answer)[0] == found.person.name
    assert answer.context["rows"][0]["sentences"][0]["text"] == WATER
    assert names_on(asked(office, "zora zhang"))[0] == "Zora Hidden-Zhang"
    assert "no longer kept" in office.get(PAGE, {"words": "0123456789ab"}).content.decode()
    assert office.post(f"{PAGE}?words=0123&kind=business", {"question": " "}).url == f"{PAGE}?kind=business"


def test_while_meaning_is_away_words_answer_and_the_page_says_so(programme, coordinator, office, settings, tmp_path):
    settings.EMBEDDER_SOCKET = str(tmp_path / "nobody.sock")
    found = pool.with_cv(programme, coordinator, WATER)
    pool.with_cv(programme, coordinator, MONEY)
    pool.indexed()

    answer = asked(office, "water dyeing")
    assert names_on(answer) == [found.person.name]
    assert "Found by words only" in answer.content.decode()
    assert "Found by words only" not in office.get(PAGE).content.decode()


@pytest.mark.row("F06")
def test_a_question_in_another_language_finds_the_sentence(programme, coordinator, office, settings, embedder):
    settings.EMBEDDER_SOCKET = embedder
    water = pool.with_cv(programme, coordinator, WATER, areas=["water-use"])
    money = pool.with_cv(programme, coordinator, MONEY, areas=["resilient-business-models"])
    bees = pool.with_cv(programme, coordinator, BEES, areas=["waste-management"])
    pool.indexed()

    for question, advisor, sentence in [
        ("recycler l'eau de teinture dans l'industrie textile", water, WATER),
        ("Wasserkreisläufe in Färbereien schließen", water, WATER),
        ("zamknięty obieg wody w farbiarniach", water, WATER),
        ("comptabilité d'une boulangerie", money, MONEY),
        ("Buchführung für kleine Hotels", money, MONEY),
        ("hodowla pszczół i lekcje o pszczołach", bees, BEES),
    ]:
        answer = asked(office, question)
        first = answer.context["rows"][0]
        assert first["title"] == advisor.person.name, question
        assert sentence in [one["text"] for one in first["sentences"]], question
        assert "by words only" not in answer.content.decode()


@pytest.mark.parametrize(
    "question",
    [
        "'; DROP TABLE advisory_advisor; --",
        "a | b & !c <-> (d:*",
        "\\' \\ \\\\'' ::tsquery",
        "the of and",
        "\x00\x00 water\x00",
        "\ud800 \udfff",
        "%s %(terms)s {} %%",
        "\U0001d518\U0001d52b 🐝🐝 ﷽",
        "x" * 5000,
        "water " * 2000,
        "<script>alert(1)</script>",
        "14001 CO2 L'eau e-mail @me +1-2",
    ],
)
def test_odd_questions_are_answered_like_any_other(programme, coordinator, office, question):
    pool.with_cv(programme, coordinator, WATER)
    pool.indexed()
    answer = office.post(PAGE, {"question": question.encode("utf-8", "replace").decode()}, follow=True)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.content.decode()
    assert Advisor.objects.count() == 1


def test_a_cv_that_is_not_searchable_yet_is_counted(programme, coordinator, office):
    pool.with_cv(programme, coordinator, WATER)
    assert "One confirmed CV is still being made searchable" in asked(office, "water").content.decode()
    pool.indexed()
    assert "being made searchable" not in asked(office, "water").content.decode()


def test_who_somebody_is_is_no_sentence(programme, coordinator):
    text = f"Nadia Example\nnadia@example.org\n+34 600 123 456\nBorn: 1 May 1980\n{WATER}\nNationality: Spanish"
    advisor = pool.with_cv(programme, coordinator, text, name="Nadia Example", email="nadia@example.org")
    (cv,) = pool.indexed(advisor)

    told = " ".join(cv.sentences.values_list("text", flat=True))
    assert WATER in told
    for secret in ("Nadia", "example.org", "600 123", "1980"):
        assert secret not in told
    assert "Maximising energy efficiency" in told or "nergy" in told
    in_text = cv.sentences.exclude(start=None)
    assert all(" ".join(cv.text[one.start : one.end].split()) == one.text for one in in_text)


def test_only_what_changed_is_embedded_again(programme, coordinator, owner):
    advisor = pool.with_cv(programme, coordinator, f"{WATER}\n{MONEY}")
    (cv,) = pool.indexed(advisor)
    version = cv.version
    Job.objects.create(**again(cv))
    assert matching.run("advisory.index_sentences") == ["done"]
    cv.refresh_from_db()
    assert cv.version == version

    mark = [1.0] + [0.0] * 383
    CvSentence.objects.filter(curriculum=cv, text=WATER).update(vector=mark)
    newer = matching.received(programme, coordinator, advisor)
    matching.run("facility.scan_document")
    said = matching.reading(advisor) | {"text": f"{WATER}\n{BEES}"}
    newer.perform("read", by=SYSTEM, reading=said).perform("confirm", by=coordinator, entries=matching.entries(newer))
    pool.indexed()
    assert list(newer.sentences.get(text=WATER).vector) == mark
    assert newer.sentences.get(text=BEES).vector is not None
    assert not CvSentence.objects.filter(curriculum=cv).exists()


def again(cv):
    made = Job.about(cv, "advisory.index_sentences")
    return {f.attname: getattr(made, f.attname) for f in Job._meta.concrete_fields}


def test_what_was_confirmed_before_there_was_a_search_is_indexed_once(programme, coordinator):
    advisor = pool.with_cv(programme, coordinator, WATER)
    Job.objects.filter(name="advisory.index_sentences").delete()
    assert index_the_rest() == 1
    (cv,) = pool.indexed(advisor)
    assert cv.sentences.exists() and index_the_rest() == 0


# -- comparison


def test_four_stand_side_by_side_and_what_sets_them_apart_is_marked(programme, office, coordinator):
    people = matching.office(programme)
    (project,) = matching.projects(programme, people, [{"areas": ["water-use"], "country": "FR"}])
    first = pool.with_cv(programme, coordinator, WATER, areas=["water-use"], years=9)
    second = matching.candidate(programme, coordinator, areas=["water-use", "waste-management"])
    Conflict().perform("declare", by=SYSTEM, person=second.person, cluster=project.lead_cluster, kind="other", note="")
    more = [matching.candidate(programme, coordinator) for _one in range(3)]
    chosen = {"p": [first.pk, second.pk], "project": project.pk}

    answer = office.get(COMPARE, chosen)
    rows = {row["label"]: row for row in answer.context["rows"]}
    conflicts = [cell["plain"] for cell in rows["Conflict of interest"]["cells"]]
    assert conflicts == ["None", f"Tied to {project.lead_cluster.name}"]
    assert [cell["plain"] for cell in rows["Areas that the project asks for"]["cells"]] == ["1 of 1", "1 of 1"]
    own = [[item["is_own"] for item in cell["entries"]] for cell in rows["Areas"]["cells"]]
    assert rows["Areas"]["differs"] and own == [[False], [False, True]]
    assert not rows["Kind"]["differs"]
    assert "Adviser, Acme" in rows["Jobs"]["cells"][0]["entries"][0]["text"]
    five = office.get(COMPARE, {"p": [one.pk for one in (first, second, *more)]})
    assert len(five.context["people"]) == 4 and "one more was ticked" in five.content.decode()
    assert "Tick two to four" in office.get(COMPARE, {"p": ["not-a-key", first.pk]}).content.decode()
    foreign = matching.candidate(make.programme(), SYSTEM)
    assert "Tick two" in office.get(COMPARE, {"p": [first.pk, foreign.pk]}).content.decode()


# -- shortlists


@pytest.mark.row("F06")
def test_a_named_list_is_made_filled_renamed_and_closed(programme, coordinator):
    one, other, third = (matching.candidate(programme, coordinator) for _n in range(3))
    made = pool.shortlist(programme, coordinator, one)
    for _twice in range(2):
        made.perform("add", by=coordinator, advisors=[str(one.pk), str(other.pk)])
    assert made.entry_count == made.entries.count() == 2
    made.perform("remove", by=coordinator, advisors=[str(one.pk)])
    assert list(made.entries.values_list("advisor", flat=True)) == [other.pk]
    made.perform("rename", by=coordinator, name="Water in autumn", purpose="Two dye works")
    with pytest.raises(Invalid, match="There is a list of this name already"):
        pool.shortlist(programme, coordinator, name="WATER IN AUTUMN")
    foreign = matching.candidate(make.programme(), SYSTEM)
    with pytest.raises(Invalid):
        made.perform("add", by=coordinator, advisors=[str(foreign.pk)])
    made.perform("close", by=coordinator)
    with pytest.raises(Blocked):
        made.perform("add", by=coordinator, advisors=[str(third.pk)])
    made.perform("reopen", by=coordinator)
    assert Advisor.objects.get(pk=other.pk).state == "candidate"


def test_several_are_put_on_a_list_from_the_pool(programme, coordinator, office):
    people = [matching.candidate(programme, coordinator) for _n in range(3)]
    keys = [str(one.pk) for one in people]
    preview = office.post(TOGETHER, {"do": "list", "p": keys, "back": "?kind=business"})
    assert len(preview.context["ready"]) == 3
    sent = {"do": "list", "p": keys, "_sure": "1", "_token": "a1b2", "name": "Dyers", "back": "?kind=business"}
    for _double in range(2):
        answer = office.post(TOGETHER, sent)
        assert (answer.status_code, answer.url) == (302, f"{PAGE}?kind=business")
    made = Shortlist.objects.get()
    assert (made.name, made.entry_count) == ("Dyers", 3)
    again = office.post(TOGETHER, {"do": "list", "p": keys, "_sure": "1", "_token": "c3", "name": "dyers"})
    assert again.status_code == 400 and "There is a list of this name already" in again.content.decode()
    late = matching.candidate(programme, coordinator)
    office.post(TOGETHER, {"do": "list", "p": [late.pk], "_sure": "1", "_token": "d4", "list": made.pk})
    made.refresh_from_db()
    assert made.entry_count == 4
    assert office.post(TOGETHER, {"do": "list"}, follow=True).redirect_chain[0][0] == PAGE
    assert office.post(TOGETHER, {"do": "retire", "p": keys}).status_code == 302


# -- admit and decline


@pytest.mark.row("F06")
def test_several_are_admitted_and_who_cannot_be_is_named_with_the_reason(programme, coordinator, office):
    ready = []
    for _n in range(2):
        one = pool.with_cv(programme, coordinator, WATER)
        one.perform("declare_interests", by=coordinator, consent=True, interests="none", clusters=[])
        ready.append(one.perform("shortlist", by=coordinator))
    lacking = matching.candidate(programme, coordinator).perform("shortlist", by=coordinator)
    early = matching.candidate(programme, coordinator)
    keys = [str(one.pk) for one in (*ready, lacking, early)]

    preview = office.post(TOGETHER, {"do": "admit", "p": keys})
    text = preview.content.decode()
    assert {one["id"] for one in preview.context["ready"]} == {one.pk for one in ready}
    assert "Confirm a CV before you admit the advisor." in text and "Admit 2 advisors" in text
    sent = {"do": "admit", "p": [str(one.pk) for one in ready], "_sure": "1", "_token": "a1"}
    assert office.post(TOGETHER, sent).status_code == 302
    assert Advisor.objects.filter(state="pool").count() == 2


@pytest.mark.row("F06")
def test_several_are_declined_with_a_reason_or_none(programme, coordinator, office):
    people = [matching.candidate(programme, coordinator) for _n in range(3)]
    keys = [str(one.pk) for one in people]
    sent = {"do": "decline", "p": keys, "_sure": "1", "_token": "a1"}
    assert office.post(TOGETHER, sent).status_code == 400
    assert Advisor.objects.filter(state="declined").count() == 0
    people[0].perform("decline", by=coordinator, reason="By somebody else, a moment ago.")
    refused = office.post(TOGETHER, sent | {"reason": "No work with firms."})
    assert refused.status_code == 409 and Advisor.objects.filter(state="declined").count() == 1
    assert (
        office.post(TOGETHER, sent | {"p": keys[1:], "_token": "b2", "reason": "No work with firms."}).status_code
        == 302
    )
    assert set(Advisor.objects.filter(pk__in=keys[1:]).values_list("reason_text", flat=True)) == {"No work with firms."}
    assert names_on(office.get(PAGE)) == [] and len(names_on(office.get(PAGE, {"state": "declined"}))) == 3


def test_the_preview_asks_as_often_for_one_as_for_three(programme, coordinator, office, django_assert_max_num_queries):
    people = [matching.candidate(programme, coordinator).perform("shortlist", by=coordinator) for _n in range(3)]
    keys = [str(one.pk) for one in people]
    counted = []
    for given in (keys[:1], keys[:1], keys):
        with django_assert_max_num_queries(12) as queries:
            office.post(TOGETHER, {"do": "admit", "p": given})
        counted.append(len(queries))
    assert counted[1] == counted[2]


# -- notes


def test_a_note_is_the_offices_and_told_on_request_only(programme, coordinator, client, capsys):
    advisor = matching.candidate(programme, coordinator)
    note = pool.note(advisor, coordinator, "Prefers small firms.")
    client.force_login(coordinator)
    seen = client.get(advisor.get_absolute_url()).content.decode()
    assert "Prefers small firms." in seen and coordinator.name in seen
    for person in (advisor.person, make.staff("observer", programme)):
        client.force_login(person)
        page = client.get(advisor.get_absolute_url())
        assert page.status_code == 200
        assert (
            "Prefers small firms." not in page.content.decode() and "Notes of the office" not in page.content.decode()
        )
        assert client.get(note.get_absolute_url()).status_code == 404
        with pytest.raises(NotFound):
            note.perform("strike", by=person)
    assert not [one for one in Detail.objects.all() if "small firms" in str(one.changes)]
    note.perform("edit", by=coordinator, text="Prefers family firms.")
    note.perform("strike", by=coordinator)
    assert AdvisorNote.objects.get().text == ""


# -- who sees it


@pytest.fixture
def strangers(programme, coordinator):
    people = matching.office(programme)
    (project,) = matching.projects(programme, people, [{}])
    advisor = matching.pooled(programme, coordinator)
    matching.active(project, advisor, coordinator)
    manager = project.managers().get()
    return [advisor.person, manager, people[2], make.staff("observer", programme), make.person()]


def pages_for(made):
    return [
        PAGE,
        f"{PAGE}?as=csv",
        COMPARE,
        "/workspace/shortlists/new/create/",
        made.get_absolute_url(),
        f"/api/shortlists/{made.pk}/",
    ]


@pytest.mark.row("F06")
def test_only_the_office_sees_the_pool(programme, coordinator, client, strangers):
    made = pool.shortlist(programme, coordinator, matching.candidate(programme, coordinator, name="Secret Candidate"))
    for person in strangers:
        client.force_login(person)
        for page in pages_for(made):
            assert client.get(page).status_code in {403, 404}, (person, page)
        for page in (PAGE, TOGETHER):
            assert client.post(page, {"question": "x", "do": "admit", "p": made.pk}).status_code == 404
        assert "Secret Candidate" not in client.get("/workspace/shortlists/").content.decode()
    client.force_login(make.staff("coordinator", make.programme()))
    assert names_on(client.get(PAGE)) == []
    assert client.get(made.get_absolute_url()).status_code == 404


def test_control_with_the_rule_broken_an_observer_gets_in(programme, coordinator, client, strangers, monkeypatch):
    """Shows that the test above looks: a page that asks for no role is noticed."""
    from advisory.web import pool as pages

    made = pool.shortlist(programme, coordinator)
    monkeypatch.setattr(pages.OfficeOnly, "dispatch", pages.LoginRequiredMixin.dispatch)
    client.force_login(strangers[3])
    assert 200 in {client.get(page).status_code for page in pages_for(made)}
