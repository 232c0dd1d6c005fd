"""The profile of a cluster and what hangs on it, row by row."""

from __future__ import annotations

import datetime as dt
import re
import uuid

import pytest
import time_machine
from django.core import mail
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from facility.eligibility import facts_of
from facility.instruments.signature import Signature, texts_of
from facility.registry.cluster import Cluster, by_eco_sector
from facility.registry.contact import Contact
from facility.registry.cooperation import Cooperation, links_between
from facility.registry.documents import Document
from facility.registry.grants import Grant, grant
from facility.registry.organisation import Membership, members_by
from facility.registry.profile import is_region_of, nace, registration, size_class
from facility.workflow.steps import SYSTEM, Blocked, Invalid, NotAllowed, NotFound
from tests import factories as make
from tests.advisory.making_matching import run
from tests.facility import making_registry as making

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_cache(settings):
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": uuid.uuid4().hex}
    }
    cache.clear()


class Place:
    """A programme with its office, a cluster in it and its manager."""

    def __init__(self, country="ES", **fields):
        self.programme = make.programme(**fields)
        self.lead, self.coordinator, self.observer = (
            make.staff(role, self.programme) for role in ("lead", "coordinator", "observer")
        )
        self.cluster = make.cluster(country)
        self.manager = make.person("Manuela", ("manager", "cluster", self.cluster), programme=self.programme)

    def client(self, person):
        made = Client()
        made.force_login(person)
        return made

    def page(self, person=None):
        return self.client(person or self.manager).get(self.cluster.get_absolute_url()).content.decode()


@pytest.fixture
def place():
    return Place()


def profile(**fields):
    """The values of the identity form."""
    values = {"name": "Clúster Têxtil", "lang": "es", "country": "ES", "sector": "textiles"}
    return values | {"members_count": 40, "smes_count": 30} | fields


def refused(record, step, by, **data):
    with pytest.raises(Invalid) as said:
        record.perform(step, by=by, **data)
    return said.value.errors


# -- the profile


def test_a_region_must_lie_in_the_country(place):
    assert "nuts" in refused(place.cluster, "edit", place.manager, **profile(nuts="PT11"))
    assert "nuts" in refused(place.cluster, "edit", place.manager, **profile(nuts="ES99"))
    made = place.cluster.perform("edit", by=place.manager, **profile(nuts="es51", founded_in=1998, legal_form="AEI"))
    assert (made.nuts, made.founded_in, made.legal_form) == ("ES51", 1998, "AEI")
    page = place.page()
    assert "Cataluña" in page or "Catalunya" in page
    assert "1998" in page


@pytest.mark.parametrize(
    ("code", "country", "fits"),
    [("EL30", "GR", True), ("GR30", "GR", False), ("BE2", "BE", True), ("BE", "BE", False), ("TRC1", "TR", True)],
)
def test_regions_have_one_to_three_levels_and_greece_is_el(code, country, fits):
    assert is_region_of(code, country) is fits


def test_a_cluster_has_several_activities_of_the_88_divisions(place):
    codes, source = nace()
    assert (len(codes), source.title) == (88, "NACE Rev. 2, Regulation (EC) No 1893/2006, annex I")
    made = place.cluster.perform("classify", by=place.manager, nace=["13", "14"], further_ecosystems=["digital"])
    assert (made.nace, made.further_ecosystems) == (["13", "14"], ["digital"])
    assert "13 Manufacture of textiles" in place.page()
    assert "nace" in refused(place.cluster, "classify", place.manager, nace=["04"])


@pytest.mark.row("E02")
def test_core_and_other_eco_sectors_are_counted_apart_and_core_names_its_drivers(place):
    assert "demand_drivers" in refused(place.cluster, "classify", place.manager, eco_sector="core")
    place.cluster.perform("classify", by=place.manager, eco_sector="core", demand_drivers="Landfill tax.")
    make.cluster("FR").perform("classify", by=place.coordinator, eco_sector="non_core")
    make.cluster("IT")
    assert by_eco_sector(Cluster.objects.all()) == {"core": 1, "non_core": 1, "unmarked": 1}
    assert "Landfill tax." in place.page(place.observer)


