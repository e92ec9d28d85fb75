"""`manage.py demo`: people to try the desk with."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from staff import demo


class Command(BaseCommand):
    help = "Makes demo people, one for each role, and sample data. Only where DEBUG is on."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            people, made = demo.build(at=timezone.now())
        except demo.NotADemonstration as exc:
            raise CommandError(str(exc)) from exc
        for line in made:
            self.stdout.write(f"made: {line}")
        self.stdout.write(f"Sign in with the password {demo.PASSWORD} as:")
        for nickname, person in people.items():
            self.stdout.write(f"  {person.email:<28}{demo.PEOPLE[nickname][1].label}")
