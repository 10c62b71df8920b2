"""People: how to reach them, what they want to hear of and when, and what they have agreed to."""

from sqlalchemy import BigInteger, Boolean, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.database.models import Base

# SQLite numbers rows by itself only in an INTEGER primary key.
_RowId = BigInteger().with_variant(Integer, "sqlite")


class Person(Base):
    """Somebody who gets texts once they have agreed to until they opt out.

    Quiet hours are minutes after midnight in Tbilisi. Of a forgotten person there is neither name nor address.
    """

    __tablename__ = "person"
    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    phone: Mapped[str] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(2))
    role: Mapped[str] = mapped_column(String(20))
    tier: Mapped[int] = mapped_column(Integer, default=1)
    least_severity: Mapped[str | None] = mapped_column(String(12))
    quiet_from_min: Mapped[int | None] = mapped_column(Integer)
    quiet_until_min: Mapped[int | None] = mapped_column(Integer)
    is_latin: Mapped[bool] = mapped_column(Boolean, default=False)
    other_address: Mapped[str] = mapped_column(String(300), default="")
    forgotten_ms: Mapped[int | None] = mapped_column(BigInteger)


class Subscription(Base):
    """A person hears of one water point, or of all in a municipality."""

    __tablename__ = "subscription"
    id: Mapped[int] = mapped_column(_RowId, primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    water_point_id: Mapped[str | None] = mapped_column(ForeignKey("water_point.id"), index=True)
    municipality_id: Mapped[str | None] = mapped_column(ForeignKey("municipality.id"), index=True)


class ConsentRow(Base):
    """What somebody said to getting texts; the newest of a person's rows is what counts.

    `at_ms` is when they said it, null where nobody knows; `wording` is what they agreed to, word for word.
    """

    __tablename__ = "consent"
    id: Mapped[int] = mapped_column(_RowId, primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    is_given: Mapped[bool] = mapped_column(Boolean)
    at_ms: Mapped[int | None] = mapped_column(BigInteger)
    wording: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(60))
    recorded_ms: Mapped[int] = mapped_column(BigInteger)


class ForgottenNumberRow(Base):
    """A telephone number that nobody holds any more, as a mark that only the number itself leads to."""

    __tablename__ = "forgotten_number"
    mark: Mapped[str] = mapped_column(String(64), primary_key=True)
    salt: Mapped[str] = mapped_column(String(32))
    at_ms: Mapped[int] = mapped_column(BigInteger)
