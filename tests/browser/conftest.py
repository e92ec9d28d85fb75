"""The whole desk, run for real, seen through Chromium.

`desk` is shared by all journeys of a run. `open_page()` gives a page of its own to each person of
a journey; whatever goes wrong in the browser's console fails the test.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.support.browsers import chromium_executable
from tests.support.desk import Desk, running_desk
from tests.support.waiting import wait_until

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 320, "height": 800}
# Each window and theme that pages are looked at in.
LOOKS = [
    pytest.param(WIDE, "light", id="wide-light"),
    pytest.param(WIDE, "dark", id="wide-dark"),
    pytest.param(NARROW, "light", id="narrow-light"),
    pytest.param(NARROW, "dark", id="narrow-dark"),
]
# The browser says this of every answer from 400 on, and journeys look at such pages on purpose.
STATUS_NOTE = "Failed to load resource: the server responded with a status of"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

OpenPage = Callable[..., Page]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Everything here needs a browser, and one desk serves all of it."""
    item.add_marker(pytest.mark.browser)
    item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running_desk(tmp_path_factory.mktemp("desk")) as desk:
        wait_until(lambda: has_read_luxcore(desk), seconds=120, what="LuxCore is read")
        yield desk


def has_read_luxcore(desk: Desk) -> bool:
    """Whether each list of LuxCore was read to its end: before that nothing can be signed."""
    with closing(sqlite3.connect(desk.directory / "lightdesk.sqlite3")) as books:
        asked = "SELECT last_success_at FROM upstreams_feedstate WHERE upstream = 'luxcore'"
        return all(moment for (moment,) in books.execute(asked).fetchall() or [(None,)])


@pytest.fixture(scope="module")  # a playwright that stays open keeps Django from its database
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_executable(), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(desk: Desk, browser: Browser) -> Iterator[OpenPage]:
    """Open a page in a browser profile of its own; keywords go to Playwright's `new_context`."""
    troubles: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(STATUS_NOTE):
            troubles.append(message.text)

    def open_page(**options: object) -> Page:
        told = {"base_url": desk.url, "viewport": WIDE} | options
        page = browser.new_context(**told).new_page()  # type: ignore[arg-type]
        page.on("console", listen)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        return page

    yield open_page
    for context in browser.contexts:
        context.close()
    assert troubles == []


@pytest.fixture
def sign_in(open_page: OpenPage) -> OpenPage:
    """Sign in as one of the demo people: `sign_in("approver")`; returns the page they arrive at."""

    def sign_in(nickname: str, **options: object) -> Page:
        page = open_page(**options)
        page.goto("/accounts/login/")
        page.get_by_label("E-mail").fill(f"{nickname}@lightdesk.test")
        page.get_by_label("Password").fill(Desk.password)
        page.get_by_role("button", name="Sign in", exact=True).click()
        return page

    return sign_in


def accessibility_troubles(page: Page) -> str:
    """Return what axe-core finds wrong with the page, "" for nothing."""
    results = Axe().run(page)
    return "" if results.violations_count == 0 else str(results.generate_report())


def scrolls_sideways(page: Page) -> bool:
    """Whether the page is wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))
