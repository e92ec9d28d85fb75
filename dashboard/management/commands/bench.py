"""`manage.py bench payments`: what pages take with few rows and with a million."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.test import override_settings

from dashboard.bench.pages import BENCHES, measure, somebody
from dashboard.bench.seeding import NotABench, fill, refuse_outside_a_bench

TARGET = 1.3  # most rows against fewest


class Command(BaseCommand):
    help = "Fills an empty database with made-up rows and times the pages that list them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=BENCHES)
        parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000])
        parser.add_argument("--repeat", type=int, default=31, help="times each page is asked for")

    def handle(self, *args: Any, **options: Any) -> None:
        bench, sizes = BENCHES[options["what"]], sorted(options["rows"])
        try:
            refuse_outside_a_bench(bench.seed)
        except NotABench as problem:
            raise CommandError(str(problem)) from problem
        taken: dict[str, list[float]] = {}
        with override_settings(DEBUG=False):  # production keeps no list of its queries
            person = somebody()
            for size in sizes:
                self.stderr.write(f"{size:,} rows …")
                fill(bench.seed, size)
                for name, address in bench.addresses().items():
                    milliseconds = measure(address, person=person, repeat=options["repeat"])
                    taken.setdefault(name, []).append(milliseconds)
        self._show(sizes, taken)

    def _show(self, sizes: list[int], taken: dict[str, list[float]]) -> None:
        heads = "".join(f"{f'{size:,}':>12}" for size in sizes)
        self.stdout.write(f"{'p50, ms':26}{heads}{'ratio':>8}")
        for name, times in taken.items():
            figures = "".join(f"{milliseconds:12.1f}" for milliseconds in times)
            ratio = times[-1] / times[0]
            mark = "  !" if ratio > TARGET else ""
            self.stdout.write(f"{name:26}{figures}{ratio:8.2f}{mark}")
