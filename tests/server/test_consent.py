"""No text without consent; none after an opt-out, whatever is imported, loaded or owed already."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from alerts.lifecycle import Phase, Transition
from alerts.ports import AlertKey, Change, Fate, Judgement, Kind, Owed
from alerts.rules import Role, Severity
from server.database.engine import Database
from server.database.migrate import migrate
from server.database.models import NotificationRow
from server.database.people_models import ConsentRow
from server.ledger import SqlLedger
from server.registry.consent import consents, give_consent, opt_out, take_from_list
from server.registry.current import CurrentRegistry
from server.registry.file import load_registry, read_registry_file
from tests.fakes.agreed import have_agreed
from tests.fakes.town import LEYLA, NINO
from waterquality.errors import ConfigError

T = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)
YES = "I agree to be texted about the water at Algeti."
KEY = AlertKey("turbid", "algeti")
FILE = """
[[municipality]]
id = "marneuli"
names = { en = "Marneuli" }
[[water_point]]
id = "algeti"
municipality = "marneuli"
names = { en = "Algeti" }
sms_names = { en = "Algeti" }
lat = 41.4
lon = 44.8
[[person]]
id = "nino"
name = "Nino"
phone = "555 00 01 01"
language = "ka"
role = "cso"
municipalities = ["marneuli"]
"""
AGREED = 'consent = { on = 2026-01-05, wording = "yes" }\n'


def load(database: Database, folder: Path, text: str) -> None:
    path = folder / "registry.toml"
    path.write_text(text, encoding="utf-8")
    load_registry(read_registry_file(path), database, 1000)


def told(database: Database, severity: Severity = Severity.WARNING) -> list[str]:
    current = CurrentRegistry(database)
    current.refresh()
    return [one.person for one in current.recipients("algeti", frozenset(Role), severity)]


def agree(database: Database, at: datetime = T, wording: str = YES) -> bool:
    with database.writing() as connection:
        return give_consent(connection, "nino", wording=wording, at=at, source="test", now_ms=1)


def leave(database: Database, at: datetime = T) -> bool:
    with database.writing() as connection:
        return opt_out(connection, "nino", at=at, source="test", now_ms=1)


def owe(database: Database, *people: object) -> None:
    change = Change(KEY, 1, Transition(Phase.PENDING, Phase.FIRING, T, ""), 12.4)
    owed = [Owed(KEY, 1, Kind.TURBIDITY_HIGH, person, "წყალი", T, T) for person in people]
    SqlLedger(database).commit(Judgement(changes=[change], owed=owed))


def fates(database: Database) -> dict[str, tuple[str, str]]:
    with database.reading() as connection:
        return {
            row.person_id: (row.fate, row.detail)
            for row in connection.execute(select(NotificationRow.__table__))
        }


def test_who_has_agreed_to_nothing_gets_nothing(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, FILE)
    assert told(database) == []

    agree(database)

    assert told(database) == ["nino"]


def test_what_somebody_agreed_to_is_kept_word_for_word_with_its_date(
    database: Database, tmp_path: Path
) -> None:
    wording = "  დიახ, მომწერეთ.\n\nYes — text me. "
    load(database, tmp_path, FILE)

    assert agree(database, wording=wording)
    assert not agree(database, wording=wording)  # said again, it is no news

    with database.reading() as connection:
        (said,) = consents(connection, ["nino"])["nino"]
    assert (said.is_given, said.at, said.wording) == (True, T, wording)


def test_consent_to_nothing_is_refused(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, FILE)

    with pytest.raises(ConfigError, match="word for word"):
        agree(database, wording=" \n")


def test_who_opts_out_gets_nothing_whatever_is_loaded_again(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, FILE + AGREED)
    assert told(database) == ["nino"]

    assert leave(database)
    load(database, tmp_path, FILE + AGREED)
    load(database, tmp_path, FILE + 'consent = { on = 2099-01-05, wording = "yes" }\n')

    assert told(database) == []
    with database.writing() as connection:
        assert not take_from_list(connection, "nino", wording=YES, at=T + 9 * DAY, source="test", now_ms=1)


def test_only_a_consent_given_after_the_opt_out_takes_it_back_and_both_stay_on_record(
    database: Database, tmp_path: Path
) -> None:
    load(database, tmp_path, FILE + AGREED)
    leave(database, T)

    with pytest.raises(ConfigError, match="opted out on 2026-11-20"):
        agree(database, T - DAY)
    assert told(database) == []

    agree(database, T + DAY)

    assert told(database) == ["nino"]
    with database.reading() as connection:
        words = consents(connection, ["nino"])["nino"]
    assert [word.is_given for word in words] == [True, False, True]
    assert words[1].at == T


def test_opting_out_twice_keeps_the_first_day(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, FILE + AGREED)

    assert leave(database, T)
    assert not leave(database, T + DAY)

    with database.reading() as connection:
        assert [T] == [word.at for word in consents(connection, ["nino"])["nino"][1:]]


def test_a_text_that_waits_is_not_sent_to_whoever_opts_out(database: Database) -> None:
    have_agreed(database, [NINO, LEYLA])
    owe(database, NINO, LEYLA)

    leave(database)

    assert fates(database) == {"nino": ("failed", "opted out"), "leyla": ("queued", "")}
    assert [pending.address for pending in SqlLedger(database).due(T + DAY, 9)] == [LEYLA.address]


def test_nothing_is_owed_to_whoever_opted_out_after_the_list_of_recipients_was_read(
    database: Database,
) -> None:
    have_agreed(database, [NINO, LEYLA])
    leave(database)

    owe(database, NINO, LEYLA)

    assert list(fates(database)) == ["leyla"]


def test_a_text_that_was_handed_over_keeps_its_fate_when_its_reader_opts_out(database: Database) -> None:
    have_agreed(database, [NINO])
    owe(database, NINO)
    with database.writing() as connection:
        connection.execute(NotificationRow.__table__.update().values(fate=str(Fate.ACCEPTED)))

    leave(database)

    assert fates(database) == {"nino": ("accepted", "")}


def test_who_wants_only_the_gravest_is_left_in_peace(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, FILE + 'least_severity = "critical"\n' + AGREED)

    assert told(database, Severity.WARNING) == []
    assert told(database, Severity.CRITICAL) == ["nino"]


def test_people_from_before_consent_was_kept_go_on_getting_texts_and_the_record_says_so(
    tmp_path: Path,
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    migrate(database, revision="0008")
    with database.writing() as connection:
        connection.exec_driver_sql("INSERT INTO municipality (id, names) VALUES ('m', '{}')")
        connection.exec_driver_sql(
            "INSERT INTO water_point (id, municipality_id, names, sms_names, lat, lon) "
            "VALUES ('algeti', 'm', '{}', '{}', 0, 0)"
        )
        connection.exec_driver_sql(
            "INSERT INTO person (id, name, phone, language, role) "
            "VALUES ('nino', 'Nino', '+995555000101', 'ka', 'cso')"
        )
        connection.exec_driver_sql(
            "INSERT INTO subscription (person_id, water_point_id) VALUES ('nino', 'algeti')"
        )

    migrate(database)

    assert told(database) == ["nino"]
    with database.reading() as connection:
        (said,) = consents(connection, ["nino"])["nino"]
    assert (said.at, said.wording, said.source) == (None, "before consent was kept", "migration")
    assert leave(database)
    with pytest.raises(ConfigError, match="opted out"):
        agree(database, T - DAY)
    database.close()


def test_the_newest_word_of_each_counts_and_not_that_of_another(database: Database) -> None:
    have_agreed(database, [NINO, LEYLA])
    with database.writing() as connection:
        row = {"is_given": False, "at_ms": 1, "wording": "", "source": "test", "recorded_ms": 1}
        connection.execute(insert(ConsentRow).values(person_id="leyla", **row))

    owe(database, NINO, LEYLA)

    assert list(fates(database)) == ["nino"]
