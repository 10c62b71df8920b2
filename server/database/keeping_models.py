"""What became of stored readings afterwards: what was deleted, and what was moved to another water point."""

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.database.models import Base


class ForgottenDay(Base):
    """Readings of a day that were deleted; their rollups stay."""

    __tablename__ = "forgotten_day"
    through_ms: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    rows: Mapped[int] = mapped_column(BigInteger)
    at_ms: Mapped[int] = mapped_column(BigInteger)


class Rehoming(Base):
    """Readings of a device that belong to another water point than they were stored under."""

    __tablename__ = "rehoming"
    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"))
    source: Mapped[str] = mapped_column(String(60))
    target: Mapped[str] = mapped_column(String(60))
    since_ms: Mapped[int] = mapped_column(BigInteger)
    until_ms: Mapped[int] = mapped_column(BigInteger)
    who: Mapped[str] = mapped_column(String(120))
    asked_ms: Mapped[int] = mapped_column(BigInteger)
    moved: Mapped[int] = mapped_column(BigInteger, default=0)
    done_ms: Mapped[int | None] = mapped_column(BigInteger)
    refused: Mapped[str] = mapped_column(Text, default="")
    __table_args__ = (Index("ix_rehoming_done", "done_ms"),)
