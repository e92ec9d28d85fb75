"""An approver's main job, from the queue to the provider's "completed"."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.support.desk import Desk
from tests.support.sandbox import SandboxProcess

SLOW = 60_000  # ms: the sandbox takes its time to pay, and the machine may be busy


@pytest.fixture
def luxcore(desk: Desk) -> Iterator[SandboxProcess]:
    sandbox = SandboxProcess(desk.sandbox_url)
    yield sandbox
    sandbox.close()


SMALL = "&amount_to=999"  # one signature is enough


def asked_for_in_the_desk(page: Page, which: str = "") -> str:
    """Open the queue at the first such payout that nobody sent yet; return its code."""
    page.goto(f"/withdrawals/?origin=desk{which}")
    return page.locator("tbody a.open").first.inner_text().strip()


def reference_on(page: Page) -> str:
    """The merchant reference that the open page shows."""
    shown = re.search(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", page.content())
    assert shown, "the page shows no reference"
    return shown.group()


def test_approving_pays_once_and_shows_it_completed_without_a_reload(
    sign_in: OpenPage, luxcore: SandboxProcess
) -> None:
    page = sign_in("approver")
    code = asked_for_in_the_desk(page, SMALL)
    page.get_by_role("link", name=code).first.click()
    reference = reference_on(page)

    page.get_by_role("link", name=re.compile("^Approve")).click()
    page.get_by_role("button", name=re.compile("^Sign for")).click()
    page.goto(f"/withdrawals/{code}/")  # where an approver looks afterwards; from here, no reload

    expect(page.get_by_text("Completed", exact=True).first).to_be_visible(timeout=SLOW)
    paid = luxcore.with_reference(reference)
    assert [payment["status"] for payment in paid] == ["completed"]


def test_the_keyboard_is_enough(sign_in: OpenPage) -> None:
    page = sign_in("approver")
    code = asked_for_in_the_desk(page, SMALL)

    page.wait_for_load_state()  # nobody presses keys at a page that is still coming
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(code))
    page.wait_for_load_state()
    page.keyboard.press("a")
    expect(page).to_have_url(re.compile("/approve/"))
    page.get_by_role("button", name=re.compile("^Sign for")).press("Enter")

    expect(page.get_by_text(re.compile("audit #", re.IGNORECASE)).first).to_be_visible()
    page.goto(f"/withdrawals/{code}/")
    expect(page.get_by_text(re.compile("Approved|Sending|Sent|Completed")).first).to_be_visible()


def test_scripts_are_not_needed(sign_in: OpenPage) -> None:
    page = sign_in("approver2", java_script_enabled=False)
    code = asked_for_in_the_desk(page)

    page.get_by_role("link", name=code).first.click()
    page.get_by_role("link", name=re.compile("^Reject")).click()
    page.get_by_label(re.compile("What is wrong|Code|Why")).first.select_option("wrong_details")
    page.get_by_label(re.compile("words|Reason|Explain")).last.fill("The name is misspelt.")
    page.get_by_role("button", name=re.compile("^Reject")).click()
    page.goto(f"/withdrawals/{code}/")

    expect(page.get_by_text("Rejected", exact=True).first).to_be_visible()


def test_who_asked_cannot_sign(sign_in: OpenPage) -> None:
    page = sign_in("maker")
    code = asked_for_in_the_desk(page)
    page.goto(f"/withdrawals/{code}/")

    expect(page.get_by_role("link", name=re.compile("^Approve"))).to_have_count(0)
    answer = page.goto(f"/withdrawals/{code}/approve/")
    assert answer is not None
    assert answer.status == 403


def test_a_row_is_looked_at_beside_the_list(sign_in: OpenPage) -> None:
    page = sign_in("approver")
    page.goto("/withdrawals/?tab=all")
    beside = page.get_by_role("complementary", name="A look at the row")
    first, second = (page.locator("tbody a.open").nth(place).inner_text() for place in (0, 1))

    page.keyboard.press("j")
    page.keyboard.press("Space")
    expect(beside.get_by_role("heading", name="Checks before sending")).to_be_visible()
    expect(beside.get_by_role("link", name=first).first).to_be_visible()
    expect(beside.locator("form, button:not([data-stop-peeking])")).to_have_count(0)

    page.keyboard.press("j")
    expect(beside.get_by_role("link", name=second).first).to_be_visible()

    page.keyboard.press("Escape")
    expect(beside).to_be_hidden()
    assert page.url.endswith("/withdrawals/?tab=all")
