"""Words of the customers' desk. Labels are English until a page shows them."""

from django.db import models
from django.utils.translation import gettext_noop as _


class HoldKind(models.TextChoices):
    """What a hold was placed for."""

    MANUAL = "manual", _("Manual hold")
    KYC = "kyc", _("KYC hold")
    SCREENING = "screening", _("Screening hold")
    TICKET = "ticket", _("Ticket hold")
