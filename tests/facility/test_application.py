"""The application as its applicants live it: saved as it is typed, checked, handed in with a receipt, clarified."""

from __future__ import annotations

import datetime as dt
import hashlib
import json

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from facility.application import Application
from facility.drafting import INTAKE_NEED, Drafting
from facility.merging import digest
from facility.registry.conflicts import tied_clusters
from facility.registry.declaration import Declaration
from facility.registry.documents import Document
from facility.workflow import clock, tasks
from facility.workflow.steps import SYSTEM, Blocked, Invalid, NotAllowed
from facility.workflow.trail import Detail, Notice
from tests import factories as make
from tests.facility import signing

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
ASKED = [
    {
        "key": "plan",
        "title": {"en": "Plan"},
        "questions": [
            {
                "key": "stage",
                "kind": "choice",
                "label": {"en": "Stage", "nl": "Fase"},
                "required": True,
                "options": [{"value": "new", "label": {"en": "New"}}, {"value": "old", "label": {"en": "Going on"}}],
            },
            {
                "key": "since",
                "kind": "date",
                "label": {"en": "Since"},
                "required": True,
                "condition": {"question": "stage", "is": ["old"]},
            },
            {"key": "why", "kind": "text", "label": {"en": "Why"}, "limit": 3, "unit": "words"},
            {"key": "budget", "kind": "file", "label": {"en": "Budget"}, "required": True},
        ],
    }
]


class Scene:
    """A call with its office, and a draft with its manager."""

    def __init__(self, *, questions=None, country="ES", **fields):
        self.programme = make.programme()
        self.lead, self.coordinator = make.staff("lead", self.programme), make.staff("coordinator", self.programme)
        self.call = make.call(self.programme, self.coordinator, open_now=False)
        if questions:
            self.call.perform("write_questions", by=self.coordinator, sections=questions)
        self.call.perform("publish", by=self.coordinator)
        self.call.perform("open", by=SYSTEM)
        self.cluster = make.cluster(country)
        self.manager = make.manager_of(self.cluster)
        self.bid = make.draft(self.call, self.manager, self.cluster, **fields)

    def now(self):
        return Application.objects.get(pk=self.bid.pk)

    def desk(self, step="autosave"):
        return f"/workspace/applications/{self.bid.pk}/{step}/"

    def said(self):
        """What stands in the way of handing in."""
        offers = {offer.step.name: offer.blocked_by for offer in self.now().steps_for(self.manager)}
        return list(offers["submit"])

    def returned(self, *fields, **data):
        self.bid.perform("submit", by=self.manager)
        asked = {"reason": "What exactly?", "fields": list(fields), "days": 10, **data}
        return self.now().perform("return_for_clarification", by=self.coordinator, **asked)


@pytest.fixture
def scene():
    return Scene()


def upload(name="budget.pdf", content=PDF):
    return {"file": SimpleUploadedFile(name, content)}


def scan():
    for document in Document.objects.filter(state="received"):
        document.perform("scan_file", by=SYSTEM)


# -- saving while one types


def test_two_tabs_that_change_different_fields_keep_both(scene):
    there = scene.bid.draft()
    for tab, field in (("one", "motivation"), ("two", "context")):
        change = {field: {"value": f"from {tab}", "base": digest(there[field])}}
        scene.bid.perform("autosave", by=scene.manager, tab=tab, turn=1, changes=change)

    assert (scene.now().motivation, scene.now().context) == ("from one", "from two")
    assert not scene.now().kept_texts.exists()


def typed_over(scene, tab, text, turn=1, base="Members ask for it."):
    change = {"motivation": {"value": text, "base": digest(base)}}
    scene.bid.perform("autosave", by=scene.manager, tab=tab, turn=turn, changes=change)


