"""What a session sees for somebody who is bound to teams: one filter under every query, and in none of them.

A session that carries a ``View`` finds, counts and changes only rows of models on which its holder has the scope of
the route; anything else is not there. ``docs/decisions/0035-one-filter-under-every-query.md`` says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, bindparam, event, exists, false, or_, select
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction, with_loader_criteria
from sqlalchemy.sql.visitors import iterate
from sqlmodel import SQLModel

from app import tables as t
from app.access.identity import Reach
from app.errors import Forbidden

VIEW = "view"
"""Where a session's ``info`` holds it."""
AS_READER = {"as_reader": True}
"""Execution options of a statement that finds what may be read, whatever else its route does."""
OF_ALL = {"of_all": True}
"""Of a statement that must not miss anything, and shows nothing to anybody: is a name taken, who else is told?"""

ORGANISATION: frozenset[type[SQLModel]] = frozenset(
    {
        t.AuditHead,
        t.AuditLog,
        t.Blob,
        t.Grant,
        t.IdempotencyKey,
        t.Lease,
        t.Member,
        t.Person,
        t.Pseudonyms,
        t.SigningKey,
        t.Team,
        t.Token,
        t.Trust,
        t.Watcher,
    }
)
"""Tables without a filter: an administrator's alone, about nobody, or named by a digest of what one has already."""


@dataclass(frozen=True)
class View:
    """Models and pipelines of these teams, and these models; with ``unowned`` those of no team too.

    ``scope``: what the route asks for. ``reader``: what may be read beside it; None: nothing else.
    """

    scope: str
    teams: tuple[int, ...] = ()
    models: tuple[int, ...] = ()
    unowned: bool = False
    reader: View | None = None


def view_of(reach: Reach, scope: str) -> View:
    """What may be done with ``scope``, and beside it what may be read."""
    reader = None if scope == "read" else view_of(reach, "read")
    return View(scope, tuple(reach.teams_with(scope)), tuple(reach.models_with(scope)), reader=reader)


# --- which rows -----------------------------------------------------------------------------------


def _inner(table: type[SQLModel]) -> Any:
    """The columns of an alias that no other statement has: nothing of ours is taken for a part of theirs."""
    of = SQLModel.metadata.tables[str(table.__tablename__)]
    return of.alias(f"seen_{of.name}").c


def _models(view: View, model: Any) -> ColumnElement[bool]:
    lists = ((model.team_id, view.teams), (model.id, view.models))
    seen = [column.in_(ids) for column, ids in lists if ids]  # each list costs, the empty ones too
    return or_(false(), *seen, *([model.team_id.is_(None)] if view.unowned else []))


def _seen(view: View, table: type[SQLModel], gives: str = "id") -> Select[Any]:
    """That column of all rows of ``table`` that are seen."""
    columns = _inner(table)
    return select(columns[gives]).where(RULES[table](view, columns))


def _pipelines(view: View, pipeline: Any) -> ColumnElement[bool]:
    """One of no team is seen with the versions that it made, and declared by nobody who is bound to a team."""
    own: ColumnElement[bool] = pipeline.team_id.in_(view.teams)
    if view.scope == "register":
        return own
    made = _seen(view, t.Version, "pipeline_id")
    return or_(own, and_(pipeline.team_id.is_(None), pipeline.id.in_(made)))


def _events(view: View, row: Any) -> ColumnElement[bool]:
    """By the first that an event names: its model, its pipeline, its repository."""
    of_pipeline = row.pipeline.in_(_seen(view, t.Pipeline, "name"))
    of_repository = row.repository.in_(_seen(view, t.Pipeline, "repository"))
    return or_(
        row.model.in_(_seen(view, t.Model, "name")),
        and_(row.model.is_(None), of_pipeline),
        and_(row.model.is_(None), row.pipeline.is_(None), of_repository),
    )


def _policies(view: View, policy: Any) -> ColumnElement[bool]:
    """Those of environments are everybody's."""
    model = _inner(t.Model)
    own = exists().where(policy.name == "models/" + model.name, _models(view, model))
    return or_(policy.name.notlike("models/%"), own)


def _alerts(view: View, row: Any) -> ColumnElement[bool]:
    """Alerts and subscriptions: of a model, or of a team."""
    return or_(row.model_id.in_(_seen(view, t.Model)), row.team_id.in_(view.teams))


def _deliveries(view: View, row: Any) -> ColumnElement[bool]:
    return and_(row.alert_id.in_(_seen(view, t.Alert)), row.subscription_id.in_(_seen(view, t.Subscription)))


Rule = Callable[[View, Any], ColumnElement[bool]]
"""The condition on the rows of a table, or of an alias of it."""


