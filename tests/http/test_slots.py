"""More writers at once than there are threads: they queue, and none of them starves the one that is writing."""

import asyncio
import time
from pathlib import Path

import httpx2
import pytest

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
