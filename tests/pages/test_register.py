"""Issues on their own pages and on the model's."""

from __future__ import annotations

from tests.register.conftest import find, issues, registered  # noqa: F401 - fixtures

HTML = {"Accept": "text/html"}


def test_issues_are_listed_shown_and_counted_on_the_models_page(find, client):  # noqa: F811
    find("DATA-1", "fail", reason="<b>age</b> is out of range.")
    owner, viewer = client("owner"), client("viewer")
    owner.patch("/api/v1/issues/1", json={"plan": "Clip ages."})
    find("DATA-1", "pass")
    listed = viewer.get("/issues?status=resolved&model=credit-default", headers=HTML).text
    assert 'data-issue="1"' in listed
    assert "&lt;b&gt;age" in listed
    assert 'data-issue="1"' not in viewer.get("/issues?overdue=true", headers=HTML).text
    shown = viewer.get("/issues/1", headers=HTML).text
    assert '<a href="/findings/2">finding/2</a>' in shown
    assert "it takes another person" in shown
    assert "Clip ages." in shown
    model = viewer.get("/models/credit-default", headers=HTML).text
    assert '<span data-field="open_issues">1</span> open issue</a>: 1 high' in model
    assert "not validated yet" in model
    owner.post("/api/v1/models/credit-default/retirement", json={"reason": "It ended."})
    assert "Retired on" in viewer.get("/models/credit-default", headers=HTML).text
    assert viewer.get("/issues/99", headers=HTML).status_code == 404