def test_where_two_tabs_change_one_field_both_texts_are_kept_and_one_is_chosen(scene):
    typed_over(scene, "one", "First.")
    typed_over(scene, "two", "Second.")
    typed_over(scene, "two", "Second, longer.", turn=2)

    (kept,) = scene.now().kept_texts.all()
    assert (scene.now().motivation, kept.value, kept.by) == ("First.", "Second, longer.", scene.manager)
    assert any("two texts stand beside each other" in sentence for sentence in scene.said())
    with pytest.raises(Invalid):
        scene.bid.perform("settle", by=scene.manager, kept=kept.pk, take=True, seen=digest("Not what stands"))
    scene.bid.perform("settle", by=scene.manager, kept=kept.pk, take=True, seen=digest("First."))
    assert scene.now().motivation == "Second, longer." and not scene.now().kept_texts.exists()
    typed_over(scene, "one", "First, going on.", turn=2)
    assert scene.now().kept_texts.get().value == "First, going on.", "the tab still open overwrites nothing"


def test_control_a_merge_that_asks_no_base_overwrites_the_other_tab(scene, monkeypatch):
    from facility import drafting, merging

    def careless(current, writers, changes, by):
        return merging.Merge({name: one.value for name, one in changes.items()})

    monkeypatch.setattr(drafting, "merge", careless)
    typed_over(scene, "one", "First.")
    typed_over(scene, "two", "Second.")
    assert scene.now().motivation == "Second." and not scene.now().kept_texts.exists()


def test_what_is_typed_leaves_entries_without_values_and_no_line_in_the_course(scene, client):
    make.typed(scene.bid, scene.manager, motivation="Half a sen")
    changed = Detail.objects.filter(entry__record_id=scene.bid.pk, entry__step="autosave").get().changes

    assert changed == {}
    client.force_login(scene.manager)
    assert ">Write<" not in client.get(scene.bid.get_absolute_url()).content.decode().split('id="course"')[1]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"state": {"value": "selected", "base": ""}}, "changes.state"),
        ({"motivation": "text"}, "changes.motivation"),
        ({"motivation": {"value": 5, "base": ""}}, "changes.motivation"),
        ({"motivation": {"value": "a\x00b", "base": ""}}, "changes.motivation"),
        ({"strategic_focus": {"value": 9, "base": ""}}, "changes.strategic_focus"),
        ({"needs": {"value": [{"area": "nonsense", "text": ""}], "base": ""}}, "changes.needs"),
        ({"q_none": {"value": "x", "base": ""}}, "changes.q_none"),
        ([], "changes"),
    ],
)
def test_a_value_that_its_field_cannot_hold_is_refused_by_name(scene, changes, path):
    with pytest.raises(Invalid) as refused:
        scene.bid.perform("autosave", by=scene.manager, tab="one", turn=1, changes=changes)
    assert list(refused.value.errors) == [path]


def test_a_draft_holds_more_than_may_be_handed_in(scene):
    make.typed(scene.bid, scene.manager, motivation="long " * 900)

    assert len(scene.now().motivation) > 4000
    assert any("shorten this by 499 characters" in sentence for sentence in scene.said())


def test_a_page_without_script_saves_what_it_can_and_shows_the_rest_again(scene, client):
    client.force_login(scene.manager)
    html = client.get(scene.desk()).content.decode()
    base = digest("Members ask for it.")
    assert f'name="base-motivation" value="{base}"' in html
    body = {
        "_token": "abc",
        "_turn": "1",
        "base-motivation": base,
        "motivation": "By the button.",
        "base-title_text": "x",
    }
    answer = client.post(scene.desk(), body | {"title_text": "t" * 300})

    assert answer.status_code == 400
    assert "Give at most 200 characters." in answer.content.decode() and "t" * 300 in answer.content.decode()
    assert scene.now().motivation == "By the button."


