"""The addresses of this app that no record has by itself."""

from typing import Any

from django.urls import path

from advisory import web  # noqa: F401 (the pages of its records are known once it is loaded)
from advisory.web.assigning import MyAssignments, OfferByLink
from advisory.web.board import Board, OpenProjects
from advisory.web.sessions import ConfirmByLink

urlpatterns: list[Any] = [
    path("c/<str:code>/", ConfirmByLink.as_view(), name="confirm-link"),
    path("o/<str:code>/", OfferByLink.as_view(), name="offer-link"),
    path("workspace/my-assignments/", MyAssignments.as_view(), name="my-assignments"),
    path("workspace/board/", Board.as_view(), name="board"),
    path("workspace/board/open/", OpenProjects.as_view(), name="open-projects"),
]
