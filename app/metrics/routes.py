"""``/metrics``."""

from __future__ import annotations

from fastapi import APIRouter, BackgroundTasks, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from app.access import watchers
from app.deps import CanRead, Db, ReadSession
from app.errors import Forbidden

router = APIRouter(tags=["operations"])


@router.get("/metrics", summary="Metrics for Prometheus", response_class=Response)
def metrics(
    request: Request, session: ReadSession, identity: CanRead, db: Db, afterwards: BackgroundTasks
) -> Response:
    if identity.reach is not None:
        raise Forbidden("Metrics are of the whole organisation: they need a token that is bound to no team.")
    afterwards.add_task(watchers.note, db, watchers.METRICS, identity.name)
    return Response(request.app.state.metrics.render(session), media_type=CONTENT_TYPE_LATEST)
