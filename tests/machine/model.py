"""The workflows as they are meant: states, steps, where each leads, and who may; written by hand.

A row says: from these states, to these ("=": the state stays), by these people. The words for people stand in PEOPLE;
each is a plain function over the grants that the person holds and the record. Transitions are not read from the code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils import timezone

from advisory.case import Signature
from advisory.order import Ranking
from facility.application import Application
from facility.registry.conflicts import tied_clusters
from facility.registry.engagement import Signatory
from facility.registry.grants import Grant
from facility.workflow.steps import SYSTEM
from reporting.story import StoryCluster
from webinars.topic import Vote


@dataclass(frozen=True)
class Row:
    """One step."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    who: tuple[str, ...]


def rows(table: str) -> dict[str, Row]:
    """`step: sources -> targets | people`, a step a line."""
    found = {}
    for line in table.strip().splitlines():
        name, _colon, rest = line.partition(":")
        course, _bar, people = rest.partition("|")
        sources, _arrow, targets = course.partition("->")
        found[name.strip()] = Row(*(tuple(part.split()) for part in (sources, targets, people)))
    return found


OF_AN_ASSIGNMENT = "proposed approved discarded offered accepted declined lapsed withdrawn active completed replaced"
MODEL: dict[str, dict[str, Row]] = {
    "facility.programme": rows("""
        create: new -> kept                                       | any_administrator system
        edit: kept -> =                                           | own_lead system
    """),
    "facility.grant": rows("""
        give: new -> kept                                         | office administrator fellow_manager system
        invite: kept -> =                                         | office administrator fellow_manager
        revoke: kept -> =                                         | lead administrator fellow_manager
    """),
    "facility.cluster": rows("""
        create: new -> kept                                       | any_office system
        edit: kept -> =                                           | office_of_this manager_of_this
        classify: kept -> =                                       | office_of_this manager_of_this
        describe_management: kept -> =                            | office_of_this manager_of_this
    """),
    "facility.organisation": rows("""
        create: new -> kept                    | office_of_cluster office_of_none manager_of_cluster any_advisor system
        edit: kept -> =                        | office_of_cluster office_of_none manager_of_cluster
        leave: kept -> =                       | office_of_cluster office_of_none manager_of_cluster
    """),
    "facility.label": rows("""
        record: new -> claimed valid renewal_due expired          | manager_of_cluster office_of_cluster system
        confirm: claimed -> valid renewal_due expired             | office_of_cluster
        refuse: claimed -> refused                                | office_of_cluster
        withdraw: valid renewal_due -> withdrawn                  | office_of_cluster
        remind: valid -> renewal_due                              | system
        expire: renewal_due -> expired                            | system
    """),
    "facility.outsideassessment": rows("""
        create: new -> kept                                       | office_of_cluster manager_of_cluster
        edit: kept -> =                                           | office_of_cluster manager_of_cluster
    """),
    "facility.indicatorset": rows("""
        create: new -> kept                                       | any_office
        edit: kept -> =                                           | any_office
    """),
    "facility.measurement": rows("""
        begin: new -> kept                                        | office_of_cluster manager_of_cluster
        enter: kept -> =                                          | office_of_cluster manager_of_cluster
    """),
    "facility.cooperation": rows("""
        create: new -> kept               | office_of_cluster office_of_other manager_of_cluster manager_of_other
        edit: kept -> =                   | office_of_cluster office_of_other manager_of_cluster manager_of_other
    """),
    "facility.engagement": rows("""
        create: new -> open                                       | office_of_cluster manager_of_cluster
        revise: open complete -> open complete                    | office_of_cluster manager_of_cluster
        sign: open -> open complete                               | signatory_still_to_sign
        ask_again: open -> =                                      | office_of_cluster manager_of_cluster
        withdraw: open complete -> withdrawn                      | office_of_cluster manager_of_cluster
    """),
    "facility.contact": rows("""
        propose: new -> asked                                     | office manager_of_cluster
        agree: asked -> agreed                                    | oneself
        release: agreed -> released                               | office manager_of_cluster
        hold_back: released -> agreed                             | office manager_of_cluster
        end: asked agreed released -> ended                       | office manager_of_cluster oneself
        lapse: asked agreed released -> ended                     | system
    """),
    "facility.aid": rows("""
        plan: new -> planned                                      | office_that_keeps_a_register
        declare: planned declared -> declared                     | office_that_keeps_a_register manager_of_undertaking
        grant: declared -> granted                                | office_that_keeps_a_register
        drop: planned declared -> dropped                         | office_that_keeps_a_register
        revoke: granted -> revoked                                | office_that_keeps_a_register
    """),
    "facility.conflict": rows("""
        declare: new -> kept                                      | office_of_person oneself system
        erase_note: kept -> =                                     | nobody
    """),
    "facility.evaluatorprofile": rows("""
        describe: new -> kept                                     | office evaluator_oneself system
        edit: kept -> =                                           | office evaluator_oneself
    """),
    "facility.interestsdeclaration": rows("""
        declare: new -> kept                                      | evaluator_of_call_oneself
    """),
    "facility.declaration": rows("""
        write: new -> kept                                        | lead
    """),
    "facility.document": rows("""
        receive: new -> received                                  | anybody system
        scan_file: received -> clean rejected                     | system
        erase: received clean rejected -> rejected                | nobody
    """),
    "facility.import": rows("""
        upload: new -> received checked                           | any_office
        examine: received -> checked                              | system
        confirm: checked -> applying applied                      | importer
        proceed: applying -> applying applied                     | system
        discard: checked -> discarded                             | importer system
        forget: applied -> =                                      | system
    """),
    "facility.call": rows("""
        create: new -> draft                                      | office
        edit: draft -> =                                          | office
        write_questions: draft announced -> =                     | office
        set_quotas: draft announced -> =                          | office
        write_checklist: draft announced -> =                     | office
        assign_evaluators: open closed -> =                       | office
        publish: draft -> announced                               | office
        open: announced -> open                                   | system
        close: open -> closed                                     | system
        extend: open -> open                                      | lead
        decide: closed -> decided                                 | lead
        archive: decided -> archived                              | lead
        cancel: draft announced -> cancelled                      | lead
    """),
    "facility.application": rows("""
        create: new -> draft                                      | manager_of_lead_cluster
        autosave: draft returned -> =                             | manager_of_lead_cluster
        settle: draft returned -> =                               | manager_of_lead_cluster
        edit: draft -> =                                          | manager_of_lead_cluster
        sign: draft -> =                                          | manager_of_lead_cluster
        add_document: draft returned -> =                         | manager_of_lead_cluster
        remove_document: draft returned -> =                      | manager_of_lead_cluster
        ask_partner: draft returned -> =                          | manager_of_lead_cluster
        remove_partner: draft returned -> =                       | manager_of_lead_cluster
        confirm_part: draft returned -> =                         | manager_of_partner
        refuse_part: draft returned -> =                          | manager_of_partner
        submit: draft -> submitted                                | manager_of_lead_cluster
        return_for_clarification: submitted -> returned           | office
        resubmit: returned -> submitted                           | manager_of_lead_cluster
        check_eligibility: submitted -> =                         | office
        declare_eligible: submitted -> eligible                   | office
        declare_ineligible: submitted -> ineligible               | office
        close_evaluation: eligible -> evaluated                   | office
        reopen_evaluation: evaluated -> eligible                  | office system
        select: evaluated -> selected                             | nobody
        reserve: evaluated -> reserve                             | nobody
        reject: evaluated -> rejected                             | nobody
        decide_late: evaluated -> reserve rejected                | lead
        move_down: reserve -> =                                   | nobody
        decline: selected -> declined                             | manager_of_lead_cluster
        promote: reserve -> selected                              | lead
        withdraw: draft submitted returned eligible evaluated reserve -> withdrawn | manager_of_lead_cluster
        request_review: ineligible rejected -> under_review       | manager_of_lead_cluster
        uphold: under_review -> ineligible                        | lead
        uphold_rejection: under_review -> rejected                | lead
        overturn: under_review -> eligible reserve                | lead
    """),
    "facility.asked": rows("""
        ask: new -> asked                                         | office asking_manager
        prepare_answer: asked answered -> answered                | office
        publish: answered -> published                            | office
        correct: published -> =                                   | office
        decline: asked answered -> declined                       | office
    """),
    "facility.evaluation": rows("""
        assign: new -> assigned                                   | office
        ask: new -> assigned                                      | nobody
        accept: assigned -> in_progress                           | evaluator_of_this
        recuse: assigned in_progress -> recused                   | evaluator_of_this
        save_draft: in_progress -> =                              | evaluator_of_this
        submit: in_progress -> submitted                          | evaluator_of_this
        take_off: assigned in_progress submitted -> recused       | system
        reopen: submitted -> in_progress                          | office
    """),
    "facility.selection": rows("""
        create: new -> draft                                      | office
        set_quotas: draft proposed -> draft                       | office
        propose: draft proposed -> proposed                       | office
        word_letter: draft proposed approved released -> =        | office
        draft_letters: approved -> =                              | office
        edit_letter: approved -> =                                | office
        approve: proposed -> approved                             | lead
        send_back: approved -> proposed                           | lead
        release: approved -> released                             | lead
    """),
    "advisory.advisor": rows("""
        create: new -> candidate                                  | office system
        edit: candidate shortlisted pool suspended -> =           | office
        take_cv: candidate shortlisted pool suspended -> =        | nobody
        declare_interests: candidate shortlisted pool suspended -> = | office advisor_of_this
        shortlist: candidate -> shortlisted                       | office
        decline: candidate shortlisted -> declined                | office
        admit: shortlisted -> pool                                | office
        suspend: pool -> suspended                                | office
        reinstate: suspended -> pool                              | office
        retire: pool suspended -> retired                         | office
        tell_availability: candidate shortlisted pool suspended -> = | office advisor_of_this
        absorb: candidate shortlisted pool suspended -> =         | nobody
        be_merged: candidate shortlisted pool suspended -> merged | nobody
        ask_erasure: candidate shortlisted declined pool suspended retired merged -> = | advisor_of_this
        keep_me: candidate shortlisted declined pool suspended retired merged -> = | advisor_of_this
        remind_of_keeping: candidate shortlisted declined pool suspended retired merged -> = | system
        erase: candidate shortlisted declined pool suspended retired merged -> erased | office system
    """),
    "advisory.advisorcall": rows("""
        create: new -> closed                                     | office
        edit: closed open -> =                                    | office
        open: closed -> open                                      | office
        close: open -> closed                                     | office
    """),
    "advisory.cvintake": rows("""
        upload: new -> received                                   | office
        open_pack: received -> unpacking refused                  | system
        take: unpacking -> unpacking reading done                 | system
        finish: reading -> done                                   | nobody
    """),
    "advisory.duplicate": rows("""
        find: new -> open                                         | nobody
        take_as_newer: open -> taken                              | office_of_cv
        undo_take: taken -> open                                  | office_of_cv
        merge: open -> merged                                     | office
        keep_apart: open -> apart                                 | office
        reopen: apart -> open                                     | office
        settle: open -> settled                                   | nobody
    """),
    "advisory.curriculumvitae": rows("""
        receive: new -> received                                  | office advisor_of_record system
        read: received -> read incomplete rejected                | system
        confirm: read incomplete -> confirmed                     | office advisor_of_record applicant
        attach: read incomplete -> =                              | nobody
        detach: read incomplete -> =                              | nobody
        claim: received read incomplete rejected confirmed replaced erased -> = | system
        move: received read incomplete rejected confirmed replaced erased -> = | nobody
        erase: received read incomplete rejected confirmed replaced -> erased | office system
        replace: confirmed -> replaced                            | nobody
        index: confirmed -> =                                     | system
        index_sentences: confirmed -> =                           | system
    """),
    "advisory.matchrun": rows("""
        request: new -> requested                                 | office
        start: requested -> running                               | system
        finish: running -> done                                   | system
        fail: requested running -> failed                         | system
        retry: failed -> requested                                | office
        take_out: requested running done failed -> =              | nobody
        adjust: done failed -> requested                              | office
    """),
    "advisory.equality": rows("""
        tell_gender: new -> kept                                  | advisor_oneself
        change: kept -> =                                         | advisor_oneself
        erase: kept -> =                                          | nobody
    """),
    "advisory.assignment": rows(f"""
        propose: new -> proposed                                  | office
        propose_from_run: new -> proposed                         | nobody
        approve: proposed -> approved                             | office
        discard: proposed approved -> discarded                   | office
        offer: approved -> offered                                | office
        accept: offered -> accepted                               | advisor_of_record
        sign: accepted -> =                                       | advisor_still_to_sign
        decline: offered -> declined                              | advisor_of_record
        lapse: offered -> lapsed                                  | system
        move: {OF_AN_ASSIGNMENT} -> = | nobody
        start: accepted -> active                                 | office
        complete: active -> completed                             | office
        replace: active -> replaced                               | office
        offer_again: offered -> =                                 | office
        withdraw: offered accepted -> withdrawn                   | office
        offer_next: declined lapsed withdrawn replaced -> =       | office
        make_lead: approved offered accepted active -> =          | office
        yield_lead: approved offered accepted active -> =         | nobody
        take_days: approved offered accepted active -> =          | nobody
        flag_conflict: approved offered accepted active -> =      | system
        clear_conflict: approved offered accepted active -> =     | system
        erase_words: {OF_AN_ASSIGNMENT} -> = | nobody
    """),
    "advisory.agreement": rows("""
        draft: new -> open                                        | office advisor_of_assignment
        revise: open signed -> open signed                        | office advisor_of_assignment
        follow: open signed -> open signed                        | nobody
        sign: open -> open signed                                 | side_still_to_sign
        ask_again: open -> =                                      | office
        end: open signed -> ended                                 | nobody
    """),
    "advisory.preference": rows("""
        state_preference: new -> standing                         | office advisor_speaking manager_speaking
        take_back: standing -> taken_back                         | office author_of_this
        move: standing taken_back -> =                            | nobody
        erase_words: standing taken_back -> =                     | nobody
    """),
    "advisory.advisornote": rows("""
        write: new -> kept                                        | office
        edit: kept -> =                                           | office
        move: kept struck -> =                                    | nobody
        strike: kept -> struck                                    | office
    """),
    "advisory.shortlist": rows("""
        create: new -> open                                       | office
        add: open -> =                                            | office
        remove: open -> =                                         | office
        rename: open -> =                                         | office
        close: open -> closed                                     | office
        reopen: closed -> open                                    | office
    """),
    "advisory.terms": rows("""
        write: new -> kept                                        | lead
    """),
    "advisory.project": rows("""
        open: new -> opened                                       | office
        edit: opened matched assessing planning -> =              | office
        add_partner: opened matched assessing planning in_support wrapping_up -> = | office
        match: opened -> matched                                  | nobody
        kick_off: matched -> assessing                            | office
        agree_needs: assessing -> planning                        | nobody
        approve_plan: planning -> in_support                      | office
        record_lesson: in_support wrapping_up -> =                | office adviser_on_project manager_on_project
        wrap_up: in_support -> wrapping_up                        | office
        write_note: wrapping_up -> =                              | office adviser_on_project
        approve_note: wrapping_up -> =                            | manager_with_a_note_to_approve
        hand_over_roadmap: in_support wrapping_up -> =            | office adviser_on_project
        close: wrapping_up -> closed                              | office
        pause: opened matched assessing planning in_support wrapping_up -> paused | office
        resume: paused -> opened matched assessing planning in_support wrapping_up | office
        stop: opened matched assessing planning in_support wrapping_up paused -> stopped | lead
    """),
    "advisory.needsassessment": rows("""
        open: new -> open                                         | nobody
        submit_ranking: open -> open ranked                       | voice_still_to_rank
        reorder: ranked -> =                                      | office
        agree: ranked -> ranked agreed                            | voice_still_to_agree
        reopen: open ranked agreed -> open                        | office
    """),
    "advisory.need": rows("""
        add: new -> named                                         | office adviser_on_project manager_on_project
        edit: named -> =                                          | office adviser_on_project manager_on_project
        withdraw: named -> withdrawn                              | office adviser_on_project manager_on_project
        place: named settled -> =                                 | nobody
        set_outcome: named settled -> settled                     | office adviser_on_project
    """),
    "advisory.action": rows("""
        plan: new -> planned                                      | office adviser_on_project
        edit: planned under_way -> =                              | office adviser_on_project
        pass_on: planned under_way -> =                           | nobody
        begin: planned -> under_way                               | office adviser_on_project
        prove: planned under_way -> =                             | office adviser_on_project
        finish: under_way -> done                                 | office adviser_on_project
        drop: planned under_way -> dropped                        | office adviser_on_project
    """),
    "advisory.supportsession": rows("""
        log: new -> logged                                        | author
        plan: new -> planned                                      | author
        log_planned: planned -> logged                            | author
        revise: disputed logged -> logged                         | author
        confirm: logged -> confirmed                              | manager_but_not_author
        dispute: logged -> disputed                               | manager_but_not_author
        settle: disputed -> confirmed cancelled                   | office_but_not_author
        confirm_on_behalf: logged -> confirmed                    | office_but_not_author
        approve: confirmed -> approved                            | office_but_not_author
        return_session: confirmed -> logged                       | office
        cancel: planned -> cancelled                              | office author
        move: planned logged confirmed disputed approved cancelled -> = | nobody
    """),
    "webinars.topic": rows("""
        propose: new -> proposed                                  | office participant
        vote: proposed -> =                                       | participant_without_vote
        take_back_vote: proposed -> =                             | participant_with_vote
        merge: proposed -> merged                                 | office
        take_over: proposed -> =                                  | nobody
        schedule: proposed -> scheduled                           | office
        put_back: scheduled -> proposed                           | office
        answer: proposed -> answered                              | office
    """),
    "webinars.webinar": rows("""
        create: new -> draft                                      | office
        edit: draft announced -> =                                | office
        announce: draft -> announced                              | office
        invite_latecomers: announced -> =                         | office system
        join: announced -> =                                      | anybody_if_open_to_all
        remind: announced closed -> =                             | system
        close_registration: announced -> closed                   | office system
        start: closed -> live                                     | office
        end: live -> held                                         | office
        import_attendance: held documented -> =                   | office system
        add_material: announced closed live held documented published -> = | office
        document: held -> documented                              | office
        publish: documented -> published                          | office
        cancel: draft announced closed -> cancelled               | office
    """),
    "webinars.registration": rows("""
        invite: new -> invited                                    | nobody
        register: invited cancelled -> registered waitlisted      | oneself_while_announced
        promote: waitlisted -> registered                         | nobody
        cancel: invited registered waitlisted -> cancelled        | oneself_before_it_starts
        attend: invited registered waitlisted cancelled attended absent -> attended | nobody
        miss: registered attended -> absent invited               | nobody
    """),
    "reporting.successstory": rows("""
        create: new -> draft                                      | office manager_on_project
        edit: draft -> =                                          | office manager_on_project
        request_approval: draft -> in_review                      | office
        approve: in_review -> in_review approved                  | manager_still_to_approve
        send_back: in_review approved -> draft                    | office manager_named
        publish: approved -> published                            | office
        withdraw: published -> withdrawn                          | office manager_named
    """),
    "reporting.trajectory": rows("""
        open: new -> open                                         | office
        add_entry: open published -> =                            | office adviser_on_project manager_on_project
        release_entry: open published -> =                        | office
        hold_entry: open published -> =                           | office manager_on_project
        publish: open -> published                                | office
        withdraw: published -> open                               | office
    """),
    "reporting.report": rows("""
        request: new -> requested                                 | office
        freeze: requested -> frozen                               | system
        keep_section: frozen failed -> =                          | system
        build: frozen -> built                                    | system
        fail: requested frozen -> failed                          | system
        retry: failed -> requested frozen                         | office
        submit: built -> in_review                                | office
        return_report: in_review -> built                         | lead
        approve: in_review -> approved                            | lead
        publish: approved -> published                            | lead
    """),
}


