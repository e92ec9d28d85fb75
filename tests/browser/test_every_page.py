"""Every page of the desk, in both themes: axe-core finds nothing, nothing scrolls sideways."""

from __future__ import annotations

import uuid

import pytest

from tests.browser.conftest import (
    LOOKS,
    NARROW,
    OpenPage,
    accessibility_troubles,
    scrolls_sideways,
)

PAGES = [
    "/",
    "/withdrawals/",
    "/withdrawals/?tab=all",
    "/withdrawals/bulk/",
    "/payments/",
    "/balances/",
    "/accounts/",
    "/trades/",
    "/trades/new/",
    "/trades/orders/",
    "/beneficiaries/",
    "/reconciliation/",
    "/customers/",
    "/upstreams/",
    "/upstreams/outbox/",
    "/upstreams/webhooks/",
    "/upstreams/refused/",
    "/search/?q=maria",
]


@pytest.mark.walk
@pytest.mark.parametrize(("window", "theme"), LOOKS)
def test_suits_everybody(sign_in: OpenPage, theme: str, window: dict[str, int]) -> None:
    page = sign_in("lead", color_scheme=theme, viewport=window)
    first = [
        _first(page, "/withdrawals/"),
        _first(page, "/payments/"),
        _first(page, "/beneficiaries/"),
        _first(page, "/customers/"),
    ]

    troubles = {}
    for path in [*PAGES, *first, f"{first[0]}approve/", f"{first[0]}reject/"]:
        page.goto(path)
        found = accessibility_troubles(page) + "sideways" * scrolls_sideways(page)
        if found:
            troubles[path] = found

    assert troubles == {}


@pytest.mark.walk
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_narrow_kyc_case_suits_everybody(sign_in: OpenPage, theme: str) -> None:
    page = sign_in("compliance", color_scheme=theme, viewport=NARROW)

    for path in ("/kyc/?tab=all", _first(page, "/kyc/?tab=all")):
        page.goto(path)

        assert accessibility_troubles(page) == ""
        assert not scrolls_sideways(page)


@pytest.mark.walk
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_form_for_a_new_withdrawal_suits_everybody(sign_in: OpenPage, theme: str) -> None:
    page = sign_in("maker", color_scheme=theme, viewport=NARROW)

    page.goto("/withdrawals/new/?currency=AUD&method=payid")

    assert accessibility_troubles(page) == ""
    assert not scrolls_sideways(page)


@pytest.mark.walk
@pytest.mark.parametrize(("window", "theme"), LOOKS)
def test_the_forms_of_a_customer_suit_everybody(
    sign_in: OpenPage, theme: str, window: dict[str, int]
) -> None:
    page = sign_in("reviewer", color_scheme=theme, viewport=window)
    customer = _at_lux(page)

    troubles = {}
    for path in ["/customers/new/", "/customers/new/?type=business", *_forms_of(customer)]:
        page.goto(path)
        found = accessibility_troubles(page) + "sideways" * scrolls_sideways(page)
        if found:
            troubles[path] = found

    assert troubles == {}


def _forms_of(customer: str) -> list[str]:
    forms = ("edit/", "delete/", "wallets/new/?type=mpc", "accounts/new/")
    return [f"{customer}{form}" for form in forms]


def _at_lux(page: object) -> str:
    """The page of somebody whom Lux Financial knows: made here."""
    page.goto("/customers/new/")  # type: ignore[attr-defined]
    for label, value in (("First name", "Maria"), ("Last name", "Silva")):
        page.get_by_label(label).fill(value)  # type: ignore[attr-defined]
    email = f"{uuid.uuid4().hex}@example.com"
    page.get_by_label("E-mail").fill(email)  # type: ignore[attr-defined]
    page.get_by_role("button", name="Make the customer").click()  # type: ignore[attr-defined]
    link = page.get_by_role("link", name="Maria Silva").first  # type: ignore[attr-defined]
    return str(link.get_attribute("href", timeout=60_000))


def _first(page: object, path: str) -> str:
    page.goto(path)  # type: ignore[attr-defined]
    href = page.locator("tbody a.open").first.get_attribute("href")  # type: ignore[attr-defined]
    return str(href).partition("?")[0]
