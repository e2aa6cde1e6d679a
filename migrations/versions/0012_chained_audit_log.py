"""chained audit log"""

import json
from datetime import UTC

import sqlalchemy as sa
from alembic import op

import app.db
from app.access.chain import Head, Link

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

LOG = sa.table(
    "audit_log",
    sa.column("id", sa.Integer),
    sa.column("at", app.db.UTCDateTime),
    sa.column("actor", sa.String),
    sa.column("action", sa.String),
    sa.column("subject", sa.String),
    sa.column("details", sa.JSON),
    sa.column("previous", sa.String),
    sa.column("digest", sa.String),
)
AT_ONCE = 1_000
REFUSED = {"audit_log": ("UPDATE", "DELETE"), "audit_head": ("DELETE",)}
WHY = "the audit log is only ever added to"


def upgrade() -> None:
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.add_column(sa.Column("previous", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("digest", sa.String(), server_default="", nullable=False))
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    last = _chain()
    op.bulk_insert(head, [{"id": 1, "sequence": last.sequence, "digest": last.digest}])
    _refuse_changes()


def _chain() -> Head:
    """Chain what is there, in the order in which it was written."""
    connection, last = op.get_bind(), Head()
    while rows := connection.execute(
        sa.select(LOG).where(LOG.c.id > last.sequence).order_by(LOG.c.id).limit(AT_ONCE)
    ).all():
        for row in rows:
            at, details = row.at.astimezone(UTC), json.loads(json.dumps(row.details))
            link = Link(row.id, at, row.actor, row.action, row.subject, details, last.digest)
            last = Head(row.id, link.digest)
            connection.execute(
                sa.update(LOG).where(LOG.c.id == row.id).values(previous=link.previous, digest=link.digest)
            )
    return last


def _refuse_changes() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table, verbs in REFUSED.items():
            for verb in verbs:
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{WHY}'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION audit_log_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{WHY}'; END $$"
    )
    for table, verbs in REFUSED.items():
        for verb in (*verbs, "TRUNCATE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuse()"
            )


def downgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table, verbs in REFUSED.items():
        for verb in verbs if sqlite else (*verbs, "TRUNCATE"):
            op.execute(f"DROP TRIGGER {table}_no_{verb.lower()}{'' if sqlite else f' ON {table}'}")
    if not sqlite:
        op.execute("DROP FUNCTION audit_log_refuse()")
    op.drop_table("audit_head")
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.drop_column("digest")
        batch_op.drop_column("previous")
