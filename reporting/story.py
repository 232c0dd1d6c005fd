"""Success stories: told by clusters, approved by each cluster that is named, published with consent (F28, F29)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from django_fsm import RETURN_VALUE

from advisory.project import Project
from advisory.voices import manager_on
from facility.registry.cluster import Cluster
from facility.registry.people import Person
from facility.registry.programme import InProgramme
from facility.registry.vocabulary_data import vocabulary
from facility.roles import any_of, held, in_force, office, public_when, readers, staff_of, who
from facility.workflow import clock
from facility.workflow.engine import Faces, Part, state_field
from facility.workflow.shape import Many
from facility.workflow.steps import NEW, guard, step

RESULTS = [(term.id, term.label("en")) for term in vocabulary("outcome_kinds")]

manager_on_project = manager_on()
manager_named = who(
    "manager of a cluster named",
    lambda person: Q(
        pk__in=StoryCluster.objects.filter(cluster_id__in=held(person, "manager", scope="cluster")).values("story_id")
    ),
    "manager",
)
manager_to_sign = who(
    "manager of a cluster named",
    lambda person: Q(
        pk__in=StoryCluster.objects.filter(
            cluster_id__in=held(person, "manager", scope="cluster"), approved_by__isnull=True
        ).values("story_id")
    ),
    "manager",
)


class SuccessStory(InProgramme):
    """What a project brought, in the words of those who did it; public only with the approval of all it names."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        IN_REVIEW = "in_review", _("With the clusters")
        APPROVED = "approved", _("Approved by the clusters")
        PUBLISHED = "published", _("Published")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    records = "stories"
    lede = _("Success stories of the projects.")
    columns = ("project", "result", "published_at")
    list_related = ("project__application__lead_cluster",)
    facts = ("project", "result", "sector", "text", "published_at", "place", "link")
    search_in = ("title_text", "text", "project__name")
    filter_by = ("state", "project")
    door_related = ("programme", "project__application__lead_cluster")
    tones = {"in_review": "wait", "approved": "good", "published": "done", "withdrawn": "idle"}
    awaits = {"draft": ("request_approval",), "in_review": ("approve",), "approved": ("publish",)}
    shape = {
        "title": "title_text",
        "project": {"id": "project_id", "name": "project__name"},
        "sector": "sector",
        "result": "result",
        "text": "text",
        "clusters": Many(
            "reporting.StoryCluster",
            "story",
            {"id": "cluster_id", "name": "cluster__name", "country": "cluster__country"},
            ("cluster__sort_name", "pk"),
        ),
        "partners": Many("reporting.StoryPartner", "story", {"name": "name", "kind": "kind"}, ("name", "pk")),
        "quotes": Many(
            "reporting.StoryQuote", "story", {"text": "text", "lang": "lang", "speaker": "speaker"}, ("order",)
        ),
        "published_at": "published_at",
        "place": "place",
        "link": "link",
        "participant:approvals": Many(
            "reporting.StoryCluster",
            "story",
            {"cluster": "cluster_id", "at": "approved_at"},
            ("cluster__sort_name", "pk"),
        ),
    }
    faces = Faces(readers, any_of(manager_on_project, manager_named), public_when(state="published"))

    state = state_field(State)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="stories", verbose_name=_("project"))
    title_text = models.CharField(_("title"), max_length=200)
    sector = models.CharField(_("sector"), max_length=120)
    result = models.CharField(_("result"), max_length=40, choices=RESULTS)
    text = models.TextField(_("story"))
    published_at = models.DateTimeField(_("published"), null=True)
    place = models.CharField(_("published in"), max_length=200, blank=True, default="")
    link = models.URLField(_("address there"), blank=True, default="")

    class Meta:
        verbose_name = _("story")
        verbose_name_plural = _("stories")

    def __str__(self) -> str:
        return self.title_text

    # -- guards

    @guard(_("Name at least one cluster."))
    def has_clusters(self) -> bool:
        """Somebody can approve it."""
        return self.clusters.exists()

    @guard(_("Every cluster that is named must approve first."))
    def is_approved_by_all(self) -> Any:
        """No signature is missing (F28)."""
        left = (
            self.clusters.filter(approved_by__isnull=True)
            .select_related("cluster")
            .order_by("cluster__sort_name", "pk")
        )
        return [_t("%s has not approved the story.") % one.cluster.name for one in left] or True

    @guard(_("Every person quoted must consent first."))
    def has_consents(self) -> Any:
        """Nobody is quoted without consent."""
        left = self.quotes.filter(has_consent=False).order_by("order")
        return [_t("The consent to quote “%s” is missing.") % one.text[:60] for one in left] or True

    # -- steps

    @step(
        label=_("Tell a story"),
        source=NEW,
        target=State.DRAFT,
        who=any_of(office, manager_on_project),
        form="StoryForm",
    )
    def create(self, *, by: Any, project: Project, **data: Any) -> None:
        """Writes down what a project brought. Nobody outside reads it before it is published."""
        self.project, self.programme = project, project.programme
        self.take(data)

    @step(
        label=_("Edit"),
        source=State.DRAFT,
        target=None,
        who=any_of(office, manager_on_project),
        form="EditStory",
        edits=True,
    )
    def edit(self, *, by: Any, **data: Any) -> None:
        """Changes the draft."""
        self.take(data)

    def take(self, data: dict[str, Any]) -> None:
        """Sets the values of the form, the clusters and partners that are named, and who is quoted."""
        clusters, partners, quotes = (data.pop(name) for name in ("clusters", "partners", "quotes"))
        for name, value in data.items():
            setattr(self, name, value)
        for rows in (self.clusters, self.partners, self.quotes):
            rows.all().delete()
        named = {row["cluster"].pk: row["cluster"] for row in clusters}
        StoryCluster.objects.bulk_create(StoryCluster(story=self, cluster=one) for one in named.values())
        StoryPartner.objects.bulk_create(StoryPartner(story=self, **row) for row in partners)
        StoryQuote.objects.bulk_create(StoryQuote(story=self, order=at, **row) for at, row in enumerate(quotes, 1))
        self.trail_also("clusters", None, [one.name for one in named.values()])
        self.trail_also("partners", None, [row["name"] for row in partners])

    @step(
        label=_("Ask the clusters for approval"),
        source=State.DRAFT,
        target=State.IN_REVIEW,
        who=office,
        guards=[has_clusters],
    )
    def request_approval(self, *, by: Any) -> None:
        """Shows the story to the managers of every cluster that it names."""
        self.tell(self.managers(), gettext_noop("Please approve the story “%(title)s”."), title=self.title_text)

    @step(
        label=_("Approve"),
        source=State.IN_REVIEW,
        target=RETURN_VALUE(State.IN_REVIEW, State.APPROVED),
        who=manager_to_sign,
    )
    def approve(self, *, by: Any) -> str:
        """The story may stand for your cluster. It is approved once every cluster named has said so."""
        clusters = held(by, "manager", scope="cluster")
        signed = list(self.clusters.filter(cluster_id__in=clusters, approved_by__isnull=True).select_related("cluster"))
        for one in signed:
            one.approved_by, one.approved_at = by, clock.now()
            one.save(update_fields=["approved_by", "approved_at"])
        self.trail_also("approved for", None, [one.cluster.name for one in signed])
        if self.clusters.filter(approved_by__isnull=True).exists():
            return self.State.IN_REVIEW
        self.tell(
            staff_of(self.programme_id), gettext_noop("The story “%(title)s” is approved."), title=self.title_text
        )
        return self.State.APPROVED

    @step(
        label=_("Ask for a change"),
        source=[State.IN_REVIEW, State.APPROVED],
        target=State.DRAFT,
        who=any_of(office, manager_named),
        form="facility.workflow.input.ReasonForm",
    )
    def send_back(self, *, by: Any, reason: str) -> None:
        """Back to the draft; approvals of the old text fall away."""
        self.clear_approvals()
        self.tell(
            staff_of(self.programme_id),
            gettext_noop("A change of the story “%(title)s” is asked for."),
            title=self.title_text,
        )

    @step(
        label=_("Publish"),
        source=State.APPROVED,
        target=State.PUBLISHED,
        who=office,
        guards=[is_approved_by_all, has_consents],
        form="PublishStory",
    )
    def publish(self, *, by: Any, place: str, link: str) -> None:
        """Shows the story to everybody, and keeps where else it was published."""
        self.place, self.link, self.published_at = place, link, clock.now()

    @step(
        label=_("Withdraw"),
        source=State.PUBLISHED,
        target=State.WITHDRAWN,
        who=any_of(office, manager_named),
        form="facility.workflow.input.ReasonForm",
    )
    def withdraw(self, *, by: Any, reason: str) -> None:
        """Takes the story off the public pages."""
        self.tell(
            staff_of(self.programme_id), gettext_noop("The story “%(title)s” is withdrawn."), title=self.title_text
        )

    # -- what others ask

    def clear_approvals(self) -> None:
        """Inside a step: nobody has approved the text that comes."""
        signed = list(self.clusters.filter(approved_by__isnull=False))
        self.trail_also("approvals", len(signed), 0)
        for one in signed:
            one.approved_by = one.approved_at = None
            one.save(update_fields=["approved_by", "approved_at"])

    def managers(self, **clusters: Any) -> Any:
        """The people who manage the clusters that are named."""
        keys = self.clusters.filter(**clusters).values("cluster_id")
        grants = in_force().filter(role="manager", scope_type="cluster", scope_key__in=keys)
        return Person.objects.filter(pk__in=grants.values("person_id")).order_by("pk")

    def awaited_people(self) -> list[Any]:
        """The managers whose approval is missing, else the office."""
        if self.state == self.State.IN_REVIEW:
            return list(self.managers(approved_by__isnull=True))
        return list(staff_of(self.programme_id))

    def parts_for(self, face: str) -> list[dict[str, Any]]:
        """Who is named and quoted; for those who take part also who has approved."""
        clusters = list(self.clusters.select_related("cluster").order_by("cluster__sort_name", "pk"))
        rows: list[list[Any]] = [
            [{"value": one.cluster.name, "lang": one.cluster.lang}, one.cluster.country.name] for one in clusters
        ]
        columns = [_("Cluster"), _("Country")]
        if face != "public":
            rows = [[*row, one.approved_at] for row, one in zip(rows, clusters, strict=True)]
            columns.append(_("Approved"))
        partners = [[one.name, one.get_kind_display()] for one in self.partners.order_by("name", "pk")]
        quotes = [[{"value": one.text, "lang": one.lang}, one.speaker] for one in self.quotes.order_by("order")]
        return [
            {"title": _("Clusters"), "columns": columns, "rows": rows, "empty": _("No cluster is named yet.")},
            {
                "title": _("Partners"),
                "columns": [_("Name"), _("Kind")],
                "rows": partners,
                "empty": _("No other partner."),
            },
            {
                "title": _("Quotes"),
                "columns": [_("In their words"), _("Who")],
                "rows": quotes,
                "empty": _("Nobody is quoted."),
            },
        ]