@pytest.mark.row("E06")
def test_a_textile_cluster_passes_intake_and_the_share_of_other_sectors_is_told(place):
    place.cluster.perform("classify", by=place.manager, eco_sector="non_core")
    call = make.call(place.programme, place.coordinator)
    bid = make.draft(call, place.manager, place.cluster).perform("submit", by=place.manager)
    assert bid.perform("declare_eligible", by=place.coordinator, answers=make.MET).state == "eligible"
    applicants = Cluster.objects.filter(applications__call=call)
    assert by_eco_sector(applicants) == {"core": 0, "non_core": 1, "unmarked": 0}


@pytest.mark.row("E11")
def test_a_tunisian_cluster_is_a_partner_but_no_applicant(place):
    tunisian = make.cluster("TN")
    call = make.call(place.programme, place.coordinator)
    bid = make.draft(call, place.manager, place.cluster, partners=[{"cluster": str(tunisian.pk)}])
    assert bid.perform("submit", by=place.manager).state == "submitted"
    assert not tunisian.is_in_eu()
    grant(place.manager, "manager", "cluster", tunisian.pk, by=SYSTEM, programme=place.programme)
    own = make.draft(call, place.manager, tunisian).perform("submit", by=place.manager)
    assert not facts_of(own)["established"].holds
    assert "outside the European Union" in place.client(place.manager).get(tunisian.get_absolute_url()).content.decode()


def test_each_criterion_of_registration_is_met_missing_unknown_or_waived(place):
    facts = {"management_fte": "0.5", "has_english_website": True, "committed_members": 14, "member_types": ["firm"]}
    made = place.cluster.perform("describe_management", by=place.manager, **facts)
    criteria, source = made.registration()
    assert [one.standing for one in criteria] == ["met", "met", "missing", "missing"]
    assert source.id == "eccp-registration"
    assert "waiver_note" in refused(made, "describe_management", place.manager, **facts, waived_for="programme")
    waived = {"waived_for": "programme", "waiver_note": "Regional programme"}
    criteria, _source = made.perform("describe_management", by=place.manager, **facts, **waived).registration()
    assert [one.standing for one in criteria] == ["met", "met", "waived", "waived"]
    empty, _source = registration(
        management_fte=None, has_english_website=None, committed_members=None, member_types=[], is_waived=False
    )
    assert {one.standing for one in empty} == {"unknown"}


@pytest.mark.parametrize(
    ("staff", "turnover", "balance", "size"),
    [
        (9, 2_000_000, None, "micro"),
        (9, 2_000_001, 2_000_000, "micro"),  # one of the two suffices
        (9, 2_000_001, None, "small"),
        (10, 0, None, "small"),
        (50, None, 43_000_000, "medium"),
        (249, 50_000_000, 90_000_000, "medium"),
        (249, 50_000_001, 43_000_001, "large"),
        (250, 1, 1, "large"),
    ],
)
def test_the_size_of_a_firm_follows_staff_and_one_of_two_figures(staff, turnover, balance, size):
    assert size_class(staff, turnover, balance) == size


def test_without_turnover_and_balance_no_size_is_told():
    with pytest.raises(ValueError, match="turnover"):
        size_class(5, None, None)


def test_the_figures_of_a_firm_give_its_size_and_are_not_kept(place):
    made = making.member(place.cluster, place.manager, size="", headcount=12, balance_eur=9_000_000)
    assert made.size == "small"
    assert not {"headcount", "turnover_eur", "balance_eur"} & {f.name for f in type(made)._meta.fields}
    errors = refused(type(made)(), "create", place.manager, name="N", kind="firm", cluster=place.cluster, headcount=3)
    assert "turnover_eur" in errors


# -- members


