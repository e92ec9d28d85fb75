"""`manage.py sync_roles`: make a group of every role."""

from typing import Any

from django.core.management.base import BaseCommand

from staff import grants


class Command(BaseCommand):
    help = "Makes a group of every role that has none yet. Every migrate does the same."

    def handle(self, *args: Any, **options: Any) -> None:
        made = grants.sync_roles()
        self.stdout.write(f"made: {', '.join(made)}" if made else "every role has its group")
