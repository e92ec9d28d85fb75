"""`manage.py bench payments`: what pages take with few rows and with a million.

`manage.py bench mirror`: what it takes to read a list of 400,000, twice.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.test import override_settings

from dashboard.bench import mirror, provider
from dashboard.bench.pages import BENCHES, Bench, measure, somebody
from dashboard.bench.seeding import PAYMENTS, NotABench, fill, refuse_outside_a_bench

TARGET = 1.3  # most rows against fewest
MIRROR = "mirror"
LONG_LIST = 400_000


class Command(BaseCommand):
    help = (
        "Fills an empty database with made-up rows and times the pages that list them, "
        "or the reading of a provider's list."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=[*BENCHES, MIRROR])
        parser.add_argument("--rows", type=int, nargs="+")
        parser.add_argument("--repeat", type=int, default=31, help="times each page is asked for")

    def handle(self, *args: Any, **options: Any) -> None:
        what, rows = options["what"], sorted(options["rows"] or ())
        try:
            refuse_outside_a_bench(PAYMENTS if what == MIRROR else BENCHES[what].seed)
        except NotABench as problem:
            raise CommandError(str(problem)) from problem
        with override_settings(DEBUG=False):  # production keeps no list of its queries
            if what == MIRROR:
                self._read(rows[-1] if rows else LONG_LIST)
            else:
                self._ask(BENCHES[what], rows or [10_000, 1_000_000], repeat=options["repeat"])

    def _ask(self, bench: Bench, sizes: list[int], *, repeat: int) -> None:
        taken: dict[str, list[float]] = {}
        person = somebody()
        for size in sizes:
            self.stderr.write(f"{size:,} rows …")
            fill(bench.seed, size)
            for name, address in bench.addresses().items():
                milliseconds = measure(address, person=person, repeat=repeat)
                taken.setdefault(name, []).append(milliseconds)
        self._show(sizes, taken)

    def _read(self, rows: int) -> None:
        with provider.listing(rows) as address:
            for name in ("first reading", "second reading"):
                reading = mirror.read(address)
                self.stdout.write(
                    f"{name}: {reading.seconds:.1f} s ({reading.busy:.1f} s busy), "
                    f"peak {reading.peak} MB, "
                    f"{reading.created:,} created, {reading.unchanged:,} unchanged"
                )
                self.stdout.flush()
                for table, number in sorted(reading.written.items()):
                    self.stdout.write(f"  {table:32}{number:>12,} rows written")

    def _show(self, sizes: list[int], taken: dict[str, list[float]]) -> None:
        heads = "".join(f"{f'{size:,}':>12}" for size in sizes)
        self.stdout.write(f"{'p50, ms':26}{heads}{'ratio':>8}")
        for name, times in taken.items():
            figures = "".join(f"{milliseconds:12.1f}" for milliseconds in times)
            ratio = times[-1] / times[0]
            mark = "  !" if ratio > TARGET else ""
            self.stdout.write(f"{name:26}{figures}{ratio:8.2f}{mark}")
