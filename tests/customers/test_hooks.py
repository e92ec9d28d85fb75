"""What Lux Financial's events about customers do."""

from __future__ import annotations

from typing import Any

import pytest

from customers import hooks, mirror, tasks
from customers.models import Customer, ExternalAccount, Profile
from tests.customers.factories import (
    NOW,
    ExternalAccountFactory,
    ProfileFactory,
    WalletFactory,
    record,
)
from tests.customers.lux import Place
from tests.upstreams.lux import customer as customer_json
from upstreams import doorbell
from upstreams.models import RefusedRecord
from upstreams.webhooks import WebhookMessage

pytestmark = pytest.mark.django_db


def event(kind: str, data: Any) -> WebhookMessage:
    return WebhookMessage(
        upstream="lux",
        event_id="evt_1",
        kind=kind,
        payload={"event": kind, "data": data},
        received_at=NOW,
    )


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, dict[str, Any]]]:
    heard: list[tuple[Any, dict[str, Any]]] = []
    monkeypatch.setattr(doorbell, "ring", lambda task, **kwargs: heard.append((task, kwargs)))
    return heard


class TestCustomers:
    @pytest.mark.parametrize(
        "kind", ["customer.created", "customer.updated", "customer.kyc_status_changed"]
    )
    def test_that_are_whole_are_stored(self, kind: str, rung: list[Any]) -> None:
        hooks.apply_customer(event(kind, customer_json()))

        assert Profile.objects.get().kyc_status == "approved"
        assert rung == []

    @pytest.mark.parametrize(
        "data",
        [
            {"id": "cus_1", "kyc_status": "approved"},
            {"customer_id": "cus_1"},
            {"id": "cus_1", "object": "customer", "status": "deleted", "deleted_at": "2026-01-01"},
            customer_json(updated_at=...),
            customer_json(phone={"not": "a text"}),
        ],
    )
    def test_that_are_not_are_read(self, data: Any, rung: list[Any]) -> None:
        mirror.store_profiles([record(kyc_status="under_review")], at=NOW)

        hooks.apply_customer(event("customer.updated", data))

        assert rung == [(hooks.READ_CUSTOMER, {"upstream_id": "cus_1"})]
        assert Profile.objects.get().kyc_status == "under_review"

    @pytest.mark.parametrize("data", [None, [], {}, {"id": 5}, "cus_1"])
    def test_that_nobody_can_name_do_nothing(self, data: Any, rung: list[Any]) -> None:
        hooks.apply_customer(event("customer.updated", data))

        assert rung == []
        assert not Customer.objects.exists()

    def test_that_do_not_fit_are_set_aside(self) -> None:
        hooks.apply_customer(event("customer.updated", customer_json(status="s" * 50)))

        assert RefusedRecord.objects.get().source == hooks.SOURCE

    def test_an_older_event_changes_nothing(self) -> None:
        mirror.store_profiles([record(updated_at="2026-01-17T00:00:00Z")], at=NOW)

        hooks.apply_customer(event("customer.updated", customer_json(status="pending")))

        assert Profile.objects.get().status == "active"

    def test_are_read_by_a_worker(self, lux_place: Place) -> None:
        amara = lux_place.newcomer()

        tasks.read_customer(upstream_id=amara.id)
        tasks.read_customer(upstream_id="cus_nobody")

        assert Profile.objects.get().email == amara.email


class TestAccounts:
    def test_that_are_whole_are_stored(self, rung: list[Any]) -> None:
        profile = ProfileFactory(upstream_id="cus_1")
        told = {
            "id": "ext_1",
            "customer_id": "cus_1",
            "type": "us_bank_account",
            "status": "verified",
            "created_at": "2026-01-01T00:00:00Z",
        }

        hooks.apply_account(event("external_account.updated", told))

        assert ExternalAccount.objects.get().customer == profile.customer
        assert rung == []

    @pytest.mark.parametrize("data", [{"id": "ext_1"}, {"id": "ext_1", "status": "verified"}])
    def test_that_are_not_are_read(self, data: Any, rung: list[Any]) -> None:
        ExternalAccountFactory(upstream_id="ext_1", status="pending")

        hooks.apply_account(event("external_account.updated", data))

        assert rung == [(hooks.READ_ACCOUNT, {"upstream_id": "ext_1"})]
        assert ExternalAccount.objects.get().status == "pending"

    def test_are_read_by_a_worker(self, lux_place: Place) -> None:
        account = lux_place.account(lux_place.newcomer())

        tasks.read_account(upstream_id=account.id)
        tasks.read_account(upstream_id="ext_nobody")

        assert ExternalAccount.objects.get().status == "verified"


@pytest.mark.parametrize("name", ["wallet_id", "id"])
def test_a_wallet_that_moved_is_the_next_to_be_looked_into(name: str) -> None:
    wallet = WalletFactory(upstream_id="wal_1", balances_at=NOW)
    other = WalletFactory(upstream_id="wal_2", balances_at=NOW)

    hooks.apply_wallet(event("wallet.balance.updated", {name: "wal_1"}))

    wallet.refresh_from_db()
    other.refresh_from_db()
    assert (wallet.balances_at, other.balances_at) == (None, NOW)
