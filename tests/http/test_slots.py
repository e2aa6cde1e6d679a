"""More writers at once than there are threads: they queue, and none of them starves the one that is writing."""

import asyncio
import time
from pathlib import Path

import httpx2
import pytest
from starlette.responses import PlainTextResponse

from app.http.slots import PREDICTING, WriteSlots

WRITERS = 120


@pytest.mark.slow
def test_a_crowd_of_writers_gets_through(server, secret):
    """Without slots all 40 threads wait for the write lock, and its holder gets none to finish: 30 s, then 503."""
    headers = {"Authorization": f"Bearer {secret('admin')}"}

    async def crowd():
        limits = httpx2.Limits(max_connections=WRITERS)
        async with httpx2.AsyncClient(base_url=server.url, headers=headers, limits=limits, timeout=60) as client:
            body = {"name": "one of many", "role": "viewer"}
            writes = [client.post("/api/v1/tokens", json=body) for _ in range(WRITERS)]
            reads = [client.get("/api/v1/me") for _ in range(20)]
            return await asyncio.gather(*writes, *reads)

    start = time.monotonic()
    answers = asyncio.run(crowd())
    assert sorted({answer.status_code for answer in answers}) == [200, 201]
    assert time.monotonic() - start < 25
    assert Path(server.log).read_text().count("ERROR") == 0


def test_predictions_that_wait_too_long_are_sent_away_and_may_come_back():
    """Nothing is known of a model here: the application behind the slots is one that does not answer."""
    begun, gone = [], asyncio.Event()

    async def slow(scope, receive, send):
        begun.append(scope["path"])
        await gone.wait()
        await PlainTextResponse("done")(scope, receive, send)

    async def crowd():
        slots = WriteSlots(slow, patience=0.2)
        transport = httpx2.ASGITransport(slots)
        async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
            waiting = [asyncio.create_task(client.post("/v2/models/m/infer")) for _ in range(PREDICTING + 3)]
            late, _ = await asyncio.wait(waiting, timeout=2)
            answers = [task.result() for task in late]
            assert len(begun) == PREDICTING
            write = asyncio.create_task(
                client.post("/api/v1/tokens")
            )  # which has slots of its own, without a limit
            gone.set()
            await asyncio.wait([*waiting, write])
            assert write.result().status_code == 200
            return answers, await client.post("/v2/models/m/infer")

    refused, after = asyncio.run(crowd())
    assert [answer.status_code for answer in refused] == [503] * 3
    assert refused[0].headers["Retry-After"]
    assert refused[0].json()["title"] == "busy"
    assert after.status_code == 200
