"""The Celery application: it runs one kind of message, "run this job"."""

import os

from celery import Celery
from kombu.transport.redis import Channel

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("facility")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# What a broken connection had taken is rung for again; putting it back would fail and be dumped to a file instead.
Channel.do_restore = False
