"""Every write that comes from an upstream: poll, webhook, click and send all end here."""

from payments.mirror.balances import store_balances
from payments.mirror.linking import link
from payments.mirror.lumetrade import LUMETRADE, Sighting, balance_of, lumetrade_status
from payments.mirror.lux import LUX, lux_status
from payments.mirror.methods import Listing, store_methods
from payments.mirror.observing import luxcore_status, observe
from payments.mirror.saved import Listed, store_beneficiaries
from payments.mirror.storing import store_payments
from payments.mirror.trades import TradeSeen, store_trades, tell_if_undone, trade_status
from payments.mirror.wallets import Whole, store_currencies, store_wallets

__all__ = [
    "LUMETRADE",
    "LUX",
    "Listed",
    "Listing",
    "Sighting",
    "TradeSeen",
    "Whole",
    "balance_of",
    "link",
    "lumetrade_status",
    "lux_status",
    "luxcore_status",
    "observe",
    "store_balances",
    "store_beneficiaries",
    "store_currencies",
    "store_methods",
    "store_payments",
    "store_trades",
    "store_wallets",
    "tell_if_undone",
    "trade_status",
]
