"""why a waiver or an acceptance was revoked"""

import sqlalchemy as sa
from alembic import op
import sqlmodel

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("waiver", "acceptance"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("revocation_reason", sqlmodel.sql.sqltypes.AutoString(), nullable=True))


def downgrade() -> None:
    for table in ("waiver", "acceptance"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("revocation_reason")
