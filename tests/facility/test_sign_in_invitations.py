"""Invitations: the mail, its one-use link, a new one, and who may invite whom for which cluster."""

from __future__ import annotations

import datetime as dt

import pytest
from allauth.socialaccount.models import SocialAccount

from facility.forms.registry import GiveGrant
from facility.instruments.link import Link
from facility.registry.grants import Grant
from facility.registry.people import Person
from facility.workflow import clock
from facility.workflow.jobs import Job
from facility.workflow.steps import SYSTEM, Blocked, Invalid, NotAllowed, NotFound
from tests import factories as make
from tests.facility import signing
from tests.facility.signing import client, is_in

pytestmark = pytest.mark.django_db
FIRST = {"password1": "a first horse battery", "password2": "a first horse battery"}


@pytest.fixture
def office():
    return make.staff("coordinator", make.programme())


def programme_of(person):
    return person.grants.get(scope_type="programme").programme


def invited(by, role="evaluator", scope="programme", key=None, email="new.person@example.org", **more):
    programme = programme_of(by)
    values = {"email": email, "name": "Nora Newcomer", "role": role, "scope_type": scope, "programme": programme}
    return Grant().perform("give", by=by, **values, scope_key=str(key or programme.pk), **more)


def letter_of():
    (letter,) = signing.work("facility.invite")
    return letter


def path_of(letter):
    return signing.path_in(letter)


# -- the mail and its link


def test_whoever_is_new_gets_a_mail_sets_a_password_and_is_in(office):
    grant = invited(office)
    letter = letter_of()
    assert letter.to == ["new.person@example.org"] and "Nora Newcomer" in letter.body
    assert "/accounts/invitation/" in path_of(letter)
    assert not any("@" in str(job.args) for job in Job.objects.all())
    browser = client()
    assert "Welcome, Nora Newcomer" in browser.get(path_of(letter)).content.decode()
    assert browser.post(path_of(letter), FIRST)["Location"] == "/workspace/"
    assert is_in(browser) and browser.session["_auth_user_id"] == str(grant.person_id)
    assert signing.sign_in(client(), grant.person, FIRST["password1"]).status_code == 302


def test_of_two_links_that_were_opened_at_once_only_the_first_sets_a_password(office):
    """Both looked good when they were opened; the second learns of the first before it writes."""
    person = invited(office).person
    one, two = (Link.find(Link.make(person, person.grants.first(), Link.SIGN_IN)) for _ in range(2))
    assert one.set_up(lambda: Person.objects.filter(pk=person.pk).update(password="first!")) == 1
    with pytest.raises(NotFound):
        two.set_up(lambda: Person.objects.filter(pk=person.pk).update(password="second!"))
    assert Person.objects.get(pk=person.pk).password == "first!"


def test_an_invitation_that_cannot_be_sent_is_told_to_the_lead(office):
    lead = make.staff("lead", programme_of(office))
    grant = invited(office)
    assert [one.pk for one in grant.overseers()] == [lead.pk]


def test_only_the_hash_of_the_code_is_kept(office):
    invited(office)
    code = path_of(letter_of()).split("/")[-2]
    assert code not in str(Link.objects.values()) and code not in str(Job.objects.values())


@pytest.mark.parametrize("password", ["short", "1234567890123", "newcomer-nora"])
def test_a_weak_password_is_refused_and_the_link_lives_on(office, password):
    invited(office)
    path, browser = path_of(letter_of()), client()
    assert browser.post(path, {"password1": password, "password2": password}).status_code == 400
    assert browser.post(path, FIRST).status_code == 302


def test_one_answer_for_links_that_are_unknown_used_over_or_not_needed(office):
    person = invited(office).person
    path = path_of(letter_of())
    unknown = client().get("/accounts/invitation/no-such-code/")
    client().post(path, FIRST)
    used = client().get(path)
    assert unknown.status_code == used.status_code == 404
    person.set_unusable_password()
    Person.objects.filter(pk=person.pk).update(password=person.password, last_login=None)
    Grant.objects.get(person=person).perform("invite", by=office)
    fresh = path_of(letter_of())
    answers = [unknown, used]
    Link.objects.filter(used_at=None).update(until_at=clock.now() - dt.timedelta(seconds=1))
    answers.append(client().get(fresh))
    Link.objects.filter(used_at=None).update(until_at=clock.now() + dt.timedelta(days=1))
    assert client().get(fresh).status_code == 200
    person.set_password(signing.PASSWORD)
    person.save()
    answers += [client().get(fresh), client().post(fresh, FIRST)]
    person.is_active = False
    person.save()
    answers.append(client().get(fresh))
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content.decode().partition("<main")[2].partition("</main>")[0] for answer in answers}) == 1
    assert person.check_password(signing.PASSWORD)


