"""The homes by role: what waits comes first, and the number of questions does not grow with the rows."""

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from facility.evaluation import Evaluation
from facility.registry.grants import grant
from facility.workflow.steps import SYSTEM
from reporting import dashboard
from tests import factories as make
from tests.advisory import making_support as support

pytestmark = pytest.mark.django_db


def home(client, person, **headers):
    client.force_login(person)
    return client.get("/workspace/", headers=headers).content.decode().split("<main")[1]


@pytest.fixture
def programme():
    return make.programme()


def drafts(programme, manager, count=1):
    """Drafts of a manager, each in a call of its own."""
    coordinator = make.staff("coordinator", programme)
    made = []
    for _ in range(count):
        cluster = make.cluster()
        grant(manager, "manager", "cluster", cluster.pk, by=SYSTEM)
        made.append(make.draft(make.call(programme, coordinator), manager, cluster))
    return made


# -- what waits


def test_what_waits_is_named_by_step_with_a_sentence_and_an_address(programme):
    manager = make.person()
    (bid,) = drafts(programme, manager)
    (task,) = dashboard.tasks(manager)

    assert task["title"] == bid.lead_cluster.name
    assert task["step"]["label"] == "Submit application"
    assert task["url"] == bid.get_absolute_url()
    assert task["why"].startswith("Application. Hands the application over to the coordinators.")


def test_due_dates_order_what_waits(programme):
    coordinator, evaluator = make.staff("coordinator", programme), make.staff("evaluator", programme)
    call = make.call(programme, coordinator)
    for days in (5, 0):
        with time_machine.travel(timezone.now() + dt.timedelta(days=days), tick=False):
            cluster = make.cluster(name=f"Cluster of day {days}")
            manager = make.manager_of(cluster)
            bid = make.draft(call, manager, cluster)
            bid.perform("submit", by=manager)
            bid.perform("declare_eligible", by=coordinator, answers=make.MET)
            Evaluation().perform("assign", by=coordinator, application=bid, evaluator=evaluator)
    tasks = dashboard.tasks(evaluator)

    assert [task["title"] for task in tasks] == ["Cluster of day 0", "Cluster of day 5"]
    assert tasks[0]["due_at"] < tasks[1]["due_at"]


def test_many_of_one_kind_are_one_line(programme):
    manager = make.person()
    drafts(programme, manager, 6)
    (task,) = dashboard.tasks(manager)

    assert task["title"] == "6 applications: Submit application"
    assert task["url"] == "/workspace/applications/?state=draft"


def test_nothing_of_others_waits(programme):
    drafts(programme, make.person())

    assert dashboard.tasks(make.person()) == []
    assert dashboard.tasks(make.staff("coordinator", make.programme())) == []


def test_blocked_by_role_is_not_waiting(programme):
    """The coordinator may not approve a ranking, the lead may."""
    from facility.selection import Selection

    lead, coordinator, evaluator = (make.staff(role, programme) for role in ("lead", "coordinator", "evaluator"))
    call = make.call(programme, coordinator)
    make.evaluated(call, coordinator, evaluator)
    with time_machine.travel(call.closes_at + dt.timedelta(hours=1), tick=False):
        call.perform("close", by=SYSTEM)
        selection = Selection().perform("create", by=coordinator, call=call)
        selection.perform("propose", by=coordinator, overrides=[])
        labels = {
            person: {str(task["step"]["label"]) for task in dashboard.tasks(person)} for person in (lead, coordinator)
        }

    assert "Approve ranking" in labels[lead]
    assert "Approve ranking" not in labels[coordinator]


# -- by role


@pytest.mark.parametrize(
    ("role", "words"),
    [
        ("lead", "member firms reached"),
        ("coordinator", "member firms reached"),
        ("evaluator", "My queue"),
        ("observer", "Selected clusters by country"),
        ("policymaker", "Nothing waits on you."),
        ("administrator", "Nothing waits on you."),
    ],
)
def test_each_role_has_its_home(client, programme, role, words):
    assert words in home(client, make.staff(role, programme))


