"""Logged predictions of the audit's window, and those of them whose label is known."""

from __future__ import annotations

import hashlib
from pathlib import Path

from app.audits.attempt import Attempt, Traffic
from app.audits.providing.contract import Provided, Providers, Source
from checks.contract import Missing
from checks.serving import LabelledServing, ServingLog, Window

NEWEST = 200_000
"""Rows that are read at most."""


def _serving_log(_source: Source, attempt: Attempt) -> Provided:
    from app.engines.prediction_log import read_log

    traffic = traffic_of(attempt)
    logged = read_log(paths_of(traffic), traffic.start, traffic.end, NEWEST)
    if not logged.rows:
        raise nothing_logged(traffic)
    inputs = inputs_of(traffic)
    return Provided(ServingLog(window_of(traffic), logged.frame, logged.rows, inputs["traffic"]), inputs)


def _labelled(source: Source, attempt: Attempt) -> Provided:
    from app.engines.prediction_log import read_labelled

    traffic, log = traffic_of(attempt), source.get(ServingLog)
    if traffic.labels is None or traffic.labels.path is None:
        raise Missing(
            f"labels of what was answered in {_told(traffic)}",
            "push them as they become known: assay labels push FILE --model MODEL",
        )
    labels = Path(traffic.labels.path)
    found = read_labelled(paths_of(traffic), traffic.start, traffic.end, NEWEST, labels)
    value = LabelledServing(window_of(traffic), found.frame, found.rows, found.rows / log.value.rows)
    return Provided(value, {**log.inputs, "labels": traffic.labels.digest})


def traffic_of(attempt: Attempt) -> Traffic:
    if attempt.traffic is None:
        raise Missing(
            "an environment in which to look at predictions",
            "name it when the audit is queued: assay audit run MODEL@VERSION --environment production",
        )
    if not attempt.traffic.batches:
        raise nothing_logged(attempt.traffic)
    return attempt.traffic


def nothing_logged(traffic: Traffic) -> Missing:
    return Missing(
        f"logged predictions of this version in {_told(traffic)}",
        "serve through the gateway, push another server's log (assay predictions push FILE), or widen the window",
    )


def paths_of(traffic: Traffic) -> list[Path]:
    for file in traffic.batches:
        if file.path is None:
            raise FileNotFoundError(file.problem)
    return [Path(file.path) for file in traffic.batches if file.path is not None]


def window_of(traffic: Traffic) -> Window:
    return Window(traffic.environment, traffic.start, traffic.end)


def _told(traffic: Traffic) -> str:
    return f"{traffic.environment} from {traffic.start:%Y-%m-%d %H:%M} to {traffic.end:%Y-%m-%d %H:%M} UTC"


def inputs_of(traffic: Traffic) -> dict[str, str]:
    """The log as one digest, of its files and of the window."""
    parts = [traffic.environment, traffic.start.isoformat(), traffic.end.isoformat()]
    parts += sorted(file.digest for file in traffic.batches)
    return {"traffic": hashlib.sha256("\n".join(parts).encode()).hexdigest()}


PROVIDERS: Providers = {ServingLog: _serving_log, LabelledServing: _labelled}