class Held:
    """What a person holds now, as plain triples (role, kind of scope, key)."""

    def __init__(self, person: Any) -> None:
        self.person = person
        found = Grant._base_manager.filter(person=person) if getattr(person, "pk", None) else Grant._base_manager.none()
        now = timezone.now()
        in_force = found.filter(Q(until_at__isnull=True) | Q(until_at__gt=now), from_at__lte=now)
        self.grants = set(in_force.values_list("role", "scope_type", "scope_key"))

    def has(self, role: str, scope: str, key: Any) -> bool:
        """Whether the person holds the role for this very thing."""
        return (role, scope, key) in self.grants

    def anywhere(self, *roles: str) -> bool:
        """Whether the person holds one of the roles for anything."""
        return any(role in roles for role, _scope, _key in self.grants)


def office(held: Held, record: Any) -> bool:
    return held.has("lead", "programme", record.programme_id) or held.has(
        "coordinator", "programme", record.programme_id
    )


def shares_a_programme(held: Held, record: Any) -> bool:
    """Lead or coordinator of a programme in which the record's person has or had a role."""
    keys = {key for role, scope, key in held.grants if scope == "programme" and role in {"lead", "coordinator"}}
    of_person = Grant._base_manager.filter(person=record.person_id)
    return of_person.filter(Q(programme_id__in=keys) | Q(scope_type="programme", scope_key__in=keys)).exists()


