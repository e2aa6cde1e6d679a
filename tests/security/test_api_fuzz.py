"""A thousand odd requests over the whole API (ten thousand: ``make fuzz``); and the judge sees what it should."""

from __future__ import annotations

import threading
import time

import pytest
import uvicorn
from fastapi import FastAPI, Response
from pydantic import BaseModel

from tests.security.api_fuzz import Fuzz, furnish
from tests.security.furnished import furnished

pytestmark = pytest.mark.slow

EXAMPLES = 1000


def test_no_request_breaks_the_service():
    with furnished() as service:
        fuzz = Fuzz(service.url, service.token, furnish(service.url, service.token))
        before = service.memory_mb()
        report = fuzz.run(EXAMPLES)
        report.growth_mb = service.memory_mb() - before
    assert report.sound, "\n\n".join([str(report), *report.broken.values()])
    assert len(report.operations) == len(fuzz.operations)
    assert report.count > EXAMPLES * 0.9
    assert len(report.reached) > len(fuzz.operations) * 0.5, "requests that nothing carries out show little"
    assert sum(report.answers[status] for status in (401, 403)) < EXAMPLES * 0.05


# --- the judge itself -----------------------------------------------------------------------------


class Answer(BaseModel):
    number: int


@pytest.fixture
def broken():
    """The address of a service with one defect of each kind."""
    application = FastAPI(openapi_url="/api/v1/openapi.json")

    @application.get("/divide")
    def divide(by: int) -> Answer:
        return Answer(number=1 // (by - by))

    @application.get("/lie", response_model=Answer)
    def lie() -> Response:
        return Response('{"number": "many"}', media_type="application/json")

    @application.get("/undocumented")
    def undocumented() -> Answer:
        return Response(status_code=418)

    @application.get("/fine")
    def fine() -> Answer:
        return Answer(number=1)

    server = uvicorn.Server(uvicorn.Config(application, port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def test_the_judge_sees_every_kind_of_defect(broken):
    report = Fuzz(broken, "asy_none", {}).run(20)
    assert not report.sound
    assert sorted(kind.split(" at ")[0] for kind in report.broken) == [
        "GET /divide: ServerError",
        "GET /divide: UndefinedStatusCode",
        "GET /lie: JsonSchemaError",
        "GET /undocumented: UndefinedStatusCode",
    ]
