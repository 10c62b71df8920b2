"""Whoever is forgotten is nowhere any more, and what was sent is still there."""

from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from alerts.ports import Fate
from server.database import models
from server.database.answer_models import AnswerRow
from server.database.engine import Database
from server.database.models import AcknowledgementRow, Base, NotificationRow, PhoneMessage, SilenceRow
from server.ledger import SqlLedger
from server.registry.forgetting import forget, let_back
from server.registry.people import NewPerson, add_person, people
from server.registry.roll import all_of
from tests.fakes.agreed import have_agreed
from tests.fakes.town import LEYLA, NINO
from tests.server.test_consent import KEY, T, owe
from waterquality.errors import ConfigError

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
NUMBER = NINO.address


def everything(database: Database) -> str:
    """All that stands in every table."""
    for path in Path(models.__file__).parent.glob("*_models.py"):
        import_module(f"server.database.{path.stem}")
    with database.reading() as connection:
        return "\n".join(
            f"{table.name}: {tuple(row)}"
            for table in Base.metadata.sorted_tables
            for row in connection.execute(select(table))
        )


@pytest.fixture
def village(database: Database) -> Database:
    """Nino, of whom everything is kept that can be, and Leyla."""
    have_agreed(database, [NINO, LEYLA])
    owe(database, NINO, LEYLA)
    with database.writing() as connection:
        connection.execute(NotificationRow.__table__.update().values(fate=str(Fate.ACCEPTED)))
        theirs = NotificationRow.__table__.update().where(NotificationRow.person_id == "nino")
        connection.execute(theirs.values(message_id=f"gw-{NUMBER}", detail=f"taken for {NUMBER}"))
        connection.execute(insert(PhoneMessage).values(reference="r", address=NUMBER, body="წყალი", at_ms=1))
        connection.execute(
            insert(AnswerRow).values(
                incoming_id=f"IN_{NUMBER}_0.txt",
                person_id="nino",
                body="1, Nino of Algeti",
                at_ms=1,
                recorded_ms=1,
                answer="acknowledge",
                said="taken",
                reason="",
            )
        )
        connection.execute(
            insert(AcknowledgementRow).values(
                rule_id=KEY.rule,
                water_point_id=KEY.water_point,
                lane="live",
                episode=1,
                level=0,
                by="nino",
                at_ms=1,
            )
        )
        connection.execute(
            insert(SilenceRow).values(
                water_point_id="",
                municipality_id="",
                rule_id="",
                since_ms=1,
                until_ms=2,
                by="nino",
                reason="work",
            )
        )
    return database


def test_whoever_is_forgotten_stands_in_no_table_any_more(village: Database) -> None:
    assert everything(village).lower().count("nino") > 5

    with village.writing() as connection:
        forget(connection, "nino", now=NOW)

    left = everything(village).lower()
    assert "nino" not in left
    assert NUMBER.removeprefix("+995") not in left
    assert "leyla" in left


def test_what_was_sent_is_kept_without_them(village: Database) -> None:
    with village.writing() as connection:
        name = forget(connection, "nino", now=NOW)

    with village.reading() as connection:
        rows = connection.execute(select(NotificationRow.__table__).order_by(NotificationRow.id)).all()
    theirs = [row for row in rows if row.person_id == name]
    assert [(row.text, row.address, row.fate) for row in theirs] == [("წყალი", "", "unknown")]
    assert [row.fate for row in rows if row.person_id == "leyla"] == ["accepted"]


def test_nothing_that_waits_is_sent_to_them(database: Database) -> None:
    have_agreed(database, [NINO])
    owe(database, NINO)

    with database.writing() as connection:
        forget(connection, "nino", now=NOW)
    owe(database, NINO)  # by a judge who read the list of people before

    assert SqlLedger(database).due(NOW + timedelta(days=9), 9) == []


def test_a_forgotten_number_comes_back_only_when_its_holder_does(village: Database) -> None:
    new = NewPerson(id="nino-2", name="Nino", phone=NUMBER, language=NINO.language, role=NINO.role)
    with village.writing() as connection:
        forget(connection, "nino", now=NOW)

    with village.writing() as connection:
        with pytest.raises(ConfigError, match="was forgotten on 2026-11-21"):
            add_person(connection, new)
        let_back(connection, NUMBER)
        add_person(connection, new)

        assert set(people(connection)) == {"leyla", "nino-2"}


def test_somebody_can_be_forgotten_once_and_nobody_unknown(village: Database) -> None:
    with village.writing() as connection:
        name = forget(connection, "nino", now=NOW)
        for nobody in ("nino", name):
            with pytest.raises(ConfigError, match="nobody of this id"):
                forget(connection, nobody, now=NOW)
        with pytest.raises(ConfigError, match="choose another"):
            add_person(
                connection,
                NewPerson(id=name, name="x", phone=LEYLA.address, language=LEYLA.language, role=LEYLA.role),
            )


def test_a_person_can_see_all_that_is_kept_of_them(village: Database) -> None:
    with village.reading() as connection:
        found = all_of(connection, "nino")

    assert found["person"]["phone"] == NUMBER
    assert [said["wording"] for said in found["person"]["consent"]] == ["yes, text me"]
    assert [(text["text"], text["number"], text["fate"]) for text in found["texts"]] == [
        ("წყალი", NUMBER, "accepted")
    ]
    assert found["texts"][0]["owed_at"] == T.isoformat()
    assert [answer["text"] for answer in found["answers"]] == ["1, Nino of Algeti"]