def test_a_new_link_can_be_sent_and_ends_the_one_before(office):
    grant = invited(office)
    old = path_of(letter_of())
    grant.perform("invite", by=office)
    new = path_of(letter_of())
    assert client().get(old).status_code == 404
    assert client().post(new, FIRST).status_code == 302
    with pytest.raises(Blocked, match="can sign in already"):
        Grant.objects.get(pk=grant.pk).perform("invite", by=office)


def test_the_page_for_a_forgotten_password_helps_whoever_was_invited_too(office):
    grant = invited(office)
    client().post("/accounts/password/reset/", {"email": grant.person.email})
    (letter,) = signing.work("facility.mail_new_password")
    assert letter.to == [grant.person.email]


def test_codes_are_guessed_five_times_a_minute_and_not_more():
    browser = client()
    got = [browser.get(f"/accounts/invitation/guess-{n}/").status_code for n in range(7)]
    assert got == [404] * 5 + [429] * 2


def test_control_without_the_limit_guessing_goes_on(monkeypatch):
    from facility.instruments.link import Tries

    monkeypatch.setattr(Tries, "allow_request", lambda self, request, view: True)
    browser = client()
    assert {browser.get(f"/accounts/invitation/guess-{n}/").status_code for n in range(9)} == {404}


def test_an_invitation_is_no_link_for_a_step_and_no_step_is_an_invitation(office):
    grant = invited(office)
    code = path_of(letter_of()).split("/")[-2]
    assert client().get(f"/c/{code}/").status_code == 404
    other = Link.make(grant.person, grant, "confirm")
    assert client().get(f"/accounts/invitation/{other}/").status_code == 404


def test_who_was_known_or_is_only_read_about_is_not_invited(office):
    known = make.person()
    invited(office, email=known.email)
    assert not Job.objects.filter(name="facility.invite").exists()
    Grant().perform(
        "give",
        by=SYSTEM,
        email="another@example.org",
        name="Ann Other",
        role="observer",
        scope_type="programme",
        programme=programme_of(office),
        scope_key=str(programme_of(office).pk),
    )
    assert not Job.objects.filter(name="facility.invite").exists()


def test_a_candidate_is_invited_once_admitted_and_not_before(office):
    from advisory.advisor import Advisor
    from tests.advisory import making_matching as making

    advisor = making.pooled(programme_of(office), office)
    person = advisor.person
    assert isinstance(advisor, Advisor)
    jobs = Job.objects.filter(name="facility.invite")
    about = [Grant.objects.get(pk=job.record_id) for job in jobs]
    assert {(one.person_id, one.scope_type) for one in about} <= {(person.pk, "programme")}


# -- by the provider


def test_whoever_is_invited_connects_the_provider_instead(office, provider):
    grant = invited(office)
    path, browser = path_of(letter_of()), client()
    assert "Connect EU Login" in browser.get(path).content.decode()
    back = provider.back(browser.post(path, {"elsewhere": "1"}), "nora")
    assert browser.get(back)["Location"] == "/workspace/"
    assert is_in(browser) and SocialAccount.objects.get().user_id == grant.person_id
    assert client().get(path).status_code == 404
    again = client()
    provider.sign_in(again, "nora")
    assert is_in(again)


def test_two_ways_at_once_leave_one(office, provider):
    """The password is set while the person is at the provider: the link is used, and the account stays unknown."""
    invited(office)
    path, browser = path_of(letter_of()), client()
    back = provider.back(browser.post(path, {"elsewhere": "1"}), "olga")
    assert client().post(path, FIRST).status_code == 302
    assert "This account is not known here" in browser.get(back).content.decode()
    assert not SocialAccount.objects.exists() and not is_in(browser)


def test_an_invitation_binds_only_the_way_that_it_began(office, provider):
    """Whoever leaves the provider's page and signs in later by the button is not connected with the invited account."""
    invited(office)
    browser = client()
    browser.post(path_of(letter_of()), {"elsewhere": "1"})
    assert "This account is not known here" in provider.sign_in(browser, "pia").content.decode()
    assert not SocialAccount.objects.exists()


