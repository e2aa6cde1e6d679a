"""A person signs in with a real browser, a real server and a real issuer."""

from __future__ import annotations

import pytest

from tests.access.oidc.conftest import CALLBACK, PASSWORD, SECRET
from tests.pages.test_browser import WATCH_POLICY, chromium, serving

__all__ = ["chromium"]

pytestmark = pytest.mark.slow


def known(site, service):
    """Tell the issuer where the service is."""
    uris = [CALLBACK, f"{service.public_url}/sign-in/oidc/callback"]
    site.plant(clients=[{"id": "assay", "secret": SECRET, "uris": uris}])


def test_from_a_page_to_the_issuer_and_back_to_it(chromium, with_oidc, site, tmp_path):
    with serving(with_oidc(site.url)) as service:
        known(site, service)
        page = chromium.new_context().new_page()
        page.add_init_script(WATCH_POLICY)
        page.goto(f"{service.public_url}/checks?x=1")
        page.screenshot(path=tmp_path / "before.png")
        page.get_by_role("link", name=f"Sign in with 127.0.0.1:{site.port}").click()
        page.get_by_label("Username").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{service.public_url}/checks?x=1")
        assert page.evaluate("window.refused") == []
        cookies = {one["name"]: one for one in page.context.cookies(service.public_url)}
        assert "assay_sign_in" not in cookies
        assert (cookies["assay_session"]["httpOnly"], cookies["assay_session"]["sameSite"]) == (True, "Lax")
        assert "assay_session" not in page.evaluate("document.cookie")
        page.screenshot(path=tmp_path / "after.png")
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/sign-in")
        page.goto(f"{service.public_url}/checks")
        assert "/sign-in" in page.url
        page.get_by_role("link", name="Sign in with").click()
        page.wait_for_url(f"{service.public_url}/checks")  # the issuer remembers her


def test_who_has_no_role_is_told_in_the_browser(chromium, with_oidc, site, tmp_path):
    with serving(with_oidc(site.url)) as service:
        known(site, service)
        page = chromium.new_context().new_page()
        page.goto(f"{service.public_url}/sign-in/oidc")
        page.get_by_label("Username").fill("eve")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        assert "none of your groups there (groups) has a role in Assay" in page.get_by_role("alert").inner_text()
        page.screenshot(path=tmp_path / "no-role.png")
