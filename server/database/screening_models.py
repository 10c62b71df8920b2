"""How readings are screened: what was set for a device or a water point."""

from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from server.database.models import Base


class ScreeningRow(Base):
    """What is set of one parameter; exactly one of `water_point_id` and `device_id` is not empty."""

    __tablename__ = "screening"
    water_point_id: Mapped[str] = mapped_column(String(60), primary_key=True)
    device_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    parameter: Mapped[str] = mapped_column(String(20), primary_key=True)
    tests: Mapped[dict[str, Any]]
