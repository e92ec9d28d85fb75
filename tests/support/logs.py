"""The log as production writes it."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.conf import settings


@contextmanager
def production_log() -> Iterator[io.StringIO]:
    """Gather what production would write to stderr, at its most talkative."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    formatter = settings.LOGGING["formatters"]["json"]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=formatter["processors"], foreign_pre_chain=formatter["foreign_pre_chain"]
        )
    )
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield written
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