def project_of(record: Any) -> Any:
    """The key of the project that a record belongs to; a project belongs to itself."""
    return record.pk if record._meta.label_lower == "advisory.project" else record.project_id


def manages_lead(held: Held, project: Any) -> bool:
    return held.has("manager", "cluster", project.application.lead_cluster_id)


def adviser(held: Held, record: Any) -> bool:
    return held.has("advisor", "project", project_of(record))


def manager(held: Held, record: Any) -> bool:
    return held.has("manager", "project", project_of(record))


def is_author(held: Held, record: Any) -> bool:
    return record.advisor.person_id == held.person.pk


def is_author_or_logged(held: Held, record: Any) -> bool:
    return held.person.pk in {record.logged_by_id, record.advisor.person_id}


def takes_part(held: Held, record: Any) -> bool:
    """An advisor of the programme, or an advisor or manager on one of its projects."""
    from advisory.project import Project

    if held.has("advisor", "programme", record.programme_id):
        return True
    keys = [key for role, scope, key in held.grants if scope == "project" and role in {"advisor", "manager"}]
    return Project._base_manager.filter(pk__in=keys, programme=record.programme_id).exists()


def has_vote(held: Held, record: Any) -> bool:
    return Vote.objects.filter(topic=record, person=held.person, taken_back_at__isnull=True).exists()


