"""What the pages do in a real browser: keys, copying, sending once, room, and what axe finds."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Route,
    sync_playwright,
)

from tests.dashboard.gallery.server import running_gallery
from tests.dashboard.gallery.urls import PAGES
from tests.support.browsers import chromium_executable

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def gallery() -> Iterator[str]:
    with running_gallery() as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=chromium_executable(),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser, gallery: str) -> Iterator[BrowserContext]:
    context = browser.new_context(
        base_url=gallery,
        viewport={"width": 1440, "height": 900},
        permissions=["clipboard-read", "clipboard-write"],
        reduced_motion="reduce",
    )
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab that must stay free of complaints: a refused script or style would be one."""
    page = context.new_page()
    page.set_default_timeout(10_000)
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.close()
    assert complaints == []


def current_row(page: Page) -> str:
    return page.locator('tr[aria-current="true"] .id').inner_text()


class TestKeys:
    def test_move_through_the_rows_and_open_one(self, page: Page) -> None:
        page.goto("/gallery/list/")

        page.keyboard.press("j")
        page.keyboard.press("j")
        assert current_row(page) == "WD-7F3A"
        page.keyboard.press("k")
        assert current_row(page) == "WD-7F3K"
        page.keyboard.press("Enter")

        page.wait_for_url("**/opened/")

    def test_select_a_row_and_say_how_many(self, page: Page) -> None:
        page.goto("/gallery/list/")
        assert page.locator("[data-bulk]").is_hidden()

        page.keyboard.press("j")
        page.keyboard.press("x")
        page.keyboard.press("j")
        page.keyboard.press("x")

        assert page.locator("[data-picked-count]").inner_text() == "2 selected"
        assert page.locator("tr.picked").count() == 2
        assert page.locator("[data-pick-all]").evaluate("box => box.indeterminate")

    def test_open_the_question_but_never_send(self, page: Page) -> None:
        page.goto("/gallery/detail/")
        page.keyboard.press("a")
        page.wait_for_url("**/opened/?approve")

        page.goto("/gallery/detail/")
        page.evaluate("document.querySelector('[data-key=u]').dataset.key = 'a'")
        page.evaluate("document.querySelector('a[data-key=a]').remove()")
        page.keyboard.press("a")

        assert page.url.endswith("/gallery/detail/")

    def test_press_buttons_that_are_safe_to_press(self, page: Page) -> None:
        page.goto("/gallery/detail/")

        page.keyboard.press("u")

        page.wait_for_url("**/opened/")

    def test_lead_to_a_desk(self, page: Page) -> None:
        page.goto("/gallery/list/")

        page.keyboard.press("g")
        page.keyboard.press("b")

        assert page.url.endswith("#Balances")

    def test_show_the_sheet_and_find_the_search(self, page: Page) -> None:
        page.goto("/gallery/list/")

        page.keyboard.press("?")
        assert page.locator("dialog#keys").is_visible()
        page.keyboard.press("j")
        assert page.locator('tr[aria-current="true"]').count() == 0
        page.keyboard.press("Escape")
        page.keyboard.press("/")

        assert page.evaluate("document.activeElement.id") == "search"

    def test_are_letters_while_somebody_types(self, page: Page) -> None:
        page.goto("/gallery/detail/")

        page.locator("#search").press_sequentially("a u ? . /")

        assert page.locator("#search").input_value() == "a u ? . /"
        assert page.locator("dialog#keys").is_hidden()
        assert page.url.endswith("/gallery/detail/")

    @pytest.mark.parametrize("modifier", ["Control", "Alt", "Meta"])
    def test_belong_to_the_browser_with_a_modifier(self, page: Page, modifier: str) -> None:
        page.goto("/gallery/detail/")

        prevented = page.evaluate(
            """modifier => ["a", "r", "u", "g", "j", "n", "t", "f", "l"].some(key => {
                const event = new KeyboardEvent("keydown", {
                    key, bubbles: true, cancelable: true, [`${modifier.toLowerCase()}Key`]: true,
                    ctrlKey: modifier === "Control",
                });
                document.body.dispatchEvent(event);
                return event.defaultPrevented;
            })""",
            modifier,
        )

        assert not prevented
        assert page.url.endswith("/gallery/detail/")

    def test_do_nothing_when_switched_off(self, page: Page) -> None:
        page.goto("/gallery/list/?mute")

        for key in ("j", "x", "?", "/"):
            page.keyboard.press(key)

        assert page.locator('tr[aria-current="true"]').count() == 0
        assert page.locator("dialog#keys").is_hidden()
        assert page.evaluate("document.activeElement.tagName") == "BODY"


