"""Places where fault tests kill a worker, to prove that money still moves once."""

import os
import signal

from django.conf import settings


def reach(name: str) -> None:
    """Die here as by `kill -9` when `LIGHTDESK_CRASH_AT` names this place.

    `settings.CRASH_AT` is always empty outside DEBUG and the tests.
    """
    if name == settings.CRASH_AT:
        os.kill(os.getpid(), signal.SIGKILL)
