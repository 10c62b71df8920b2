"""what water points show by month of the year

Revision: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "month_span",
        sa.Column("water_point_id", sa.String(length=60), nullable=False),
        sa.Column("parameter", sa.String(length=20), nullable=False),
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ordinary_low", sa.Float(), nullable=False),
        sa.Column("ordinary_high", sa.Float(), nullable=False),
        sa.Column("widest_low", sa.Float(), nullable=False),
        sa.Column("widest_high", sa.Float(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("years", sa.Integer(), nullable=False),
        sa.Column("computed_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["water_point_id"], ["water_point.id"], name=op.f("fk_month_span_water_point_id_water_point")
        ),
        sa.PrimaryKeyConstraint("water_point_id", "parameter", "month", name=op.f("pk_month_span")),
    )
    op.create_table(
        "months_look",
        sa.Column("water_point_id", sa.String(length=60), nullable=False),
        sa.Column("looked_ms", sa.BigInteger(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["water_point_id"], ["water_point.id"], name=op.f("fk_months_look_water_point_id_water_point")
        ),
        sa.PrimaryKeyConstraint("water_point_id", name=op.f("pk_months_look")),
    )


def downgrade() -> None:
    op.drop_table("months_look")
    op.drop_table("month_span")
