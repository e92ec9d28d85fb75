"""Asking Lux Financial to make, change or delete what it holds about customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop as _

from customers.enums import RequestKind
from customers.models import Customer, CustomerRequest, ExternalAccount, Profile
from customers.requests import accounts, fields, seen
from customers.requests.bodies import COMMANDS, key_for, payload, told_of
from customers.requests.life import NotPossible
from customers.requests.looking import DELETED
from customers.requests.seen import Difference
from customers.requests.sending import PENDING
from staff import audit, masking
from staff.models import User
from staff.permissions import Permission, require
from staff.texts import Sayable, Text, joined, listed
from upstreams import outbox
from upstreams.enums import Upstream


class InvalidRequest(NotPossible):
    """What was typed breaks a rule; `errors` names field and reason."""

    def __init__(self, errors: Mapping[str, Sayable]) -> None:
        self.errors = {name: str(text) for name, text in errors.items()}
        super().__init__(joined(errors.values()))


class ReasonMissing(NotPossible):
    """A reason is asked for and was not given."""

    def __init__(self) -> None:
        super().__init__(Text(_("Say why, in a few words: it is kept with the request.")))


class ProfileChanged(NotPossible):
    """The customer is not as the person saw them. Nothing was asked for."""

    def __init__(self, differences: Sequence[Difference]) -> None:
        self.differences = list(differences)
        labels = listed(dict.fromkeys(one.label for one in self.differences))
        super().__init__(
            Text(
                _("Nothing was sent: it has changed since you looked (%(labels)s)."),
                labels=labels,
            )
        )


class UnderWay(NotPossible):
    """The same thing is being changed already."""

    def __init__(self) -> None:
        super().__init__(
            Text(_("Something about this is on its way already: wait until it is answered."))
        )


def create_customer(
    *, kind: str, given: Mapping[str, str], token: UUID, by: User, at: datetime
) -> CustomerRequest:
    """Ask for a new customer. The same form sent twice asks once.

    Raises NotPermitted, InvalidRequest.
    """
    require(by, Permission.EDIT_CUSTOMERS)
    filled = {name: value.strip() for name, value in given.items() if value.strip()}
    if errors := fields.problems(kind, filled):
        raise InvalidRequest(errors)
    body = {"type": kind, **fields.nested(filled)}
    return _ask_once(RequestKind.CREATE, None, body, token=token, by=by, at=at)


def change_customer(
    *,
    customer_id: int,
    wanted: Mapping[str, str],
    shown: str,
    shown_now: Mapping[str, str],
    by: User,
    at: datetime,
) -> CustomerRequest:
    """Ask for a change. What is empty stays, and only what is different goes.

    `shown` is what the form was sealed with, `shown_now` what the person may read now. Raises
    NotPermitted, ProfileChanged, InvalidRequest, UnderWay, NotPossible.
    """
    require(by, Permission.EDIT_CUSTOMERS)
    try:
        with transaction.atomic():
            profile = _locked_profile(customer_id)
            if differences := seen.differences(shown, profile, shown_now):
                raise ProfileChanged(differences)
            changes = changes_of(profile, wanted)
            if errors := fields.change_problems(profile.kind, changes):
                raise InvalidRequest(errors)
            if not changes:
                raise NotPossible(Text(_("Nothing is different from what Lux Financial has.")))
            return _ask(
                RequestKind.CHANGE,
                profile.customer,
                fields.nested(changes),
                target=upstream_id_of(profile.customer),
                by=by,
                at=at,
            )
    except IntegrityError:
        raise UnderWay from None


def changes_of(profile: Profile, wanted: Mapping[str, str]) -> dict[str, str]:
    """What of it is filled in and different from what they have."""
    held = fields.current(profile)
    given = {name: value.strip() for name, value in wanted.items()}
    return {name: value for name, value in given.items() if value and value != held.get(name)}


def delete_customer(*, customer_id: int, reason: str, by: User, at: datetime) -> CustomerRequest:
    """Ask for the soft deletion of a customer: their data is kept there and here.

    Raises NotPermitted, ReasonMissing, UnderWay, NotPossible.
    """
    require(by, Permission.EDIT_CUSTOMERS)
    said = _stated(reason)
    try:
        with transaction.atomic():
            customer = _locked_profile(customer_id).customer
            target = upstream_id_of(customer)
            return _ask(RequestKind.DELETE, customer, {}, target=target, reason=said, by=by, at=at)
    except IntegrityError:
        raise UnderWay from None


def add_wallet(
    *, customer_id: int, given: Mapping[str, Any], token: UUID, by: User, at: datetime
) -> CustomerRequest:
    """Ask for a wallet. Its label is its own among the customer's: it is found again by it.

    Raises NotPermitted, InvalidRequest, NotPossible.
    """
    require(by, Permission.EDIT_CUSTOMERS)
    if errors := accounts.wallet_problems(given):
        raise InvalidRequest(errors)
    customer = _open_profile(customer_id).customer
    if _has_label(customer, given["label"]) and not _asked_before(token, by=by):
        raise InvalidRequest({"label": Text(_("Another wallet of theirs has this label."))})
    body = accounts.wallet_body(given, customer_id=upstream_id_of(customer))
    return _ask_once(RequestKind.ADD_WALLET, customer, body, token=token, by=by, at=at)


def add_external_account(
    *,
    customer_id: int,
    kind: str,
    given: Mapping[str, str],
    is_sure: bool,
    token: UUID,
    by: User,
    at: datetime,
) -> CustomerRequest:
    """Ask for an external account. What looks wrong is only asked for when somebody `is_sure`.

    Raises NotPermitted, InvalidRequest, NotPossible.
    """
    require(by, Permission.EDIT_CUSTOMERS)
    tidy = accounts.tidied(given)
    if errors := accounts.account_problems(kind, tidy):
        raise InvalidRequest(errors)
    if not is_sure and (doubts := accounts.account_warnings(kind, tidy)):
        raise InvalidRequest({"is_sure": joined(doubts)})
    customer = _open_profile(customer_id).customer
    body = accounts.account_body(kind, tidy, customer_id=upstream_id_of(customer))
    return _ask_once(RequestKind.ADD_ACCOUNT, customer, body, token=token, by=by, at=at)


def verify_external_account(
    *, account_id: int, amounts: Sequence[str], by: User, at: datetime
) -> CustomerRequest:
    """Tell Lux Financial which two small deposits arrived. A wrong pair may count as a try.

    Raises NotPermitted, InvalidRequest, UnderWay, NotPossible.
    """
    require(by, Permission.EDIT_CUSTOMERS)
    typed = [amount.strip() for amount in amounts]
    errors = {
        name: wrong
        for name, amount in zip(("first", "second"), typed, strict=True)
        if (wrong := accounts.amount_problem(amount))
    }
    if errors:
        raise InvalidRequest(errors)
    account = _listed_account(account_id)
    if account.status != PENDING:
        raise NotPossible(Text(_("This account does not wait to be verified.")))
    return _ask_about(account, RequestKind.VERIFY_ACCOUNT, {"amounts": typed}, by=by, at=at)


def remove_external_account(
    *, account_id: int, reason: str, by: User, at: datetime
) -> CustomerRequest:
    """Ask for an external account to be removed.

    Raises NotPermitted, ReasonMissing, UnderWay, NotPossible.
    """
    require(by, Permission.EDIT_CUSTOMERS)
    said = _stated(reason)
    account = _listed_account(account_id)
    return _ask_about(account, RequestKind.REMOVE_ACCOUNT, {}, reason=said, by=by, at=at)


def upstream_id_of(customer: Customer) -> str:
    """How Lux Financial calls this customer; raises NotPossible where it does not know them."""
    identity = customer.identities.filter(upstream=Upstream.LUX).order_by("pk").first()
    if identity is None:
        raise NotPossible(Text(_("Lux Financial does not know this customer.")))
    return identity.upstream_id


def _ask_about(
    account: ExternalAccount, kind: RequestKind, body: dict[str, Any], **who: Any
) -> CustomerRequest:
    told = {
        "type": account.kind,
        "account": masking.DOTS + (account.last_4 or account.address[-4:]),
    }
    try:
        with transaction.atomic():
            return _ask(kind, account.customer, body, target=account.upstream_id, told=told, **who)
    except IntegrityError:
        raise UnderWay from None


def _ask_once(
    kind: RequestKind,
    customer: Customer | None,
    body: dict[str, Any],
    *,
    token: UUID,
    by: User,
    at: datetime,
) -> CustomerRequest:
    """Ask, unless this form has asked already."""
    if asked := _asked_before(token, by=by):
        return asked
    try:
        with transaction.atomic():
            return _ask(kind, customer, body, token=token, by=by, at=at)
    except IntegrityError:
        return CustomerRequest.objects.get(token=token, created_by=by)


def _asked_before(token: UUID, *, by: User) -> CustomerRequest | None:
    return CustomerRequest.objects.filter(token=token, created_by=by).first()


def _ask(
    kind: RequestKind,
    customer: Customer | None,
    body: dict[str, Any],
    *,
    by: User,
    at: datetime,
    target: str = "",
    told: Mapping[str, Any] | None = None,
    reason: str = "",
    token: UUID | None = None,
) -> CustomerRequest:
    """Write it down and queue it. Call inside a transaction."""
    known = dict(told or {}) or told_of(kind, body)
    request = CustomerRequest.objects.create(
        kind=kind,
        customer=customer,
        target=target,
        body=body,
        told=known,
        reason=reason,
        token=token,
        created_by=by,
        created_at=at,
    )
    outbox.put(
        kind=COMMANDS[kind],
        upstream=request.upstream,
        subject=audit.subject_of(request),
        attempt_no=1,
        request=payload(request),
        idempotency_key=key_for(request),
        at=at,
    )
    audit.record(
        "customers.request.asked",
        request,
        by=by,
        at=at,
        after={"kind": kind, "customer": customer and customer.pk, **known},
        reason=reason,
    )
    return request


def _has_label(customer: Customer, label: str) -> bool:
    wallets = customer.wallets.filter(label=label).exists()
    asked_for = customer.requests.under_way().filter(kind=RequestKind.ADD_WALLET)
    return wallets or any(one.body["label"] == label for one in asked_for)


def _open_profile(customer_id: int) -> Profile:
    return _still_open(Profile.objects.select_related("customer").get(customer_id=customer_id))


def _locked_profile(customer_id: int) -> Profile:
    rows = Profile.objects.select_related("customer").select_for_update(of=("self",), no_key=True)
    return _still_open(rows.get(customer_id=customer_id))


def _still_open(profile: Profile) -> Profile:
    if profile.status == DELETED:
        raise NotPossible(Text(_("This customer was deleted at Lux Financial.")))
    return profile


def _listed_account(account_id: int) -> ExternalAccount:
    account = ExternalAccount.objects.select_related("customer").get(pk=account_id)
    if not account.is_listed:
        raise NotPossible(Text(_("Lux Financial does not list this account any more.")))
    return account


def _stated(reason: str) -> str:
    if said := reason.strip():
        return said
    raise ReasonMissing
