"""The rows of the call and its selection: programme, states with actor and time, places, spread."""

import datetime as dt
import uuid

import pytest
import time_machine
from django.utils import timezone

from facility.application import Application
from facility.call import Call
from facility.evaluation import Evaluation
from facility.registry.programme import Programme
from facility.selection import Selection, member_states, spread_by_country
from facility.workflow.engine import all_records
from facility.workflow.steps import SYSTEM, Blocked, Invalid, NotAllowed
from facility.workflow.trail import Entry
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    programme = make.programme()
    lead, coordinator, evaluator = (make.staff(role, programme) for role in ("lead", "coordinator", "evaluator"))
    return programme, lead, coordinator, evaluator


def after_closing(call):
    """Inside, the closing time of the call has passed."""
    return time_machine.travel(call.closes_at + dt.timedelta(hours=1), tick=False)


def select(call, lead, coordinator):
    call.perform("close", by=SYSTEM)
    return make.released(call, coordinator, lead)


# -- F01


@pytest.mark.row("F01")
def test_a_programme_has_names_in_languages_funder_platform_and_operator():
    names = {"nl": "Faciliteit", "de": "Fazilität"}
    made = make.programme(name="Facility", names=names, funder="Commission", platform="ECCP", operator="Ring")

    kept = Programme.objects.get(pk=made.pk)
    assert (kept.name_in("nl"), kept.name_in("de-at"), kept.name_in("pl")) == ("Faciliteit", "Fazilität", "Facility")
    assert (kept.funder, kept.platform, kept.operator) == ("Commission", "ECCP", "Ring")


@pytest.mark.row("F01")
@pytest.mark.parametrize("given", [None, "", str(uuid.UUID(int=7))])
def test_a_call_without_a_programme_is_refused(scene, given):
    _programme, _lead, coordinator, _evaluator = scene
    with pytest.raises(Invalid) as refused:
        make.call(None, coordinator, programme=given)

    assert "programme" in refused.value.errors
    assert not Call.objects.exists()


@pytest.mark.row("F01")
def test_a_call_for_somebody_else_s_programme_is_refused(scene):
    with pytest.raises((Invalid, NotAllowed)):
        make.call(make.programme(), scene[2])


@pytest.mark.row("F01")
def test_every_record_of_a_programme_belongs_to_exactly_one():
    names = {"project", "webinar", "report", "call", "application", "evaluation", "selection"}
    found = {model._meta.model_name: model for model in all_records() if model._meta.model_name in names}

    assert set(found) == names
    for model in found.values():
        column = model._meta.get_field("programme")
        assert column.many_to_one
        assert not column.null


# -- F03


@pytest.mark.row("F03")
def test_from_draft_to_decision_each_change_has_its_actor_and_time(scene):
    programme, lead, coordinator, evaluator = scene
    call = make.call(programme, coordinator, places=1)
    before = timezone.now()
    bid = make.evaluated(call, coordinator, evaluator)
    with after_closing(call):
        select(call, lead, coordinator)
        decided = timezone.now()
    trail = Entry.objects.filter(record_id=bid.pk).order_by("number")
    manager = bid.managers().get()

    assert list(trail.values_list("step", "from_state", "to_state", "actor")) == [
        ("create", "new", "draft", manager.pk),
        ("submit", "draft", "submitted", manager.pk),
        ("declare_eligible", "submitted", "eligible", coordinator.pk),
        ("close_evaluation", "eligible", "evaluated", coordinator.pk),
        ("select", "evaluated", "selected", lead.pk),
    ]
    times = list(trail.values_list("effective_at", flat=True))
    assert times == sorted(times)
    assert before <= times[0]
    assert times[-1] == decided
    assert list(trail.values_list("number", flat=True)) == [1, 2, 3, 4, 5]