def test_a_script_that_is_no_longer_signed_in_hears_so(scene, client):
    body = json.dumps({"tab": "a", "turn": 1, "changes": {}})
    assert client.post(scene.desk(), body, content_type="application/json").status_code == 401
    client.force_login(make.person())
    assert client.post(scene.desk(), body, content_type="application/json").status_code == 403
    client.force_login(scene.manager)
    assert client.post(scene.desk(), "[]", content_type="application/json").status_code == 400
    assert client.post(scene.desk(), "{", content_type="application/json").status_code == 400


def test_the_page_asks_as_many_questions_of_the_database_with_three_partners_as_with_one(client):
    counts = []
    for number in (1, 3):
        partners = [{"cluster": str(make.cluster("PT").pk)} for _ in range(number)]
        needs = [{"area": area, "text": "One"} for area in ("water-use", "energy-efficiency", "waste-management")]
        scene = Scene(partners=partners, needs=needs[:number], questions=ASKED)
        client.force_login(scene.manager)
        for page in (scene.desk(), scene.desk("submit"), scene.bid.get_absolute_url()):
            client.get(page)
            with CaptureQueriesContext(
                connection,
            ) as asked:
                assert client.get(page).status_code == 200
            counts.append(len(asked))
    assert counts[:3] == counts[3:]


# -- what is missing


def test_every_problem_is_listed_with_its_field_and_the_same_list_decides(client):
    scene = Scene(
        questions=ASKED, confirmed=False, has_signed=False, motivation="", context="", needs=[],
        partners=[{"cluster": str(make.cluster("TN", name="Grappe de Tunis").pk)}],
    )  # fmt: skip
    client.force_login(scene.manager)
    fields = [problem.field for problem in scene.now().problems()]

    assert fields == ["motivation", "context", "needs", "q_stage", "q_budget", "partners", "declaration"]
    html = client.get(scene.desk("submit")).content.decode()
    assert all(f"{scene.desk()}#id_{field}" in html for field in fields)
    told = client.get(f"/api/applications/{scene.bid.pk}/").json()["steps"]
    assert next(one for one in told if one["name"] == "submit")["blocked_by"] == scene.said()
    assert "Grappe de Tunis has not confirmed its part yet." in scene.said()
    with pytest.raises(Blocked) as refused:
        scene.bid.perform("submit", by=scene.manager)
    assert refused.value.sentences == scene.said()


@pytest.mark.row("F11")
def test_an_application_without_context_cannot_be_handed_in(scene):
    make.typed(scene.bid, scene.manager, context="  ")

    with pytest.raises(Blocked, match="Describe the context"):
        scene.bid.perform("submit", by=scene.manager)


@pytest.mark.row("E06")
def test_a_textile_cluster_passes_the_intake(scene):
    assert scene.cluster.sector == "textiles"
    assert scene.bid.perform("submit", by=scene.manager).state == "submitted"


@pytest.mark.row("E11")
def test_tunisia_is_a_good_partner_and_no_lead():
    partner = make.cluster("TN")
    good = Scene(partners=[{"cluster": str(partner.pk)}])
    assert good.bid.perform("submit", by=good.manager).state == "submitted"
    led = Scene(country="TN")
    (note,) = led.now().problems()

    assert (note.field, note.blocks) == ("lead_cluster", False)
    assert "Tunisia" in note.sentence and "Member State" in note.sentence
    led.bid.perform("submit", by=led.manager)
    no = [row | ({"answer": "no"} if row["point"] == "established" else {}) for row in make.MET]
    why = {"answers": no, "reason_code": "not_eu", "reason": "Not in the EU."}
    refused = led.now().perform("declare_ineligible", by=led.coordinator, **why)
    assert refused.state == "ineligible"


# -- answers


