"""``make demo``: three models, their versions, and weeks of traffic, through the whole service as a pipeline would.

It acts with a token of the ci role that it creates, on a service that it starts; every verdict is the checks'
own. What was done before is not done again, so a second run starts from where the first one was.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager

import typer

from app.cli.output import print_table
from app.client import Assay
from app.config import Settings
from app.demo import host
from app.demo.receiver import listening
from app.demo.releases import Build, Release, ask, deliver, in_short, make
from app.demo.retraining import Trainee
from app.demo.telling import say
from app.demo.watch import FIRST, SECOND, WEEKS, replay, watch
from app.server import prepare

RELEASES = (
    Release("tumour-malignancy", "1.0.0"),
    Release("tumour-malignancy", "1.1.0"),
    Release("diabetes-progression", "1.0.0"),
    Release("diabetes-progression", "1.1.0"),
    FIRST,
    Release("credit-default", "1.1.0"),
    SECOND,
)
GATES = ("staging", "production")


def tell(*, once: bool, port: int) -> None:
    """Tell the whole story; leave the service running unless ``once``."""
    started = time.monotonic()
    port = host.free_port(port)
    settings = Settings(data_dir=host.FOLDER / "data", public_url=f"http://127.0.0.1:{port}")
    say("Preparing the database and starting the service")
    prepare(settings)
    hooks = host.free_port(port + 1)
    trains = host.free_port(hooks + 1)
    callable_hosts = {"ASSAY_OUTGOING_ALLOWED_HOSTS": f'["127.0.0.1:{hooks}", "127.0.0.1:{trains}"]'}
    of_pipeline = host.token(settings, "demo-pipeline", "ci")
    with (
        _pipelines() as pool,
        listening(hooks) as receiver,
        host.service(settings, port, callable_hosts),
        Assay(settings.public_url, of_pipeline) as client,
        Assay(settings.public_url, host.token(settings, "demo-admin", "admin")) as admin,
    ):
        host.wait_until_ready(client)
        builds = [pool.submit(make, client, release) for release in RELEASES]
        replays = {weeks: pool.submit(replay, weeks) for weeks in WEEKS}
        _releases(client, builds)
        watch(client, admin, receiver, replays, Trainee(settings.public_url, of_pipeline, trains))
        say(f"Done in {time.monotonic() - started:.0f} s")
        if not once:
            _stay(settings)


@contextmanager
def _pipelines() -> Iterator[Executor]:
    """Train and replay one after another, beside the audits; what has not begun at the end never does."""
    pool = ThreadPoolExecutor(1)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _releases(client: Assay, builds: Sequence[Future[Build]]) -> None:
    rows = []
    for build in builds:
        deliver(client, build.result())
        release = build.result().release
        rows += [in_short(release, ask(client, release, environment)) for environment in GATES]
    say("The gate's answers")
    print_table("", ("VERSION", "ENVIRONMENT", "STAGE", "ANSWER", "SCORE", "BECAUSE"), rows)


def _stay(settings: Settings) -> None:
    """Print where to look, last, and serve on until somebody ends it."""
    link = host.sign_in_link(settings)
    say("The service is running; Ctrl-C ends it")
    at = f"{settings.public_url}/models/{SECOND.model}"
    typer.echo(f"In service  {at}/serving")
    typer.echo(f"Scorecards  {at}/versions/{SECOND.version}")
    typer.echo(f"Sign in     {link}")
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        say("Stopping")