@pytest.mark.row("C01")
def test_a_cluster_has_member_organisations_with_kind_role_and_joining_date(place):
    kinds = ["city", "port", "university", "sector_body", "province", "development"]
    for at, kind in enumerate(kinds):
        role, joined = ("founder" if at == 0 else "member"), dt.date(2016, 1 + at, 1)
        making.member(place.cluster, place.manager, kind=kind, size="", role=role, joined_on=joined)
    rows = Membership.objects.filter(cluster=place.cluster)
    assert {one.organisation.kind for one in rows} == set(kinds)
    assert [(one.role, one.joined_on.year) for one in rows[:2]] == [("founder", 2016), ("member", 2016)]
    assert members_by(place.cluster.pk, "kind") == dict.fromkeys(sorted(kinds), 1)
    page = place.page()
    assert "Development company" in page and "Founding member" in page


@pytest.mark.row("C01")
def test_who_leaves_or_changes_the_cluster_stays_in_the_history(place):
    other = make.cluster("FR")
    made = making.member(place.cluster, place.manager, joined_on="2016-01-01")
    assert "left_on" in refused(made, "leave", place.manager, left_on="2015-12-31")
    made.perform("leave", by=place.manager, left_on="2020-06-30")
    (one,) = Membership.objects.filter(organisation=made)
    assert (one.cluster, str(one.left_on)) == (place.cluster, "2020-06-30")
    made.refresh_from_db()
    made.perform("edit", by=place.coordinator, name=made.name, kind="port", cluster=other, joined_on="2021-01-01")
    assert [(m.cluster, m.left_on is None) for m in made.memberships.all()] == [(place.cluster, False), (other, True)]
    assert "Left" in place.page()


# -- outside assessments and indicators


@pytest.mark.row("E24")
def test_an_outside_assessment_stands_on_the_profile_with_its_document_and_enters_no_score(place):
    file = SimpleUploadedFile("emas.txt", b"Registered.")
    making.outside_assessment(place.cluster, place.manager, files={"file": file})
    run("facility.scan_document")
    document = Document.objects.get(name="emas.txt")
    page = place.page(place.observer)
    assert "EMAS" in page and reverse("document-file", kwargs={"pk": document.pk}) in page
    answer = Client().get(reverse("document-file", kwargs={"pk": document.pk}))
    assert b"".join(answer.streaming_content) == b"Registered."
    call = make.call(place.programme, place.coordinator)
    bid = make.draft(call, place.manager, place.cluster)
    assert bid.score is None and not hasattr(bid, "outside_assessments")


@pytest.mark.row("G02")
def test_an_old_measurement_still_reads_with_its_old_set(place):
    old = making.indicator_set(place.coordinator, "2016", ("A1", "A2"))
    first = making.measurement(place.cluster, old, place.manager, 2017, ("3", "4"))
    new = making.indicator_set(place.coordinator, "2020", ("B1", "B2", "B3"))
    making.measurement(place.cluster, new, place.manager, 2021, ("5",))
    (values,) = first.parts_for("staff")
    assert [[row[0], str(row[2])] for row in values["rows"]] == [["A1", "3.00"], ["A2", "4.00"]]
    with pytest.raises(Blocked):
        old.perform("edit", by=place.coordinator, **making_values(old))
    assert "indicator" in str(
        refused(first, "enter", place.manager, values=[{"indicator": new.indicators.first().pk, "value": "1"}])
    )


def making_values(one):
    """The values of a set as they stand."""
    form = one.form_for(one.step("edit"), by=None)
    return {name: form.initial[name] for name in form.fields}


# -- cooperation


@pytest.mark.row("G16")
def test_a_link_within_one_country_is_not_counted_as_cross_border(place):
    spanish, french = make.cluster("ES"), make.cluster("FR")
    since = {"since": dt.date(2020, 3, 1)}
    making.cooperation(place.cluster, spanish, place.manager, **since)
    making.cooperation(place.cluster, french, place.manager, **since, until=dt.date(2020, 12, 31), result="A fair.")
    day = dt.date
    assert links_between(day(2020, 1, 1), day(2020, 12, 31)) == {"links": 2, "cross_border": 1}
    assert links_between(day(2021, 1, 1), day(2021, 12, 31)) == {"links": 1, "cross_border": 0}
    assert links_between(day(2019, 1, 1), day(2020, 2, 29)) == {"links": 0, "cross_border": 0}
    page = place.client(place.observer).get("/workspace/cooperations/?first=2020-01-01&last=2020-12-31")
    assert re.search(r"of them cross a border</dt><dd>1</dd>", page.content.decode())
    assert "A fair." in place.page()


