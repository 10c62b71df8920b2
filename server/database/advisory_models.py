"""Advisories, the people who may issue them, what laboratories found, and the CAP messages that went out."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.database.models import Base

_RowId = BigInteger().with_variant(Integer, "sqlite")


class AuthorityRow(Base):
    """A person who may issue, change and lift advisories; `ended_ms` is set once they may no more."""

    __tablename__ = "advisory_authority"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    office: Mapped[str] = mapped_column(String(160))
    contact: Mapped[str] = mapped_column(String(120), default="")
    added_ms: Mapped[int] = mapped_column(BigInteger)
    ended_ms: Mapped[int | None] = mapped_column(BigInteger)


class HazardRow(Base):
    """What boiling would not remove may be in the water there, says a person."""

    __tablename__ = "chemical_hazard"
    water_point_id: Mapped[str] = mapped_column(ForeignKey("water_point.id"), primary_key=True)
    why: Mapped[str] = mapped_column(String(300))
    said_by: Mapped[str] = mapped_column(String(120))
    since_ms: Mapped[int] = mapped_column(BigInteger)


class AdvisoryRow(Base):
    """An advisory as it stands."""

    __tablename__ = "advisory"
    id: Mapped[int] = mapped_column(_RowId, primary_key=True)
    water_point_id: Mapped[str] = mapped_column(ForeignKey("water_point.id"), index=True)
    phase: Mapped[str] = mapped_column(String(12), index=True)
    cause: Mapped[str] = mapped_column(String(12))
    proposed_ms: Mapped[int] = mapped_column(BigInteger)
    proposer: Mapped[str] = mapped_column(String(120), default="")
    reason: Mapped[str] = mapped_column(String(400), default="")
    orders: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    issued_by: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    confirmed_by: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    issued_ms: Mapped[int | None] = mapped_column(BigInteger)
    changed_ms: Mapped[int | None] = mapped_column(BigInteger)
    pending: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    ended_ms: Mapped[int | None] = mapped_column(BigInteger)


class EvidenceRow(Base):
    """An episode of an alert that speaks for an advisory; of any episode there is one, whoever looks twice."""

    __tablename__ = "advisory_evidence"
    rule_id: Mapped[str] = mapped_column(String(60), primary_key=True)
    water_point_id: Mapped[str] = mapped_column(String(60), primary_key=True)
    episode: Mapped[int] = mapped_column(Integer, primary_key=True)
    advisory_id: Mapped[int] = mapped_column(ForeignKey("advisory.id"), index=True)
    added_ms: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[dict[str, Any]]


class AdvisoryActRow(Base):
    """What a person, or the system (`who` is null), did to an advisory; only added to."""

    __tablename__ = "advisory_act"
    id: Mapped[int] = mapped_column(_RowId, primary_key=True)
    advisory_id: Mapped[int] = mapped_column(ForeignKey("advisory.id"), index=True)
    at_ms: Mapped[int] = mapped_column(BigInteger)
    act: Mapped[str] = mapped_column(String(12))
    who: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    detail: Mapped[dict[str, Any]]


class CapMessageRow(Base):
    """A CAP message as it went out; never changed."""

    __tablename__ = "cap_message"
    identifier: Mapped[str] = mapped_column(String(120), primary_key=True)
    advisory_id: Mapped[int] = mapped_column(ForeignKey("advisory.id"))
    number: Mapped[int] = mapped_column(Integer)
    water_point_id: Mapped[str] = mapped_column(String(60))
    sender: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(10))
    sent_ms: Mapped[int] = mapped_column(BigInteger, index=True)
    expires_ms: Mapped[int] = mapped_column(BigInteger)
    headlines: Mapped[dict[str, Any]]
    xml: Mapped[str] = mapped_column(Text)
    __table_args__ = (UniqueConstraint("advisory_id", "number"),)


class LabResultRow(Base):
    """One parameter of one sample; `voided_ms` is 0 while it counts."""

    __tablename__ = "lab_result"
    id: Mapped[int] = mapped_column(_RowId, primary_key=True)
    water_point_id: Mapped[str] = mapped_column(ForeignKey("water_point.id"))
    taken_ms: Mapped[int] = mapped_column(BigInteger)
    laboratory: Mapped[str] = mapped_column(String(120))
    parameter: Mapped[str] = mapped_column(String(20))
    value: Mapped[float] = mapped_column(Float)
    sign: Mapped[str] = mapped_column(String(1))
    low: Mapped[float | None] = mapped_column(Float)
    high: Mapped[float | None] = mapped_column(Float)
    authority: Mapped[str] = mapped_column(String(60))
    certificate: Mapped[str] = mapped_column(String(80))
    entered_by: Mapped[str] = mapped_column(String(120))
    entered_ms: Mapped[int] = mapped_column(BigInteger)
    voided_ms: Mapped[int] = mapped_column(BigInteger, default=0)
    voided_by: Mapped[str] = mapped_column(String(120), default="")
    void_reason: Mapped[str] = mapped_column(String(300), default="")
    __table_args__ = (
        UniqueConstraint("water_point_id", "taken_ms", "laboratory", "parameter", "voided_ms"),
        Index("ix_lab_result_point", "water_point_id", "taken_ms"),
    )