class TestRows:
    def test_open_by_a_click_beside_the_link(self, page: Page) -> None:
        page.goto("/gallery/list/")

        page.get_by_text("Bank transfer").first.click()

        page.wait_for_url("**/opened/")

    def test_are_picked_all_at_once_and_by_range(self, page: Page) -> None:
        page.goto("/gallery/list/")
        page.locator("[data-pick-all]").click()
        assert page.locator("tr.picked").count() == 14

        page.locator("[data-pick-all]").click()
        boxes = page.locator("input[name=pick]")
        boxes.nth(2).click()
        boxes.nth(5).click(modifiers=["Shift"])

        assert page.locator("tr.picked").count() == 4

    def test_are_found_again_on_the_way_back(self, page: Page) -> None:
        page.goto("/gallery/list/")
        page.evaluate(
            "document.querySelectorAll('a.open').forEach((a, n) => a.href = `/opened/?${n}`)"
        )
        page.locator("a.open").nth(3).click()
        page.wait_for_url("**/opened/?3")

        assert page.evaluate("sessionStorage.getItem('row /gallery/list/')") == "/opened/?3"


class TestCopying:
    def test_puts_the_whole_identifier_on_the_clipboard(self, page: Page) -> None:
        page.goto("/gallery/pieces/")

        page.locator('.copy[data-copy="pay_1234567890_abcdefgh"]').nth(1).click()
        page.locator(".copy.copied").wait_for()

        assert page.evaluate("navigator.clipboard.readText()") == "pay_1234567890_abcdefgh"
        assert "pay_1234567890_abcdefgh" in page.locator("#announce").inner_text()


class TestForms:
    """An answer 204 leaves the page standing, as a slow answer would."""

    def test_are_sent_once(self, page: Page) -> None:
        sent: list[str] = []

        def answer(route: Route) -> None:
            sent.append(route.request.method)
            route.fulfill(status=204)

        page.route("**/opened/", answer)
        page.goto("/gallery/form/")
        button = page.get_by_role("button", name="Request withdrawal")

        button.evaluate("button => { button.click(); button.click(); button.click(); }")
        page.locator("button.busy").wait_for()

        assert button.is_disabled()
        assert sent == ["POST"]

    def test_come_back_to_life_on_the_way_back(self, page: Page) -> None:
        page.route("**/opened/", lambda route: route.fulfill(status=204))
        page.goto("/gallery/form/")
        button = page.get_by_role("button", name="Request withdrawal")
        button.click()
        page.locator("button.busy").wait_for()

        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")

        assert button.is_enabled()

    def test_show_the_fields_that_apply(self, page: Page) -> None:
        page.goto("/gallery/form/")
        payid, account = page.get_by_label("PayID", exact=True), page.get_by_label("Account number")

        page.get_by_label("Bank transfer").check()
        assert account.is_enabled()
        page.locator("input[name=method][value=payid]").check()

        assert page.locator("#id_bank_account").is_disabled()
        assert account.is_hidden()
        assert page.locator("#id_payid").is_visible()
        page.get_by_label("Currency").select_option("MXN")
        assert page.locator("#id_payid").is_hidden()
        assert payid.count() >= 1

    def test_lead_to_what_is_wrong(self, page: Page) -> None:
        page.goto("/gallery/wrong/")

        assert page.evaluate("document.activeElement.getAttribute('role')") == "alert"