def test_conditions_and_limits_of_the_questions_decide():
    scene = Scene(questions=ASKED)
    make.typed(scene.bid, scene.manager, q_stage="old", q_why="one two three four")
    assert scene.said() == [
        "Since: Please answer this question.",
        "Why: Shorten this by 1 words; 3 are allowed.",
        "Budget: Please answer this question.",
    ]
    make.typed(scene.bid, scene.manager, turn=2, q_stage="new", q_why="one two three")
    scene.bid.perform("add_document", by=scene.manager, files=upload(), question="budget")
    assert scene.said() == []
    scene.bid.perform("submit", by=scene.manager)

    content = scene.now().submissions.get().content
    assert set(content["answers"]) == {"stage", "why", "budget"}, "what is not asked is not handed in"
    assert content["documents"][0]["sha256"] == hashlib.sha256(PDF).hexdigest()


def test_a_draft_begun_under_earlier_questions_keeps_its_answers():
    programme = make.programme()
    coordinator = make.staff("coordinator", programme)
    call = make.call(programme, coordinator, open_now=False)
    call.perform("write_questions", by=coordinator, sections=ASKED)
    call.perform("publish", by=coordinator)
    cluster = make.cluster()
    manager = make.manager_of(cluster)
    bid = make.draft(call, manager, cluster)
    make.typed(bid, manager, q_stage="old", q_why="because")
    fewer = [ASKED[0] | {"questions": [ASKED[0]["questions"][2]]}]
    call.perform("write_questions", by=coordinator, sections=fewer)
    now = Application.objects.get(pk=bid.pk)

    assert now.answers == {"stage": "old", "why": "because"}
    assert [name for name in now.draft() if name.startswith("q_")] == ["q_why"]
    make.typed(now, manager, turn=2, q_why="still so")
    assert Application.objects.get(pk=bid.pk).answers == {"stage": "old", "why": "still so"}


def test_questions_are_shown_in_the_reader_s_language(client):
    scene = Scene(questions=ASKED)
    client.force_login(scene.manager)
    client.cookies["django_language"] = "nl"
    answer = client.get(scene.desk(), headers={"accept-language": "nl"})
    assert "Fase" in answer.content.decode()


def test_a_program_gives_its_answers_with_the_whole_draft_and_hears_which_is_none():
    scene = Scene(questions=ASKED, answers={"stage": "new", "why": "so"})
    assert scene.now().answers == {"stage": "new", "why": "so"}
    for wrong in ({"stage": "never"}, {"none": "x"}, {"budget": "x"}, ["x"]):
        with pytest.raises(Invalid) as refused:
            make.draft(scene.call, make.manager_of(other := make.cluster()), other, answers=wrong)
        assert list(refused.value.errors) == ["answers"]


# -- documents


def test_a_file_is_replaced_and_removed_and_read_by_those_who_may(client):
    scene = Scene(questions=ASKED)
    make.typed(scene.bid, scene.manager, q_stage="new")
    for name in ("first.pdf", "second.pdf"):
        scene.bid.perform("add_document", by=scene.manager, files=upload(name), question="budget")
    (paper,) = scene.bid.papers.all()
    assert paper.document.name == "second.pdf"
    supporting = scene.bid.perform("add_document", by=scene.manager, files=upload("letter.pdf")).papers.get(question="")
    scene.bid.perform("remove_document", by=scene.manager, paper=supporting.pk)
    scan()
    evaluator, stranger = make.staff("evaluator", scene.programme), make.staff("evaluator", scene.programme)
    fellow = make.manager_of(scene.cluster)

    def readers():
        people = {"office": scene.coordinator, "evaluator": evaluator, "stranger": stranger, "fellow": fellow,
                  "manager": scene.manager, "observer": make.staff("observer", scene.programme)}  # fmt: skip
        return {name for name, one in people.items() if Document.objects.visible_to(one).filter(pk=paper.document_id)}

    assert readers() == {"fellow", "manager"}, "a draft is read by nobody else"
    scene.bid.perform("submit", by=scene.manager)
    scene.now().perform("declare_eligible", by=scene.coordinator, answers=make.MET)
    from facility.evaluation import Evaluation

    asked = Evaluation().perform("assign", by=scene.coordinator, application=scene.now(), evaluator=evaluator)
    asked.perform("accept", by=evaluator)
    assert readers() == {"office", "evaluator", "fellow", "manager"}
    gone = Document.objects.get(pk=supporting.document_id)
    assert not Document.objects.visible_to(scene.coordinator).filter(pk=gone.pk).exists()
    client.force_login(evaluator)
    answer = client.get(f"/workspace/documents/{paper.document_id}/file/")
    answer.close()
    assert answer.status_code == 200


