"""What texts cost, by Tbilisi's day and gateway."""

from sqlalchemy import Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from server.database.models import Base


class SpendingRow(Base):
    """What one gateway has cost on one day."""

    __tablename__ = "sms_spending"
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    gateway: Mapped[str] = mapped_column(String(40), primary_key=True)
    texts: Mapped[int] = mapped_column(Integer)
    segments: Mapped[int] = mapped_column(Integer)
    tetri: Mapped[int] = mapped_column(Integer)
