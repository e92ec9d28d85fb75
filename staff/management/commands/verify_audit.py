"""`manage.py verify_audit`: walk the audit chain and name its first broken event."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from staff import anchors, audit


class Command(BaseCommand):
    help = "Checks every event of the audit trail and the head that was written down."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--write-head", action="store_true", help="write the newest event down when all is well"
        )
        parser.add_argument(
            "--after-restore",
            action="store_true",
            help="with --write-head: forget the head written down, a backup was restored",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        verdict = audit.verify()
        if not verdict.ok:
            raise CommandError(f"broken at #{verdict.first_broken_sequence}: {verdict.reason}")
        forget = options["write_head"] and options["after_restore"]
        if not forget and (reason := anchors.database_is_older()):
            raise CommandError(f"broken after #{verdict.checked}: {reason}")
        if options["write_head"]:
            anchors.write_head(verdict, at=timezone.now(), after_restore=forget)
        self.stdout.write(f"ok, {verdict.checked} events, head {verdict.head}")
