"""Match runs with limits, changes that are tried and taken over, two coordinators at once, and the fairness report."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from advisory.advisor import Advisor
from advisory.equality import Equality
from advisory.matchrun import MatchRun
from advisory.project import Project
from advisory.web.solving import kind_chips
from facility.workflow.steps import Blocked, Invalid, NotAllowed, NotFound
from facility.workflow.trail import Detail
from tests import factories as make
from tests.advisory import making_matching as matching

ENERGY, WATER, WASTE = "energy-efficiency", "water-use", "waste-management"
BUSINESS = ["business"]


def fresh(run):
    return MatchRun.objects.get(pk=run.pk)


def done(programme, by, **fields):
    run = matching.requested(programme, by, **{"kinds": BUSINESS, **fields})
    assert matching.run("advisory.run_match") == ["done"]
    return fresh(run)


def proposed(run):
    return {pair["project"]["id"]: pair["advisor"]["id"] for pair in run.result["pairs"]}


@pytest.fixture
def three(programme, people, coordinator):
    """Two projects; the first advisor knows both areas, the second the first area, the third neither."""
    projects = matching.projects(programme, people, [{"areas": [ENERGY]}, {"areas": [ENERGY, WATER]}])
    advisors = [
        matching.pooled(programme, coordinator, areas=own, capacity=1, text="Zzyzx")
        for own in ([ENERGY, WATER], [ENERGY], [WASTE])
    ]
    return projects, advisors


def address(run, page=""):
    return f"/workspace/match-runs/{run.pk}/{page}"


@pytest.mark.django_db
class TestWhatIf:
    @pytest.mark.row("F07")
    def test_a_change_is_tried_without_a_trace_and_taken_over_as_a_new_turn(
        self, programme, coordinator, three, client
    ):
        projects, advisors = three
        run = done(programme, coordinator)
        first = proposed(run)
        assert first == {str(projects[0].pk): str(advisors[1].pk), str(projects[1].pk): str(advisors[0].pk)}
        client.force_login(coordinator)
        asked = {"do": "forbid", "advisor": str(advisors[1].pk), "project": str(projects[0].pk)}
        page = client.get(address(run, "what-if/"), asked).content.decode()

        # a1 leaves p0 for p1, where it has 2/3 of the areas instead of all; a0 comes to p0: 10 / 3 points in all.
        assert "All together lose 3.3 points." in page
        assert "2 projects change." in page
        assert "Take over" in page
        assert (fresh(run).version, fresh(run).result) == (run.version, run.result)

        answer = client.post(address(run), {"forbid": f"{asked['advisor']}:{asked['project']}", "_token": "t"})
        assert answer.status_code == 302
        states = dict(run.assignments.values_list("advisor", "state"))
        assert states == {advisors[0].pk: "proposed", advisors[1].pk: "discarded"}  # the forbidden pair goes at once
        matching.run("advisory.run_match")
        assert proposed(fresh(run)) == {
            str(projects[0].pk): str(advisors[0].pk),
            str(projects[1].pk): str(advisors[1].pk),
        }

    def test_another_advisor_is_told_what_it_would_take_and_what_cannot_be_is_told_in_words(
        self, programme, coordinator, three, client
    ):
        projects, advisors = three
        run = done(programme, coordinator)
        client.force_login(coordinator)
        page = address(run, "what-if/")
        other = {"do": "pin", "advisor": str(advisors[2].pk), "project": str(projects[0].pk)}
        # 10 points less on p0, and so the weakest project has that much less.
        said = client.get(page, other).content.decode()
        assert f"{advisors[2].person.name} would need at least 10.0 points more for {projects[0].name}" in said

        nothing = {"advisor": "", "language_for": str(projects[0].pk), "language": "mt"}
        said = client.get(page, nothing).content.decode()
        assert "This cannot be met:" in said
        assert "Take over" not in said
        assert f"An advisor of {projects[0].name} must speak mt; 0 do." in said
        for given, sentence in (
            ({"advisor": "", "places": "2"}, "Choose the advisor and the number of projects."),
            ({"advisor": ""}, "Choose something to try."),
            ({"advisor": "x", "do": "pin"}, "Select a valid choice."),
        ):
            assert sentence in client.get(page, given).content.decode()
        filled = client.get(page, {"do": "pin", "project": str(projects[0].pk)}).content.decode()
        assert "to mend" not in filled
        assert f'value="{projects[0].pk}" selected' in filled

    def test_capacity_and_language_are_kept_shown_and_taken_back(self, programme, coordinator, three, client):
        projects, advisors = three
        run = done(programme, coordinator)
        client.force_login(coordinator)
        advisor, project = str(advisors[0].pk), str(projects[1].pk)
        client.post(address(run), {"capacity_of": advisor, "places": "0", "language_for": project, "language": "en"})
        matching.run("advisory.run_match")
        run = fresh(run)
        assert run.changes == {"capacity": {advisor: 0}, "languages": {project: ["en"]}}
        assert advisor not in proposed(run).values()
        page = client.get(address(run)).content.decode()
        assert f"{advisors[0].person.name} takes at most 0 of these projects." in page
        for key in (f"capacity:{advisor}", f"language:{project}:en"):
            assert f'value="{key}"' in page
            client.post(address(run), {"free": key})
            matching.run("advisory.run_match")
        assert fresh(run).changes == {"capacity": {}, "languages": {}}
        assert advisor in proposed(fresh(run)).values()

    def test_a_run_that_failed_by_a_change_can_be_freed_of_it(self, programme, coordinator, three, client):
        projects, advisors = three
        run = done(programme, coordinator)
        run.perform("adjust", by=coordinator, language_for=str(projects[0].pk), language="mt")
        matching.run("advisory.run_match")
        run = fresh(run)
        assert run.state == "failed"
        assert "must speak mt; 0 do." in run.why
        pinned = f"{advisors[0].pk}:{projects[0].pk}"
        run.perform("adjust", by=coordinator, pin=pinned)  # a run that failed keeps the change: it fails again
        matching.run("advisory.run_match")
        client.force_login(coordinator)
        page = client.get(address(run)).content.decode()
        assert f'value="{pinned}"' in page
        assert f'value="language:{projects[0].pk}:mt"' in page
        run = fresh(run)
        run.perform("adjust", by=coordinator, free=f"language:{projects[0].pk}:mt")
        matching.run("advisory.run_match")
        assert fresh(run).state == "done"

    def test_what_the_run_does_not_know_is_refused(self, programme, coordinator, three):
        projects, advisors = three
        run = done(programme, coordinator)
        for given in (
            {"capacity_of": str(projects[0].pk), "places": 1},
            {"capacity_of": str(advisors[0].pk)},
            {"language_for": str(advisors[0].pk), "language": "en"},
            {"language_for": str(projects[0].pk)},
            {"language_for": str(projects[0].pk), "language": "xx"},
            {"free": "capacity:x"},
        ):
            with pytest.raises(Invalid):
                run.perform("adjust", by=coordinator, **given)

    def test_the_pages_are_for_the_office_and_cost_the_same_at_any_size(
        self, programme, people, coordinator, three, client
    ):
        projects, advisors = three
        few = done(programme, coordinator, projects=[str(projects[0].pk)])
        many = done(programme, coordinator)
        client.force_login(coordinator)
        asked = f"what-if/?do=forbid&advisor={advisors[1].pk}&project={projects[0].pk}"
        assert {matching.statements(client, address(run, asked)) for run in (few, many)} == {6}
        assert {matching.statements(client, address(run, "fairness/")) for run in (few, many)} == {5}
        for stranger in (advisors[0].person, projects[0].managers().get(), people[2]):
            client.force_login(stranger)
            for page in ("what-if/", "fairness/", "fairness/?as=xlsx"):
                assert client.get(address(few, page)).status_code == 404


@pytest.mark.django_db
class TestLimits:
    def test_the_form_sets_limits_and_the_run_keeps_and_shows_them(self, programme, coordinator, three, client):
        _projects, advisors = three
        for one in advisors[:2]:
            Advisor.objects.get(pk=one.pk).perform(
                "edit", by=coordinator, kind="business", areas=one.areas, languages=one.languages, capacity=1, days=9
            )
        run = done(programme, coordinator, country_places=2, wish_points=5)
        # A project of 20 days takes ten of each of its two advisors: nine are not enough, and one advisor is not two.
        assert run.state == "failed"
        assert run.parameters["limits"] == {"country_places": 2, "wish_points": 5}
        assert [advisors[0].person.name, advisors[1].person.name] == sorted(
            name for name in (one.person.name for one in advisors) if f"{name} has days left: 9." in run.why
        )
        client.force_login(coordinator)
        page = client.get(address(run)).content.decode()
        assert "Places for advisors from one country, at most: 2" in page

    def test_a_language_of_the_country_is_asked_of_one_advisor_of_each_project(self, programme, people, coordinator):
        (project,) = matching.projects(programme, people, [{"country": "IT"}])
        best = matching.pooled(programme, coordinator, text="Zzyzx")
        speaker = matching.pooled(
            programme, coordinator, areas=[WASTE], text="Zzyzx", languages=[{"code": "it", "cefr": "B2"}]
        )
        assert proposed(done(programme, coordinator)) == {str(project.pk): str(best.pk)}
        run = done(programme, coordinator, language="official")
        assert proposed(run) == {str(project.pk): str(speaker.pk)}
        assert run.inputs["projects"][0]["must_speak"] == [["it"]]
        matching.proposed(project, speaker, coordinator).perform("approve", by=coordinator)
        matching.pooled(programme, coordinator, kind="sustainability", text="Zzyzx")
        run = done(programme, coordinator, kinds=["sustainability"], language="official")
        assert run.inputs["projects"][0]["must_speak"] == []  # somebody there speaks it
        assert [pair["is_lead"] for pair in run.result["pairs"]] == [False]

    def test_proof_bounds_greedy_and_losses_stand_on_the_page(self, programme, coordinator, three, client):
        projects, advisors = three
        run = done(programme, coordinator)
        assert run.result["sum"] == run.result["sum_bound"]
        assert run.result["greedy"] == {**run.result["greedy"], "empty": 0, "pairs": 2}
        by_project = {pair["project"]["id"]: pair for pair in run.result["pairs"]}
        assert by_project[str(projects[0].pk)]["without"] == {"status": "proven", "sum": 3.3, "min": 3.3}
        client.force_login(coordinator)
        page = client.get(address(run)).content.decode()
        assert "points; the weakest project has" in page
        assert "Taking the best pair that is left, again and again" in page
        assert "Forbidding it and placing everybody anew" in page
        assert "Business advisor, lead" in page
        lines = b"".join(client.get(address(run, "?as=csv")).streaming_content).decode().splitlines()
        assert len(lines) == 3
        assert all(line.endswith(",3.3,3.3") or ",3.3," in line for line in lines[1:])
        assert "?kind=" not in page  # one kind only
        assert [one["url"] for one in kind_chips(run, [{"kind": "business"}, {"kind": "sustainability"}], "")] == [
            "?",
            "?kind=business",
            "?kind=sustainability",
        ]
        assert len(run.scores) == len(run.inputs["advisors"]) == len(advisors)
        assert "scores" not in client.get(f"/api/match-runs/{run.pk}/").json()


@pytest.mark.django_db
class TestFairness:
    def test_the_report_counts_and_can_be_taken_away(self, programme, coordinator, three, client):
        run = done(programme, coordinator)
        client.force_login(coordinator)
        page = client.get(address(run, "fairness/")).content.decode()
        assert "By country" in page
        assert "3 advisors could be placed, 2 are proposed." in page
        assert "Nobody of this run has told a gender." in page
        lines = b"".join(client.get(address(run, "fairness/?as=csv&table=country")).streaming_content).decode()
        assert lines.splitlines()[1].startswith("Spain,3,2,2,")
        assert b"".join(client.get(address(run, "fairness/?as=xlsx")).streaming_content)[:2] == b"PK"
        assert client.get(address(run, "fairness/?as=csv&table=x")).status_code == 404

    @pytest.mark.row("F07")
    def test_gender_is_told_by_the_person_read_by_nobody_and_never_enters_a_score(
        self, programme, people, coordinator, client
    ):
        matching.projects(programme, people, [{}] * 5)
        advisors = [matching.pooled(programme, coordinator, capacity=1, text="Zzyzx") for _n in range(11)]
        before = done(programme, coordinator)
        for at, one in enumerate(advisors):
            Equality().perform("tell_gender", by=one.person, gender="woman" if at < 6 else "man")
        after = done(programme, coordinator)

        assert after.result["pairs"] == before.result["pairs"]
        assert after.scores == before.scores
        told = after.result["fairness"]["gender"]
        assert {row[0]: row[1] for row in told["rows"]} == {"woman": 6, "man": 5}
        known = json.dumps([after.inputs, after.result["pairs"], after.parameters])
        assert "gender" not in known
        assert "woman" not in known
        for reader in (*people, advisors[1].person, make.person()):
            assert not Equality.objects.visible_to(reader).exclude(person=reader).exists()
            client.force_login(reader)
            assert client.get(f"/workspace/equality/{advisors[0].person.equality.pk}/").status_code == 404
        with pytest.raises(NotFound):
            advisors[0].person.equality.perform("change", by=coordinator, gender="man")
        assert not Detail.objects.filter(changes__icontains="woman").exists()
        client.force_login(advisors[0].person)
        assert "Woman" in client.get("/workspace/equality/").content.decode()
        advisors[0].person.equality.perform("change", by=advisors[0].person, gender="")
        assert done(programme, coordinator).result["fairness"]["gender"]["rows"] != told["rows"]

    def test_only_advisors_tell_it_and_for_themselves(self, programme, people):
        for stranger in (*people, make.person()):
            with pytest.raises((NotAllowed, NotFound)):
                Equality().perform("tell_gender", by=stranger, gender="man")


@pytest.mark.django_db
class TestTwoCoordinators:
    def test_the_second_is_told_who_runs_one(self, programme, people, coordinator, three):
        run = matching.requested(programme, coordinator, kinds=BUSINESS)
        for kinds in (BUSINESS, ["business", "sustainability"]):
            with pytest.raises(Invalid) as refused:
                matching.requested(programme, people[0], kinds=kinds)
            (said,) = refused.value.errors[""]
            assert said.startswith(f"{coordinator.name} runs a match for these kinds of advisor since ")
        other = matching.requested(programme, people[0], kinds=["sustainability"])
        matching.run("advisory.run_match")
        assert fresh(other).state == "failed"
        run = fresh(run)
        newer = matching.requested(programme, people[0], kinds=BUSINESS)
        with pytest.raises(Blocked) as blocked:
            run.perform("adjust", by=coordinator, pin="a:b")
        assert blocked.value.sentences[0].startswith(f"{people[0].name} runs a match")
        matching.run("advisory.run_match")
        assert fresh(newer).state == "done"


def two_at_once(act: Any, *first_and_second: Any) -> list[Any]:
    """Both in threads of their own; the first holds its transaction open until the second has begun."""
    begun = threading.Barrier(2)

    def go(one: Any) -> Any:
        try:
            begun.wait(10)
            return act(one)
        except (Blocked, Invalid) as refused:
            return refused
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        return [answer.result() for answer in [pool.submit(go, one) for one in first_and_second]]


def rival_requests(is_guarded: bool = True) -> list[Any]:
    """What becomes of two requests of which neither could see the other when its form was read."""
    from unittest.mock import patch

    programme = make.programme()
    people = matching.office(programme)
    matching.projects(programme, people, [{}])
    seen = threading.Barrier(2)
    first_look = threading.local()

    def blind(*args: Any, **kwargs: Any) -> list[str]:
        from advisory.matchrun import under_way

        found = under_way(*args, **kwargs)
        if not getattr(first_look, "is_over", False):
            first_look.is_over = True
            seen.wait(10)
        return found if is_guarded else []

    with patch("advisory.forms.matching.under_way", blind):
        return two_at_once(lambda by: matching.requested(programme, by, kinds=BUSINESS).state, people[0], people[1])


@pytest.mark.usefixtures("committed")
def test_of_two_requests_at_the_same_moment_one_runs_and_the_other_is_told():
    answers = rival_requests()

    assert sorted(map(str, answers)).count("requested") == 1
    refused = next(one for one in answers if one != "requested")
    assert "runs a match for these kinds of advisor since" in str(refused.errors[""])
    assert MatchRun.objects.count() == 1


@pytest.mark.usefixtures("committed")
def test_control_without_the_constraint_both_run(owner):
    owner.execute("DROP INDEX one_match_for_business_at_once")
    try:
        assert rival_requests(is_guarded=False) == ["requested", "requested"]
    finally:
        owner.execute("TRUNCATE advisory_matchrun CASCADE")
        owner.execute(
            "CREATE UNIQUE INDEX one_match_for_business_at_once ON advisory_matchrun (programme_id) "
            "WHERE is_for_business AND state IN ('requested', 'running')"
        )


@pytest.mark.usefixtures("committed")
def test_approvals_of_two_runs_do_not_book_an_advisor_twice():
    programme = make.programme()
    people = matching.office(programme)
    projects = matching.projects(programme, people, [{}, {}])
    matching.pooled(programme, people[1], capacity=1)
    runs = [done(programme, people[1], projects=[str(one.pk)]) for one in projects]
    wanted = [run.assignments.get() for run in runs]
    assert wanted[0].advisor_id == wanted[1].advisor_id

    answers = two_at_once(lambda one: one.perform("approve", by=people[1]).state, *wanted)

    assert answers.count("approved") == 1
    refused = next(one for one in answers if one != "approved")
    assert "has 1 projects and takes 1 at once." in refused.sentences[0]
    assert Project.objects.filter(assignments__state="approved").count() == 1
