"""What goes on without anybody at the desk: money comes in, others pay out and trade."""

import random

from sandbox.lumetrade import history
from sandbox.lumetrade.api import Lumetrade
from sandbox.traffic import Pace

TRADES = 0.15  # their share


class Traffic:
    def __init__(self, lumetrade: Lumetrade, *, seed: int, pace: float) -> None:
        self._lumetrade = lumetrade
        self._dice = random.Random(f"lumetrade {seed} {lumetrade.clock.now()}")
        self.pace = Pace(pace, self._dice)

    def tick(self) -> None:
        """Make what came since the last tick."""
        count = self.pace.arrivals(self._lumetrade.clock.now())
        if not count:
            return
        delay = self._lumetrade.config.traffic_stage_delay
        with self._lumetrade.store.transaction() as db:
            work = self._lumetrade.work(db, dice=self._dice)
            for _ in range(count):
                if self._dice.random() < TRADES:
                    history.exchange(work, source="traffic", fill_delay=delay)
                else:
                    history.arrive(work, source="traffic", stage_delay=delay)
