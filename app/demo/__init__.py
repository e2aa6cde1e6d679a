"""``make demo``: three models, their versions, and weeks of traffic, through the whole service as a pipeline would.

It acts with a token of the ci role that it creates, on a service that it starts; every verdict is the checks'
own. What was done before is not done again, so a second run starts from where the first one was.
"""

from __future__ import annotations

import time

import typer

from app.cli.output import print_table
from app.client import Assay
from app.config import Settings
from app.demo import host
from app.demo.releases import Release, ask, deliver, in_short
from app.demo.telling import say
from app.server import prepare

RELEASES = tuple(
    Release(model, version)
    for model in ("tumour-malignancy", "diabetes-progression", "credit-default")
    for version in ("1.0.0", "1.1.0")
)
GATES = ("staging", "production")


def tell(*, once: bool, port: int) -> None:
    """Tell the whole story; leave the service running unless ``once``."""
    started = time.monotonic()
    port = host.free_port(port)
    settings = Settings(data_dir=host.FOLDER / "data", public_url=f"http://127.0.0.1:{port}")
    say("Preparing the database and starting the service")
    prepare(settings)
    with (
        host.service(settings, port, {}),
        Assay(settings.public_url, host.token(settings, "demo-pipeline", "ci")) as client,
    ):
        host.wait_until_ready(client)
        _releases(client)
        say(f"Done in {time.monotonic() - started:.0f} s")
        if not once:
            _stay(settings)


def _releases(client: Assay) -> None:
    rows = []
    for release in RELEASES:
        deliver(client, release)
        rows += [in_short(release, ask(client, release, environment)) for environment in GATES]
    say("The gate's answers")
    print_table("", ("VERSION", "ENVIRONMENT", "STAGE", "ANSWER", "SCORE", "BECAUSE"), rows)


def _stay(settings: Settings) -> None:
    """Print where to look, last, and serve on until somebody ends it."""
    link = host.sign_in_link(settings)
    say("The service is running; Ctrl-C ends it")
    shown = RELEASES[-1]
    typer.echo(f"Scorecards  {settings.public_url}/models/{shown.model}/versions/{shown.version}")
    typer.echo(f"Sign in     {link}")
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        say("Stopping")
