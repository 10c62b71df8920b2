"""A store that hangs is given up after a while, and is left alone until it has answered."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from server.store.patient import PatientStore
from server.store.port import PointRejected, Row, StoreUnavailable
from server.store.sqlite import SqliteReadingStore
from tests.builders import instant, row
from tests.fakes.patience import eventually
from tests.fakes.slow_store import HandWound, SlowStore

ALL = {"since": instant("2026-01-01T00:00:00Z"), "until": instant("2026-12-31T00:00:00Z")}


class HangingStore(SqliteReadingStore):
    """A real store that answers a write only when it may.

    Attributes:
        may_answer: cleared to make it hang.
        asked: how many writes have begun.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.asked = 0

    def write(self, rows: Sequence[Row]) -> None:
        self.asked += 1
        self.may_answer.wait()
        super().write(rows)


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[HangingStore]:
    store = HangingStore(tmp_path / "readings.db")
    store.prepare()
    yield store
    store.may_answer.set()


@pytest.fixture
def store(behind: HangingStore) -> PatientStore:
    return PatientStore(behind, patience_s=0.05)


def test_a_write_that_is_answered_is_written_when_it_returns(behind: HangingStore) -> None:
    store = PatientStore(behind)
    store.write([row(seq=1)])

    assert store.count(**ALL) == 1


def test_a_refusal_comes_through_with_its_reasons(behind: HangingStore) -> None:
    with pytest.raises(PointRejected) as refused:
        PatientStore(behind).write([row(seq=1), row(seq=2, device="")])

    assert list(refused.value.reasons) == [1]


def test_a_store_that_hangs_is_unavailable_after_a_while(store: PatientStore, behind: HangingStore) -> None:
    behind.may_answer.clear()

    with pytest.raises(StoreUnavailable, match=r"does not answer within 0\.05 s"):
        store.write([row(seq=1)])


def test_nothing_more_is_asked_of_a_store_that_hangs(store: PatientStore, behind: HangingStore) -> None:
    behind.may_answer.clear()
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            store.write([row(seq=1)])

    with pytest.raises(StoreUnavailable):
        store.prepare()
    assert behind.asked == 1


def test_what_was_given_up_and_comes_again_is_stored_once(store: PatientStore, behind: HangingStore) -> None:
    behind.may_answer.clear()
    with pytest.raises(StoreUnavailable):
        store.write([row(seq=1)])
    behind.may_answer.set()

    def is_written() -> bool:
        try:
            store.write([row(seq=1)])
        except StoreUnavailable:
            return False
        return True

    eventually(is_written)
    assert store.count(**ALL) == 1


def given_up(tmp_path: Path, *, takes_s: float, longest_s: float = 7.0) -> tuple[SlowStore, PatientStore]:
    """A store whose first write was given up and succeeded in the end."""
    clock = HandWound()
    behind = SlowStore(tmp_path / "readings.db", clock, takes_s)
    behind.prepare()
    store = PatientStore(behind, patience_s=0.05, longest_s=longest_s, clock=clock)
    with pytest.raises(StoreUnavailable):
        store.write([row(seq=1)])
    eventually(lambda: store.count(**ALL) == 1)
    return behind, store


def test_a_store_that_is_slow_and_sound_is_waited_for_longer(tmp_path: Path) -> None:
    _, store = given_up(tmp_path, takes_s=2.0)

    store.write([row(seq=2, at="2026-11-20T06:01:00Z")])

    assert store.count(**ALL) == 2


def test_a_slow_store_is_waited_for_no_longer_than_a_lease_bears(tmp_path: Path) -> None:
    _, store = given_up(tmp_path, takes_s=60.0, longest_s=0.1)

    with pytest.raises(StoreUnavailable, match=r"within 0\.1 s"):
        store.write([row(seq=2)])


def test_a_slow_store_that_is_quick_again_is_waited_for_no_longer(tmp_path: Path) -> None:
    behind, store = given_up(tmp_path, takes_s=2.0)
    behind.takes_s = 0.0
    store.write([row(seq=2)])  # within the patience that the slow one earned

    with pytest.raises(StoreUnavailable, match=r"within 0\.05 s"):
        store.write([row(seq=3)])