def test_a_file_replaced_in_a_clarification_stays_with_the_submission_it_came_with():
    scene = Scene(questions=ASKED, answers={"stage": "new"})
    scene.bid.perform("add_document", by=scene.manager, files=upload("first.pdf"), question="budget")
    scan()
    scene.returned("q_budget")
    scene.now().perform("add_document", by=scene.manager, files=upload("second.pdf"), question="budget")
    scene.now().perform("resubmit", by=scene.manager, clarification="A better one.")

    assert [paper.document.name for paper in scene.now().files()] == ["second.pdf"]
    first = scene.now().submissions.get(number=1).content["documents"][0]
    assert first["name"] == "first.pdf"
    assert Document.objects.visible_to(scene.coordinator).filter(pk=first["document"]).exists()


def test_a_file_that_is_not_what_it_says_is_refused_and_nothing_stays(scene):
    for name, content, said in (("a.pdf", b"MZ", "is not what its name says"), ("a.exe", b"MZ", "Accepted are: pdf")):
        with pytest.raises(Invalid, match=said):
            scene.bid.perform("add_document", by=scene.manager, files=upload(name, content))
    assert not Document.objects.exists()
    scene.bid.perform("add_document", by=scene.manager, files=upload("broken.docx", b"PK\x03\x04 no archive"))
    scan()
    assert any("broken.docx was not accepted" in sentence for sentence in scene.said())


# -- the consortium


@pytest.fixture
def joint():
    partners = [make.cluster("PT", name="Polo Alfa"), make.cluster("TN", name="Zone Tunis")]
    scene = Scene(confirmed=False, partners=[{"cluster": str(one.pk)} for one in partners])
    scene.partners = partners
    scene.managers = [make.manager_of(one) for one in partners]
    return scene


def part(scene, at):
    return scene.now().partners.get(cluster=scene.partners[at])


def confirm(scene, at, by=None):
    said = {"partner": part(scene, at).pk, "role": "Tester", "contribution": "Twelve firms."}
    return scene.now().perform("confirm_part", by=by or scene.managers[at], **said)


def test_each_partner_confirms_in_person_and_a_withdrawn_confirmation_blocks(joint):
    confirm(joint, 0)
    assert joint.said() == ["Zone Tunis has not confirmed its part yet."]
    with pytest.raises(Invalid):
        confirm(joint, 1, by=joint.managers[0])
    with pytest.raises(NotAllowed):
        confirm(joint, 1, by=joint.manager)
    confirm(joint, 1)
    assert joint.said() == []
    joint.now().perform("refuse_part", by=joint.managers[1], partner=part(joint, 1).pk, reason="No time.")
    assert joint.said() == ["Zone Tunis does not take part; remove it, or ask it once more."]
    joint.now().perform("remove_partner", by=joint.manager, partner=part(joint, 1).pk)
    assert joint.said() == []


def test_a_change_of_partners_or_text_keeps_the_confirmations_of_those_that_stay(joint):
    confirm(joint, 0)
    before = part(joint, 0)
    third = make.cluster("IT")
    values = {
        name: getattr(joint.now(), name) for name in ("title_text", "motivation", "context", "strategic_focus")
    } | {"call": joint.call, "lead_cluster": joint.cluster, "has_signed": True, "needs": [], "training_needs": ""}
    rows = [{"cluster": str(one.pk)} for one in (joint.partners[0], third)]
    joint.now().perform("edit", by=joint.manager, partners=rows, **values | {"motivation": "Another text."})

    assert part(joint, 0).pk == before.pk and part(joint, 0).answer == "yes"
    assert set(joint.now().partners.values_list("cluster", "answer")) == {(joint.partners[0].pk, "yes"), (third.pk, "")}