def test_a_lasting_cooperation_is_entered_once_from_whichever_side(place):
    other = make.cluster("FR")
    their_manager = make.manager_of(other)
    making.cooperation(place.cluster, other, place.manager)
    errors = refused(Cooperation(), "create", their_manager, cluster=other, other=place.cluster, since="2020-01-01")
    assert "other" in errors
    with pytest.raises(IntegrityError), transaction.atomic():  # also past the form
        Cooperation.objects.bulk_create([Cooperation(cluster=other, other=place.cluster, since=dt.date(2020, 1, 1))])


# -- contacts


@pytest.mark.row("F37")
def test_a_stranger_sees_a_contact_only_once_it_is_released(place):
    person = make.person("Clara Contact")
    made = making.contact(place.programme, place.cluster, place.manager, person)
    public = reverse("public-clusters", kwargs={"pk": place.cluster.pk})

    def seen():
        listed = Client().get(f"/api/contacts/{made.pk}/").status_code == 200
        assert listed == ("Clara Contact" in Client().get(public).content.decode())
        return listed

    assert not seen()
    with pytest.raises(Blocked):
        made.perform("release", by=place.manager)
    with pytest.raises(NotAllowed):
        made.perform("agree", by=place.manager, consent=True)
    made = made.perform("agree", by=person, consent=True)
    assert not seen()
    made = made.perform("release", by=place.manager)
    assert seen()
    made = made.perform("hold_back", by=place.coordinator)
    assert not seen()
    made.perform("release", by=place.coordinator).perform("end", by=person)
    assert not seen()


@pytest.mark.row("C22")
def test_after_its_end_date_a_contact_is_hidden_also_before_the_clock_has_ended_it(place):
    person = make.person("Clara Contact")
    made = making.contact(place.programme, place.cluster, place.manager, person, until_on=making.day(3))
    made.perform("agree", by=person, consent=True).perform("release", by=place.manager)
    with time_machine.travel(dt.datetime.combine(making.day(3), dt.time(12), dt.UTC), tick=False):
        assert Client().get(f"/api/contacts/{made.pk}/").status_code == 200
    with time_machine.travel(dt.datetime.combine(making.day(4), dt.time(0, 1), dt.UTC), tick=False):
        assert Contact.objects.get(pk=made.pk).state == "released"
        assert Client().get(f"/api/contacts/{made.pk}/").status_code == 404
        url = reverse("public-clusters", kwargs={"pk": place.cluster.pk})
        assert "Clara" not in Client().get(url).content.decode()


@pytest.mark.row("C22")
def test_control_with_the_state_alone_the_contact_would_still_be_shown(place, monkeypatch):
    from facility.roles import public_when
    from facility.workflow.engine import Faces

    person = make.person("Clara Contact")
    made = making.contact(place.programme, place.cluster, place.manager, person, until_on=making.day(3))
    made.perform("agree", by=person, consent=True).perform("release", by=place.manager)
    monkeypatch.setattr(Contact, "faces", Faces(Contact.faces.staff, public=public_when(state="released")))
    with time_machine.travel(dt.datetime.combine(making.day(4), dt.time(0, 1), dt.UTC), tick=False):
        assert Client().get(f"/api/contacts/{made.pk}/").status_code == 200


def test_a_contact_of_another_programme_or_cluster_is_not_known(place):
    person = make.person("Clara Contact")
    made = making.contact(place.programme, place.cluster, place.manager, person)
    elsewhere = Place()
    for stranger in (elsewhere.coordinator, elsewhere.manager, make.person()):
        assert not Contact.objects.visible_to(stranger).filter(pk=made.pk).exists()
        with pytest.raises(NotFound):
            made.perform("end", by=stranger)


# -- engagement


