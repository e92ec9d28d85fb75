"""`manage.py grant_role EMAIL ROLE --reason …`: how the first admin gets there."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from staff import grants
from staff.models import User, normalise_email
from staff.permissions import Role


class Command(BaseCommand):
    help = "Gives somebody a role, in the name of the command line. For the first admin."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("role", choices=Role.values)
        parser.add_argument("--reason", required=True, help="is kept in the audit trail")

    def handle(self, *args: Any, **options: Any) -> None:
        person = User.objects.filter(email=normalise_email(options["email"])).first()
        if person is None:
            raise CommandError("Nobody here has this e-mail address: see createsuperuser.")
        try:
            grants.grant_role(
                user=person,
                role=options["role"],
                by=None,
                by_label="command line",
                at=timezone.now(),
                reason=options["reason"],
            )
        except grants.ExclusiveRoles as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(f"{person.email} is {Role(options['role']).label}")
