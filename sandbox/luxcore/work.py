"""What one transaction of LuxCore works with."""

import random
import sqlite3
import string
import uuid
from dataclasses import dataclass, replace

from sandbox.faults import FaultBook
from sandbox.luxcore.config import LuxCoreConfig

LETTERS = string.ascii_lowercase + string.digits


@dataclass(frozen=True, kw_only=True)
class Work:
    """The open transaction, its moment, and whose data it is about.

    `dice` makes ids and choices: seeded for history and traffic, unpredictable otherwise.
    `silent` work sends no events: that is how history is written.
    """

    db: sqlite3.Connection
    now: int
    config: LuxCoreConfig
    env: str
    dice: random.Random
    faults: FaultBook
    page_secret: str
    public_url: str
    silent: bool = False

    def at(self, moment: int) -> "Work":
        return replace(self, now=moment)

    def token(self, length: int) -> str:
        return "".join(self.dice.choices(LETTERS, k=length))

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.dice.getrandbits(128), version=4))

    def of(self, env: str) -> "Work":
        return replace(self, env=env)