@pytest.fixture
def two_firms(place):
    firms = [making.member(place.cluster, place.manager, kind=kind, size="") for kind in ("city", "port")]
    return list(zip(firms, (make.person("Ada City"), make.person("Ben Port")), strict=True))


def signed(one, person):
    return one.perform("sign", by=person, seen=texts_of(one).first().sha256, has_read=True)


@pytest.mark.row("C03")
def test_a_declaration_is_complete_when_all_have_signed_and_a_new_text_asks_anew(place, two_firms):
    made = making.engagement(place.cluster, place.manager, two_firms, "We share data.")
    made = signed(made, two_firms[0][1])
    assert made.state == "open"
    made = signed(made, two_firms[1][1])
    assert (made.state, made.signed, made.named) == ("complete", 2, 2)

    rows = {"title_text": made.title_text, "signatories": making.named(two_firms)}
    made = made.perform("revise", by=place.manager, text="We share data and heat.", **rows)
    assert (made.state, made.signed, made.text_number) == ("open", 0, 2)
    old = texts_of(made).get(number=1)
    assert old.text == "We share data." and old.signatures.count() == 2
    page = place.client(place.manager).get(made.get_absolute_url()).content.decode()
    assert "We share data." in page and old.sha256[:16] in page
    for _firm, person in two_firms:
        made = signed(made, person)
    assert (made.state, Signature.objects.count()) == ("complete", 4)


@pytest.mark.row("C03")
def test_nobody_signs_a_text_that_has_changed_since_they_read_it(place, two_firms):
    made = making.engagement(place.cluster, place.manager, two_firms, "One.")
    seen = texts_of(made).first().sha256
    rows = {"title_text": made.title_text, "signatories": making.named(two_firms)}
    made = made.perform("revise", by=place.manager, text="Two.", **rows)
    with pytest.raises(Blocked, match="has changed"):
        made.perform("sign", by=two_firms[0][1], seen=seen, has_read=True)
    assert Signature.objects.count() == 0


def test_control_without_the_digest_an_unread_text_would_be_signed(place, two_firms, monkeypatch):
    from facility.instruments import signature
    from facility.registry import engagement

    def careless(record, person, seen, signs_for=""):
        return signature.sign(record, person, texts_of(record).first().sha256, signs_for)

    monkeypatch.setattr(engagement, "sign", careless)
    made = making.engagement(place.cluster, place.manager, two_firms, "One.")
    made.perform("sign", by=two_firms[0][1], seen="0" * 64, has_read=True)
    assert Signature.objects.count() == 1


def test_only_who_is_named_signs_and_only_members_are_named(place, two_firms):
    made = making.engagement(place.cluster, place.manager, two_firms[:1])
    for person in (place.manager, place.coordinator):
        with pytest.raises(NotAllowed):
            signed(made, person)
    with pytest.raises(NotFound):
        signed(made, two_firms[1][1])
    signed(made, two_firms[0][1])
    with pytest.raises(NotAllowed):
        signed(made, two_firms[0][1])
    stranger = making.member(make.cluster("FR"))
    rows = making.named([(stranger, two_firms[0][1])])
    errors = refused(
        type(made)(), "create", place.manager, cluster=place.cluster, title_text="T", text="T", signatories=rows
    )
    assert list(errors) == ["signatories[0].organisation"]


def test_new_signatories_leave_signatures_under_the_same_text_as_they_are(place, two_firms):
    made = making.engagement(place.cluster, place.manager, two_firms[:1], "Same.")
    made = signed(made, two_firms[0][1])
    assert made.state == "complete"
    rows = making.named(two_firms)
    made = made.perform("revise", by=place.manager, title_text=made.title_text, text="Same.", signatories=rows)
    assert (made.state, made.signed, made.named, made.text_number) == ("open", 1, 2, 1)


def mailed_code(name):
    mail.outbox.clear()
    run("facility.ask_by_mail")
    message = next(one for one in mail.outbox if name in one.body)
    return re.search(r"/answer/([\w-]+)/", message.body)[1]


