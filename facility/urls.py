"""The addresses of this app that no record has by itself."""

from django.urls import path

from facility import (  # noqa: F401 (pages of records register themselves)
    account_pages,
    application_pages,
    builder_pages,
    call_pages,
    evaluation_pages,
    web,
)

urlpatterns = [
    path("accounts/invitation/<str:code>/", account_pages.Invitation.as_view(), name="invitation"),
    path("calls/<uuid:pk>/", call_pages.public_page, name="public-calls"),
    path("workspace/inbox/", web.inbox, name="inbox"),
    path("workspace/account/", account_pages.account, name="account"),
    path("workspace/account/sessions/", account_pages.end_sessions, name="account-sessions"),
    path("workspace/account/tokens/", account_pages.new_token, name="account-new-token"),
    path("workspace/account/tokens/<uuid:pk>/", account_pages.revoke_token, name="account-token"),
    path("workspace/search/", web.search, name="search"),
    path("workspace/trail/", web.trail, name="trail"),
    path("workspace/jobs/", web.parked_jobs, name="parked-jobs"),
    path("part/<str:code>/", application_pages.PartByLink.as_view(), name="part-link"),
    path("workspace/applications/<uuid:pk>/receipt/", application_pages.receipt, name="application-receipt"),
    path("workspace/documents/<uuid:pk>/file/", web.download, name="document-file"),
]
