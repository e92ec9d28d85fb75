"""The compliance desk's main job: claim, compare, propose, confirm; the customer is approved."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage, accessibility_troubles, scrolls_sideways

MEDIUM_WINDOW = {"width": 1024, "height": 768}
TAKES_TWO, TAKES_ONE = "high", "low"  # risks
TRIES = 60  # looks, a second apart, at what a provider and a worker bring about


def claimed(page: Page, *, risk: str = TAKES_ONE) -> str:
    """Claim the first case of the queue that nobody has taken; return its code."""
    page.goto(f"/kyc/?tab=review&kind=individual&claimed=nobody&theirs=under_review&risk={risk}")
    page.locator("tbody a.open").first.click()
    page.wait_for_load_state()
    page.keyboard.press("c")
    expect(page.get_by_text("You look at it")).to_be_visible()
    found = re.search(r"kyc-\w{6}", page.url)
    assert found
    return found.group()


def look_until(page: Page, shown: Locator) -> None:
    """Load the page again and again until it shows that."""
    for _ in range(TRIES):
        if shown.count():
            return
        page.wait_for_timeout(1_000)
        page.reload()
    expect(shown).to_be_visible()


def look_at_the_documents(page: Page) -> None:
    button = page.get_by_role("button", name="Look at the documents")
    look_until(page, button)
    button.click()
    expect(page.locator(".viewer")).to_be_visible()


def judge_every_document(page: Page) -> None:
    look_at_the_documents(page)
    unjudged = page.locator(".verdicts > li", has_text="not judged yet")
    expect(unjudged.first).to_be_visible()
    while unjudged.count():
        left = unjudged.count()
        unjudged.first.get_by_role("button", name="Accepted").click()
        expect(unjudged).to_have_count(left - 1)


def test_two_people_approve_somebody_and_lux_financial_follows(sign_in: OpenPage) -> None:
    page = sign_in("reviewer")
    code = claimed(page, risk=TAKES_TWO)
    judge_every_document(page)
    for box in page.locator('input[name="ticked"]').all():
        box.check()
    page.locator("h1").click()
    page.keyboard.press("a")
    expect(page.get_by_label("Approve")).to_be_checked()
    page.get_by_role("button", name="Propose or decide").click()
    expect(page.get_by_text(f"Your proposal for {code} waits for a second person.")).to_be_visible()

    lead = sign_in("compliance")
    lead.goto(f"/kyc/{code}/")
    expect(lead.get_by_text("Evidence unchanged since")).to_be_visible()
    lead.keyboard.press("a")
    lead.get_by_role("button", name="Confirm it").click()
    expect(lead.get_by_text(f"{code} is approved.")).to_be_visible()

    look_until(lead, lead.get_by_text(re.compile("^ACH transfers, ")))
    expect(lead.locator(".head")).to_contain_text("Decided")
    expect(lead.locator(".head")).to_contain_text("Approved")


def test_what_is_typed_survives_a_reload(sign_in: OpenPage) -> None:
    page = sign_in("reviewer")
    code = claimed(page)
    page.get_by_label("Internal note").fill("The corner is folded.")
    page.goto(f"/kyc/{code}/")  # at once: the server has not got it yet

    expect(page.get_by_label("Internal note")).to_have_value("The corner is folded.")
    expect(page.get_by_text("What you typed is kept.")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("u")
    expect(page.get_by_text("Nobody is looking at it.")).to_be_visible()


def test_a_reason_writes_what_the_customer_reads(sign_in: OpenPage) -> None:
    page = sign_in("reviewer")
    claimed(page)
    page.get_by_label("Ask again", exact=True).check()
    page.get_by_label("Document expired").check()

    text = page.get_by_label("The customer reads")
    expect(text).to_have_value(re.compile("Your document has expired"))
    text.fill("Please send your new passport.")
    page.get_by_label("A side is missing").check()
    expect(text).to_have_value("Please send your new passport.")
    page.locator("h1").click()
    page.keyboard.press("u")


@pytest.mark.walk
def test_suits_everybody(sign_in: OpenPage) -> None:
    troubles = {}
    for theme in ("light", "dark"):
        page = sign_in("reviewer", color_scheme=theme, viewport=MEDIUM_WINDOW)
        code = claimed(page)
        look_at_the_documents(page)
        for path in (page.url, f"/kyc/{code}/escalate/", "/kyc/?tab=all"):
            page.goto(path)
            if found := accessibility_troubles(page) + "sideways" * scrolls_sideways(page):
                troubles[theme, path] = found
        page.goto(f"/kyc/{code}/")
        page.keyboard.press("u")

    assert troubles == {}