def _through(key: str, table: type[SQLModel], gives: str = "id") -> Rule:
    """Rows whose ``key`` is that of a row of ``table`` that is seen."""
    return lambda view, row: getattr(row, key).in_(_seen(view, table, gives))


def _nobody(_view: View, _row: Any) -> ColumnElement[bool]:
    """The organisation's own: connections may speak of any team's models."""
    return false()


_OWN_RULES: Mapping[type[SQLModel], Rule] = {
    t.Model: _models,
    t.Pipeline: _pipelines,
    t.Dataset: _through("id", t.VersionDataset, "dataset_id"),
    t.VersionDataset: _through("version_id", t.Version),
    t.HandedInEvidence: _through("version_id", t.Version),
    t.ScheduleSlot: _through("schedule_id", t.Schedule),
    t.Probe: _through("endpoint_id", t.Endpoint),
    t.Trainer: _through("pipeline_id", t.Pipeline),
    t.Alert: _alerts,
    t.Subscription: _alerts,
    t.AlertDelivery: _deliveries,
    t.LedgerEvent: _events,
    t.Policy: _policies,
    t.ToolConnection: _nobody,
    t.ReceivedMessage: _nobody,
}


def _every_table() -> list[type[SQLModel]]:
    return [getattr(t, name) for name in t.__all__]


OF_A_MODEL: frozenset[type[SQLModel]] = frozenset(
    one for one in _every_table() if (one is t.Model or "model_id" in one.model_fields) and one not in ORGANISATION
)
RULES: Mapping[type[SQLModel], Rule] = {**dict.fromkeys(OF_A_MODEL, _through("model_id", t.Model)), **_OWN_RULES}
"""Every table but those of the organisation. One with a ``model_id`` needs no rule of its own."""


@lru_cache(10_000)
def _filter_of(view: View, table: str) -> Any:
    """The option for a statement that names the table; None where it has no rule."""
    of = next((one for one in RULES if one.__tablename__ == table), None)
    return of and with_loader_criteria(of, RULES[of](view, of), include_aliases=True)


def _named(statement: Any) -> set[str]:
    """The tables that a statement names, whatever it is: in columns, joins, conditions, subqueries.

    Options for all tables would be right as well; to SQLAlchemy each costs more than the query it is for.
    """
    found, waiting, known = set(), [statement], set()
    while waiting:
        for one in iterate(waiting.pop()):
            source = one if isinstance(one, FromClause) else getattr(one, "table", None)
            if isinstance(source, Table):
                found.add(source.name)
            elif source is not None and id(source) not in known:  # an alias or a subquery
                known.add(id(source))
                waiting.append(source)
    return found


# --- where it is enforced -------------------------------------------------------------------------


@event.listens_for(Session, "do_orm_execute")
def _narrow(state: ORMExecuteState) -> None:
    view: View | None = state.session.info.get(VIEW)
    options = state.execution_options
    if view is None or options.get("of_all") or not (state.is_select or state.is_update or state.is_delete):
        return
    if options.get("as_reader") and view.reader is not None:
        view = view.reader
    filters = (_filter_of(view, table) for table in sorted(_named(state.statement)))
    state.statement = state.statement.options(*(one for one in filters if one is not None))


@event.listens_for(Session, "after_flush")
def _refuse_what_is_not_seen(session: Session, _context: UOWTransaction) -> None:
    """Whatever was written must be of what may be changed: the last door, for what no query asked for before."""
    view: View | None = session.info.get(VIEW)
    if view is None:
        return
    written = [row for row in (*session.new, *session.dirty, *session.deleted) if not _of_own_team(view, row)]
    models = {row.id if isinstance(row, t.Model) else row.model_id for row in written if type(row) in OF_A_MODEL}
    pipelines = {row.id for row in written if isinstance(row, t.Pipeline)}
    if not (_all_seen(session, view, t.Model, models) and _all_seen(session, view, t.Pipeline, pipelines)):
        raise Forbidden("This would change what belongs to none of your teams.")


def _of_own_team(view: View, row: Any) -> bool:
    """Whether it is about a team instead of a model, and the team is one of these."""
    return isinstance(row, t.Alert | t.Subscription) and row.model_id is None and row.team_id in view.teams


def _all_seen(session: Session, view: View, table: type[SQLModel], ids: set[Any]) -> bool:
    if not ids:
        return True
    found = session.connection().execute(_seen_of(view, table), {"ids": list(ids - {None})})
    return set(found.scalars()) == ids


@lru_cache(10_000)
def _seen_of(view: View, table: type[SQLModel]) -> Select[Any]:
    """Which of the ``ids`` are seen."""
    columns = _inner(table)
    return select(columns.id).where(columns.id.in_(bindparam("ids", expanding=True)), RULES[table](view, columns))
