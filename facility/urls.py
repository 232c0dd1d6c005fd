"""The addresses of this app that no record has by itself."""

from django.urls import path

from facility import (  # noqa: F401 (pages of records register themselves)
    account_pages,
    application_pages,
    asked_pages,
    assigning_pages,
    builder_pages,
    call_pages,
    cluster_pages,
    eligibility_pages,
    evaluation_pages,
    exchange_pages,
    figures_pages,
    letter_pages,
    progress_pages,
    selection_pages,
    simulator_pages,
    web,
)

APPLICATION = {"records": "applications"}
CALL = {"records": "calls"}

urlpatterns = [
    path("accounts/invitation/<str:code>/", account_pages.Invitation.as_view(), name="invitation"),
    path("calls/<uuid:pk>/questions/", asked_pages.published, name="public-call-questions"),
    path("calls/<uuid:pk>/", call_pages.public_page, name="public-calls"),
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
    path("clusters/<uuid:pk>/", cluster_pages.public_profile, {"records": "clusters"}, name="public-clusters"),
    path("answer/", cluster_pages.by_link_done, name="by-link-done"),
    path("answer/<str:code>/", cluster_pages.ByLink.as_view(), name="by-link"),
    path("part/<str:code>/", application_pages.PartByLink.as_view(), name="part-link"),
    path("workspace/applications/<uuid:pk>/receipt/", application_pages.receipt, name="application-receipt"),
    path("workspace/selections/<uuid:pk>/simulator/", simulator_pages.simulator, name="simulator"),
    path("workspace/selections/<uuid:pk>/letters/", letter_pages.release_preview, name="release-preview"),
    path("workspace/letters/<uuid:pk>/", letter_pages.letter_page, name="letter"),
    path("workspace/documents/<uuid:pk>/file/", web.download, name="document-file"),
    path("workspace/calls/<uuid:pk>/export/", exchange_pages.call_export, name="call-export"),
    path("workspace/calls/<uuid:pk>/figures/", figures_pages.call_figures, name="call-figures"),
    path("figures/<uuid:pk>/", figures_pages.public_figures, name="public-figures"),
    path("workspace/imports/files/<str:name>", exchange_pages.register_file, name="register-file"),
    path("workspace/imports/<uuid:pk>/rows-left-out/", exchange_pages.refused_rows, name="register-rows"),
    path("workspace/imports/<uuid:pk>/progress/", exchange_pages.import_progress, name="import-progress"),
]
