"""Settings of one sandbox: shared ones here, each upstream's in its own folder."""

from dataclasses import dataclass, field
from datetime import datetime

from sandbox.lumetrade.config import LumetradeConfig
from sandbox.lux.config import LuxConfig
from sandbox.luxcore.config import ApiKey, LuxCoreConfig
from sandbox.web import is_loopback

__all__ = ["ApiKey", "Config", "LumetradeConfig", "LuxConfig", "LuxCoreConfig"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything has a default fit for tests: in memory, empty history, no traffic."""

    host: str = "127.0.0.1"
    state: str = ":memory:"
    seed: int | None = None  # a number fills an empty state with repeatable history
    pace: float = 0  # new payments per minute made by traffic, a third as many at the others
    start_at: datetime | None = None  # a frozen clock at that moment; None: the system's
    public_url: str = ""  # how others reach us; empty: as the request did
    deliver_outside: bool = False  # post webhooks to hosts other than this machine
    luxcore: LuxCoreConfig = field(default_factory=LuxCoreConfig)
    lux: LuxConfig = field(default_factory=LuxConfig)
    lumetrade: LumetradeConfig = field(default_factory=LumetradeConfig)

    @property
    def control(self) -> bool:
        """Whether the control door opens: only for those on this machine."""
        return is_loopback(self.host)
