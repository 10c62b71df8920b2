"""what drills brought

Revision: 0015
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drill",
        sa.Column("epoch", sa.String(length=8), nullable=False),
        sa.Column("began_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=False),
        sa.Column("failed_at", sa.String(length=20), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.Column("took_s", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("epoch", name=op.f("pk_drill")),
    )
    op.create_index(op.f("ix_drill_began_ms"), "drill", ["began_ms"])


def downgrade() -> None:
    op.drop_index(op.f("ix_drill_began_ms"), table_name="drill")
    op.drop_table("drill")
