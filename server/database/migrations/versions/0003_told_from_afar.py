"""what devices are told from afar

Revision: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "device_config",
        sa.Column("device_id", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("who", sa.String(length=120), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("answered_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_config_device_id_device")),
        sa.PrimaryKeyConstraint("device_id", "version", name=op.f("pk_device_config")),
    )
    op.create_index(op.f("ix_device_config_state"), "device_config", ["state"])
    op.create_table(
        "device_running",
        sa.Column("device_id", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("told_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_device_running_device_id_device")
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_running")),
    )
    op.create_table(
        "device_command",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("device_id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=31), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("who", sa.String(length=120), nullable=False),
        sa.Column("asked_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("reply", sa.JSON(), nullable=True),
        sa.Column("replied_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_device_command_device_id_device")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_command")),
    )
    op.create_index(op.f("ix_device_command_device_id"), "device_command", ["device_id"])
    op.create_index("ix_device_command_owed", "device_command", ["replied_ms", "expires_ms"])
    op.create_table(
        "software_release",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("offer", sa.Text(), nullable=False),
        sa.Column("who", sa.String(length=120), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_software_release")),
    )
    op.create_table(
        "device_update",
        sa.Column("device_id", sa.String(length=16), nullable=False),
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("who", sa.String(length=120), nullable=False),
        sa.Column("asked_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("running", sa.String(length=40), nullable=False),
        sa.Column("told_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_update_device_id_device")),
        sa.ForeignKeyConstraint(
            ["release"], ["software_release.sha256"], name=op.f("fk_device_update_release_software_release")
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_update")),
    )
    op.create_index(op.f("ix_device_update_state"), "device_update", ["state"])


def downgrade() -> None:
    for table in ("device_update", "software_release", "device_command", "device_running", "device_config"):
        op.drop_table(table)
