"""Hostile text in every field that takes text, and every page that shows it, in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from sqlmodel import select

from app.tables import Decision
from tests.pages.story import plant
from tests.pages.test_browser import chromium, serving, tab  # noqa: F401 - fixtures
from tests.security.api_fuzz import examples

pytestmark = pytest.mark.slow

MARK = "planted text"
HOSTILE = f'<img src=x onerror="window.ran = 1"><script>window.ran = 1</script>\'{MARK}'
FIELDS_AT_LEAST, PAGES_AT_LEAST, SHOWING_AT_LEAST = 25, 12, 5
KNOWN = {
    "model": "credit-default",
    "version": "1.1.0",
    "environment": "production",
    "pipeline": "nightly",
    "name": "n",
}


def planted(body: Any, path: tuple = ()) -> Iterator[Any]:
    """``body`` again and again, each time with hostile text in the place of one text."""
    inner = body if not path else _at(body, path)
    items = inner.items() if isinstance(inner, dict) else enumerate(inner) if isinstance(inner, list) else ()
    for key, value in items:
        if isinstance(value, str):
            made = deepcopy(body)
            _at(made, path)[key] = f"{HOSTILE} {'.'.join(map(str, (*path, key)))}"
            yield made
        elif isinstance(value, dict | list):
            yield from planted(body, (*path, key))


def _at(body: Any, path: tuple) -> Any:
    for key in path:
        body = body[key]
    return body


@pytest.fixture
def site(settings, database, blobs):
    plant(database, blobs)
    with database.write() as session:
        for row in session.exec(select(Decision)):
            if not row.body:  # made up without one, which the gate does not do
                session.delete(row)
    with serving(settings) as served:
        yield served


@pytest.fixture
def taken(site, client):
    """The fields in which the API took hostile text: ``METHOD path field``."""
    admin = client("admin")
    stages = [{"name": "train", "role": "training"}]
    pipeline = {"name": "nightly", "owner": "ml@example.com", "models": ["credit-default"], "stages": stages}
    assert admin.put("/api/v1/pipelines/nightly", json=pipeline).status_code < 300
    document, found = admin.get("/api/v1/openapi.json").json(), []
    for path, method, example in examples(document):
        filled = path.format_map(_Known())
        for body in planted(_known(example)):
            answer = admin.request(method, filled, json=body)
            if answer.status_code < 300 and method != "get":
                found.append((method, path, next(text for text in _texts(body) if MARK in text)))
    return found


class _Known(dict):
    def __missing__(self, name: str) -> str:
        return KNOWN.get(name, "1")


def _known(example: Any) -> Any:
    """The example, about what is there."""
    if isinstance(example, dict):
        return {
            key: KNOWN[key] if key in {"model", "version", "pipeline"} and isinstance(value, str) else value
            for key, value in example.items()
        }
    return example


def _texts(body: Any) -> Iterator[str]:
    if isinstance(body, str):
        yield body
    elif isinstance(body, dict | list):
        for value in body.values() if isinstance(body, dict) else body:
            yield from _texts(value)


def test_no_text_that_anybody_gave_runs_on_any_page(tab, taken):  # noqa: F811
    assert len({json.dumps(one[:2]) for one in taken}) > 5
    assert len(taken) >= FIELDS_AT_LEAST, taken
    browser = tab()
    waiting, seen, showing = ["/", "/issues", "/alerts", "/pipelines", "/delivery", "/checks"], set(), set()
    waiting += [f"/models/credit-default/{page}" for page in ("serving", "ledger", "delivery")]
    while waiting and len(seen) < 60:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        page = browser.open(path)
        assert page.evaluate("window.ran") is None, path
        assert page.locator("img[src=x]").count() == 0, path
        if MARK in page.content():
            showing.add(path)
        links = page.evaluate("[...document.querySelectorAll('a[href]')].map((link) => link.getAttribute('href'))")
        assert not [link for link in links if link.lower().startswith(("javascript:", "data:"))], path
        waiting += [link for link in links if link.startswith("/") and not _by_the_way(link)]
    assert len(seen) >= PAGES_AT_LEAST
    assert len(showing) >= SHOWING_AT_LEAST, showing


def _by_the_way(link: str) -> bool:
    """Many of a kind, a part of a page, or no page."""
    elsewhere = link.startswith(("/checks/", "/static", "/api", "/badges", "/v2"))
    return elsewhere or link.endswith("/file") or "/exhibits/" in link or not {"?", "#"}.isdisjoint(link)


@pytest.fixture
def slipped(settings, chromium):  # noqa: F811
    """``slipped(bypass_csp=False)``: what ran of scripts that are in a page of ours, with or without its policy."""
    inline = "document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))"
    handler = """document.body.insertAdjacentHTML("beforeend", '<img src="x" onerror="window.handled = 1">')"""

    def look(**how):
        context = chromium.new_context(**how)
        page = context.new_page()
        page.goto(f"{served.public_url}/sign-in")
        page.evaluate(inline)
        page.evaluate(handler)
        page.wait_for_timeout(500)
        found = page.evaluate("[window.ran, window.handled].map((one) => one ?? null)")
        context.close()
        return found

    with serving(settings) as served:
        yield look


def test_what_slipped_into_a_page_does_not_run(slipped):
    assert slipped() == [None, None]


def test_without_the_policy_it_would_run(slipped):
    """Positive control."""
    assert slipped(bypass_csp=True) == [1, 1]


def test_the_browser_would_run_it(chromium):  # noqa: F811
    """Positive control: where nothing escapes it, the same text runs."""
    context = chromium.new_context()
    page = context.new_page()
    page.set_content(f"<p>{HOSTILE}</p>")
    page.wait_for_function("window.ran === 1")
    context.close()
