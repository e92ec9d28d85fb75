"""`manage.py rotate_document_keys`: wrap every document's key under the newest one."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from customers.documents import keys, rotation


class Command(BaseCommand):
    help = (
        "Wraps the keys of all documents anew, under the first of DOCUMENT_KEYS. May be stopped "
        "and started again at any time. An older key may be taken out of the settings once this "
        "says that nothing is under it any more."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only say what is left to do")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if not options["check"]:
                self._rotate()
            left = rotation.still_under()
        except keys.NoKeys:
            raise CommandError("DOCUMENT_KEYS is empty.") from None
        except keys.BadKeys as problem:
            raise CommandError(str(problem)) from None
        if left:
            told = ", ".join(f"{number} under {key_id}" for key_id, number in left.items())
            raise CommandError(f"Not done: {told}. Keep those keys in DOCUMENT_KEYS.")
        self.stdout.write(f"Done: every document is under {keys.ring().newest}.")

    def _rotate(self) -> None:
        for progress in rotation.rotate():
            self.stdout.write(
                f"{progress.done} wrapped anew, {progress.unreadable} not to be opened, "
                f"{progress.left} to go …"
            )
            self.stdout.flush()
