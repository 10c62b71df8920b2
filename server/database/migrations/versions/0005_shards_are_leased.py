"""Ingest workers, the shards that they lease, and what they must know of one another.

Revision: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; every shard is free."""
    op.create_table(
        "ingest_worker",
        sa.Column("id", sa.String(160), nullable=False),
        sa.Column("session", sa.String(63), nullable=False),
        sa.Column("joined_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ingest_worker"),
    )
    leases = op.create_table(
        "shard_lease",
        sa.Column("shard", sa.String(1), nullable=False),
        sa.Column("worker", sa.String(160), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("listening_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("shard", name="pk_shard_lease"),
    )
    op.bulk_insert(
        leases,
        [{"shard": f"{digit:x}", "worker": "", "generation": 0, "until_ms": 0} for digit in range(16)],
    )
    op.create_table(
        "water_point_heard",
        sa.Column("water_point_id", sa.String(60), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("water_point_id", name="pk_water_point_heard"),
    )
