"""texts that are held until their time, and silences

Revision: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("notification") as table:
        table.add_column(sa.Column("held", sa.String(length=120), nullable=False, server_default=""))
        table.add_column(
            sa.Column("ends_with_acknowledgement", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.create_table(
        "silence",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("water_point_id", sa.String(length=60), nullable=False),
        sa.Column("municipality_id", sa.String(length=40), nullable=False),
        sa.Column("rule_id", sa.String(length=60), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silence")),
    )
    op.create_index("ix_silence_until_ms", "silence", ["until_ms"])


def downgrade() -> None:
    op.drop_table("silence")
    with op.batch_alter_table("notification") as table:
        table.drop_column("ends_with_acknowledgement")
        table.drop_column("held")
