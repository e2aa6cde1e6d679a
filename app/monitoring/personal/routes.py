"""People's rows: shown masked, shown as they are, deleted.

What names a person stands in bodies, never in a URL, which proxies log.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path

from app.deps import Blobs, CanForgetRows, CanRead, CanReadRows, Config, Db
from app.http.problems import problems
from app.monitoring.personal import rows, segments
from app.monitoring.personal.forgetting import Whom, forget
from app.monitoring.personal.schemas import ForgottenOut, RowsOut, WhomIn

router = APIRouter(tags=["monitoring"])


@router.get(
    "/predictions/{model}/{prediction_id}",
    summary="A logged prediction, values of personal and sensitive columns masked",
    responses=problems(404),
)
def show_prediction(
    model: str,
    prediction_id: Annotated[str, Path(max_length=200)],
    db: Db,
    blobs: Blobs,
    config: Config,
    _: CanRead,
) -> RowsOut:
    """As every version answered it; none where it is not stored."""
    return rows.masked(db, blobs, config, model, prediction_id)


@router.post(
    "/predictions/disclosures",
    summary="Logged predictions as they are, for a reason",
    responses=problems(404, 422),
)
def disclose(given: WhomIn, db: Db, blobs: Blobs, config: Config, identity: CanReadRows) -> RowsOut:
    """Needs the scope rows:read, which no role carries. Who asked, of whom (by a digest) and why is in the audit
    log before anything is shown. At most 1,000 rows.
    """
    whom = Whom(given.person, given.prediction)
    return rows.disclosed(db, blobs, config, identity, given.model, whom, given.reason)


@router.post(
    "/predictions/deletions",
    summary="Delete a person's logged predictions and labels, for good",
    responses=problems(404, 422),
)
def delete(given: WhomIn, db: Db, blobs: Blobs, config: Config, identity: CanForgetRows) -> ForgottenOut:
    """Needs the scope rows:forget. Rows are gone from the database when this answers, and from the files but for
    those counted as pending. Logs of before that bring them again are left out. The same again does nothing.
    """
    with db.write() as session:
        forgot = forget(session, identity, given.model, Whom(given.person, given.prediction), given.reason)
    return ForgottenOut(model=given.model, files_pending=segments.finish(db, blobs, config), **asdict(forgot))
