"""The Celery application. Celery is only the doorbell: every piece of work is a row first."""

import os
from typing import Any

from celery import Celery
from celery.signals import import_modules, setup_logging, worker_init
from django.core.exceptions import ImproperlyConfigured
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

app = Celery("lightdesk")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.steps["worker"].add(DjangoStructLogInitStep)  # request ids follow into tasks
app.autodiscover_tasks()


@setup_logging.connect
def keep_the_settings_logging(**_: Any) -> None:
    """Let workers log as the web does: with a receiver here, Celery sets up nothing of its own."""


@import_modules.connect(sender=app)
def keep_the_time_of_every_feed(**_: Any) -> None:
    """Hand beat its schedule: by now every package has registered its feeds."""
    from upstreams.schedule import beat_schedule

    app.conf.beat_schedule = beat_schedule()


@worker_init.connect
def refuse_to_start_wrong(**_: Any) -> None:
    """Stop a worker whose settings cannot work (a signal swallows all but SystemExit)."""
    from dashboard import checks

    try:
        checks.refuse_to_start_wrong()
    except ImproperlyConfigured as refusal:
        raise SystemExit(str(refusal)) from None
