"""approvals"""

import sqlalchemy as sa
from alembic import op

import app.db

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('approval',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('model_id', sa.Integer(), nullable=False),
    sa.Column('version_id', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(), nullable=False),
    sa.Column('environment', sa.String(), nullable=False),
    sa.Column('stage', sa.String(), nullable=True),
    sa.Column('person', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('comment', sa.String(), nullable=False),
    sa.Column('created_at', app.db.UTCDateTime(), nullable=False),
    sa.Column('revoked_by', sa.String(), nullable=True),
    sa.Column('revoked_at', app.db.UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['model_id'], ['model.id'], name=op.f('fk_approval_model_id')),
    sa.ForeignKeyConstraint(['version_id'], ['version.id'], name=op.f('fk_approval_version_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_approval'))
    )
    with op.batch_alter_table('approval', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_approval_model_id'), ['model_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_approval_version_id'), ['version_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('approval', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_approval_version_id'))
        batch_op.drop_index(batch_op.f('ix_approval_model_id'))

    op.drop_table('approval')
