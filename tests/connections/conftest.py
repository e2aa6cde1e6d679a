import pytest

from tests.connections.messages import REPOSITORY

PIPELINE = {"name": "credit-training", "owner": "risk", "repository": REPOSITORY, "models": ["credit-default"]}


@pytest.fixture
def admin(client):
    return client("admin")


@pytest.fixture
def connect(admin):
    """``connect("github", repositories=[...])``: a connection named after its kind; returns it with its secret."""

    def make(kind, **scope):
        answer = admin.post("/api/v1/connections", json={"name": kind, "kind": kind, **scope})
        assert answer.status_code == 201, answer.text
        return answer.json()

    return make


@pytest.fixture
def forge(connect):
    """The secret of a connection to GitHub that speaks about bank/credit."""
    return connect("github", repositories=[REPOSITORY], pipelines=["credit-training"])["secret"]


@pytest.fixture
def declared(admin):
    """The pipeline of bank/credit is registered."""
    assert admin.put("/api/v1/pipelines/credit-training", json=PIPELINE).status_code == 200


@pytest.fixture
def send(client):
    """``send("github", *message)``: post it as nobody in particular."""
    anybody = client(None)
    return lambda name, headers, content: anybody.post(f"/hooks/{name}", headers=headers, content=content)


@pytest.fixture
def told(admin):
    """What the ledger was told, oldest first."""
    return lambda **asked: [
        one["body"] for one in reversed(admin.get("/api/v1/ledger/events", params=asked).json()["items"])
    ]


@pytest.fixture
def messages(admin):
    """(status, reason, how often it came) of each message of a connection, oldest first."""

    def listed(name, **asked):
        items = admin.get(f"/api/v1/connections/{name}/messages", params=asked).json()["items"]
        return [(one["status"], one["reason"], one["times"]) for one in reversed(items)]

    return listed
