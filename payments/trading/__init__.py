"""Exchanging our money: from a price that holds for half a minute to a trade at Lumetrade.

A quote is a row with its price and its end (`TradeOrder`). Somebody confirms it, the outbox asks
once, and never again; a lost answer is looked for among their trades, and where that does not say,
two people do.
"""
