"""Act six, the support: one project with sessions to confirm and approve, one whose needs wait to be ranked."""

from __future__ import annotations

import datetime as dt
from typing import Any

from advisory.action import Action
from advisory.needs import Need, NeedsAssessment
from advisory.project import Project
from advisory.session import SupportSession
from config.demo import facts
from config.demo.act_call import coordinator
from config.demo.act_support import advisor_of
from config.demo.stage import Now
from facility.registry.organisation import Organisation


def support(now: Now, in_support: Project, assessing: Project, _offered: Project) -> None:
    """One project in support with sessions to confirm and approve, one whose needs wait to be ranked."""
    stage = now.stage
    day = now.on(-70)
    for project in (in_support, assessing):
        project.perform("kick_off", by=coordinator(stage), held_on=day)
    for project in (in_support, assessing):
        for need in project.application.needs.order_by("rank"):
            Need().perform(
                "add",
                by=coordinator(stage),
                project=project,
                area=need.area,
                text=need.text,
                context="",
                impact=4,
                urgency=3,
                feasibility=3,
                driver="business",
                start_status="open",
            )
    who, office = advisor_of(in_support, "sustainability"), coordinator(stage)
    cluster = in_support.application.lead_cluster
    head = in_support.managers().first()
    assessment = NeedsAssessment.objects.get(project=in_support)
    needs = list(in_support.needs.order_by("pk"))
    ranks = [{"need": str(need.pk), "rank": rank} for rank, need in enumerate(needs, 1)]
    for voice in (who, head, office):
        assessment.perform("submit_ranking", by=voice, ranks=ranks)
    for voice in (who, head, office):
        assessment.perform("agree", by=voice)
    plan_and_hold(now, in_support, who, head, cluster, needs)


def plan_and_hold(now: Now, project: Project, who: Any, head: Any, cluster: Any, needs: list[Need]) -> None:
    """Two actions, and sessions of which the last waits for the cluster and one for the office."""
    stage = now.stage
    template = facts.action_templates(needs[0].area)[0]
    actions = [
        Action().perform(
            "plan",
            by=who,
            need=needs[0],
            title_text=title,
            forms=["workshop"],
            cells=list(template.cells),
            mode=template.mode,
            aim=template.aim,
            owner=str(who.pk),
            due_on=now.today + dt.timedelta(days=due),
        )
        for title, due in ((template.title, 20), ("Visit three members and note what they need", -3))
    ]
    project.perform("approve_plan", by=coordinator(stage))
    actions[0].perform("begin", by=who)
    firms = [
        Organisation().perform(
            "create", by=head, name=firm.name, kind="firm", size=firm.size, country=firm.country, cluster=cluster
        )
        for firm in facts.firms(next(c for c in facts.clusters().values() if c.name == cluster.name), 6)
    ]
    for days, until in ((-40, "approve"), (-12, "confirm"), (-1, "")):
        day = now.on(days, 16)
        made = SupportSession().perform(
            "log",
            by=who,
            project=project,
            held_on=day,
            form="workshop",
            kind="technical",
            audience="members",
            contact_hours="3",
            preparation_hours="1.5",
            people_count=6,
            firms=[str(firm.pk) for firm in firms[:3]],
            needs=[str(needs[0].pk)],
            actions=[str(actions[0].pk)],
            result=facts.session_outputs()["workshop"][0],
            next_step="Visit the next three members.",
        )
        if until:
            made.perform("confirm", by=head)
        if until == "approve":
            made.perform("approve", by=coordinator(stage))
