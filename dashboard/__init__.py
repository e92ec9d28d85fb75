"""The Django project and the shell around the desks."""

from dashboard.celery import app as celery_app

__all__ = ("celery_app",)
