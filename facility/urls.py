"""The addresses of this app that no record has by itself."""

from django.urls import path

from facility import (  # (pages of records register themselves)
    account_pages,
    assigning_pages,
    call_pages,  # noqa: F401
    eligibility_pages,
    evaluation_pages,  # noqa: F401
    progress_pages,
    web,
)

APPLICATION = {"records": "applications"}
CALL = {"records": "calls"}

urlpatterns = [
    path("accounts/invitation/<str:code>/", account_pages.Invitation.as_view(), name="invitation"),
    path("workspace/inbox/", web.inbox, name="inbox"),
    path("workspace/account/", account_pages.account, name="account"),
    path("workspace/account/sessions/", account_pages.end_sessions, name="account-sessions"),
    path("workspace/account/tokens/", account_pages.new_token, name="account-new-token"),
    path("workspace/account/tokens/<uuid:pk>/", account_pages.revoke_token, name="account-token"),
    path(
        "workspace/applications/<uuid:pk>/check_eligibility/",
        eligibility_pages.CheckPage.as_view(),
        APPLICATION | {"step": "check_eligibility"},
        name="check-eligibility",
    ),
    path(
        "workspace/applications/<uuid:pk>/declare_eligible/",
        eligibility_pages.CheckPage.as_view(),
        APPLICATION | {"step": "declare_eligible"},
        name="declare-eligible",
    ),
    path(
        "workspace/applications/<uuid:pk>/declare_ineligible/",
        eligibility_pages.CheckPage.as_view(),
        APPLICATION | {"step": "declare_ineligible"},
        name="declare-ineligible",
    ),
    path("workspace/calls/<uuid:pk>/eligibility/", eligibility_pages.queue, CALL, name="eligibility-queue"),
    path(
        "workspace/applications/<uuid:pk>/close_evaluation/",
        progress_pages.ScoresPage.as_view(),
        APPLICATION | {"step": "close_evaluation"},
        name="close-evaluation",
    ),
    path(
        "workspace/calls/<uuid:pk>/assign_evaluators/",
        assigning_pages.AssignPage.as_view(),
        CALL | {"step": "assign_evaluators"},
        name="assign-evaluators",
    ),
    path("workspace/calls/<uuid:pk>/evaluation/", progress_pages.progress, CALL, name="evaluation-progress"),
    path("workspace/calls/<uuid:pk>/calibration/", progress_pages.calibrate, CALL, name="calibration"),
    path("workspace/search/", web.search, name="search"),
    path("workspace/trail/", web.trail, name="trail"),
    path("workspace/jobs/", web.parked_jobs, name="parked-jobs"),
    path("workspace/documents/<uuid:pk>/file/", web.download, name="document-file"),
]
