"""The ingest loop: one message that trips over a defect of ours holds up nobody."""

import threading
from collections import Counter
from datetime import timedelta

import pytest

from server.clock import SystemClock
from server.ingest.custody import Book
from server.ingest.intake import Taken
from server.ingest.receipts import Receipts
from server.ingest.subscriber import Arrival, Subscriber
from server.ingest.worker import IngestWorker
from tests.builders import instant
from waterquality.errors import LinkError

NOW = instant("2026-11-20T06:00:00Z")


class TrippingIntake:
    """Takes everything but what is called `defect`; may be without its database."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.is_cut_off = False

    def take(self, arrivals: list[Arrival], now: object, *, store_is_up: bool) -> Taken:
        if self.is_cut_off:
            raise LinkError("the database is away")
        if any(arrival.topic == "defect" for arrival in arrivals):
            raise ZeroDivisionError
        self.taken += [arrival.topic for arrival in arrivals]
        return Taken({("kk-0001", "9f1c2a7e"): Book()}, {}, ())


class Nothing:
    """A registry and a voice that have nothing to say."""

    def refresh(self) -> None: ...

    def tell(self, *_: object) -> None: ...


@pytest.fixture
def loop() -> tuple[IngestWorker, Subscriber, TrippingIntake]:
    subscriber, intake = Subscriber(lambda: NOW), TrippingIntake()
    worker = IngestWorker(
        subscriber=subscriber,
        intake=intake,  # type: ignore[arg-type]
        receipts=Receipts(lambda _, __: True),
        current=Nothing(),  # type: ignore[arg-type]
        upkeep=lambda: None,
        voice=Nothing(),  # type: ignore[arg-type]
        clock=SystemClock(),
        late_after=timedelta(minutes=15),
    )
    return worker, subscriber, intake


def test_a_message_that_trips_is_left_and_all_others_of_its_round_are_taken(loop: tuple) -> None:
    worker, subscriber, intake = loop
    for topic in ("a", "b", "defect", "c"):
        subscriber.take(topic, b"", is_retained=False)

    worker.turn(0)

    assert ["a", "b", "c"] == intake.taken
    assert Counter(failed=1) == worker.counters


def test_without_its_database_a_round_is_given_up_as_a_whole(loop: tuple) -> None:
    worker, subscriber, intake = loop
    intake.is_cut_off = True
    for topic in ("a", "b"):
        subscriber.take(topic, b"", is_retained=False)

    with pytest.raises(LinkError):
        worker.turn(0)

    assert [] == intake.taken


def test_time_without_the_database_counts_as_nobodys_silence() -> None:
    clock = [NOW]
    subscriber = Subscriber(lambda: clock[0])
    subscriber.is_connected(connected=True)
    stop = threading.Event()

    class CutOff(Nothing):
        def refresh(self) -> None:
            clock[0] += timedelta(minutes=40)
            stop.set()
            raise LinkError("the database is away")

    worker = IngestWorker(
        subscriber=subscriber,
        intake=TrippingIntake(),  # type: ignore[arg-type]
        receipts=Receipts(lambda _, __: True),
        current=CutOff(),  # type: ignore[arg-type]
        upkeep=lambda: None,
        voice=Nothing(),  # type: ignore[arg-type]
        clock=SystemClock(),
    )

    worker.run(stop)

    assert subscriber.listening_since() == NOW + timedelta(minutes=40)