# -- several accounts for a cluster


def for_cluster(by, cluster, email="second@example.org", **more):
    values = {"email": email, "name": "Sam Second", "role": "manager", "scope_type": "cluster"}
    return Grant().perform("give", by=by, **values, scope_key=str(cluster.pk), **more)


def test_a_coordinator_names_the_first_manager_of_a_cluster(office):
    cluster = make.cluster()
    for_cluster(office, cluster, programme=programme_of(office))
    assert letter_of().to == ["second@example.org"]


def test_a_coordinator_adds_managers_where_the_cluster_takes_part(office):
    lead = make.staff("lead", programme_of(office))
    call = make.call(programme_of(office), lead)
    cluster, partner = make.cluster(), make.cluster()
    manager = make.manager_of(cluster)
    make.manager_of(partner)
    made = make.draft(call, manager, cluster, partners=[{"cluster": str(partner.pk)}])
    with pytest.raises(Invalid, match="takes part in another programme or has a manager already"):
        for_cluster(office, cluster, programme=programme_of(office))
    made.perform("submit", by=manager)
    for_cluster(office, cluster, programme=programme_of(office))
    for_cluster(office, partner, email="third@example.org", programme=programme_of(office))


def test_a_coordinator_does_not_get_hold_of_a_cluster_of_another_programme(office):
    cluster = make.cluster()
    make.manager_of(cluster)
    with pytest.raises(Invalid, match="takes part in another programme or has a manager already"):
        for_cluster(office, cluster, programme=programme_of(office))


def test_control_without_the_narrowing_the_coordinator_gets_hold_of_it(office, monkeypatch):
    monkeypatch.setattr(GiveGrant, "check_cluster", lambda self, data: None)
    cluster = make.cluster()
    make.manager_of(cluster)
    assert for_cluster(office, cluster, programme=programme_of(office)).pk


def test_a_manager_invites_a_second_and_a_third_for_their_own_cluster_only(office):
    cluster, other = make.cluster(), make.cluster()
    make.manager_of(other)
    first = for_cluster(office, cluster, email="first@example.org", programme=programme_of(office)).person
    second = for_cluster(first, cluster)
    assert second.programme == programme_of(office)
    for_cluster(second.person, cluster, email="third@example.org")
    letters = signing.work("facility.invite")
    assert {to for letter in letters for to in letter.to} >= {"second@example.org", "third@example.org"}
    assert Grant.objects.visible_to(first).filter(scope_key=cluster.pk).count() == 3
    with pytest.raises(Invalid):
        for_cluster(first, other)


@pytest.mark.parametrize(
    "more",
    [
        {"role": "evaluator"},
        {"role": "lead"},
        {"scope_type": "programme"},
        {"programme": "any"},
    ],
)
def test_a_manager_gives_no_other_role(office, more):
    cluster = make.cluster()
    manager = make.manager_of(cluster)
    more = {name: str(programme_of(office).pk) if value == "any" else value for name, value in more.items()}
    values = {"email": "x@example.org", "name": "X", "role": "manager", "scope_type": "cluster"} | more
    with pytest.raises((Invalid, NotAllowed)):
        Grant().perform("give", by=manager, **values, scope_key=str(cluster.pk))


def test_former_managers_and_strangers_invite_nobody(office):
    cluster = make.cluster()
    former = for_cluster(office, cluster, email="former@example.org", programme=programme_of(office)).person
    lead = make.staff("lead", programme_of(office))
    former.grants.get().perform("revoke", by=lead, reason="Left.")
    for person in (former, make.person(), make.manager_of(make.cluster())):
        with pytest.raises((Invalid, NotAllowed)):
            for_cluster(person, cluster)


def test_a_manager_finds_the_way_on_the_page_of_the_account():
    cluster = make.cluster()
    manager, browser = make.manager_of(cluster), client()
    signing.sign_in(browser, manager)
    assert f"give/?scope_key={cluster.pk}" in browser.get("/workspace/account/").content.decode()
    where = f"/workspace/grants/new/give/?scope_key={cluster.pk}"
    page = browser.get(where).content.decode()
    assert cluster.name in page and "Evaluator" not in page
    sent = {"email": "second@example.org", "name": "Sam", "role": "manager", "scope_type": "cluster"}
    done = browser.post(where, sent | {"scope_key": str(cluster.pk)})
    assert done.status_code == 302 and browser.get(done["Location"]).status_code == 200