def voices(held: Held, record: Any, project: Any) -> set[str]:
    """The voices that the person could be on a project: advisor, manager of the lead cluster, coordinator."""
    found = {"advisor"} if adviser(held, record) else set()
    found |= {"manager"} if manages_lead(held, project) else set()
    return found | ({"coordinator"} if office(held, record) else set())


def to_rank(held: Held, record: Any) -> bool:
    spoken = Ranking.objects.filter(assessment=record)
    if spoken.filter(by=held.person).exists():
        return False
    return bool(voices(held, record, record.project) - set(spoken.values_list("voice", flat=True)))


def to_agree(held: Held, record: Any) -> bool:
    signed = Signature.objects.filter(project=record.project_id, subject="order")
    if signed.filter(by=held.person).exists():
        return False
    return bool(voices(held, record, record.project) - set(signed.values_list("voice", flat=True)))


def advises_under(held: Held, agreement: Any) -> bool:
    return held.has("advisor", "advisor", agreement.assignment.advisor_id)


def writes_under(held: Held, agreement: Any) -> bool:
    tied = tied_clusters(held.person.pk).filter(parties__project=agreement.project_id)
    return advises_under(held, agreement) and not tied.exists()


def to_sign(held: Held, record: Any) -> bool:
    as_advisor = advises_under(held, record) and not record.advisor_has_signed
    return as_advisor or (manages_lead(held, record.project) and not record.manager_has_signed)


