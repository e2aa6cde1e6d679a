import pytest

from app.ledger.reading.delivery.metrics import delivery_metrics
from tests.ledger.story import Story


@pytest.fixture
def story():
    return Story()


@pytest.fixture
def measured(story):
    """``measured(days, window=30)``: the metrics of the model "m" on that day, over that window."""

    def measure(days, window=30):
        result = delivery_metrics(story.history(days), [window])
        return next(one for one in result.models if one.name == "m").windows[0]

    return measure
