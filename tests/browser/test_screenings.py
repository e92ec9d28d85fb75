"""Hits judged by keyboard alone, and a masked value that is shown for a minute."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import (
    LOOKS,
    OpenPage,
    accessibility_troubles,
    scrolls_sideways,
)
from tests.support.desk import Desk
from tests.support.waiting import wait_until

WHY = "They asked which address we have."


@pytest.fixture(autouse=True)
def _somebody_was_found(desk: Desk) -> None:
    def found() -> bool:
        with closing(sqlite3.connect(desk.directory / "lightdesk.sqlite3")) as books:
            asked = "SELECT count(*) FROM customers_screeningstanding WHERE true_hits + open_hits"
            return bool(books.execute(asked).fetchone()[0])

    wait_until(found, seconds=120, what="somebody looks like somebody listed")


def first_of(page: Page, path: str) -> str:
    page.goto(path)
    return str(page.locator("tbody a.open").first.get_attribute("href"))


@pytest.mark.walk
@pytest.mark.parametrize(("window", "theme"), LOOKS)
def test_suit_everybody(sign_in: OpenPage, theme: str, window: dict[str, int]) -> None:
    page = sign_in("reviewer", color_scheme=theme, viewport=window)
    hits = first_of(page, "/screenings/?tab=all")

    troubles = {}
    for path in ("/screenings/", "/screenings/?tab=never", hits):
        page.goto(path)
        found = accessibility_troubles(page) + "sideways" * scrolls_sideways(page)
        if found:
            troubles[path] = found

    assert troubles == {}


def test_are_judged_by_keyboard_alone(sign_in: OpenPage) -> None:
    page = sign_in("reviewer")
    page.goto("/screenings/")

    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/screenings/\d+/"))
    page.keyboard.press("u")
    page.keyboard.press("n")
    page.keyboard.type("Another date of birth, maybe a cousin.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status").get_by_text("are looked at")).to_be_visible()
    expect(page.get_by_text("maybe a cousin")).to_be_visible()


def test_a_masked_value_is_shown_for_a_minute(sign_in: OpenPage) -> None:
    page = sign_in("reviewer")
    page.clock.install()
    page.goto(first_of(page, "/screenings/?tab=all").replace("/screenings/", "/customers/"))
    row = page.locator("dd .pii", has=page.get_by_role("link", name="Reveal")).first

    row.get_by_role("link", name="Reveal").click()
    page.get_by_label("Why must you see it?").fill(WHY)
    assert accessibility_troubles(page) == ""
    page.keyboard.press("Enter")
    shown = page.locator(".pii .shown")
    expect(shown).to_contain_text("@")
    assert accessibility_troubles(page) == ""
    page.clock.fast_forward(61_000)

    expect(shown).to_have_count(0)
    expect(page.get_by_text("It is masked again.")).to_be_attached()
    page.reload()
    expect(page.get_by_text(WHY).first).to_be_visible()


def test_a_masked_value_is_shown_without_scripts(sign_in: OpenPage) -> None:
    page = sign_in("reviewer", java_script_enabled=False)
    page.goto(first_of(page, "/screenings/?tab=all").replace("/screenings/", "/customers/"))

    page.get_by_role("link", name="Reveal").first.click()
    page.get_by_label("Why must you see it?").fill(WHY)
    page.get_by_role("button", name="Show it for a minute").click()

    expect(page.locator(".shown")).to_contain_text("@")
