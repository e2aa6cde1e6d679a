"""The parts of a history that tools tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlmodel import Session

from app.ledger import folding, queries
from app.ledger.events import EVENT
from app.tables import Pipeline

PARTS: Mapping[str, str] = MappingProxyType(
    {
        "commits": "commit",
        "ci_runs": "ci_run",
        "pipeline_versions": "pipeline_version",
        "runs": "pipeline_run",
        "registered_versions": "registered_version",
        "components": "component",
        "ab_tests": "ab_test",
        "incidents": "incident",
    }
)
"""Their names in a ``History``, with the kind of event that each is made of."""
FOLDED: Mapping[str, Callable[[Any], Iterable[Any]]] = MappingProxyType(
    {
        "commits": folding.commits,
        "ci_runs": folding.ci_runs,
        "runs": folding.runs,
        "registered_versions": folding.registered_versions,
    }
)


def parts(
    session: Session,
    models: Collection[str],
    pipelines: Sequence[Pipeline],
    as_of: datetime,
    names: Collection[str],
) -> dict[str, Any]:
    """Those of ``PARTS`` that are named, and who told of them."""
    rows = queries.events(
        session,
        models=models,
        pipelines=[row.name for row in pipelines],
        repositories=[row.repository for row in pipelines if row.repository],
        kinds=[PARTS[name] for name in names],
        until=as_of,
    )
    by_kind: Mapping[str, list[Any]] = defaultdict(list)
    for row in rows:
        by_kind[row.kind].append(EVENT.validate_python(row.body))
    return {
        **{name: tuple(FOLDED.get(name, iter)(by_kind[PARTS[name]])) for name in names},
        "sources": {(row.kind, row.key): row.source for row in rows},
    }
