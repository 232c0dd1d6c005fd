"""The addresses of this app that no record has by itself."""

from typing import Any

from django.urls import path

from reporting import pages

urlpatterns: list[Any] = [
    path("workspace/reports/<uuid:pk>/progress/", pages.progress, name="report-progress"),
    path("workspace/selections/<uuid:pk>/record.pdf", pages.decision_file, name="decision-record"),
    path("reports/<uuid:pk>/<slug:kind>/", pages.ReportDownload.as_view(), name="report-file"),
    *(
        path(f"{records}/<uuid:pk>/", pages.public_page, {"records": records}, name=f"public-{records}")
        for records in pages.PUBLIC
    ),
]
