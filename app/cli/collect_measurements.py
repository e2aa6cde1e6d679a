"""``assay evidence collect prometheus``: what PromQL says about a model in use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from app.cli.evidence import Commit, Destination, Model, Output, Push, Version
from app.cli.output import read_moment


def collect_prometheus(
    query: Annotated[str, typer.Option(help="PromQL that gives one series.")],
    name: Annotated[str, typer.Option(help="What is measured, such as the business metric of the manifest.")],
    unit: Annotated[str, typer.Option(help="Of the values.")] = "",
    since: Annotated[str | None, typer.Option(help="Everything from then on, instead of one value.")] = None,
    until: Annotated[str | None, typer.Option(help="By default now.")] = None,
    step: Annotated[str, typer.Option(help="With --since: from one value to the next, such as 5m.")] = "1h",
    url: Annotated[str, typer.Option(envvar="PROMETHEUS_URL", help="The server.")] = "http://127.0.0.1:9090",
    output: Output = None,
    push: Push = False,
    model: Model = None,
    version: Version = None,
    commit: Commit = None,
) -> None:
    """A quantity that Prometheus measures (kind measurements). Reads PROMETHEUS_TOKEN."""
    from app.evidence.collecting import prometheus

    destination = Destination(output, push, model, version, commit)
    start, end = _moment(since, "--since"), _moment(until, "--until")
    with prometheus.connect(url) as server:
        if start is None:
            found = prometheus.instant(server, query, name, unit=unit, at=end)
        else:
            found = prometheus.stretch(server, query, name, start, end or datetime.now(UTC), step, unit=unit)
    destination.take("measurements", found)


def _moment(text: str | None, option: str) -> datetime | None:
    moment = read_moment(text, option)
    return datetime.fromisoformat(moment) if moment else None
