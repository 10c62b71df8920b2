"""severity rises within an episode, which may come back; when water is due; who has acknowledged

Revision: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_DEBT = ("rule_id", "water_point_id", "lane", "episode", "kind", "person_id")


def upgrade() -> None:
    with op.batch_alter_table("alert") as table:
        table.add_column(sa.Column("level", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("rising", sa.JSON(), nullable=True))
        table.add_column(sa.Column("ended_ms", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("reopened", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("blinded_ms", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("step", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE alert SET level = 1, step = 1 WHERE episode > 0")
    with op.batch_alter_table("transition") as table:
        table.add_column(sa.Column("level", sa.Integer(), nullable=False, server_default="1"))
        table.add_column(sa.Column("turn", sa.String(length=10), nullable=False, server_default=""))
    with op.batch_alter_table("notification") as table:
        table.add_column(sa.Column("step", sa.Integer(), nullable=False, server_default="1"))
        table.drop_constraint("uq_notification_rule_id", type_="unique")
        table.create_unique_constraint("uq_notification_rule_id", [*_DEBT, "step"])
    with op.batch_alter_table("water_point") as table:
        table.add_column(sa.Column("supply", sa.String(length=400), nullable=False, server_default=""))
    op.create_table(
        "acknowledgement",
        sa.Column("rule_id", sa.String(length=60), nullable=False),
        sa.Column("water_point_id", sa.String(length=60), nullable=False),
        sa.Column("lane", sa.String(length=8), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "rule_id", "water_point_id", "lane", "episode", name=op.f("pk_acknowledgement")
        ),
    )
    op.create_table(
        "detector",
        sa.Column("water_point_id", sa.String(length=60), nullable=False),
        sa.Column("device_id", sa.String(length=16), nullable=False),
        sa.Column("saved", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("water_point_id", "device_id", name=op.f("pk_detector")),
    )


def downgrade() -> None:
    op.drop_table("detector")
    op.drop_table("acknowledgement")
    with op.batch_alter_table("water_point") as table:
        table.drop_column("supply")
    with op.batch_alter_table("notification") as table:
        table.drop_constraint("uq_notification_rule_id", type_="unique")
        table.create_unique_constraint("uq_notification_rule_id", list(_DEBT))
        table.drop_column("step")
    with op.batch_alter_table("transition") as table:
        table.drop_column("turn")
        table.drop_column("level")
    with op.batch_alter_table("alert") as table:
        for name in ("step", "blinded_ms", "reopened", "ended_ms", "rising", "level"):
            table.drop_column(name)