class TestMenus:
    def test_close_again(self, page: Page) -> None:
        page.goto("/gallery/list/")
        menu = page.locator("details.menu:has(.face-button)")

        menu.locator("summary").click()
        assert page.get_by_text("approver@lightdesk.test").last.is_visible()
        page.keyboard.press("Escape")
        assert menu.get_attribute("open") is None
        menu.locator("summary").click()
        page.locator("h1").click()

        assert menu.get_attribute("open") is None

    def test_change_the_theme_at_once(self, page: Page) -> None:
        page.goto("/gallery/list/")
        before = page.evaluate("getComputedStyle(document.body).backgroundColor")

        page.locator("details.menu:has(.face-button) summary").click()
        with page.expect_response("**/preferences/") as answer:
            page.get_by_role("button", name="Dark").click()
        page.locator('html[data-theme="dark"]').wait_for()

        assert answer.value.request.method == "POST"
        assert "dark" in (answer.value.request.post_data or "")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before


class TestLiveFragments:
    def test_bring_news_and_say_them_aloud(self, page: Page) -> None:
        page.goto("/gallery/live/")

        page.locator("#life", has_text="Round").wait_for()
        page.locator("#beside", has_text="beside").wait_for()

        assert page.locator("#announce").inner_text().startswith("Round")

    def test_wait_while_somebody_types(self, page: Page) -> None:
        page.clock.install()
        page.goto("/gallery/live/")
        page.locator("#reason").press_sequentially("because")

        page.clock.run_for(5_000)
        assert page.locator("#life").inner_text().startswith("before")
        assert page.locator("#reason").input_value() == "because"

        page.locator("#search").focus()
        page.clock.run_for(1_500)
        page.locator("#life", has_text="Round").wait_for()

    def test_send_the_whole_window_to_sign_in(self, page: Page) -> None:
        page.goto("/gallery/live/")
        page.route(
            "**/rounds/",
            lambda route: route.fulfill(status=302, headers={"location": "/accounts/login/"}),
        )

        with page.expect_navigation(url="**/gallery/live/"):
            pass

        assert page.locator("#life").inner_text().startswith("before")


class TestWithoutScripts:
    def test_the_desks_and_the_settings_open(self, browser: Browser, gallery: str) -> None:
        context = browser.new_context(
            base_url=gallery, java_script_enabled=False, viewport={"width": 390, "height": 800}
        )
        page = context.new_page()
        page.goto("/gallery/list/")

        page.locator(".desk-menu summary").click()
        assert page.locator(".desk-menu").get_by_text("Balances").is_visible()
        page.locator("details.menu:has(.face-button) summary").click()
        assert page.get_by_role("button", name="Sign out").is_visible()
        assert page.get_by_role("button", name="Approve selected…").is_visible()
        assert page.locator(".copy").first.is_hidden()
        context.close()


class TestRoom:
    @pytest.mark.parametrize("name", PAGES)
    def test_never_scrolls_the_page_sideways(self, page: Page, name: str) -> None:
        page.goto(f"/gallery/{name}/")

        too_wide = []
        for width in (320, 390, 600, 768, 900, 1024, 1280, 1440, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            if page.evaluate("document.documentElement.scrollWidth") > width:
                too_wide.append(width)

        assert too_wide == []

    def test_fits_the_default_columns_at_1440(self, page: Page) -> None:
        page.goto("/gallery/list/")

        box = page.locator(".scroll").first

        assert box.evaluate("box => box.scrollWidth - box.clientWidth") == 0

    @pytest.mark.parametrize("name", PAGES)
    def test_gives_every_target_24_pixels(self, page: Page, name: str) -> None:
        page.goto(f"/gallery/{name}/")
        find_small = """() => [...document.querySelectorAll("a, button, select, summary, input")]
                .filter(item => item.checkVisibility() && !item.closest(".notice, p"))
                .map(item => [item, (item.closest("label") ?? item).getBoundingClientRect()])
                .filter(([, box]) => box.width < 24 || box.height < 24)
                .map(([item]) => item.outerHTML.slice(0, 120))"""

        assert page.evaluate(find_small) == []
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate(find_small) == []


class TestAccess:
    @pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1440, "light")])
    @pytest.mark.parametrize("path", [f"gallery/{name}" for name in PAGES] + ["trouble/500"])
    def test_axe_finds_nothing(
        self, browser: Browser, gallery: str, path: str, width: int, theme: str
    ) -> None:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if theme == "dark" else "light",
            bypass_csp=True,  # axe is put into the page as a script
        )
        page = context.new_page()
        page.goto(f"{gallery}/{path}/")

        found = Axe().run(page)

        assert found.response["violations"] == []
        context.close()
