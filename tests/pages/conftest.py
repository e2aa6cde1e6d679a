import pytest

from .story import plant


@pytest.fixture
def story(database, blobs):
    """Ids of what is worth opening in a fleet of three models."""
    return plant(database, blobs)
