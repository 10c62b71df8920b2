"""what people want to hear of and when, and what they have agreed to

Revision: 0010
Revises: 0009
"""

import time

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_PERSON = sa.table("person", sa.column("id", sa.String))
_CONSENT = sa.table(
    "consent",
    sa.column("person_id", sa.String),
    sa.column("is_given", sa.Boolean),
    sa.column("at_ms", sa.BigInteger),
    sa.column("wording", sa.Text),
    sa.column("source", sa.String),
    sa.column("recorded_ms", sa.BigInteger),
)


def upgrade() -> None:
    op.add_column("person", sa.Column("tier", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("person", sa.Column("least_severity", sa.String(length=12), nullable=True))
    op.add_column("person", sa.Column("quiet_from_min", sa.Integer(), nullable=True))
    op.add_column("person", sa.Column("quiet_until_min", sa.Integer(), nullable=True))
    op.add_column("person", sa.Column("is_latin", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column(
        "person", sa.Column("other_address", sa.String(length=300), nullable=False, server_default="")
    )
    op.add_column("person", sa.Column("forgotten_ms", sa.BigInteger(), nullable=True))
    op.create_table(
        "consent",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.String(length=60), nullable=False),
        sa.Column("is_given", sa.Boolean(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=True),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("recorded_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_consent_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index("ix_consent_person_id", "consent", ["person_id"])
    op.create_table(
        "forgotten_number",
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("salt", sa.String(length=32), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_forgotten_number")),
    )
    _keep_texting_those_who_got_texts()


def _keep_texting_those_who_got_texts() -> None:
    """Nobody asked them in writing; a village must not fall silent over that. The record says what is known."""
    people = op.get_bind().execute(sa.select(_PERSON.c.id)).scalars().all()
    rows = [
        {
            "person_id": person,
            "is_given": True,
            "at_ms": None,
            "wording": "before consent was kept",
            "source": "migration",
            "recorded_ms": int(time.time() * 1000),
        }
        for person in people
    ]
    op.bulk_insert(_CONSENT, rows)


def downgrade() -> None:
    op.drop_table("forgotten_number")
    op.drop_table("consent")
    for name in (
        "forgotten_ms",
        "other_address",
        "is_latin",
        "quiet_until_min",
        "quiet_from_min",
        "least_severity",
        "tier",
    ):
        op.drop_column("person", name)
