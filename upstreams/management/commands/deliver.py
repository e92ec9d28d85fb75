"""Send what is due and process what arrived, without waiting for anybody to ring."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from types import FrameType
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, close_old_connections, connection
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from staff import anchors
from staff.texts import Text
from upstreams import outbox, webhooks
from upstreams.enums import Upstream

logger = structlog.get_logger(__name__)

LONGEST_PAUSE = 30.0  # seconds between tries while the database is away


class Command(BaseCommand):
    help = "Sweep the outbox and the inbox once, or again and again."

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._stopping = threading.Event()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--every",
            type=float,
            metavar="SECONDS",
            help="go on until SIGTERM, with this pause between sweeps",
        )

    def handle(self, *args: Any, every: float | None, **options: Any) -> None:
        if every is None:
            stop_everything_after_a_restore()
            self.stdout.write(self._sweep())
            return
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        self._loop(every)

    def _loop(self, every: float) -> None:
        """Sweep until told to stop. A command that is being sent is finished first."""
        is_checked, failures = False, 0
        while not self._stopping.is_set():
            try:
                close_old_connections()
                if not is_checked:
                    stop_everything_after_a_restore()
                    is_checked = True
                self._sweep()
                failures = 0
            except (OperationalError, InterfaceError) as problem:
                failures += 1
                logger.warning("upstreams.deliver.database_away", problem=type(problem).__name__)
                connection.close()
            self._stopping.wait(min(every * 2**failures, max(every, LONGEST_PAUSE)))
        logger.info("upstreams.deliver.stopped")

    def _sweep(self) -> str:
        sent = outbox.sweep(stop=self._stopping.is_set)
        processed = webhooks.sweep(stop=self._stopping.is_set)
        return f"{sent} commands attempted, {processed} events processed."

    def _stop(self, signal_number: int, frame: FrameType | None) -> None:
        self._stopping.set()


def stop_everything_after_a_restore() -> None:
    """Turn every provider off when the database is older than what this host has seen of it.

    An older copy would send again what was sent after it was made. People compare it with the
    upstreams first, and turn each provider on again.
    """
    reason = anchors.database_is_older()
    if not reason:
        return
    for upstream in Upstream.values:
        outbox.stop_sending(
            upstream,
            reason=Text(_("The database looks restored from a backup: %(why)s"), why=reason),
            by_label="Lightdesk",
            at=timezone.now(),
        )
