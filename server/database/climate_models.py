"""What water points show by month of the year, worked out from their own history."""

from sqlalchemy import BigInteger, Float, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from server.database.models import Base


class MonthSpan(Base):
    """A month of a parameter at a water point; a month that is not known has no row."""

    __tablename__ = "month_span"
    water_point_id: Mapped[str] = mapped_column(ForeignKey("water_point.id"), primary_key=True)
    parameter: Mapped[str] = mapped_column(String(20), primary_key=True)
    month: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    ordinary_low: Mapped[float] = mapped_column(Float)
    ordinary_high: Mapped[float] = mapped_column(Float)
    widest_low: Mapped[float] = mapped_column(Float)
    widest_high: Mapped[float] = mapped_column(Float)
    days: Mapped[int] = mapped_column(Integer)
    years: Mapped[int] = mapped_column(Integer)
    computed_ms: Mapped[int] = mapped_column(BigInteger)


class MonthsLook(Base):
    """When the history of a water point was last looked at, and how often that has changed a month."""

    __tablename__ = "months_look"
    water_point_id: Mapped[str] = mapped_column(ForeignKey("water_point.id"), primary_key=True)
    looked_ms: Mapped[int] = mapped_column(BigInteger)
    changes: Mapped[int] = mapped_column(BigInteger, default=0)
