"""The sections of a cluster's profile: facts and tables, by who reads them. A fixed number of queries."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django_countries import countries

from facility.registry.assessment import OutsideAssessment
from facility.registry.cluster import ECOSYSTEMS, NACE, Cluster
from facility.registry.contact import Contact
from facility.registry.cooperation import Cooperation
from facility.registry.engagement import Engagement
from facility.registry.grants import Grant
from facility.registry.indicator import Measurement
from facility.registry.label import Label
from facility.registry.matrix import EU_MEMBERS
from facility.registry.organisation import KINDS, SIZES, Membership, Organisation, members_by
from facility.registry.profile import nace, regions
from facility.roles import in_force
from facility.workflow.engine import Record
from facility.workflow.show import shown, state_tag, step_url

Section = dict[str, Any]
MEMBERS_AT_MOST = 60


def sections(cluster: Cluster, person: Any) -> list[Section]:
    """Every section that the person reads, with the steps that they may take there.

    Each: {"id", "title", "note", "facts", "tables": [{"title", "columns", "rows", "empty"}], "links": [{"label",
    "url"}]}.
    """
    inside = cluster.face != "public"
    edits = {step.name: {"label": step.label, "url": step_url(cluster, step)} for step in cluster.offered_steps()}
    may_edit = "edit" in edits
    made = [
        identity(cluster) | _links(edits, "edit"),
        sectors(cluster, inside) | _links(edits, "classify"),
        members(cluster, person, inside) | _new(may_edit, cluster, Organisation, "create"),
    ]
    if inside:
        made.append(management(cluster) | _links(edits, "describe_management"))
    made += [
        labels(cluster, person) | _new(may_edit, cluster, Label, "record"),
        assessments(cluster, person) | _new(may_edit, cluster, OutsideAssessment, "create"),
    ]
    if inside:
        made.append(measurements(cluster, person) | _new(may_edit, cluster, Measurement, "begin"))
    made.append(cooperations(cluster, person) | _new(may_edit, cluster, Cooperation, "create"))
    if inside:
        made.append(engagements(cluster, person) | _new(may_edit, cluster, Engagement, "create"))
    made.append(contacts(cluster, person) | _new(may_edit, cluster, Contact, "propose"))
    if inside:
        made.append(access(cluster, person, may_edit))
    return made


def public_sections(cluster: Cluster) -> list[Section]:
    """What everybody reads."""
    from facility.workflow.steps import SYSTEM

    return [
        identity(cluster),
        sectors(cluster, False),
        members(cluster, None, False),
        labels(cluster, None),
        assessments(cluster, None),
        cooperations(cluster, None),
        contacts(cluster, SYSTEM),
    ]


def _links(edits: dict[str, Any], name: str) -> Section:
    return {"links": [edits[name]] if name in edits else []}


def _new(may: bool, cluster: Cluster, model: type[Record], name: str) -> Section:
    if not may:
        return {"links": []}
    step = model.step(name)
    return {"links": [{"label": step.label, "url": f"{step_url(model(), step)}?cluster={cluster.pk}"}]}


def _section(id: str, title: str, *, facts: Any = (), tables: Any = (), note: str = "") -> Section:
    pairs = [{"label": label, **(value if isinstance(value, dict) else {"value": value})} for label, value in facts]
    return {
        "id": id,
        "title": title,
        "facts": [pair for pair in pairs if shown(pair["value"]) not in ("", [])],
        "tables": list(tables),
        "note": note,
    }


def _table(columns: list[str], rows: list[Any], empty: str, title: str = "") -> Section:
    return {"title": title, "columns": columns, "rows": rows, "empty": empty}


def _name(record: Any, url: bool = True) -> dict[str, Any]:
    return {
        "value": record.title(),
        "lang": getattr(record, "lang", ""),
        "url": record.get_absolute_url() if url else "",
    }


def _words(values: list[str], choices: Any) -> list[str]:
    known = dict(choices)
    return [str(known.get(value, value)) for value in values]


def identity(cluster: Cluster) -> Section:
    """Name, place, form."""
    code = str(cluster.country)
    place = (
        _("Member State") if code in EU_MEMBERS else _("outside the European Union: may be a partner, not an applicant")
    )
    region = f"{cluster.nuts} {regions().get(cluster.nuts, '')}".strip() if cluster.nuts else ""
    website = {"value": cluster.website, "url": cluster.website}
    facts = [
        (_("Name"), {"value": cluster.name, "lang": cluster.lang}),
        (_("Country"), f"{countries.name(code)} ({place})"),
        (_("Region"), region),
        (_("Legal form"), cluster.legal_form),
        (_("Founded in"), str(cluster.founded_in or "")),
        (_("Website"), website),
    ]
    return _section("identity", _("Identity"), facts=facts)


def sectors(cluster: Cluster, inside: bool) -> Section:
    """What the members do."""
    activities = [{"value": word, "lang": "en"} for word in _words(cluster.nace, NACE)]
    facts = [
        (_("Sector"), cluster.sector),
        (_("Industrial ecosystem"), cluster.get_ecosystem_display()),
        (_("Further ecosystems"), _words(cluster.further_ecosystems, ECOSYSTEMS)),
        (_("Economic activities"), activities),
        (_("Eco-sector"), cluster.get_eco_sector_display()),
        (_("What drives demand"), cluster.demand_drivers),
    ]
    if inside and cluster.strategic_focus:
        facts.append((_("Strategic focus on green"), _("%(n)d of 5") % {"n": cluster.strategic_focus}))
    note = _("Activities: %(title)s.") % {"title": nace()[1].title} if cluster.nace else ""
    return _section("sectors", _("Sectors"), facts=facts, note=note)


def members(cluster: Cluster, person: Any, inside: bool) -> Section:
    """How many, of which kind and size; inside also who, and who has left."""
    by_kind, by_size = members_by(cluster.pk, "kind"), members_by(cluster.pk, "size")
    kinds, sizes = dict(KINDS), dict(SIZES)
    facts = [
        (_("Members"), cluster.members_count),
        (_("SMEs among them"), cluster.smes_count),
        (_("Listed by kind"), [f"{kinds[kind]}: {n}" for kind, n in by_kind.items()]),
        (_("Listed by size"), [f"{sizes[size]}: {n}" for size, n in by_size.items() if size]),
    ]
    tables = []
    if inside:
        rows = Membership.objects.filter(cluster=cluster).select_related("organisation")
        listed = list(rows.order_by("left_on", "organisation__sort_name")[: MEMBERS_AT_MOST + 1])
        cells = [
            [
                _name(one.organisation, one.left_on is None),
                one.organisation.get_kind_display(),
                one.organisation.get_size_display(),
                one.get_role_display(),
                one.joined_on,
                one.left_on,
            ]
            for one in listed[:MEMBERS_AT_MOST]
        ]
        columns = [_("Organisation"), _("Kind"), _("Size"), _("Role"), _("Joined"), _("Left")]
        tables.append(_table(columns, cells, _("No member is listed yet.")))
    url = f"{reverse('records', kwargs={'records': Organisation.records})}?cluster={cluster.pk}"
    note = _("Size classes: Recommendation 2003/361/EC.") if by_size else ""
    made = _section("members", _("Members"), facts=facts, tables=tables, note=note)
    return made | {"more": {"label": _("All member organisations"), "url": url} if inside else None}


def management(cluster: Cluster) -> Section:
    """The criteria of registration, each with how it stands."""
    criteria, source = cluster.registration()
    titles = {
        "management_fte": _("Management of at least %(wanted)s full-time equivalents"),
        "english_website": _("A website in English"),
        "committed_members": _("At least %(wanted)s members with a written commitment"),
        "member_types": _("At least %(wanted)s kinds of members"),
    }
    tones = {
        "met": {"label": _("Met"), "tone": "is-good", "icon": "check-filled"},
        "missing": {"label": _("Not met"), "tone": "is-bad", "icon": "error-outline"},
        "unknown": {"label": _("Not said yet"), "tone": "is-idle", "icon": "minus-outline"},
        "waived": {"label": _("Waived"), "tone": "is-done", "icon": "check"},
    }
    rows = [
        [titles[one.id] % {"wanted": shown(one.wanted)}, str(shown(one.given)), tones[one.standing]] for one in criteria
    ]
    waiver = f"{cluster.get_waived_for_display()} ({cluster.waiver_note})" if cluster.waived_for else ""
    return _section(
        "management",
        _("Management and registration"),
        facts=[(_("Kinds of members"), _words(cluster.member_types, KINDS)), (_("Waived as"), waiver)],
        tables=[_table([_("Criterion"), _("Given"), _("State")], rows, "")],
        note=_("Criteria: %(title)s.") % {"title": source.title},
    )


def labels(cluster: Cluster, person: Any) -> Section:
    """Every label, the newest first."""
    rows = Label.objects.filter(cluster=cluster).select_related("cluster")
    rows = rows.visible_to(person) if person else rows.filter(state__in=Label.CONFIRMED)
    cells = [
        [
            {"value": one.get_level_display(), "url": one.get_absolute_url() if person else ""},
            state_tag(one),
            one.awarded_on,
            one.valid_until,
            one.issuer,
        ]
        for one in rows.order_by("-awarded_on", "pk")
    ]
    columns = [_("Level"), _("State"), _("Awarded on"), _("Valid until"), _("Issuer")]
    return _section("labels", _("Excellence label"), tables=[_table(columns, cells, _("No label is entered."))])


def assessments(cluster: Cluster, person: Any) -> Section:
    """What others found."""
    rows = OutsideAssessment.objects.filter(cluster=cluster).select_related("document").order_by("-assessed_on", "pk")
    cells = [
        [
            {"value": one.scheme_name or one.get_scheme_display(), "url": one.get_absolute_url() if person else ""},
            one.result,
            one.assessor,
            one.assessed_on,
            one.valid_until,
            {"value": one.document.name, "url": reverse("document-file", kwargs={"pk": one.document_id})}
            if one.document and one.document.state == "clean"
            else "",
        ]
        for one in rows
    ]
    columns = [_("Scheme"), _("Result"), _("Assessed by"), _("Assessed on"), _("Valid until"), _("Document")]
    note = _("These results enter no score of the programme.")
    return _section(
        "assessments", _("Outside assessments"), tables=[_table(columns, cells, _("None is entered."))], note=note
    )


def measurements(cluster: Cluster, person: Any) -> Section:
    """Values by year and set."""
    rows = Measurement.objects.filter(cluster=cluster).select_related("indicator_set").order_by("-year", "pk")
    cells = [[{"value": str(one.year), "url": one.get_absolute_url()}, str(one.indicator_set)] for one in rows]
    table = _table([_("Year"), _("Set of indicators")], cells, _("No values are entered."))
    return _section("measurements", _("Indicators"), tables=[table])


def cooperations(cluster: Cluster, person: Any) -> Section:
    """With whom it works."""
    mine = Q(cluster=cluster) | Q(other=cluster)
    rows = Cooperation.objects.filter(mine).select_related("cluster", "other").order_by("-since", "pk")
    cells = []
    for one in rows:
        other = one.other if one.cluster_id == cluster.pk else one.cluster
        link = one.get_absolute_url() if person else ""
        cells.append(
            [
                {"value": other.name, "lang": other.lang, "url": link},
                countries.name(str(other.country)),
                one.since,
                one.until,
                one.result,
            ]
        )
    columns = [_("Cluster"), _("Country"), _("Since"), _("Until"), _("Result")]
    return _section("cooperation", _("Cooperation"), tables=[_table(columns, cells, _("None is entered."))])


def engagements(cluster: Cluster, person: Any) -> Section:
    """Declarations and how many have signed."""
    rows = Engagement.objects.visible_to(person).filter(cluster=cluster).order_by("-pk")
    cells = [
        [
            _name(one),
            state_tag(one),
            one.text_number,
            _("%(signed)d of %(named)d") % {"signed": one.signed, "named": one.named},
        ]
        for one in rows
    ]
    table = _table([_("Declaration"), _("State"), _("Version"), _("Signed")], cells, _("None is entered."))
    return _section("engagement", _("Engagement declarations"), tables=[table])


def contacts(cluster: Cluster, person: Any) -> Section:
    """Whom one may turn to."""
    rows = Contact.objects.visible_to(person).with_faces(person).filter(cluster=cluster).select_related("person")
    cells = []
    for one in rows.exclude(state="ended").order_by("about", "pk"):
        inside = one.face != "public"
        what = one.activity or one.get_about_display()
        cell = {"value": one.person.name, "url": one.get_absolute_url() if inside else ""}
        cells.append([cell, one.role_text, what, one.person.email, one.until_on, state_tag(one) if inside else ""])
    columns = [_("Name"), _("Role"), _("Contact for"), _("E-mail"), _("Until"), _("State")]
    return _section("contacts", _("Contacts"), tables=[_table(columns, cells, _("Nobody is named in public."))])


def access(cluster: Cluster, person: Any, may_edit: bool) -> Section:
    """Who may edit the profile and apply for the cluster; by invitation."""
    of_cluster = {"role": "manager", "scope_type": "cluster", "scope_key": cluster.pk}
    rows = Grant.objects.visible_to(person).filter(pk__in=in_force().filter(**of_cluster).values("pk"))
    cells = [
        [{"value": one.person.name, "url": one.get_absolute_url()}, one.person.email, one.from_at]
        for one in rows.select_related("person").order_by("from_at", "pk")
    ]
    give = Grant.step("give")
    query = f"?scope_type=cluster&scope_key={cluster.pk}&role=manager"
    links = [{"label": _("Invite a manager"), "url": step_url(Grant(), give) + query}] if may_edit else []
    table = _table([_("Manager"), _("E-mail"), _("Since")], cells, _("Nobody manages this cluster yet."))
    return _section("access", _("Who has access"), tables=[table]) | {"links": links}
