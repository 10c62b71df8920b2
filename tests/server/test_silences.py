"""Silences and acknowledgements as a person makes them, on a real database."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from alerts.holding import Due, Silence
from alerts.lifecycle import Phase, State, Transition, Turn
from alerts.ports import AlertKey, Change, Judgement, Kind, Owed, Standing
from alerts.recipient import Recipient
from alerts.rules import Role
from server.cli import app
from server.clock import SystemClock
from server.composing import open_database
from server.database.engine import Database
from server.database.models import Municipality, WaterPoint
from server.ledger import SqlLedger
from server.registry.directory import read_directory
from server.registry.silences import add_silence, end_silence, held_by
from server.registry.snapshot import read_registry
from server.settings import ServerSettings
from tests.fakes.agreed import have_agreed
from waterquality.errors import ConfigError
from waterquality.languages import Language

NOW = SystemClock().now()
HOUR = timedelta(hours=1)
NINO = Recipient("nino", "+995555000123", Language.EN, Role.CSO)
KEY = AlertKey("turbidity-who-4", "algeti")
FLUSHING = Silence(NOW, NOW + 3 * HOUR, "lasha", "flushing the main", "algeti")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(ServerSettings(database_url=f"sqlite:///{tmp_path / 'tskaro.db'}"))
    have_agreed(database, [NINO])
    with database.writing() as connection:
        connection.execute(insert(Municipality).values(id="marneuli", names={"en": "Marneuli"}))
        values = {"id": "algeti", "municipality_id": "marneuli", "names": {}, "sms_names": {}}
        connection.execute(insert(WaterPoint).values(lat=41.4, lon=44.8, **values))
    (tmp_path / "server.toml").write_text(f'database_url = "sqlite:///{tmp_path / "tskaro.db"}"')
    yield database
    database.close()


def tskaro(tmp_path: Path, *arguments: str) -> str:
    done = CliRunner().invoke(app, [*arguments, "--settings", str(tmp_path / "server.toml")])
    assert done.exit_code == 0, done.output
    return done.output


def fire(database: Database, *owed: Owed) -> None:
    state = State(Phase.FIRING, since=NOW, judged_at=NOW, breached_at=NOW, level=1)
    transition = Transition(Phase.PENDING, Phase.FIRING, NOW, "12 above 4", Turn.BEGINS, 1)
    SqlLedger(database).commit(
        Judgement(
            standings=[Standing(KEY, state, 1, told=True)],
            changes=[Change(KEY, 1, transition, 12.0)],
            owed=owed,
        )
    )


def owed(due: Due | None = None) -> Owed:
    return Owed(KEY, 1, Kind.TURBIDITY_HIGH, NINO, "muddy", NOW, NOW, due=due)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"by": " "}, "name of who"),
        ({"reason": ""}, "needs a reason"),
        ({"until": NOW}, "ends after it begins"),
        ({"until": NOW + timedelta(days=31)}, "at most 30 days"),
        ({"water_point": "nowhere"}, "no water point 'nowhere'"),
        ({"municipality": "nowhere"}, "no municipality 'nowhere'"),
        ({"rule": "nothing"}, "no rule 'nothing'"),
    ],
)
def test_a_silence_needs_a_name_a_reason_and_an_end(database: Database, wrong: dict, why: str) -> None:
    with pytest.raises(ConfigError, match=why), database.writing() as connection:
        add_silence(connection, replace(FLUSHING, **wrong))


def test_the_directory_knows_what_is_silenced(database: Database) -> None:
    with database.writing() as connection:
        add_silence(connection, FLUSHING)
        add_silence(
            connection, replace(FLUSHING, until=NOW + 5 * HOUR, municipality="marneuli", water_point="")
        )
    directory = read_directory(database, read_registry(database))

    found = directory.silence("ph-ge-58", "algeti", NOW + HOUR)
    assert found is not None
    assert found.until - NOW >= timedelta(hours=4, minutes=59)  # the longest of those that cover it
    assert directory.silence("ph-ge-58", "elsewhere", NOW + HOUR) is None
    assert directory.silence("ph-ge-58", "algeti", NOW + 6 * HOUR) is None


def test_what_a_silence_held_is_told_when_it_is_ended(database: Database) -> None:
    with database.writing() as connection:
        number = add_silence(connection, FLUSHING)
    why = held_by(FLUSHING.by, FLUSHING.reason)
    until = read_directory(database, read_registry(database)).silences[0].until
    fire(database, owed(Due(until, why)))
    ledger = SqlLedger(database)
    assert ledger.due(NOW + HOUR, 10) == []

    with database.writing() as connection:
        assert end_silence(connection, number, NOW + HOUR)
        assert not end_silence(connection, number, NOW + HOUR)

    assert [each.text for each in ledger.due(NOW + HOUR, 10)] == ["muddy"]


def test_the_commands_of_silences(database: Database, tmp_path: Path) -> None:
    said = tskaro(
        tmp_path, "silence", "add", "flushing", "--by", "lasha", "--hours", "3", "--water-point", "algeti"
    )
    assert said.startswith("silence 1: until ")
    (row,) = json.loads(tskaro(tmp_path, "silence", "list", "--json"))
    assert (row["water_point"], row["by"], row["reason"]) == ("algeti", "lasha", "flushing")
    assert "algeti" in tskaro(tmp_path, "silence", "list")
    assert tskaro(tmp_path, "silence", "end", "1") == "silence 1 has ended\n"
    assert tskaro(tmp_path, "silence", "list") == "nothing is silenced\n"


def test_a_silence_of_everything_must_be_asked_for_by_name(database: Database, tmp_path: Path) -> None:
    arguments = ["silence", "add", "why not", "--by", "lasha", "--hours", "3"]
    refused = CliRunner().invoke(app, [*arguments, "--settings", str(tmp_path / "server.toml")])

    assert refused.exit_code == 78
    assert "--everywhere" in tskaro(tmp_path, "silence", "add", "--help")
    tskaro(tmp_path, *arguments, "--everywhere")


def test_the_commands_of_alerts(database: Database, tmp_path: Path) -> None:
    assert tskaro(tmp_path, "alert", "list") == "no alert is open\n"
    fire(database, owed(Due(NOW + HOUR, "tier 2", ends_with_acknowledgement=True)))
    (row,) = json.loads(tskaro(tmp_path, "alert", "list", "--json"))
    assert (row["rule"], row["phase"], row["acknowledged_by"]) == ("turbidity-who-4", "firing", "")
    assert "nobody has acknowledged it" in tskaro(tmp_path, "alert", "show", "algeti", "turbidity-who-4")

    said = tskaro(tmp_path, "alert", "acknowledge", "algeti", "turbidity-who-4", "--by", "nino")

    assert said == "nino has acknowledged turbidity-who-4 at algeti\n"
    shown = json.loads(tskaro(tmp_path, "alert", "show", "algeti", "turbidity-who-4", "--json"))
    assert shown["acknowledged_by"] == "nino"
    assert [(each["fate"], each["detail"]) for each in shown["texts"]] == [
        ("dropped", "acknowledged by nino")
    ]
    again = ["alert", "acknowledge", "algeti", "turbidity-who-4", "--by", "levan"]
    refused = CliRunner().invoke(app, [*again, "--settings", str(tmp_path / "server.toml")])
    assert refused.exit_code == 78


def test_an_alert_that_is_not_there_is_refused(database: Database, tmp_path: Path) -> None:
    arguments = ["alert", "show", "algeti", "nothing", "--settings", str(tmp_path / "server.toml")]

    assert CliRunner().invoke(app, arguments).exit_code == 78
