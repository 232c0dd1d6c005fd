"""The Celery application: it runs one kind of message, "run this job"."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("facility")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
