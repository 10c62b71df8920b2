"""A server that dies between any two statements of a judgement: what comes of it is what would have come anyway.

The connection of the ledger fails at one statement, or at the commit, of one judgement; watch and ledger begin anew
on the same file, as after a kill, and the device sends again what got no receipt. It is done at every statement of
every judgement of a story in which an alert fires, gets worse, turns unknown, ends and comes back.

A silence is no part of it: only time in which the server listened counts, so a kill delays it, and that is right.
"""

import shutil
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, select

from alerts.rules import Delays, EventRule, LimitRule, Severity, Step
from alerts.watch import Sighting, Watch
from server.database.engine import Database
from server.database.migrate import migrate
from server.database.models import AlertRow, JudgedRow, NotificationRow, TransitionRow
from server.ledger import SqlLedger
from tests.builders import instant, missing, observation
from tests.fakes.agreed import have_agreed
from tests.fakes.town import GIORGI, LEYLA, NINO, SILENT, Town
from waterquality.limits import Limit
from waterquality.parameters import Parameter
from waterquality.readings import Observation

START = instant("2026-11-20T06:00:00Z")
GRADED = LimitRule(
    id="graded",
    limit=Limit(Parameter.TURBIDITY, None, 4.0, "who-2017"),
    delays=Delays(confirm_s=60, clear_s=60, steps_s=(0,), reopen_s=3600),
    deadband=0.5,
    severity=Severity.WARNING,
    higher=(Step(Limit(Parameter.TURBIDITY, None, 10.0, "who-2017"), Severity.CRITICAL, 0),),
)
EVENT = EventRule(id="event", severity=Severity.NOTICE, measured=(Parameter.TURBIDITY, Parameter.PH))
TOWN = Town(all_rules=(GRADED, EVENT, SILENT), people=(NINO, LEYLA, GIORGI))
# What the water is, a judgement each, ten minutes apart; None is a look for silence, of which there is none.
STORY = (0.3, 6.0, 6.0, 50.0, missing(), 6.0, None, 0.3, 0.3, 0.3, 6.0, 6.0, 0.3)


def observed(turn: int) -> Observation:
    at = START + timedelta(minutes=10 * turn)
    return observation(seq=turn + 1, at=at, turbidity=STORY[turn], flow=None)


class Killed(Exception):
    """The process is gone."""


class Server:
    """A watch over a database file, that may die at a statement."""

    def __init__(self, file: Path) -> None:
        self.file, self.statements = file, 0
        self.dies_at: int | None = None
        self.listening = START
        self.stored: list[Observation] = []
        self.start()

    def start(self) -> None:
        self.database = Database(f"sqlite:///{self.file}")
        event.listen(self.database.engine, "before_cursor_execute", self._statement)
        event.listen(self.database.engine, "commit", self._statement)
        self.watch = Watch(SqlLedger(self.database), TOWN, past=self._past)

    def judges(self, turn: int) -> None:
        water, at = STORY[turn], START + timedelta(minutes=10 * turn)
        if water is None:
            self.watch.judge_silence({"algeti-3": self.listening}, at)
            return
        seen = observed(turn)
        self.stored = [observed(before) for before in range(turn) if STORY[before] is not None]
        self.watch.judge([Sighting("algeti-3", seen, at)], at)

    def _past(self, _point: str, _device: str, since_ms: int, until_ms: int) -> list[Observation]:
        return [each for each in self.stored if since_ms <= each.taken_ms < until_ms]

    def _statement(self, *_: object) -> None:
        self.statements += 1
        if self.statements == self.dies_at:
            raise Killed

    def left(self) -> dict[str, list[object]]:
        """All that is left of it: every row, and what its detectors know."""
        tables = (AlertRow, TransitionRow, NotificationRow, JudgedRow)
        with self.database.reading() as connection:
            rows = {
                table.__tablename__: [tuple(row) for row in connection.execute(select(table.__table__))]
                for table in tables
            }
        detectors = self.watch._detectors._detectors
        return rows | {"detectors": [(site, detector.save()) for site, detector in detectors.items()]}


def lived(file: Path, turns: Iterable[int]) -> Server:
    server = Server(file)
    for turn in turns:
        server.judges(turn)
    return server


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which nothing has happened yet."""
    file = tmp_path_factory.mktemp("fresh") / "tskaro.db"
    database = Database(f"sqlite:///{file}")
    migrate(database)
    have_agreed(database, [NINO, LEYLA, GIORGI])
    database.close()
    return file


@pytest.fixture(scope="module")
def undisturbed(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[object]]:
    """What the whole story leaves behind when nobody dies."""
    server = lived(copy(fresh, tmp_path_factory.mktemp("calm") / "tskaro.db"), range(len(STORY)))
    left = server.left()
    server.database.close()
    return left


def copy(file: Path, to: Path) -> Path:
    return Path(shutil.copy(file, to))


def test_the_story_holds_all_that_may_be_told_of_an_alert(undisturbed: dict[str, list[object]]) -> None:
    assert len(undisturbed["transition"]) >= 8
    assert len(undisturbed["notification"]) >= 8
    assert len(undisturbed["detectors"]) == 1


@pytest.mark.parametrize("turn", range(len(STORY)))
def test_a_kill_at_any_statement_of_a_judgement_changes_nothing(
    turn: int, fresh: Path, undisturbed: dict[str, list[object]], tmp_path: Path
) -> None:
    server = lived(copy(fresh, tmp_path / "before.db"), range(turn))
    server.database.close()
    has_died, statement = True, 0
    while has_died:
        statement += 1
        server = Server(copy(tmp_path / "before.db", tmp_path / f"killed-{statement}.db"))
        server.listening = START + timedelta(minutes=10 * turn)  # it has only just begun to listen
        has_died = dies_judging(server, turn, statement)
        for later in range(turn + 1, len(STORY)):
            server.judges(later)

        assert undisturbed == server.left(), f"died at statement {statement} of judgement {turn}"
        server.database.close()
    assert statement >= 2


def dies_judging(server: Server, turn: int, statement: int) -> bool:
    """Whether it dies at this statement of the judgement; then it starts anew and judges again."""
    server.dies_at = statement
    try:
        server.judges(turn)
    except Killed:
        server.database.close()
        server.dies_at = None
        server.start()
        server.judges(turn)
        return True
    server.dies_at = None
    return False