@pytest.mark.parametrize(
    ("role", "trail", "jobs"), [("lead", 1, 1), ("coordinator", 1, 1), ("observer", 1, 0), ("evaluator", 0, 0)]
)
def test_the_foot_leads_to_what_the_role_looks_after(client, programme, role, trail, jobs):
    html = home(client, make.staff(role, programme))

    assert (html.count('href="/workspace/trail/"'), html.count('href="/workspace/jobs/"')) == (trail, jobs)


def test_a_manager_s_and_an_advisor_s_home_show_their_project(client):
    one = support.case("in_support")
    for person in (one.manager, one.adviser):
        html = home(client, person)
        assert one.project.name in html
        assert "days used" in html
        assert str(one.adviser) in html
    assert "Log a session" in home(client, one.adviser)


def test_whoever_coordinates_and_manages_sees_the_coordinator_s_home(client, programme):
    person = make.staff("coordinator", programme)
    grant(person, "manager", "cluster", make.cluster().pk, by=SYSTEM)

    assert "member firms reached" in home(client, person)


def test_somebody_without_any_role_has_a_home_too(client):
    html = home(client, make.person("Ada Nowak"))

    assert "Welcome back, Ada" in html
    assert "Nothing waits on you." in html


def test_a_manager_starts_an_application_only_while_a_call_is_open(client, programme):
    manager = make.manager_of(make.cluster())
    assert "New application" not in home(client, manager)
    make.call(programme, make.staff("coordinator", programme))
    assert "New application" in home(client, manager)


def test_coming_dates_are_those_the_person_may_know(client, programme):
    coordinator = make.staff("coordinator", programme)
    make.call(programme, coordinator, title_text="Call of spring")
    make.call(programme, coordinator, title_text="Call of autumn", open_now=False)
    html = home(client, make.person())

    assert "The call closes:" in html
    assert "Call of spring" in html
    assert "Call of autumn" not in html
    assert "The programme ends:" in home(client, coordinator)
    assert "The programme ends:" not in html


def test_what_others_did_since_one_s_last_act(client, programme):
    coordinator, other = make.staff("coordinator", programme), make.staff("coordinator", programme)
    make.call(programme, other, title_text="Before", open_now=False)
    make.call(programme, coordinator, title_text="Mine", open_now=False)
    make.call(programme, other, title_text="After", open_now=False)
    feed = home(client, coordinator).split("Since your last act")[1]

    assert "After" in feed
    assert "Before" not in feed
    assert "Mine" not in feed
    assert "In the last seven days" in home(client, make.staff("lead", programme))


def test_what_applicants_draft_is_no_news(client, programme):
    coordinator = make.staff("coordinator", programme)
    drafts(programme, make.person())

    assert "New application" not in home(client, coordinator)


def test_the_figures_count(programme):
    one = support.case("in_support", programme=programme)
    support.session(one, "approved")
    support.session(one, "logged", firms=[str(firm.pk) for firm in one.firms])
    figures = {str(figure["label"]): figure["value"] for figure in dashboard.figures([programme.pk])}

    budget = one.project.days_budget
    assert figures["applications"] == 1
    assert figures["projects"] == 1
    assert float(figures[f"days approved of {budget}"]) == pytest.approx(4.5 / 8, abs=0.1)
    assert figures["member firms reached"] == 2
    assert {str(f["label"]): f["value"] for f in dashboard.figures([make.programme().pk])}["applications"] == 0