ILLEGAL = [
    ("draft", "declare_eligible", "coordinator"),
    ("draft", "close_evaluation", "coordinator"),
    ("submitted", "submit", "manager"),
    ("submitted", "close_evaluation", "coordinator"),
    ("submitted", "promote", "lead"),
    ("submitted", "decline", "manager"),
    ("eligible", "declare_eligible", "coordinator"),
    ("eligible", "promote", "lead"),
    ("evaluated", "submit", "manager"),
    ("evaluated", "promote", "lead"),
    ("withdrawn", "submit", "manager"),
    ("withdrawn", "withdraw", "manager"),
]
SELECTING = [("select", {"places": {}}), ("reserve", {"places": {}}), ("reject", {"reasons": {}})]


def brought_to(state, call, coordinator, evaluator):
    if state == "evaluated":
        return make.evaluated(call, coordinator, evaluator)
    cluster = make.cluster()
    manager = make.manager_of(cluster)
    bid = make.draft(call, manager, cluster)
    if state == "withdrawn":
        return bid.perform("withdraw", by=manager, reason="Not now.")
    if state != "draft":
        bid.perform("submit", by=manager)
    if state == "eligible":
        bid.perform("declare_eligible", by=coordinator, answers=make.MET)
    return bid


@pytest.mark.row("F03")
@pytest.mark.parametrize(("state", "step", "who"), ILLEGAL)
def test_no_step_jumps(scene, state, step, who):
    programme, lead, coordinator, evaluator = scene
    bid = brought_to(state, make.call(programme, coordinator), coordinator, evaluator)
    by = {"lead": lead, "coordinator": coordinator, "manager": bid.managers().get()}[who]
    entries = Entry.objects.filter(record_id=bid.pk).count()

    with pytest.raises((Blocked, NotAllowed)) as refused:
        bid.perform(step, by=by)
    if state != "draft" or who == "manager":
        assert isinstance(refused.value, Blocked)
    assert Application.objects.get(pk=bid.pk).state == state
    assert Entry.objects.filter(record_id=bid.pk).count() == entries


@pytest.mark.row("F03")
@pytest.mark.parametrize(("step", "data"), SELECTING)
def test_nobody_selects_past_a_released_selection(scene, step, data):
    programme, lead, coordinator, evaluator = scene
    bid = make.evaluated(make.call(programme, coordinator), coordinator, evaluator)

    with pytest.raises(NotAllowed):
        bid.perform(step, by=lead, **data)
    assert Application.objects.get(pk=bid.pk).state == "evaluated"


@pytest.mark.row("F03")
def test_of_26_good_bids_25_are_selected_and_the_26th_is_refused_a_place(scene):
    programme, lead, coordinator, evaluator = scene
    call = make.call(programme, coordinator, places=25)
    bids = [make.evaluated(call, coordinator, evaluator, value=9) for _ in range(26)]
    with after_closing(call):
        select(call, lead, coordinator)
        states = list(Application.objects.filter(call=call).order_by("number").values_list("state", flat=True))
        left = Application.objects.get(call=call, state="reserve")
        with pytest.raises(Blocked) as refused:
            left.perform("promote", by=lead)
        assert refused.value.sentences == ["All 25 places of the call are taken."]
        first = Application.objects.filter(call=call, state="selected").first()
        place = first.place
        first.perform("decline", by=first.managers().get(), reason="No staff.")
        left.perform("promote", by=lead)

    assert len(bids) == 26
    assert states.count("selected") == 25
    assert states.count("reserve") == 1
    assert Application.objects.filter(call=call, state="selected").count() == 25
    assert Application.objects.get(pk=left.pk).place == place


