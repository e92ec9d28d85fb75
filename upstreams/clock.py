"""The database's clock: leases of several hosts must be measured by one."""

from datetime import datetime

from django.db import connection
from django.utils import timezone


def database_now() -> datetime:
    """Return the moment by the clock of the database.

    PostgreSQL is asked for its wall clock (`clock_timestamp`, which moves inside a transaction).
    SQLite lives in our process on one host: its clock is ours.
    """
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    moment: datetime = row[0]
    return moment
