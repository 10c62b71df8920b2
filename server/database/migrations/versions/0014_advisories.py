"""advisories, who may issue them, laboratory results and CAP messages

Revision: 0014
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "advisory_authority",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("office", sa.String(length=160), nullable=False),
        sa.Column("contact", sa.String(length=120), nullable=False),
        sa.Column("added_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advisory_authority")),
    )
    op.create_table(
        "advisory",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("water_point_id", sa.String(length=60), nullable=False),
        sa.Column("phase", sa.String(length=12), nullable=False),
        sa.Column("cause", sa.String(length=12), nullable=False),
        sa.Column("proposed_ms", sa.BigInteger(), nullable=False),
        sa.Column("proposer", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("orders", sa.JSON(), nullable=True),
        sa.Column("issued_by", sa.JSON(), nullable=True),
        sa.Column("confirmed_by", sa.JSON(), nullable=True),
        sa.Column("issued_ms", sa.BigInteger(), nullable=True),
        sa.Column("changed_ms", sa.BigInteger(), nullable=True),
        sa.Column("pending", sa.JSON(), nullable=True),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["water_point_id"], ["water_point.id"], name=op.f("fk_advisory_water_point_id_water_point")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advisory")),
    )
    op.create_index(op.f("ix_advisory_phase"), "advisory", ["phase"], unique=False)
    op.create_index(op.f("ix_advisory_water_point_id"), "advisory", ["water_point_id"], unique=False)
    op.create_table(
        "chemical_hazard",
        sa.Column("water_point_id", sa.String(length=60), nullable=False),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.Column("said_by", sa.String(length=120), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["water_point_id"], ["water_point.id"], name=op.f("fk_chemical_hazard_water_point_id_water_point")
        ),
        sa.PrimaryKeyConstraint("water_point_id", name=op.f("pk_chemical_hazard")),
    )
    op.create_table(
        "lab_result",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("water_point_id", sa.String(length=60), nullable=False),
        sa.Column("taken_ms", sa.BigInteger(), nullable=False),
        sa.Column("laboratory", sa.String(length=120), nullable=False),
        sa.Column("parameter", sa.String(length=20), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("sign", sa.String(length=1), nullable=False),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("authority", sa.String(length=60), nullable=False),
        sa.Column("certificate", sa.String(length=80), nullable=False),
        sa.Column("entered_by", sa.String(length=120), nullable=False),
        sa.Column("entered_ms", sa.BigInteger(), nullable=False),
        sa.Column("voided_ms", sa.BigInteger(), nullable=False),
        sa.Column("voided_by", sa.String(length=120), nullable=False),
        sa.Column("void_reason", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["water_point_id"], ["water_point.id"], name=op.f("fk_lab_result_water_point_id_water_point")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_result")),
        sa.UniqueConstraint(
            "water_point_id",
            "taken_ms",
            "laboratory",
            "parameter",
            "voided_ms",
            name=op.f("uq_lab_result_water_point_id"),
        ),
    )
    op.create_index("ix_lab_result_point", "lab_result", ["water_point_id", "taken_ms"], unique=False)
    op.create_table(
        "advisory_act",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("advisory_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.String(length=12), nullable=False),
        sa.Column("who", sa.JSON(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["advisory_id"], ["advisory.id"], name=op.f("fk_advisory_act_advisory_id_advisory")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advisory_act")),
    )
    op.create_index(op.f("ix_advisory_act_advisory_id"), "advisory_act", ["advisory_id"], unique=False)
    op.create_table(
        "advisory_evidence",
        sa.Column("rule_id", sa.String(length=60), nullable=False),
        sa.Column("water_point_id", sa.String(length=60), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("advisory_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("added_ms", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["advisory_id"], ["advisory.id"], name=op.f("fk_advisory_evidence_advisory_id_advisory")
        ),
        sa.PrimaryKeyConstraint("rule_id", "water_point_id", "episode", name=op.f("pk_advisory_evidence")),
    )
    op.create_index(
        op.f("ix_advisory_evidence_advisory_id"), "advisory_evidence", ["advisory_id"], unique=False
    )
    op.create_table(
        "cap_message",
        sa.Column("identifier", sa.String(length=120), nullable=False),
        sa.Column("advisory_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("water_point_id", sa.String(length=60), nullable=False),
        sa.Column("sender", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("sent_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("headlines", sa.JSON(), nullable=False),
        sa.Column("xml", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["advisory_id"], ["advisory.id"], name=op.f("fk_cap_message_advisory_id_advisory")
        ),
        sa.PrimaryKeyConstraint("identifier", name=op.f("pk_cap_message")),
        sa.UniqueConstraint("advisory_id", "number", name=op.f("uq_cap_message_advisory_id")),
    )
    op.create_index(op.f("ix_cap_message_sent_ms"), "cap_message", ["sent_ms"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_cap_message_sent_ms"), table_name="cap_message")
    op.drop_table("cap_message")
    op.drop_index(op.f("ix_advisory_evidence_advisory_id"), table_name="advisory_evidence")
    op.drop_table("advisory_evidence")
    op.drop_index(op.f("ix_advisory_act_advisory_id"), table_name="advisory_act")
    op.drop_table("advisory_act")
    op.drop_index("ix_lab_result_point", table_name="lab_result")
    op.drop_table("lab_result")
    op.drop_table("chemical_hazard")
    op.drop_index(op.f("ix_advisory_water_point_id"), table_name="advisory")
    op.drop_index(op.f("ix_advisory_phase"), table_name="advisory")
    op.drop_table("advisory")
    op.drop_table("advisory_authority")
