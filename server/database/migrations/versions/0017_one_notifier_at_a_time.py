"""who alone does a task now

Revision: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sole",
        sa.Column("task", sa.String(length=20), nullable=False),
        sa.Column("holder", sa.String(length=160), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("task", name=op.f("pk_sole")),
    )


def downgrade() -> None:
    op.drop_table("sole")
