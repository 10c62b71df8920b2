"""completeness by day, what waits for a fate, replaying from quarantine

Revision: 0004
Revises: 0003
"""

from itertools import chain

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SETS = ("stored", "quarantined", "gaps", "missing", "noted")
_CUSTODY = sa.table(
    "custody",
    sa.column("device_id", sa.String),
    sa.column("epoch", sa.String),
    *(sa.column(name, sa.JSON) for name in _SETS),
    sa.column("through", sa.BigInteger),
    sa.column("head", sa.BigInteger),
)
_RULE = sa.table("rule", sa.column("id", sa.String), sa.column("spec", sa.JSON))
_NEW_RULE = {
    "kind": "custody",
    "id": "custody",
    "after_s": 3600.0,
    "severity": "warning",
    "audience": ["technician"],
}


def upgrade() -> None:
    op.create_table(
        "custody_day",
        sa.Column("device_id", sa.String(length=16), nullable=False),
        sa.Column("epoch", sa.String(length=8), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("first_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "epoch", "day", name=op.f("pk_custody_day")),
    )
    op.create_index("ix_custody_day_day", "custody_day", ["day"])
    op.create_table(
        "custody_check",
        sa.Column("device_id", sa.String(length=16), nullable=False),
        sa.Column("epoch", sa.String(length=8), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.Column("lost", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "epoch", name=op.f("pk_custody_check")),
    )
    for name in ("through", "head"):
        op.add_column("custody", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    for name in ("awaited_ms", "missing_ms", "conflict_ms"):
        op.add_column("custody", sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column("quarantine", sa.Column("replay_ms", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_quarantine_replay_ms"), "quarantine", ["replay_ms"])
    _sum_up()
    _add_rule()


def _sum_up() -> None:
    """Through where, and how far, the books that are there go."""
    connection = op.get_bind()
    for row in connection.execute(sa.select(_CUSTODY)).mappings().all():
        spans = sorted(chain.from_iterable(row[name] for name in _SETS))
        through = 0
        for first, last in spans:
            if first > through + 1:
                break
            through = max(through, last)
        same = (_CUSTODY.c.device_id == row["device_id"]) & (_CUSTODY.c.epoch == row["epoch"])
        head = max((last for _, last in spans), default=0)
        connection.execute(sa.update(_CUSTODY).where(same).values(through=through, head=head))


def _add_rule() -> None:
    """A server that has rules keeps its own, and gets this one beside them; a new one is given all of them later."""
    connection = op.get_bind()
    known = set(connection.scalars(sa.select(_RULE.c.id)))
    if known and "custody" not in known:
        connection.execute(sa.insert(_RULE).values(id="custody", spec=_NEW_RULE))


def downgrade() -> None:
    op.execute("DELETE FROM rule WHERE id = 'custody'")
    op.drop_index(op.f("ix_quarantine_replay_ms"), "quarantine")
    op.drop_column("quarantine", "replay_ms")
    for name in ("conflict_ms", "missing_ms", "awaited_ms", "head", "through"):
        op.drop_column("custody", name)
    op.drop_table("custody_check")
    op.drop_table("custody_day")