# -- languages


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "nl",
            [
                "Welkom terug, Ada",
                "Wacht op u",
                "Aanvraag indienen",
                "Uw aanvragen",
                "Concept",
                "Wat volgt",
                "De oproep sluit:",
            ],
        ),
        (
            "de",
            [
                "Willkommen zurück, Ada",
                "Wartet auf Sie",
                "Antrag einreichen",
                "Ihre Anträge",
                "Entwurf",
                "Was folgt",
                "Der Aufruf schließt:",
            ],
        ),
    ],
)
def test_the_manager_s_home_speaks_the_language(client, programme, language, words):
    manager = make.person("Ada Nowak")
    drafts(programme, manager)
    client.force_login(manager)
    html = client.get("/workspace/", headers={"accept-language": language}).content.decode()

    assert f'<html lang="{language}">' in html
    assert [word for word in words if word not in html] == []
    english = [
        "Waits on you",
        "Submit application",
        "Hands the application",
        "Comes next",
        "Draft",
        ">Home<",
        "Search",
        "Sign out",
    ]
    assert [word for word in english if word in html] == []


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nl", ["Aanmelden", "Wachtwoord vergeten?", "Wachtwoord", "E-mail"]),
        ("de", ["Anmelden", "Passwort vergessen", "Passwort", "E-Mail"]),
    ],
)
def test_the_sign_in_page_speaks_the_language(client, language, words):
    html = client.get("/accounts/login/", headers={"accept-language": language}).content.decode()

    assert [word for word in words if word not in html] == []
    assert [word for word in (">Sign in<", "I forgot my password", ">Home<", "Remember") if word in html] == []


def test_the_language_switch_holds(client):
    client.post("/language/", {"language": "nl", "next": "/accounts/login/"})

    assert '<html lang="nl">' in client.get("/accounts/login/").content.decode()


# -- the number of questions


def questions(client, person, django_assert_num_queries, number, *, and_kinds=True):
    """One for each kind of record that may wait for the person, and `number` for all the rest of the page.

    A kind of which nothing can be the person's (nobody's project, say) is not asked for, which lowers the number.
    """
    client.force_login(person)
    with django_assert_num_queries(number + and_kinds * len(dashboard.kinds_waiting(person.roles_held()))):
        client.get("/workspace/")


@pytest.mark.parametrize("rows", [1, 3])
def test_a_manager_s_home_asks_the_same_number_of_questions(client, programme, django_assert_num_queries, rows):
    manager = make.person()
    drafts(programme, manager, rows)

    questions(client, manager, django_assert_num_queries, 4)


@pytest.mark.parametrize("rows", [1, 3])
def test_so_does_a_coordinator_s(client, programme, django_assert_num_queries, rows):
    coordinator = make.staff("coordinator", programme)
    for bid in drafts(programme, make.person(), rows):
        bid.perform("submit", by=bid.managers().get())
    other = make.staff("coordinator", programme)
    for _ in range(2):
        make.call(programme, other)  # the six newest entries are of one kind then; each kind is asked for once

    questions(client, coordinator, django_assert_num_queries, 16)


@pytest.mark.parametrize("rows", [1, 3])
def test_so_does_an_evaluator_s(client, programme, django_assert_num_queries, rows):
    coordinator, evaluator = make.staff("coordinator", programme), make.staff("evaluator", programme)
    for bid in drafts(programme, make.person(), rows):
        bid.perform("submit", by=bid.managers().get())
        bid.perform("declare_eligible", by=coordinator, answers=make.MET)
        Evaluation().perform("assign", by=coordinator, application=bid, evaluator=evaluator)

    questions(client, evaluator, django_assert_num_queries, 6, and_kinds=False)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(("who", "number"), [("manager", 10), ("adviser", 8), ("coordinator", 16), ("observer", 13)])
def test_so_do_those_of_a_programme_under_way(client, programme, django_assert_num_queries, rows, who, number):
    cases = support.cases(rows, programme)
    first = cases[0]
    people = {"manager": first.manager, "adviser": first.adviser, "coordinator": first.coordinator}
    for one in cases[1:]:
        grant(first.manager, "manager", "project", one.project.pk, by=SYSTEM, programme=programme)
        grant(first.adviser, "advisor", "project", one.project.pk, by=SYSTEM, programme=programme)
    person = people.get(who) or make.staff("observer", programme)
    for _ in range(2):
        make.call(programme, first.second)

    questions(client, person, django_assert_num_queries, number, and_kinds=who != "observer")