def named(held: Held, record: Any, **more: Any) -> bool:
    keys = StoryCluster.objects.filter(story=record, **more).values_list("cluster_id", flat=True)
    return any(held.has("manager", "cluster", key) for key in keys)


def cluster_office(held: Held, key: Any) -> bool:
    """Lead or coordinator of a programme in which the cluster takes part or has a manager; of any if there is none."""
    if key is None:
        return False
    in_parts = Q(lead_cluster=key) | Q(partners__cluster=key)
    bids = Application._base_manager.exclude(state="draft").filter(in_parts)
    managers = Grant._base_manager.filter(role="manager", scope_type="cluster", scope_key=key)
    managers = [one for one in managers if one.until_at is None or one.until_at > timezone.now()]
    programmes = {one.programme_id for one in [*bids, *managers]}
    if not programmes:
        return held.anywhere("lead", "coordinator")
    return any(held.has(role, "programme", one) for role in ("lead", "coordinator") for one in programmes if one)


def unsigned(held: Held, record: Any) -> bool:
    return Signatory.objects.filter(declaration=record, person=held.person, has_signed=False).exists()


PEOPLE: dict[str, Callable[[Held, Any], bool]] = {
    "nobody": lambda held, record: False,
    "anybody": lambda held, record: True,
    "lead": lambda held, record: held.has("lead", "programme", record.programme_id),
    "administrator": lambda held, record: held.has("administrator", "programme", record.programme_id),
    "office": office,
    "own_lead": lambda held, record: held.has("lead", "programme", record.pk),
    "any_office": lambda held, record: held.anywhere("lead", "coordinator"),
    "importer": lambda held, record: record.person_id == held.person.pk and held.anywhere("lead", "coordinator"),
    "office_of_person": shares_a_programme,
    "evaluator_oneself": lambda held, record: (
        record.person_id == held.person.pk and held.has("evaluator", "programme", record.programme_id)
    ),
    "advisor_oneself": lambda held, record: (
        record.person_id == held.person.pk and any(one[:2] == ("advisor", "advisor") for one in held.grants)
    ),
    "evaluator_of_call_oneself": lambda held, record: (
        record.person_id == held.person.pk and held.has("evaluator", "programme", record.call.programme_id)
    ),
    "any_administrator": lambda held, record: held.anywhere("administrator"),
    "asking_manager": lambda held, record: record.asker_id == held.person.pk and held.anywhere("manager"),
    "any_advisor": lambda held, record: held.anywhere("advisor"),
    "oneself": lambda held, record: record.person_id == held.person.pk,
    "fellow_manager": lambda held, record: (
        (record.role, record.scope_type) == ("manager", "cluster") and held.has("manager", "cluster", record.scope_key)
    ),
    "office_of_this": lambda held, record: cluster_office(held, record.pk),
    "office_of_cluster": lambda held, record: cluster_office(held, record.cluster_id),
    "office_of_other": lambda held, record: cluster_office(held, record.other_id),
    "office_of_none": lambda held, record: record.cluster_id is None and held.anywhere("lead", "coordinator"),
    "office_that_keeps_a_register": lambda held, record: record.programme.de_minimis and office(held, record),
    "manager_of_other": lambda held, record: held.has("manager", "cluster", record.other_id),
    "manager_of_undertaking": lambda held, record: (
        record.programme.de_minimis and held.has("manager", "cluster", record.organisation.cluster_id)
    ),
    "signatory_still_to_sign": unsigned,
    "manager_of_this": lambda held, record: held.has("manager", "cluster", record.pk),
    "manager_of_cluster": lambda held, record: held.has("manager", "cluster", record.cluster_id),
    "manager_of_lead_cluster": lambda held, record: held.has("manager", "cluster", record.lead_cluster_id),
    "manager_of_partner": lambda held, record: any(
        held.has("manager", "cluster", row.cluster_id) or row.contact_id == held.person.pk
        for row in record.partners.all()
    ),
    "evaluator_of_this": lambda held, record: record.evaluator_id == held.person.pk,
    "advisor_of_this": lambda held, record: held.has("advisor", "advisor", record.pk),
    "advisor_of_record": lambda held, record: held.has("advisor", "advisor", record.advisor_id),
    "advisor_still_to_sign": lambda held, record: (
        held.has("advisor", "advisor", record.advisor_id)
        and not (record.has_signed_terms and record.has_declared_interests)
    ),
    "applicant": lambda held, record: record.applicant_id == held.person.pk,
    "office_of_cv": lambda held, record: record.curriculum_id is not None and office(held, record),
    "adviser_on_project": adviser,
    "manager_on_project": manager,
    "side_still_to_sign": to_sign,
    "advisor_of_assignment": writes_under,
    "advisor_speaking": lambda held, record: (
        (record.side, record.said_by_id) == ("advisor", held.person.pk)
        and held.has("advisor", "advisor", record.advisor_id)
    ),
    "manager_speaking": lambda held, record: (
        (record.side, record.said_by_id) == ("manager", held.person.pk)
        and held.has("manager", "cluster", record.cluster_id)
    ),
    "author_of_this": lambda held, record: record.said_by_id == held.person.pk,
    "voice_still_to_rank": to_rank,
    "voice_still_to_agree": to_agree,
    "manager_with_a_note_to_approve": lambda held, record: (
        manages_lead(held, record) and record.final_note != "" and record.note_approved_at is None
    ),
    "author": lambda held, record: is_author(held, record) and adviser(held, record),
    "manager_but_not_author": lambda held, record: manager(held, record) and not is_author_or_logged(held, record),
    "office_but_not_author": lambda held, record: (
        office(held, record) and not is_author_or_logged(held, record) and record.confirmed_by_id != held.person.pk
    ),
    "participant": takes_part,
    "participant_without_vote": lambda held, record: takes_part(held, record) and not has_vote(held, record),
    "participant_with_vote": lambda held, record: takes_part(held, record) and has_vote(held, record),
    "oneself_while_announced": lambda held, record: (
        record.person_id == held.person.pk and record.webinar.state == "announced"
    ),
    "oneself_before_it_starts": lambda held, record: (
        record.person_id == held.person.pk and record.webinar.state in {"announced", "closed"}
    ),
    "anybody_if_open_to_all": lambda held, record: record.kind == "information",
    "manager_named": named,
    "manager_still_to_approve": lambda held, record: named(held, record, approved_by__isnull=True),
}


def may(held: Held, record: Any, row: Row) -> bool:
    """Whether the person is one of those who may."""
    if held.person is SYSTEM:
        return "system" in row.who
    if not getattr(held.person, "pk", None):
        return False
    return any(PEOPLE[word](held, record) for word in row.who if word != "system")
