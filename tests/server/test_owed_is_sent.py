"""Owed is sent: whatever step the notifier is killed at, no text is lost and at most one is doubled."""

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from alerts.ports import AlertKey, Fate, Judgement, Kind, Owed
from alerts.recipient import Recipient
from alerts.rules import Role
from server.database.engine import Database
from server.database.migrate import migrate
from server.database.models import NotificationRow
from server.ledger import SqlLedger
from tests.fakes.agreed import have_agreed
from waterquality.languages import Language

PEOPLE = [
    Recipient(name, f"+99555500012{number}", Language.KA, Role.CSO)
    for number, name in enumerate(["nino", "levan", "ana"])
]
_STEPS_AT_MOST = 200


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_killed_at_any_step_it_loses_nothing_and_doubles_one_at_most(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    url = (
        f"sqlite:///{tmp_path / 'tskaro.db'}" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    )
    database, sent = Database(url), tmp_path / "sent"
    migrate(database)
    have_agreed(database, PEOPLE)
    killed = 0
    for step in range(1, _STEPS_AT_MOST):
        sent.write_text("")
        owe(database, episode=step)
        if notify(url, sent, step) == 0:
            break
        killed += 1
        assert notify(url, sent, 0) == 0

        taken = Counter(line.split()[0] for line in sent.read_text().splitlines())
        assert set(taken) == {person.address for person in PEOPLE}, f"lost at step {step}"
        assert sum(taken.values()) <= len(PEOPLE) + 1, f"doubled at step {step}"
        assert len(set(sent.read_text().splitlines())) == len(PEOPLE), "a double has the same reference"
        assert fates(database, step) == {str(Fate.DELIVERED)}
    assert killed > 3 * len(PEOPLE)  # at each text at least: before, after, and while it is recorded
    database.close()


def owe(database: Database, episode: int) -> None:
    key, at = AlertKey("turbidity-who-4", "algeti"), datetime.now(UTC) - timedelta(seconds=1)
    owed = [Owed(key, episode, Kind.TURBIDITY_HIGH, person, "muddy", at, at) for person in PEOPLE]
    SqlLedger(database).commit(Judgement(owed=owed))


def notify(url: str, sent: Path, step: int) -> int:
    command = [sys.executable, "-m", "tests.fakes.dying_notifier", url, str(sent), str(step)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode in (0, -9), done.stderr
    return done.returncode


def fates(database: Database, episode: int) -> set[str]:
    query = select(NotificationRow.fate).where(NotificationRow.episode == episode)
    with database.reading() as connection:
        return set(connection.scalars(query))
