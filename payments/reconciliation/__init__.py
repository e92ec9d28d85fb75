"""Holding our books against a provider's, without merging theirs into ours first.

A run (`running`) reads what a registered reader shows (`readers`), window by window, and compares
each record with our row (`comparing`). What does not agree is a drift (`drifts`); so is what stands
still, an event about nothing we hold, and a balance that does not add up (`standing`, `money`).
Whether one drift still holds is asked in one place (`judging`).
"""
