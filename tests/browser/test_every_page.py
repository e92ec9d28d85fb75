"""Every page of the desk, in both themes: axe-core finds nothing, nothing scrolls sideways."""

from __future__ import annotations

import pytest

from tests.browser.conftest import NARROW, WIDE, OpenPage, accessibility_troubles, scrolls_sideways

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


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("window", [WIDE, NARROW], ids=["wide", "narrow"])
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


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_form_for_a_new_withdrawal_suits_everybody(sign_in: OpenPage, theme: str) -> None:
    page = sign_in("maker", color_scheme=theme, viewport=NARROW)

    page.goto("/withdrawals/new/?currency=AUD&method=payid")

    assert accessibility_troubles(page) == ""
    assert not scrolls_sideways(page)


def _first(page: object, path: str) -> str:
    page.goto(path)  # type: ignore[attr-defined]
    href = page.locator("tbody a.open").first.get_attribute("href")  # type: ignore[attr-defined]
    return str(href).partition("?")[0]