def test_a_signatory_signs_by_the_link_from_the_mail_and_once(place, two_firms):
    made = making.engagement(place.cluster, place.manager, two_firms[:1], "We share heat.")
    url = reverse("by-link", kwargs={"code": mailed_code("Ada City")})
    client = Client()
    page = client.get(url)
    assert "We share heat." in page.content.decode() and "no-store" in page["Cache-Control"]
    assert client.post(url, {"seen": texts_of(made).first().sha256}).status_code == 400
    answer = client.post(url, {"seen": texts_of(made).first().sha256, "has_read": "on"})
    assert answer.status_code == 302
    made.refresh_from_db()
    assert made.state == "complete"
    assert client.post(url, {"seen": "x", "has_read": "on"}).status_code == 410
    assert "Nothing is left" in client.get(url).content.decode()


def test_a_person_agrees_to_be_a_contact_by_the_link_from_the_mail(place):
    person = make.person("Clara Contact")
    made = making.contact(place.programme, place.cluster, place.manager, person)
    url = reverse("by-link", kwargs={"code": mailed_code("Clara Contact")})
    assert "Reuse of water" in Client().get(url).content.decode()
    assert Client().post(url, {}).status_code == 400
    assert Client().post(url, {"consent": "on"}).status_code == 302
    made.refresh_from_db()
    assert made.state == "agreed" and made.consented_at


def test_a_code_that_is_not_known_says_so_and_tries_are_counted():
    client = Client()
    url = reverse("by-link", kwargs={"code": "nonsense"})
    answers = [client.get(url).status_code for _ in range(7)]
    assert answers[0] == 404 and answers[-1] == 429


# -- access


def test_a_manager_invites_a_fellow_sees_who_has_access_and_ends_it(place):
    values = {"email": "fellow@example.org", "name": "Fela Fellow", "role": "manager", "scope_type": "cluster"}
    made = Grant().perform("give", by=place.manager, scope_key=str(place.cluster.pk), **values)
    assert "Fela Fellow" in place.page() and "fellow@example.org" in place.page()
    made.perform("revoke", by=place.manager, reason="Has left.")
    assert "Fela Fellow" not in place.page()
    own = Grant.objects.get(person=place.manager)
    with pytest.raises(Invalid, match="Nobody else"):
        own.perform("revoke", by=place.manager, reason="I go.")
    assert own.perform("revoke", by=place.lead, reason="The cluster is gone.").until_at is not None


def test_only_fellows_and_the_lead_end_access(place):
    made = grant(make.person(), "manager", "cluster", place.cluster.pk, by=SYSTEM, programme=place.programme)
    for person in (make.manager_of(make.cluster()), make.person()):
        with pytest.raises(NotFound):
            made.perform("revoke", by=person, reason="No.")
    with pytest.raises(NotAllowed):
        made.perform("revoke", by=place.coordinator, reason="The lead revokes.")


def invite(by, cluster, programme):
    values = {"email": "new@example.org", "name": "N. N.", "role": "manager", "scope_type": "cluster"}
    return Grant().perform("give", by=by, scope_key=str(cluster.pk), programme=programme, **values)


def test_the_office_invites_managers_of_own_clusters_and_of_those_that_have_nobody(place):
    elsewhere = Place()
    call = make.call(elsewhere.programme, elsewhere.coordinator)
    partner = make.cluster("PT")
    make.draft(call, elsewhere.manager, elsewhere.cluster, partners=[{"cluster": str(partner.pk)}]).perform(
        "submit", by=elsewhere.manager
    )
    for taken in (elsewhere.cluster, partner):
        with pytest.raises(Invalid) as said:
            invite(place.coordinator, taken, place.programme)
        assert "scope_key" in said.value.errors
    assert invite(place.coordinator, make.cluster("FR"), place.programme).role == "manager"
    assert invite(elsewhere.coordinator, partner, elsewhere.programme).role == "manager"


