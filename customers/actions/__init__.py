"""Every write that a person makes to customers."""

from customers.actions.holds import HoldNotPossible, lift_hold, place_hold

__all__ = ["HoldNotPossible", "lift_hold", "place_hold"]
