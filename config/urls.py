"""All addresses: the public site, sign-in, the workspace, the API, and the pages for operators."""

from django.urls import include, path, re_path
from django.views.generic import RedirectView
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from config import operations
from facility import toolkit_api
from facility.workflow import api
from facility.workflow import web as workflow_web
from reporting import toolkit_web
from reporting import web as reporting_web

urlpatterns = [
    path("", reporting_web.public_home, name="public-home"),
    path("live", operations.live, name="live"),
    path("ready", operations.ready, name="ready"),
    path("metrics", operations.metrics, name="metrics"),
    path("language/", set_language, name="set_language"),
    # An address is changed by the office: it is what an invitation was sent to.
    path("accounts/email/", RedirectView.as_view(pattern_name="account"), name="account_email"),
    path("accounts/sessions/", RedirectView.as_view(pattern_name="account"), name="usersessions_list"),
    path("", include("facility.urls")),
    path("accounts/", include("allauth.urls")),
    path("toolkit/", toolkit_web.toolkit, name="toolkit"),
    path("toolkit/<str:cell>/", toolkit_web.toolkit_cell, name="toolkit-cell"),
    path("p/<slug:programme>/", reporting_web.public_programme, name="public-programme"),
    path("workspace/", reporting_web.home, name="home"),
    path("", include("reporting.urls")),
    path("", include("webinars.urls")),
    path("", include("advisory.urls")),
    path("workspace/", include(workflow_web.urls())),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="api-schema"), name="api-docs"),
    path("api/toolkit/", include(toolkit_api.urls())),
    path("api/", include(api.urls())),
    re_path(r"^api/(?P<rest>.+)$", api.gone, name="api-gone"),
]

handler500 = "facility.workflow.middleware.server_error"
