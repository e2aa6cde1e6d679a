import pytest

from .reading import Page
from .story import plant


@pytest.fixture
def story(database, blobs):
    """Ids of what is worth opening in a fleet of three models."""
    return plant(database, blobs)


@pytest.fixture
def open_page(client):
    """``open_page(path)``: the page, as somebody reads it who may read."""
    browser = client("viewer")

    def get(path: str, status: int = 200) -> Page:
        answer = browser.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == status, answer.text
        return Page(answer.text)

    return get
