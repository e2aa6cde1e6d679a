"""Prometheus, over its HTTP API (v1): what PromQL says about a model in use.

https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from app.errors import Invalid
from app.evidence.collecting.reading import Reader
from app.evidence.measurements import MeasurementsForm, parse

WAY_OUT = "aggregate it to one series, by sum(), avg() or max()"


def connect(url: str) -> Reader:
    """To a server at ``url``; ``PROMETHEUS_TOKEN`` is sent as a bearer token."""
    token = os.environ.get("PROMETHEUS_TOKEN")
    return Reader(url, {"Authorization": f"Bearer {token}"} if token else {})


def instant(
    server: Reader, query: str, name: str, *, unit: str = "", at: datetime | None = None
) -> MeasurementsForm:
    """What the query says at one time, by default now.

    Raises:
        Invalid: the server does not answer, or with none, several series, or no number.
    """
    asked = {"query": query, **({"time": at.isoformat()} if at else {})}
    data = _data(server.get("api/v1/query", **asked))
    value = data["result"] if data["resultType"] == "scalar" else _only(data, "vector", "value")
    return _form(server, query, name, unit, [value])


def stretch(
    server: Reader, query: str, name: str, since: datetime, until: datetime, step: str, *, unit: str = ""
) -> MeasurementsForm:
    """What the query says from ``since`` to ``until`` at every ``step`` ("5m", "3600"). Raises as ``instant``."""
    asked = {"query": query, "start": since.isoformat(), "end": until.isoformat(), "step": step}
    data = _data(server.get("api/v1/query_range", **asked))
    return _form(server, query, name, unit, _only(data, "matrix", "values"))


def _data(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    if answer.get("warnings"):
        raise Invalid(f"the answer may be incomplete: {'; '.join(map(str, answer['warnings']))}")
    data = answer.get("data")
    if answer.get("status") != "success" or not isinstance(data, dict) or "result" not in data:
        raise Invalid(f"this is no answer of Prometheus: {str(answer)[:200]}")
    return data


def _only(data: Mapping[str, Any], kind: str, key: str) -> Any:
    """What the only series holds under ``key``."""
    result = data["result"]
    if data["resultType"] != kind:
        raise Invalid(f"the query gives a {data['resultType']}; one number a time is due")
    if len(result) > 1:
        shown = ", ".join(str(one.get("metric")) for one in result[:3])
        raise Invalid(f"the query gives {len(result)} series ({shown}, ...): {WAY_OUT}")
    if not result:
        raise Invalid("the query gives nothing: no series of that name and time")
    if key not in result[0]:
        raise Invalid("the query gives histograms; one number a time is due")
    return result[0][key]


def _form(
    server: Reader, query: str, name: str, unit: str, values: Sequence[tuple[float, str]]
) -> MeasurementsForm:
    """Held to the same rules as what is handed in."""
    samples = [{"at": at, "value": _number(at, value)} for at, value in values]
    source = {"tool": "prometheus", "name": _without_password(server.url)}
    document = {"source": source, "name": name, "query": query, "unit": unit, "samples": samples}
    return parse(json.dumps(document).encode())


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _number(at: float, text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        when = datetime.fromtimestamp(at, UTC).isoformat()
        raise Invalid(f"the query gives {text} at {when}; leave such values out, for instance by `... >= 0 < Inf`")
    return number
