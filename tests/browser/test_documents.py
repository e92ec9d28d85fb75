"""A reviewer looks at documents: with the mouse, by keys alone, without scripts, in both themes."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import (
    LOOKS,
    OpenPage,
    accessibility_troubles,
    scrolls_sideways,
)
from tests.support.desk import Desk
from tests.support.waiting import wait_until

ALL_DRAWN = "[...document.querySelectorAll('.plate img')].every((one) => one.naturalWidth > 500)"


@pytest.fixture
def address(desk: Desk) -> str:
    """The documents of somebody who handed in a front and a selfie."""
    found: list[int] = []

    def is_read() -> bool:
        with closing(sqlite3.connect(desk.directory / "lightdesk.sqlite3")) as books:
            asked = "SELECT customer_id FROM customers_document WHERE side = 'selfie' LIMIT 1"
            found.extend(number for (number,) in books.execute(asked).fetchall())
        return bool(found)

    wait_until(is_read, seconds=180, what="documents are read")
    return f"/customers/{found[0]}/documents/"


def test_side_by_side_zoomed_turned_and_sharper_by_keys(sign_in: OpenPage, address: str) -> None:
    page = sign_in("reviewer")
    page.goto(address)
    expect(page.locator(".plate")).to_have_count(0)

    page.get_by_role("button", name="Look at the documents").focus()
    page.keyboard.press("Enter")

    shown = page.locator(".plate:visible")
    expect(shown).to_have_count(2)  # the front and the selfie
    expect(page.get_by_text("100 %")).to_be_visible()
    page.keyboard.press("z")
    page.keyboard.press("t")
    page.keyboard.press("v")
    expect(page.get_by_text("150 %")).to_be_visible()
    expect(page.locator(".plate.turned:visible")).to_have_count(2)
    expect(page.locator(".viewer.stark")).to_have_count(1)
    page.get_by_role("button", name="All").click()
    assert page.locator(".plate:visible").count() >= 2
    # Asked from here: waiting inside the page would need `eval`, which its policy forbids.
    wait_until(lambda: bool(page.evaluate(ALL_DRAWN)), seconds=60, what="the pictures are drawn")


def test_the_pictures_are_there_without_scripts(sign_in: OpenPage, address: str) -> None:
    page = sign_in("reviewer", java_script_enabled=False)
    page.goto(address)

    page.get_by_role("button", name="Look at the documents").click()

    assert page.locator(".plate img:visible").count() >= 2
    expect(page.get_by_role("button", name="Zoom")).to_have_count(0)


@pytest.mark.walk
@pytest.mark.parametrize(("window", "theme"), LOOKS)
def test_suits_everybody(
    sign_in: OpenPage, address: str, theme: str, window: dict[str, int]
) -> None:
    page = sign_in("reviewer", color_scheme=theme, viewport=window)
    troubles = {}
    for path in (address, f"{address}add/", f"{address}submit/"):
        page.goto(path)
        found = accessibility_troubles(page) + "sideways" * scrolls_sideways(page)
        if found:
            troubles[path] = found
    page.goto(address)
    page.get_by_role("button", name="Look at the documents").click()
    expect(page.locator(".plate:visible").first).to_be_visible()
    if found := accessibility_troubles(page) + "sideways" * scrolls_sideways(page):
        troubles["the viewer"] = found

    assert troubles == {}
