"""Predictions are stored once a version: a shadow answers under the id of the request that it copies.

Rows that a shadow logged as ``id~version`` keep these ids, which stand in their files too; no label joins them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = ["model_id", "prediction_id"]


def upgrade() -> None:
    with op.batch_alter_table("prediction") as batch_op:
        batch_op.add_column(sa.Column("version_id", sa.Integer(), nullable=True))
    op.execute(
        "UPDATE prediction SET version_id = "
        "(SELECT version_id FROM prediction_batch WHERE prediction_batch.id = prediction.batch_id)"
    )
    with op.batch_alter_table("prediction") as batch_op:
        batch_op.alter_column("version_id", existing_type=sa.Integer(), nullable=False)
        batch_op.create_foreign_key(batch_op.f("fk_prediction_version_id"), "version", ["version_id"], ["id"])
        batch_op.drop_constraint("pk_prediction", type_="primary")
        batch_op.create_primary_key("pk_prediction", [*KEY, "version_id"])


def downgrade() -> None:
    op.execute(
        "DELETE FROM prediction WHERE EXISTS (SELECT 1 FROM prediction AS other "
        "WHERE other.model_id = prediction.model_id AND other.prediction_id = prediction.prediction_id "
        "AND other.version_id < prediction.version_id)"
    )
    with op.batch_alter_table("prediction") as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_prediction_version_id"), type_="foreignkey")
        batch_op.drop_constraint("pk_prediction", type_="primary")
        batch_op.create_primary_key("pk_prediction", KEY)
        batch_op.drop_column("version_id")
