"""Settings (without a database), a warm reader, and a mark that no payload may ever leave."""

import pytest

from app.catalog import inspection
from app.config import Settings
from app.errors import Invalid
from tests.security.forkserver import Forkserver


@pytest.fixture
def unmigrated(tmp_path):
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture(scope="package")
def reader(tmp_path_factory):
    server = Forkserver(tmp_path_factory.mktemp("forks"))
    yield server
    server.close()


@pytest.fixture
def mark(tmp_path):
    """Where every payload would create a file."""
    return tmp_path / "executed"


@pytest.fixture
def refusal(unmigrated):
    """``refusal(path)``: why the service, in a real process of its own, refuses a file."""

    def ask(path, filename=None, inspect=inspection.inspect_model, **overrides):
        with pytest.raises(Invalid) as refused:
            inspect(path, filename or path.name, unmigrated.model_copy(update=overrides))
        return refused.value.detail

    return ask
