"""Words of the outside world that more than one room uses.

Labels are English wherever they are kept or logged; pages translate them when they show them.
"""

from django.db import models
from django.utils.translation import gettext_noop as _


class Upstream(models.TextChoices):
    LUXCORE = "luxcore", "LuxCore"
    LUX = "lux", "Lux Financial"
    LUMETRADE = "lumetrade", "Lumetrade"


# What people are called about that has to do with no provider.
DESK = "desk"


class CommandState(models.TextChoices):
    QUEUED = "queued", _("Queued")
    SENDING = "sending", _("Sending")
    DONE = "done", _("Done")
    REFUSED = "refused", _("Refused")
    UNKNOWN = "unknown", _("Outcome unknown")
    WITHDRAWN = "withdrawn", _("Taken back before sending")


class EventState(models.TextChoices):
    RECEIVED = "received", _("Received")
    APPLIED = "applied", _("Applied")
    UNHANDLED = "unhandled", _("Kept, no handler")
    RETRYING = "retrying", _("Will be tried again")
    DEAD = "dead", _("Gave up, replay by hand")


class RunState(models.TextChoices):
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    ABANDONED = "abandoned", _("Stopped half-way")