def test_control_partners_written_anew_lose_what_they_confirmed(joint, monkeypatch):
    taken = Drafting.take

    def anew(self, data, by):
        self.partners.all().delete()
        taken(self, data, by)

    monkeypatch.setattr(Drafting, "take", anew)
    with pytest.raises(AssertionError):
        test_a_change_of_partners_or_text_keeps_the_confirmations_of_those_that_stay(joint)


def test_a_contact_who_has_an_account_is_asked_there_and_is_tied_to_the_cluster_from_then_on(scene):
    adviser, cluster = make.person("Leïla Demo"), make.cluster("TN")
    told = {"cluster": cluster.pk, "role": "Tester", "name": adviser.name, "email": adviser.email}
    scene.bid.perform("ask_partner", by=scene.manager, **told)

    assert Notice.objects.filter(to=adviser, record_id=scene.bid.pk).count() == 1
    assert tied_clusters(adviser).filter(pk=cluster.pk).exists()


def test_a_partner_without_an_account_confirms_by_a_link_that_works_once(scene, mailoutbox):
    client = signing.client()
    from facility.workflow.jobs import Job, run

    cluster = make.cluster("TN", name="Grappe de Sfax")
    with pytest.raises(Invalid, match="Nobody of this cluster"):
        scene.bid.perform("ask_partner", by=scene.manager, cluster=cluster.pk)
    told = {"cluster": cluster.pk, "role": "Tester", "name": "Leïla Demo", "email": "leila@example.org"}
    scene.bid.perform("ask_partner", by=scene.manager, **told)
    job = Job.objects.get(name="facility.ask_partner")
    assert "leila" not in json.dumps(job.args)
    run(str(job.pk))
    body = mailoutbox[0].body
    link = next(word for word in body.split() if "/part/" in word)
    path = "/part/" + link.split("/part/")[1]
    page = client.get(path).content.decode()
    assert "Does your cluster take part?" in page and scene.now().title_text in page
    said = {"partner": str(scene.now().partners.get().pk), "contribution": "Ten firms."}
    assert client.post(path, said | {"role": ""}).status_code == 400
    assert client.post(path, said | {"role": "Tester"}).status_code == 302
    partner = scene.now().partners.get()
    assert (partner.answer, partner.contribution, partner.answered_by.name) == ("yes", "Ten firms.", "Leïla Demo")
    assert client.post(path, said | {"role": "Other"}).status_code == 410
    assert scene.now().partners.get().role == "Tester"


def test_a_lead_cannot_answer_for_a_partner_by_its_own_address(joint):
    cluster = make.cluster("FR")
    told = {"cluster": cluster.pk, "role": "", "name": "Me"}
    with pytest.raises(Invalid, match="not by your own cluster"):
        joint.bid.perform("ask_partner", by=joint.manager, email=joint.manager.email, **told)
    with pytest.raises(Invalid, match="has a manager with an account"):
        joint.bid.perform(
            "ask_partner", by=joint.manager, **told | {"cluster": joint.partners[0].pk, "email": "a@b.example"}
        )


def test_at_most_four_partners(scene):
    for at in range(5):
        cluster = make.cluster("PT")
        make.manager_of(cluster)
        if at < 4:
            scene.bid.perform("ask_partner", by=scene.manager, cluster=cluster.pk)
    with pytest.raises(Invalid, match="At most 4"):
        scene.bid.perform("ask_partner", by=scene.manager, cluster=cluster.pk)


# -- declaration, receipt


