"""The addresses of this app that no record has by itself."""

from typing import Any

from django.urls import path

from advisory import web  # noqa: F401 (the pages of its records are known once it is loaded)
from advisory.web import applying, intake
from advisory.web.assigning import MyAssignments, OfferByLink
from advisory.web.board import Board, OpenProjects
from advisory.web.pool import PoolPage
from advisory.web.pool_compare import Compare
from advisory.web.pool_together import Together
from advisory.web.sessions import ConfirmByLink
from advisory.web.solving import fairness, what_if

urlpatterns: list[Any] = [
    path("c/<str:code>/", ConfirmByLink.as_view(), name="confirm-link"),
    path("o/<str:code>/", OfferByLink.as_view(), name="offer-link"),
    path("workspace/my-assignments/", MyAssignments.as_view(), name="my-assignments"),
    path("workspace/match-runs/<uuid:pk>/what-if/", what_if, name="what-if"),
    path("workspace/match-runs/<uuid:pk>/fairness/", fairness, name="fairness"),
    path("advisors/apply/<slug:programme>/", applying.ApplyPage.as_view(), name="apply"),
    path("advisors/own/<str:code>/", applying.ApplyPlace.as_view(), name="apply-place"),
    path("advisors/own/<str:code>/kept.zip", applying.ApplyPlace.as_view(is_export=True), name="apply-export"),
    path("workspace/advisors/<uuid:pk>/kept/", applying.kept_page, name="advisor-kept"),
    path("workspace/advisors/<uuid:pk>/kept.zip", applying.kept_export, name="advisor-export"),
    path("workspace/cv-intakes/<uuid:pk>/progress/", intake.intake_progress, name="intake-progress"),
    path("workspace/cv-intakes/<uuid:pk>/results/", intake.intake_results, name="intake-results"),
    path("workspace/board/", Board.as_view(), name="board"),
    path("workspace/advisors/pool/", PoolPage.as_view(), name="pool"),
    path("workspace/advisors/pool/compare/", Compare.as_view(), name="pool-compare"),
    path("workspace/advisors/pool/together/", Together.as_view(), name="pool-together"),
    path("workspace/board/open/", OpenProjects.as_view(), name="open-projects"),
]