def test_the_office_of_another_programme_edits_neither_cluster_nor_members(place):
    elsewhere = Place()
    firm = making.member(place.cluster, place.manager)
    with pytest.raises(NotAllowed):
        place.cluster.perform("edit", by=elsewhere.coordinator, **profile())
    with pytest.raises(NotAllowed):
        firm.perform("edit", by=elsewhere.coordinator, name="Stolen", kind="firm")
    with pytest.raises(NotAllowed):
        making.member(place.cluster, elsewhere.coordinator)
    assert (
        firm.perform("edit", by=place.coordinator, name="Mended", kind="firm", cluster=place.cluster).name == "Mended"
    )
    alone = making.member(None, elsewhere.coordinator)
    assert alone.perform("edit", by=place.coordinator, name="Alone", kind="firm").name == "Alone"


def test_control_with_the_old_rule_any_office_would_edit(place, monkeypatch):
    import dataclasses

    from facility.roles import any_office

    steps = dict(Cluster.steps())
    steps["edit"] = dataclasses.replace(steps["edit"], who=any_office)
    monkeypatch.setattr(Cluster, "_steps", steps)
    assert place.cluster.perform("edit", by=Place().coordinator, **profile()).name == "Clúster Têxtil"


# -- the page


def test_each_reader_sees_their_part_of_the_profile(place):
    headings = {
        name: set(re.findall(r'<h2 id="(\w+)"', place.page(person)))
        for name, person in (
            ("manager", place.manager),
            ("observer", place.observer),
            ("stranger", make.manager_of(make.cluster())),
        )
    }
    inside = {"management", "measurements", "engagement", "access"}
    public = {"identity", "sectors", "members", "labels", "assessments", "cooperation", "contacts"}
    assert public | inside <= headings["manager"] and public | inside <= headings["observer"]
    assert headings["stranger"] & (public | inside) == public
    url = reverse("public-clusters", kwargs={"pk": place.cluster.pk})
    assert set(re.findall(r'<h2 id="(\w+)"', Client().get(url).content.decode())) == public


def test_only_who_may_edit_is_offered_the_steps_of_the_sections(place):
    edit = f"{place.cluster.get_absolute_url()}classify/"
    assert edit in place.page() and edit in place.page(place.coordinator)
    assert edit not in place.page(place.observer) and edit not in place.page(Place().coordinator)


def test_management_and_focus_are_kept_from_the_public_output(place):
    place.cluster.perform("classify", by=place.manager, strategic_focus=4)
    shown = Client().get(f"/api/clusters/{place.cluster.pk}/").json()
    assert "management" not in shown and "strategic_focus" not in shown
    own = place.client(place.manager).get(f"/api/clusters/{place.cluster.pk}/").json()
    assert own["strategic_focus"] == 4 and own["management"]["fte"] is None


def fill(place):
    """One more of everything on the profile."""
    making.label(place.cluster, by=place.coordinator)
    making.outside_assessment(place.cluster, place.manager)
    version = f"v{place.cluster.measurements.count()}"
    making.measurement(place.cluster, making.indicator_set(place.coordinator, version), place.manager, 2020)
    making.cooperation(place.cluster, make.cluster("FR"), place.manager)
    firm, person = making.member(place.cluster, place.manager), make.person()
    making.engagement(place.cluster, place.manager, [(firm, person)])
    made = making.contact(place.programme, place.cluster, place.manager, person)
    made.perform("agree", by=person, consent=True).perform("release", by=place.manager)
    grant(make.person(), "manager", "cluster", place.cluster.pk, by=SYSTEM, programme=place.programme)


def test_the_profile_costs_the_same_at_one_row_and_at_three(place, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    public = reverse("public-clusters", kwargs={"pk": place.cluster.pk})
    costs = []
    for rounds in (1, 2):
        for _ in range(rounds):
            fill(place)
        client = place.client(place.coordinator)
        with CaptureQueriesContext(
            connection,
        ) as inside:
            assert client.get(place.cluster.get_absolute_url()).status_code == 200
        with CaptureQueriesContext(connection) as outside:
            assert Client().get(public).status_code == 200
        costs.append((len(inside), len(outside)))
    assert costs[0] == costs[1]
    assert costs[0] == (16, 7)