def test_a_new_text_of_the_declaration_asks_for_a_new_signature(scene):
    assert scene.said() == []
    Declaration().perform("write", by=scene.lead, programme=scene.programme, text="Truly.", texts={"nl": "Echt."})
    assert scene.said() == ["The declaration of honour has a new text; read and sign it."]
    with pytest.raises(Invalid, match="new text"):
        scene.bid.perform("sign", by=scene.manager, version=0)
    fellow = make.manager_of(scene.cluster)
    scene.bid.perform("sign", by=fellow, version=1)

    assert scene.said() == []
    assert (scene.now().signed_version, scene.now().signed_by) == (1, fellow)


def test_the_receipt_has_the_time_in_the_zone_of_the_call_and_a_hash_over_everything(scene, client):
    with time_machine.travel(scene.call.closes_at - dt.timedelta(minutes=1), tick=False):
        scene.bid.perform("submit", by=scene.manager)
        local = clock.now().astimezone(__import__("zoneinfo").ZoneInfo("Europe/Brussels"))
    client.force_login(scene.manager)
    html = client.get(f"/workspace/applications/{scene.bid.pk}/receipt/").content.decode()
    one = scene.now().submissions.get()

    assert one.sha256 in html and f"{local:%H:%M:%S} (Europe/Brussels)" in html
    assert "Members ask for it." in html
    plain = json.dumps(one.content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(plain.encode()).hexdigest() == one.sha256 == scene.now().receipt
    notice = Notice.objects.get(to=scene.manager, key__startswith="Your application")
    assert one.sha256 in notice.text() and "Europe/Brussels" in notice.text()
    client.force_login(make.manager_of(make.cluster()))
    assert client.get(f"/workspace/applications/{scene.bid.pk}/receipt/").status_code == 404


@pytest.mark.parametrize(
    "field", ["motivation", "context", "training_needs", "title", "needs", "partners", "declaration"]
)
def test_the_hash_covers_it(scene, field):
    from facility.submission import content_of, sha256_of

    content = content_of(scene.now())
    assert field in content
    assert sha256_of(content | {field: "changed"}) != sha256_of(content)


def test_a_submission_with_another_text_has_another_hash():
    first, second = Scene(), Scene(motivation="Another one.")
    for one in (first, second):
        one.bid.perform("submit", by=one.manager)
    assert first.now().receipt != second.now().receipt


def test_after_closing_by_the_server_s_clock_nothing_is_handed_in(scene):
    with time_machine.travel(scene.call.closes_at, tick=False), pytest.raises(Blocked, match="while the call is open"):
        scene.bid.perform("submit", by=scene.manager)


# -- clarification


def test_a_clarification_opens_only_the_fields_that_it_names_and_keeps_what_was_submitted(scene, client):
    before = scene.now().motivation
    scene.returned("context", "needs")
    assert scene.now().open_fields() == ["context", "needs"]
    with pytest.raises(Invalid) as refused:
        make.typed(scene.now(), scene.manager, motivation="Sneaked in.")
    assert "changes.motivation" in refused.value.errors
    with pytest.raises(Blocked):
        scene.now().perform("edit", by=scene.manager)
    make.typed(scene.now(), scene.manager, context="Clearer.")
    client.force_login(scene.manager)
    html = client.get(scene.desk("resubmit")).content.decode()
    assert "What exactly?" in html and "Clearer." in html
    scene.now().perform("resubmit", by=scene.manager, clarification="In the region of Ghent.")
    first, second = scene.now().submissions.order_by("number")

    assert (scene.now().motivation, scene.now().context) == (before, "Clearer.")
    assert first.content["context"] == "A mature cluster of a textile region."
    assert second.content["context"] == "Clearer." and scene.now().receipt == second.sha256 != first.sha256
    client.force_login(scene.coordinator)
    page = client.get(scene.bid.get_absolute_url()).content.decode()
    assert "In the region of Ghent." in page
    assert "<del>A mature cluster of a textile region.</del>" in page and "<ins>Clearer.</ins>" in page


def test_control_with_every_field_open_the_clarification_lets_others_in(scene, monkeypatch):
    scene.returned("context")
    monkeypatch.setattr(Drafting, "open_fields", lambda self: list(self.draft()))
    make.typed(scene.now(), scene.manager, motivation="Sneaked in.")
    assert scene.now().motivation == "Sneaked in."


def test_an_unknown_field_or_none_cannot_be_asked(scene):
    scene.bid.perform("submit", by=scene.manager)
    for fields in ([], ["state"], ["receipt"]):
        with pytest.raises(Invalid):
            scene.now().perform("return_for_clarification", by=scene.coordinator, reason="?", fields=fields, days=7)


def test_a_reminder_comes_before_the_answer_is_due(scene):
    scene.returned("context", days=10)
    timer = clock.Timer.objects.get(record_id=scene.bid.pk)
    start = timezone.now()

    assert abs(timer.due_at - start - dt.timedelta(days=10)) < dt.timedelta(hours=2)
    with time_machine.travel(start + dt.timedelta(days=8, hours=2), tick=False):
        tasks.tick()
    assert Notice.objects.filter(to=scene.manager, key__startswith="Reminder").count() == 1
    scene.now().perform("resubmit", by=scene.manager, clarification="Done.")
    assert not clock.Timer.objects.filter(record_id=scene.bid.pk, state="returned").exists()


# -- the intake's own need


@pytest.mark.row("E07")
@pytest.mark.parametrize(("focus", "raised"), [(1, 1), (2, 1), (3, 0), (5, 0), (None, 0)])
def test_a_weak_strategic_focus_raises_one_need(focus, raised):
    scene = Scene(strategic_focus=focus)
    scene.bid.perform("submit", by=scene.manager)
    found = scene.now().needs.filter(source="intake")

    assert found.count() == raised
    assert all((need.text, need.rank) == (INTAKE_NEED, 2) for need in found)


@pytest.mark.row("E07")
def test_the_need_is_never_raised_twice_and_goes_when_the_rating_is_mended(client):
    scene = Scene(strategic_focus=1)
    scene.returned("needs", "strategic_focus")
    more = [{"area": "water-use", "text": "Less water."}, {"area": "waste-management", "text": "Less waste."}]
    make.typed(scene.now(), scene.manager, needs=more)
    scene.now().perform("resubmit", by=scene.manager, clarification="More needs.")
    assert [(need.rank, need.source) for need in scene.now().needs.order_by("rank")] == [
        (1, "applicant"), (2, "applicant"), (3, "intake"),
    ]  # fmt: skip
    client.force_login(scene.coordinator)
    told = client.get(f"/api/applications/{scene.bid.pk}/").json()
    assert [need["source"] for need in told["needs"]] == ["applicant", "applicant", "intake"]
    assert "Intake" in client.get(scene.bid.get_absolute_url()).content.decode()
    again = {"reason": "And?", "fields": ["strategic_focus"], "days": 5}
    scene.now().perform("return_for_clarification", by=scene.coordinator, **again)
    make.typed(scene.now(), scene.manager, turn=9, strategic_focus=5)
    scene.now().perform("resubmit", by=scene.manager, clarification="We chose.")
    assert not scene.now().needs.filter(source="intake").exists()


@pytest.mark.row("E07")
def test_control_raised_without_a_look_there_would_be_two(scene, monkeypatch):
    from django.db import IntegrityError

    from facility.papers import ApplicationNeed

    weak = Scene(strategic_focus=1)
    weak.bid.perform("submit", by=weak.manager)
    with pytest.raises(IntegrityError, match="intake_need_once"):
        ApplicationNeed.objects.bulk_create(
            [ApplicationNeed(application_id=weak.bid.pk, rank=9, area="water-use", text="Again", source="intake")]
        )
