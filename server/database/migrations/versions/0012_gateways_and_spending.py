"""what texts cost a day, by gateway; which texts are urgent

Revision: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sms_spending",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("gateway", sa.String(length=40), nullable=False),
        sa.Column("texts", sa.Integer(), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("tetri", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "gateway", name=op.f("pk_sms_spending")),
    )
    op.add_column(
        "notification", sa.Column("is_urgent", sa.Boolean(), nullable=False, server_default=sa.false())
    )
