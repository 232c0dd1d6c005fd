"""The web process for a control: the product without its answers to a database that is away."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from config import urls  # noqa: E402
from facility.workflow.middleware import RefusalMiddleware  # noqa: E402

del RefusalMiddleware.process_exception
urls.handler500 = "django.views.defaults.server_error"

from config.wsgi import application  # noqa: E402, F401
