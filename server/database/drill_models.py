"""What drills brought."""

from typing import Any

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from server.database.models import Base


class DrillRow(Base):
    """One drill: by its epoch; where it failed and why ("" of a good one), and how long each station took."""

    __tablename__ = "drill"
    epoch: Mapped[str] = mapped_column(String(8), primary_key=True)
    began_ms: Mapped[int] = mapped_column(BigInteger, index=True)
    ended_ms: Mapped[int] = mapped_column(BigInteger)
    failed_at: Mapped[str] = mapped_column(String(20))
    detail: Mapped[str] = mapped_column(String(300))
    took_s: Mapped[dict[str, Any]]
