"""Read what the upstreams hold, now, and show how it goes."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from upstreams import credentials, feeds
from upstreams.enums import RunState
from upstreams.models import FeedRun

SLACK = timedelta(seconds=10)  # beyond the lease that a run that was killed still holds


class Command(BaseCommand):
    help = "Read the named feeds (default: all of configured upstreams) to their end."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("feeds", nargs="*", metavar="FEED")
        parser.add_argument("--full", action="store_true", help="read everything again")

    def handle(self, *args: Any, **options: Any) -> None:
        names = options["feeds"] or [
            feed.name for feed in feeds.registered() if credentials.is_configured(feed.upstream)
        ]
        if not names:
            raise CommandError("No upstream is configured, so there is nothing to read.")
        failed = [name for name in names if not self._read(name, full=options["full"])]
        if failed:
            raise CommandError(f"Not read to the end: {', '.join(failed)}.")

    def _read(self, name: str, *, full: bool) -> bool:
        try:
            run = self._run_when_free(name, full=full)
        except feeds.UnknownFeed as problem:
            known = ", ".join(feed.name for feed in feeds.registered())
            raise CommandError(f"{problem} There are: {known}.") from None
        if run is None:
            self.stdout.write(f"{name}: another run is at work on it; nothing was done here.")
            return False
        self.stdout.write(
            f"{_progress(run)}, {run.get_state_display().lower()}. {run.error}".strip()
        )
        return run.state == RunState.DONE

    def _run_when_free(self, name: str, *, full: bool) -> FeedRun | None:
        """Run the feed; while another run holds it, wait as long as a dead one could."""
        give_up = time.monotonic() + (feeds.get(name).lease + SLACK).total_seconds()
        is_told = False
        while True:
            run = feeds.run(name, full=full, on_page=self._show)
            if run is not None or time.monotonic() > give_up:
                return run
            if not is_told:
                self.stdout.write(f"{name}: waiting for another run to end, or to be given up.")
                is_told = True
            time.sleep(1)

    def _show(self, run: FeedRun) -> None:
        self.stdout.write(f"{_progress(run)} …")
        self.stdout.flush()


def _progress(run: FeedRun) -> str:
    return (
        f"{run.feed_id}: page {run.pages}, {run.read} read, {run.created} new, "
        f"{run.changed} changed, {run.unchanged} unchanged, {run.refused} refused"
    )
