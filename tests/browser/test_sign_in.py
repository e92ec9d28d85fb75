"""Getting in."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, OpenPage, accessibility_troubles, scrolls_sideways


class TestSignIn:
    def test_leads_an_approver_to_what_waits(self, sign_in: OpenPage) -> None:
        page = sign_in("approver")

        expect(page).to_have_url(re.compile(r"/$"))
        expect(page.get_by_role("link", name=re.compile("Withdrawals")).first).to_be_visible()
        assert accessibility_troubles(page) == ""

    def test_works_without_scripts(self, sign_in: OpenPage) -> None:
        page = sign_in("approver", java_script_enabled=False)

        expect(page).to_have_url(re.compile(r"/$"))

    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_page_suits_everybody(self, open_page: OpenPage, theme: str) -> None:
        page = open_page(color_scheme=theme, viewport=NARROW)

        page.goto("/accounts/login/")

        assert accessibility_troubles(page) == ""
        assert not scrolls_sideways(page)
