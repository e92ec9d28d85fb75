"""A maker's day: ask for a payout, mend it, take it back; and what approvers see of it."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage

XSS = "<img src=x onerror=\"document.title='owned'\">"


def fill(page: Page, *, amount: str = "123.45", recipient: str = "Nora Newcomer") -> None:
    """Fill in the form for a payout by PayID, choosing the rail as a person does."""
    page.goto("/withdrawals/new/")
    page.get_by_label("Recipient").fill(recipient)
    page.get_by_label("Amount").fill(amount)
    page.get_by_label("Currency").select_option("AUD")
    expect(page.get_by_label("BSB")).to_be_visible()
    page.get_by_label("Method").select_option("payid")
    page.get_by_label("PayID type").select_option("email")
    page.get_by_label("PayID", exact=True).fill("nora@example.com")


def test_the_fields_follow_the_rail_and_nothing_typed_is_lost(sign_in: OpenPage) -> None:
    page = sign_in("maker")

    fill(page)

    expect(page.get_by_label("Recipient")).to_have_value("Nora Newcomer")
    expect(page.get_by_label("Amount")).to_have_value("123.45")
    expect(page.get_by_label("BSB")).to_have_count(0)


def test_a_wrong_field_is_named_and_the_rest_stays(sign_in: OpenPage) -> None:
    page = sign_in("maker")
    fill(page, amount="1,000.00")

    page.get_by_role("button", name="Request withdrawal").click()

    expect(page.get_by_text("Write the amount in plain digits").first).to_be_visible()
    expect(page.get_by_label("Amount")).to_have_value("1,000.00")
    expect(page.get_by_label("PayID", exact=True)).to_have_value("nora@example.com")


def test_asking_changing_and_taking_back(sign_in: OpenPage) -> None:
    page = sign_in("maker")
    fill(page, recipient=XSS)
    page.get_by_role("button", name="Request withdrawal").dblclick()
    expect(page.get_by_text("is requested. Others sign it now.")).to_be_visible()
    address = page.url
    expect(page.get_by_text(XSS).first).to_be_visible()
    expect(page).not_to_have_title("owned")

    page.get_by_role("link", name=re.compile("^Change it")).click()
    page.get_by_label("Amount").fill("123.46")
    page.get_by_label("Why it is changed").fill("A cent was missing.")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_text("this is revision 2")).to_be_visible()
    page.goto(f"/search/?q={XSS[:9]}")
    asked = page.locator("tbody tr").filter(has_text="wd-")
    expect(asked).to_have_count(1)  # the double click asked once

    page.goto(address)
    page.get_by_role("link", name=re.compile("^Retract it")).click()
    page.get_by_label("Reason").fill("Asked for by mistake.")
    page.get_by_role("button", name="Retract it").click()
    expect(page.get_by_text("Retracted", exact=True).first).to_be_visible()


def test_a_change_between_opening_and_signing_is_shown_and_nothing_signed(
    sign_in: OpenPage,
) -> None:
    maker = sign_in("maker")
    fill(maker, amount="77.00", recipient="Otto Other")
    maker.get_by_role("button", name="Request withdrawal").click()
    expect(maker.get_by_text("is requested. Others sign it now.")).to_be_visible()
    approver = sign_in("approver")
    approver.goto(maker.url)
    approver.get_by_role("link", name=re.compile("^Approve")).click()

    maker.get_by_role("link", name=re.compile("^Change it")).click()
    maker.get_by_label("Amount").fill("770.00")
    maker.get_by_label("Why it is changed").fill("A nought was missing.")
    maker.get_by_role("button", name="Change it").click()
    expect(maker.get_by_text("this is revision 2")).to_be_visible()
    approver.get_by_role("button", name=re.compile("^Sign for")).click()

    expect(approver.get_by_text("changed while you were looking").first).to_be_visible()
    expect(approver.locator("del", has_text="77.00")).to_be_visible()
    expect(approver.locator("ins", has_text="770.00")).to_be_visible()
    approver.get_by_role("link", name="Look again").click()
    expect(approver.get_by_text("Awaiting approval", exact=True).first).to_be_visible()


def test_an_approval_is_undone_by_one_button(sign_in: OpenPage) -> None:
    maker = sign_in("maker")
    fill(maker, amount="88.00", recipient="Una Undone")
    maker.get_by_role("button", name="Request withdrawal").click()
    expect(maker.get_by_text("is requested. Others sign it now.")).to_be_visible()
    approver = sign_in("approver")
    approver.goto(maker.url)
    approver.get_by_role("link", name=re.compile("^Approve")).click()
    approver.get_by_role("button", name=re.compile("^Sign for")).click()

    approver.get_by_role("button", name=re.compile("^Undo")).click()

    expect(approver.get_by_text("is undone. Nothing was sent.")).to_be_visible()
    expect(approver.get_by_text("Awaiting approval", exact=True).first).to_be_visible()
