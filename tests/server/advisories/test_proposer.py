"""The system proposes, once for each episode, with the readings; and issues nothing."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from alerts.advisories.record import Advisory, Phase, Withdraw
from alerts.seeds import shipped_rules
from server.advisories.proposer import Proposer
from server.clock import Clock, SystemClock
from server.database.advisory_models import CapMessageRow
from server.database.engine import Database
from server.registry.snapshot import Registry, Stay
from server.store.port import StoreUnavailable
from server.store.sqlite import SqliteReadingStore
from tests.alerts.advisories.cases import NINO, NOW
from tests.builders import reading, row
from tests.server.advisories.village import Village, issue
from waterquality.flags import Flag, Why
from waterquality.readings import to_ms

LATER = NOW + timedelta(minutes=10)
REGISTRY = Registry(
    devices=frozenset({"kk-0001"}),
    stays={"kk-0001": [Stay("kk-0001", "sadakhlo", 0, None)]},
)


class Told:
    """A herald that remembers."""

    def __init__(self) -> None:
        self.said: list[tuple[str, int]] = []

    def proposed(self, number: int, advisory: Advisory) -> None:
        self.said.append(("proposed", number))

    def boil_is_doubted(self, number: int, advisory: Advisory, why: str) -> None:
        self.said.append(("doubted", number))


def proposing(village: Village, store: Any, clock: Clock | None = None, **given: Any) -> Proposer:
    """A proposer with the rules that ship, whatever the probes of the village can evidence."""
    return Proposer(
        village.database,
        store,
        village.book,
        clock or SystemClock(),
        registry=lambda: REGISTRY,
        rules_at=lambda _: [rule for spec in shipped_rules() if (rule := spec.to_rule())],
        **given,
    )


@pytest.fixture
def village(database: Database) -> Village:
    return Village(database)


@pytest.fixture
def store(tmp_path: Path) -> SqliteReadingStore:
    store = SqliteReadingStore(tmp_path / "readings.db")
    store.prepare()
    doubted = reading("turbidity", 11.0, flag=Flag.SUSPECT, why=Why.SPIKE)
    store.write(
        [
            row(water_point="sadakhlo", device="kk-0001", seq=1, at=NOW - timedelta(hours=2), turbidity=0.4),
            row(
                water_point="sadakhlo",
                device="kk-0001",
                seq=2,
                at=NOW - timedelta(minutes=40),
                turbidity=12.4,
            ),
            row(
                water_point="sadakhlo",
                device="kk-0001",
                seq=3,
                at=NOW - timedelta(minutes=5),
                turbidity=doubted,
            ),
        ]
    )
    return store


@pytest.fixture
def proposer(village: Village, store: SqliteReadingStore) -> Callable[[], tuple[Proposer, Told]]:
    def make() -> tuple[Proposer, Told]:
        told = Told()
        return proposing(village, store, herald=told), told

    return make


def test_a_critical_exceedance_is_proposed_once_with_its_readings_and_flags(
    village: Village, proposer: Callable[[], tuple[Proposer, Told]]
) -> None:
    village.alert()
    first, told = proposer()
    for _ in range(2):
        first.turn(NOW)
    proposer()[0].turn(LATER)  # after a restart

    ((number, advisory),) = village.book.all().items()
    assert (advisory.phase, advisory.order, advisory.proposer) == (Phase.PROPOSED, None, "")
    (evidence,) = advisory.evidence
    assert [(seen.value, seen.flag, seen.why) for seen in evidence.readings] == [
        (12.4, Flag.GOOD, Why.NONE),
        (11.0, Flag.SUSPECT, Why.SPIKE),
    ]
    assert told.said == [("proposed", number)]
    with village.database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(CapMessageRow)) == 0


def test_two_that_look_at_once_propose_once(
    village: Village, proposer: Callable[[], tuple[Proposer, Told]]
) -> None:
    village.alert()
    both = [proposer() for _ in range(2)]
    barrier = threading.Barrier(2)

    def look(each: Proposer) -> None:
        barrier.wait()
        each.turn(NOW)

    threads = [threading.Thread(target=look, args=(each,)) for each, _ in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(village.book.all()) == 1
    assert sum(len(told.said) for _, told in both) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"phase": "pending"},
        {"phase": "unknown"},
        {"lane": "late"},
        {"rule": "silence"},
        {"rule": "ph-ge-58", "peak": 9.2, "level": 1},
        {"last_breach_ms": to_ms(NOW - timedelta(minutes=50))},
        {"level": 1},
        {"rule": "gone"},
    ],
    ids=str,
)
def test_nothing_is_proposed_for(
    village: Village, proposer: Callable[[], tuple[Proposer, Told]], given: dict[str, object]
) -> None:
    village.alert(**given)  # type: ignore[arg-type]
    proposer()[0].turn(NOW)

    assert village.book.all() == {}


def test_a_declined_proposal_does_not_come_again_in_the_same_episode_and_does_in_the_next(
    village: Village, proposer: Callable[[], tuple[Proposer, Told]]
) -> None:
    village.alert()
    proposer()[0].turn(NOW)
    (number,) = village.book.all()
    village.book.act(number, Withdraw(by=NINO, reason="the probe was cleaned"), NOW)
    proposer()[0].turn(LATER)
    assert len(village.book.all()) == 1

    village.turns("turbidity-who-4", episode=2)
    proposer()[0].turn(LATER)

    assert len(village.book.all()) == 2


def test_acid_during_a_boil_advisory_is_told_to_the_herald(
    village: Village, proposer: Callable[[], tuple[Proposer, Told]]
) -> None:
    village.alert()
    proposer()[0].turn(NOW)
    (number,) = village.book.all()
    village.book.act(number, issue(), NOW)
    village.alert("ph-ge-58", peak=3.1, at=LATER)
    looking, told = proposer()

    looking.turn(LATER)

    assert told.said == [("doubted", number)]
    assert len(village.book.all()) == 1


class Away:
    """A store that is not there."""

    def neighbours(self, *_: object, **__: object) -> object:
        raise StoreUnavailable


def test_a_store_that_is_away_costs_the_readings_and_not_the_proposal(village: Village) -> None:
    village.alert()
    proposing(village, Away()).turn(NOW)

    ((_, advisory),) = village.book.all().items()
    assert advisory.evidence[0].readings == ()


def test_only_the_one_whose_turn_it_is_proposes(village: Village, store: SqliteReadingStore) -> None:
    village.alert()
    stop = threading.Event()

    class Counting(SystemClock):
        def pause(self, seconds: float, until: threading.Event) -> None:
            if looked:
                stop.set()
            looked.append(seconds)

    looked: list[float] = []
    proposing(village, store, Counting(), is_ours=lambda: False).run(stop)

    assert len(looked) == 2
    assert village.book.all() == {}
