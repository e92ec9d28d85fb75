"""Every write to customers that comes from upstream."""

from customers.mirror.accounts import Listed, store_accounts, take_off_list
from customers.mirror.learning import Told, learn
from customers.mirror.profiles import Changed, store_profiles
from customers.mirror.wallets import NotTold, store_balances, store_wallets

__all__ = [
    "Changed",
    "Listed",
    "NotTold",
    "Told",
    "learn",
    "store_accounts",
    "store_balances",
    "store_profiles",
    "store_wallets",
    "take_off_list",
]
