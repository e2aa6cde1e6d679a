"""bound subscriptions"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("subscription", schema=None) as batch_op:
        batch_op.add_column(sa.Column("bound", sa.Boolean(), server_default=sa.false(), nullable=False))
    subscription = sa.table("subscription", sa.column("bound", sa.Boolean()), sa.column("created_by"))
    token = sa.table("token", sa.column("bound", sa.Boolean()), sa.column("name"))
    teams = sa.select(token.c.name).where(token.c.bound.is_(sa.true()))
    loose = sa.select(token.c.name).where(token.c.bound.is_(sa.false()))
    of_teams = subscription.c.created_by.in_(teams) & subscription.c.created_by.not_in(loose)
    op.execute(subscription.update().where(of_teams).values(bound=True))


def downgrade() -> None:
    with op.batch_alter_table("subscription", schema=None) as batch_op:
        batch_op.drop_column("bound")
