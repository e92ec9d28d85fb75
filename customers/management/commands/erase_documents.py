"""`manage.py erase_documents`: destroy the documents of customers who left long ago."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from customers.documents import erasing

BY_LABEL = "manage.py erase_documents"


class Command(BaseCommand):
    help = (
        "Destroys the content of documents of customers who were deleted or rejected at Lux "
        "Financial longer ago than DOCUMENT_RETENTION_DAYS; that they were here stays. Without "
        "--erase it only says what would go. Documents of somebody with a hold in force stay."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--dry-run", action="store_true", help="only say what would go (default)")
        what.add_argument("--erase", action="store_true", help="destroy it")
        parser.add_argument(
            "--customer", type=int, help="this customer alone, however long ago they left"
        )
        parser.add_argument("--reason", default="", help="kept with the audit trail")

    def handle(self, *args: Any, **options: Any) -> None:
        at, is_real = timezone.now(), options["erase"]
        if options["customer"] and is_real and not options["reason"].strip():
            raise CommandError("Say why this customer's documents go: --reason.")
        reason = options["reason"].strip() or f"Kept {settings.DOCUMENT_RETENTION_DAYS} days."
        again = erasing.brought_back().count()
        if is_real:
            again = erasing.erase_again(at=at, by_label=BY_LABEL)
        if again:
            self.stdout.write(f"{again} documents that a restored backup brought back")
        gone = kept = people = 0
        for plan in list(erasing.plans(at=at, customer_id=options["customer"])):
            number = 0 if plan.kept_because else plan.documents
            if is_real and number:
                number = erasing.erase(plan.customer, at=at, reason=reason, by_label=BY_LABEL)
            why = f", kept: {plan.kept_because}" if plan.kept_because else ""
            self.stdout.write(f"customer {plan.customer.pk}: {plan.documents} documents{why}")
            gone, kept = gone + number, kept + plan.documents - number
            people += bool(number)
        verb = "destroyed" if is_real else "would be destroyed"
        self.stdout.write(f"{gone} documents of {people} customers {verb}, {kept} kept.")
        if not is_real:
            self.stdout.write("Nothing was changed: --erase does it.")
