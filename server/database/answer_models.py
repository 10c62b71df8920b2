"""What people text back."""

from sqlalchemy import BigInteger, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.database.models import Base

# SQLite numbers rows by itself only in an INTEGER primary key.
_RowId = BigInteger().with_variant(Integer, "sqlite")


class AnswerRow(Base):
    """A text of somebody whom we know, how it was understood, and what it did. Of strangers there is none."""

    __tablename__ = "answer"
    id: Mapped[int] = mapped_column(_RowId, primary_key=True)
    incoming_id: Mapped[str] = mapped_column(String(200))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    body: Mapped[str] = mapped_column(Text)
    at_ms: Mapped[int] = mapped_column(BigInteger)
    recorded_ms: Mapped[int] = mapped_column(BigInteger)
    answer: Mapped[str] = mapped_column(String(20))
    said: Mapped[str] = mapped_column(String(30))
    reason: Mapped[str] = mapped_column(String(200))
    __table_args__ = (UniqueConstraint("incoming_id", "person_id"),)
