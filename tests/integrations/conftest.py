"""A real Assay and a real Prometheus."""

from contextlib import ExitStack

import pytest

from tests.http.conftest import Server, server
from tests.integrations.prometheus_server import started

__all__ = ["Server", "server"]


@pytest.fixture
def watching(tmp_path, server, secret):
    """``watching()``: a Prometheus that scrapes the service, by default with a token that may read."""
    stop = ExitStack()

    def start(token=None):
        target = f"127.0.0.1:{server.port}"
        return stop.enter_context(started(tmp_path / "prometheus", target, token or secret("viewer")))

    with stop:
        yield start
