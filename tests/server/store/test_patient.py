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
