"""Lumetrade's objects as typed records, vendor words translated (upstreams.md §2)."""

from upstreams.lumetrade.schemas.accounts import (
    AccountRecord,
    BeneficiaryRecord,
    CurrencyRecord,
    WalletRecord,
    parse_account,
    parse_beneficiary,
    parse_currency,
    parse_wallet,
)
from upstreams.lumetrade.schemas.movements import (
    CreatedWithdrawal,
    DepositRecord,
    WithdrawalRecord,
    parse_created,
    parse_deposit,
    parse_withdrawal,
)
from upstreams.lumetrade.schemas.reading import with_numbers
from upstreams.lumetrade.schemas.trades import (
    FillRecord,
    QuoteRecord,
    TradeRecord,
    parse_quote,
    parse_trade,
)

__all__ = [
    "AccountRecord",
    "BeneficiaryRecord",
    "CreatedWithdrawal",
    "CurrencyRecord",
    "DepositRecord",
    "FillRecord",
    "QuoteRecord",
    "TradeRecord",
    "WalletRecord",
    "WithdrawalRecord",
    "parse_account",
    "parse_beneficiary",
    "parse_created",
    "parse_currency",
    "parse_deposit",
    "parse_quote",
    "parse_trade",
    "parse_wallet",
    "parse_withdrawal",
    "with_numbers",
]
