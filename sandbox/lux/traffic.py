"""What goes on without anybody at the desk: customers arrive and begin KYC, systems transfer."""

import random

from sandbox.lux import customers, history, imagine
from sandbox.lux.api import Lux
from sandbox.plans import follow
from sandbox.traffic import Pace

CUSTOMERS = 0.4  # their share; the rest are transfers


class Traffic:
    def __init__(self, lux: Lux, *, seed: int, pace: float) -> None:
        self._lux = lux
        self._dice = random.Random(f"lux {seed} {lux.clock.now()}")
        self.pace = Pace(pace, self._dice)

    def tick(self) -> None:
        """Make what came since the last tick."""
        count = self.pace.arrivals(self._lux.clock.now())
        if not count:
            return
        with self._lux.store.transaction() as db:
            work = self._lux.work(db, dice=self._dice)
            stage_delay = work.config.traffic_stage_delay
            for _ in range(count):
                if self._dice.random() >= CUSTOMERS:
                    history.transfer(work, source="traffic", stage_delay=stage_delay)
                    continue
                given = imagine.customer(self._dice, history.next_number(work))
                made = history.create(work, given, source="traffic")
                if made is not None:
                    follow(work, customers.TABLE, made, history.kyc_way(work, stage_delay))