class StoryCluster(Part):
    """A cluster that a story names, and who has approved for it."""

    story = models.ForeignKey(SuccessStory, on_delete=models.PROTECT, related_name="clusters")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["story", "cluster"], name="cluster_once_per_story"),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True, approved_at__isnull=True)
                | Q(approved_by__isnull=False, approved_at__isnull=False),
                name="story_approved_by_and_at",
            ),
        ]

    def __str__(self) -> str:
        return self.cluster.name


class StoryPartner(Part):
    """A partner organisation that a story names and that is no cluster."""

    story = models.ForeignKey(SuccessStory, on_delete=models.PROTECT, related_name="partners")
    name = models.CharField(max_length=200)
    kind = models.CharField(
        max_length=20, choices=[(term.id, term.label("en")) for term in vocabulary("organisation_kinds")]
    )

    def __str__(self) -> str:
        return self.name


class StoryQuote(Part):
    """What somebody said, in their language, by their role; published only with their consent."""

    story = models.ForeignKey(SuccessStory, on_delete=models.PROTECT, related_name="quotes")
    order = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=500)
    lang = models.CharField(max_length=3)
    speaker = models.CharField(max_length=120)
    has_consent = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["story", "order"], name="quote_order_once_per_story")]

    def __str__(self) -> str:
        return self.text