@pytest.mark.row("F03")
def test_overrides_do_not_make_places(scene):
    programme, lead, coordinator, evaluator = scene
    call = make.call(programme, coordinator, places=1)
    bids = [make.evaluated(call, coordinator, evaluator, value=value) for value in (9, 8)]
    with after_closing(call):
        call.perform("close", by=SYSTEM)
        selection = Selection().perform("create", by=coordinator, call=call)
        overrides = [{"application": str(bid.pk), "decision": "in", "reason": "Both are good."} for bid in bids]
        selection.perform("propose", by=coordinator, overrides=overrides)
        selection.perform("approve", by=lead)
        selection.perform("release", by=lead)

    states = Application.objects.filter(call=call).order_by("-score").values_list("state", flat=True)
    assert list(states) == ["selected", "reserve"]


@pytest.mark.row("F03")
def test_an_override_names_an_evaluated_application_of_the_call(scene):
    programme, _lead, coordinator, evaluator = scene
    call = make.call(programme, coordinator)
    make.evaluated(call, coordinator, evaluator)
    elsewhere = make.evaluated(make.call(programme, coordinator), coordinator, evaluator)
    with after_closing(call):
        call.perform("close", by=SYSTEM)
        selection = Selection().perform("create", by=coordinator, call=call)
        wrong = [{"application": str(elsewhere.pk), "decision": "in", "reason": "By mistake."}]
        with pytest.raises(Invalid) as refused:
            selection.perform("propose", by=coordinator, overrides=wrong)

    assert list(refused.value.errors) == ["overrides[0].application"]


# -- F04


@pytest.mark.row("F04")
def test_member_states_are_counted_once_and_a_country_outside_the_union_not(scene):
    programme, lead, coordinator, evaluator = scene
    call = make.call(programme, coordinator, places=4)
    for country in ("ES", "ES", "IT", "NO"):
        make.evaluated(call, coordinator, evaluator, country=country, value=9)
    make.evaluated(call, coordinator, evaluator, country="FR", value=2)
    assert spread_by_country([programme.pk]) == {}
    with after_closing(call):
        select(call, lead, coordinator)

    assert spread_by_country([programme.pk]) == {"ES": 2, "IT": 1, "NO": 1}
    assert member_states([programme.pk]) == 2
    assert member_states([make.programme().pk]) == 0


@pytest.mark.row("F04")
def test_partners_count_and_a_cluster_in_two_bids_counts_once(scene):
    programme, lead, coordinator, evaluator = scene
    call = make.call(programme, coordinator, places=2)
    partner = make.cluster("PT")
    for country in ("ES", "IT"):
        cluster = make.cluster(country)
        manager = make.manager_of(cluster)
        bid = make.draft(call, manager, cluster, partners=[{"cluster": str(partner.pk)}])
        bid.perform("submit", by=manager)
        bid.perform("declare_eligible", by=coordinator, answers=make.MET)
        judged = Evaluation().perform("assign", by=coordinator, application=bid, evaluator=evaluator)
        judged.perform("accept", by=evaluator)
        judged.perform("submit", by=evaluator, scores=make.scores(call, 9), comment="Sound.")
        bid.perform("close_evaluation", by=coordinator)
    with after_closing(call):
        select(call, lead, coordinator)

    assert spread_by_country([programme.pk]) == {"ES": 1, "IT": 1, "PT": 1}
    assert member_states([programme.pk]) == 3


@pytest.mark.row("F04")
@pytest.mark.parametrize(
    ("country", "inside"), [("ES", True), ("GR", True), ("NO", False), ("GB", False), ("CH", False)]
)
def test_a_cluster_is_described_by_country_union_sector_and_size(country, inside):
    made = make.cluster(country, sector="textiles", members_count=40, smes_count=30)

    assert (str(made.country), made.is_in_eu()) == (country, inside)
    assert (made.sector, made.members_count, made.smes_count) == ("textiles", 40, 30)


@pytest.mark.row("F04")
@pytest.mark.parametrize("country", ["EL", "UK", "XX", "Spain", ""])
def test_a_country_is_given_by_its_iso_code(country):
    with pytest.raises(Invalid) as refused:
        make.cluster(country)
    assert "country" in refused.value.errors
