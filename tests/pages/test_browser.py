"""The pages in a real browser: nothing breaks, the security policy refuses nothing, the numbers are the API's."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from contextlib import contextmanager

import pytest
import uvicorn

from app.access.service import create_sign_in_link
from app.main import create_app
from app.tables import Audit
from tests.scorecards import stored

pytestmark = pytest.mark.slow

CARD = "/models/credit-default/versions/1.1.0"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WATCH_POLICY = """
window.refused = [];
document.addEventListener("securitypolicyviolation", (event) => window.refused.push(event.violatedDirective));
"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SHOWN = """() => Object.fromEntries([...document.querySelectorAll("tr[data-test]")].map((row) => [
    row.dataset.test,
    [row.dataset.score, row.dataset.verdict, row.querySelector(".test-score .value").textContent],
]))"""


@pytest.fixture(scope="module")
def chromium():
    """A browser, or a skip where there is none; CI must have one.

    It ends with this file: while it lives, an event loop runs in the thread of the tests.
    """
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs a Chromium for the tests of the pages")
        pytest.skip("no Chromium is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def serving(settings):
    """The real server on a free port of this machine; gives its settings."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        served = settings.model_copy(update={"public_url": address})
        server = uvicorn.Server(uvicorn.Config(create_app(served), log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.02)
            yield served
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def site(settings, story):
    with serving(settings) as served:
        yield served


class Tab:
    """A signed-in person's tab, and everything that went wrong in it."""

    def __init__(self, browser, site, link, width, scheme) -> None:
        self.address = site.public_url
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.context.add_init_script(WATCH_POLICY)
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.wrong.append(dialog.message), dialog.dismiss()))
        self.page.on("requestfailed", self._failed)
        self.page.on("request", self._stays_here)
        self.page.goto(link)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{self.address}/")

    def _failed(self, request) -> None:
        if request.failure != "net::ERR_ABORTED":  # as when a page is left before it was whole
            self.wrong.append(f"{request.failure}: {request.url}")

    def _stays_here(self, request) -> None:
        if not request.url.startswith((self.address, "data:")):
            self.wrong.append(f"asks another host: {request.url}")

    def open(self, path: str):
        answer = self.page.goto(f"{self.address}{path}")
        self.wrong += self.page.evaluate("window.refused")
        assert answer.ok, path
        return self.page

    def api(self, path: str):
        return self.page.evaluate("(path) => fetch(path).then((answer) => answer.json())", f"/api/v1{path}")


@pytest.fixture
def tab(chromium, site, database):
    """``tab(width=, scheme=)``: a tab in which nothing may go wrong."""
    opened = []

    def make(*, width: int = 1400, scheme: str = "light") -> Tab:
        with database.write() as session:
            link = create_sign_in_link(session, site, name="rita", created_by="tests")
        opened.append(Tab(chromium, site, link, width, scheme))
        return opened[-1]

    yield make
    for one in opened:
        assert one.wrong == []
        one.context.close()


def test_fleet_shows_the_apis_numbers(tab):
    browser = tab()
    page = browser.open("/")
    rows = browser.api("/fleet")["items"]
    assert len(rows) == 3
    for row in rows:
        shown = page.locator(f"tr[data-model='{row['model']}']")
        for field in ("score", "open_failures"):
            assert shown.locator(f"[data-field={field}]").inner_text() == f"{row[field]:g}"
        for section, score in row["section_scores"].items():
            assert shown.locator(f"[data-field={section}]").inner_text() == f"{score:g}"


def test_scorecard_shows_the_apis_numbers(tab):
    browser = tab()
    page = browser.open(CARD)
    card = browser.api(f"{CARD}/scorecard")
    assert page.locator("#score").inner_text() == f"{card['score']:g}"
    assert page.get_by_text(card["explanation"]).is_visible()
    for section in card["sections"]:
        assert page.locator(f".strip [data-field={section['section']}]").inner_text() == f"{section['score']:g}"
    words = {0: "0", 0.5: "½", 1: "1"}
    assert page.evaluate(SHOWN) == {
        test["id"]: [f"{test['score']:g}", test["verdict"], words[test["score"]]] for test in card["tests"]
    }
    assert f"{card['open_failures']} open failures" in page.locator(".headline").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_telephone(tab, story, scheme):
    browser = tab(width=400, scheme=scheme)
    paths = ["/", CARD, "/checks", "/checks/DATA-1", f"/findings/{story['DATA-2']}"]
    paths += [f"/audits/{story['running']}", f"/decisions/{story['decision fail']}"]
    for path in paths:
        assert browser.open(path).evaluate(OVERFLOW) == 0, path
        assert browser.page.locator("h1").count() == 1
        assert browser.page.locator("main").count() == 1


def test_tests_can_be_narrowed_down(tab):
    page = tab().open(CARD)
    visible = page.locator("tr[data-test]:visible")
    assert visible.count() == 28
    page.get_by_role("button", name="open failures").click()
    assert [row.get_attribute("data-test") for row in visible.all()] == ["DATA-2", "MODEL-6"]
    page.get_by_role("button", name="all 28").click()
    assert visible.count() == 28


def test_models_can_be_filtered(tab):
    page = tab().open("/")
    page.get_by_label("Filter").fill("oncology medium")
    assert page.locator("tr[data-model]:visible").count() == 1


def test_an_audits_page_follows_it(tab, story, database):
    page = tab().open(f"/audits/{story['running']}")
    assert page.get_by_text("1 of 3 checks are done").is_visible()
    with database.write() as session:
        audit = session.get(Audit, story["running"])
        audit.status = "succeeded"
        session.add(audit)
    page.get_by_text("completed").wait_for()
    assert page.locator("[data-live]").count() == 0


def test_the_keyboard_reaches_the_content(tab):
    page = tab().open(CARD)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.url.endswith("#content")


def test_hostile_names_run_nothing(tab, database):
    hostile = "<img src=x onerror=alert(1)><script>alert(2)<!script>"
    with database.write() as session:
        model = stored.model(session, "hostile", owner=hostile, purpose=hostile)
        version = stored.version(session, model)
        stored.finding(session, version, verdict="fail", reason=hostile, remedy=hostile)
    browser = tab()
    assert hostile in browser.open("/models/hostile/versions/1.0.0").locator("tr[data-test=DATA-1]").inner_text()
    assert hostile in browser.open("/").locator("tr[data-model=hostile]").inner_text()
