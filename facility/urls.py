"""The addresses of this app that no record has by itself."""

from django.urls import path

from facility import account_pages, call_pages, evaluation_pages, exchange_pages, figures_pages, web  # noqa: F401 (pages of records register themselves)

urlpatterns = [
    path("accounts/invitation/<str:code>/", account_pages.Invitation.as_view(), name="invitation"),
    path("workspace/inbox/", web.inbox, name="inbox"),
    path("workspace/account/", account_pages.account, name="account"),
    path("workspace/account/sessions/", account_pages.end_sessions, name="account-sessions"),
    path("workspace/account/tokens/", account_pages.new_token, name="account-new-token"),
    path("workspace/account/tokens/<uuid:pk>/", account_pages.revoke_token, name="account-token"),
    path("workspace/search/", web.search, name="search"),
    path("workspace/trail/", web.trail, name="trail"),
    path("workspace/jobs/", web.parked_jobs, name="parked-jobs"),
    path("workspace/documents/<uuid:pk>/file/", web.download, name="document-file"),
    path("workspace/calls/<uuid:pk>/export/", exchange_pages.call_export, name="call-export"),
    path("workspace/calls/<uuid:pk>/figures/", figures_pages.call_figures, name="call-figures"),
    path("figures/<uuid:pk>/", figures_pages.public_figures, name="public-figures"),
    path("workspace/imports/files/<str:name>", exchange_pages.register_file, name="register-file"),
    path("workspace/imports/<uuid:pk>/rows-left-out/", exchange_pages.refused_rows, name="register-rows"),
    path("workspace/imports/<uuid:pk>/progress/", exchange_pages.import_progress, name="import-progress"),
]
