"""what a device or a water point is screened by

Revision: 0008
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "screening",
        sa.Column("water_point_id", sa.String(length=60), nullable=False),
        sa.Column("device_id", sa.String(length=16), nullable=False),
        sa.Column("parameter", sa.String(length=20), nullable=False),
        sa.Column("tests", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("water_point_id", "device_id", "parameter", name=op.f("pk_screening")),
    )


def downgrade() -> None:
    op.drop_table("screening")
