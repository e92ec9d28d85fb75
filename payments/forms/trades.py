"""Forms of trades and accounts: what is exchanged, what became of it, which account is opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from payments import rules
from payments.actions import Wish
from payments.forms.fields import PLAIN
from payments.forms.settling import SettlingForm
from payments.models import Trade, TradeOrder
from payments.trading import currencies
from upstreams.money import BadMoney, is_known


class QuoteForm(forms.Form):
    """What is exchanged for what: exactly one of the two amounts is given."""

    from_currency = forms.ChoiceField(label=_("We give"))
    to_currency = forms.ChoiceField(label=_("We get"))
    from_amount = forms.CharField(
        label=_("So much of it leaves us"),
        max_length=40,
        required=False,
        help_text=_("Plain digits with a point, such as 2500.00."),
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "decimal"}),
    )
    to_amount = forms.CharField(
        label=_("Or: so much of it reaches us"),
        max_length=40,
        required=False,
        help_text=_("One of the two amounts; the price says the other."),
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "decimal"}),
    )

    def __init__(
        self, data: QueryDict | None = None, *, asked: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial=dict(asked or {}))
        self.currencies = currencies.held()
        for name in ("from_currency", "to_currency"):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", "—"), *((code, code) for code in self.currencies)]

    @property
    def is_possible(self) -> bool:
        """Whether there are two accounts to exchange between."""
        return len(self.currencies) > 1

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        sold, bought = data.get("from_currency"), data.get("to_currency")
        if sold and sold == bought:
            self.add_error("to_currency", _("Choose another currency than the one we give."))
        given = [name for name in ("from_amount", "to_amount") if data.get(name)]
        if len(given) != 1:
            if not self.errors.keys() & {"from_amount", "to_amount"}:
                self._ask_for_one(given)
            return data
        currency = sold if given[0] == "from_amount" else bought
        if currency:
            self._read(data, given[0], currency)
        return data

    def wish(self) -> Wish:
        """Return what was typed. Only after is_valid()."""
        data = self.cleaned_data
        return Wish(data["from_currency"], data["to_currency"], data["amount"], self.fixes_bought)

    @property
    def fixes_bought(self) -> bool:
        return bool(self.cleaned_data.get("to_amount"))

    def place_of(self, name: str) -> str | None:
        """Where an objection is shown: an amount beside the one that was typed."""
        if name == "amount":
            return "to_amount" if self.fixes_bought else "from_amount"
        return name if name in self.fields else None

    def _ask_for_one(self, given: list[str]) -> None:
        if given:
            self.add_error("to_amount", _("Give only one of the two amounts."))
        else:
            self.add_error("from_amount", _("Give one of the two amounts."))

    def _read(self, data: dict[str, Any], name: str, currency: str) -> None:
        if not is_known(currency):
            said = gettext("The desk does not know how many decimals %(currency)s has.")
            self.add_error(name, said % {"currency": currency})
            return
        try:
            data["amount"] = rules.parse_amount(data[name], currency)
        except BadMoney as problem:
            self.add_error(name, str(problem))
            return
        if data["amount"] <= 0:
            self.add_error(name, _("The amount must be above zero."))


class SettleOrderForm(SettlingForm):
    """What somebody read at Lumetrade about an exchange whose outcome no machine could find."""

    outcome = forms.ChoiceField(
        label=_("What did you find at the provider?"),
        choices=[
            ("made", _("It was carried out, or is being carried out")),
            ("none", _("It was not carried out and will not be")),
        ],
        widget=forms.RadioSelect,
    )
    upstream_id = forms.CharField(
        label=_("Id of the trade there"),
        max_length=120,
        required=False,
        help_text=_("Needed when it was carried out, such as TID7F3M."),
    )

    def __init__(
        self, data: QueryDict | None = None, *, order: TradeOrder, another_key: bool = False
    ) -> None:
        super().__init__(data, another_key=another_key)
        self.order = order
        self.trade: Trade | None = None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("outcome") != "made":
            data["upstream_id"] = ""
            if data.get("outcome") and self.another_key and not data.get("written_word"):
                self.ask_for_word()
            return data
        if not (upstream_id := data.get("upstream_id", "")):
            self.add_error("upstream_id", _("Write the id of the trade you found."))
            return data
        self.trade = Trade.objects.filter(
            upstream=self.order.upstream, upstream_id=upstream_id
        ).first()
        if self.trade is None and self.another_key:
            if not data.get("written_word"):
                self.ask_for_word()
        elif self.trade is None:
            self.add_error(
                "upstream_id",
                _("The desk has not seen this trade yet: it reads them every quarter of an hour."),
            )
        return data


class OpenAccountForm(forms.Form):
    """An account in one more of the currencies that Lumetrade offers."""

    currency = forms.ChoiceField(label=_("Currency"))

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data)
        self.choices = [
            (one.code, f"{one.code} · {one.name}" if one.name else one.code)
            for one in currencies.to_open()
        ]
        field = self.fields["currency"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "—"), *self.choices]
