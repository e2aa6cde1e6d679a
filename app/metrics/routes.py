"""``/metrics``."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from app.deps import CanRead, ReadSession

router = APIRouter(tags=["operations"])


@router.get("/metrics", summary="Metrics for Prometheus", response_class=Response)
def metrics(request: Request, session: ReadSession, _: CanRead) -> Response:
    return Response(request.app.state.metrics.render(session), media_type=CONTENT_TYPE_LATEST)
