"""Where the parts of a chart stand. SVG is drawn on the server, from attributes alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Protocol

WIDTH, HEIGHT = 640, 190
LEFT, BOTTOM, TOP = 52, 22, 14


class Bar(Protocol):
    """One bar: `text` is the value in words, `label` names it under the axis."""

    label: str
    value: Decimal
    text: str


@dataclass(frozen=True)
class BarBox:
    """A bar and its place, in the units of the view box."""

    bar: Bar
    x: float
    y: float
    width: float
    height: float
    is_last: bool

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 1)

    @property
    def above(self) -> float:
        return round(self.y - 5, 1)


@dataclass(frozen=True)
class GridLine:
    y: float
    value: Decimal


@dataclass(frozen=True)
class BarLayout:
    boxes: list[BarBox]
    lines: list[GridLine]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    base: int = HEIGHT - BOTTOM


def bar_layout(bars: Sequence[Bar]) -> BarLayout:
    """Place bars side by side under a round top value, with lines at none, half and all of it."""
    top = round_up(max((bar.value for bar in bars), default=Decimal(0)))
    room = HEIGHT - BOTTOM - TOP
    step = (WIDTH - LEFT) / max(len(bars), 1)
    boxes = []
    for position, bar in enumerate(bars):
        height = float(bar.value / top) * room
        boxes.append(
            BarBox(
                bar=bar,
                x=round(LEFT + position * step + step * 0.14, 1),
                y=round(HEIGHT - BOTTOM - height, 1),
                width=round(step * 0.72, 1),
                height=round(height, 1),
                is_last=position == len(bars) - 1,
            )
        )
    lines = [
        GridLine(y=round(HEIGHT - BOTTOM - room * float(part), 1), value=top * part)
        for part in (Decimal(0), Decimal("0.5"), Decimal(1))
    ]
    return BarLayout(boxes=boxes, lines=lines)


def round_up(value: Decimal) -> Decimal:
    """Return the next round number (1, 2, 4, 6, 8, 10 times a power of ten), at least 1."""
    if value <= 0:
        return Decimal(1)
    power = Decimal(10) ** value.adjusted()
    leading = (value / power).to_integral_value(rounding=ROUND_CEILING)
    if leading == 1:
        return power
    return (leading + leading % 2) * power
