"""The uplink at a real broker: forgets on receipt and on nothing else, and comes back after every break."""

import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge.batching import Batching
from edge.clock import Instant
from edge.lanes import SendingPolicy
from edge.outbox import Outbox
from edge.settings import Deflate
from edge.uplink import Broker, Uplink
from tests.fakes.cable import Cable
from tests.fakes.patience import eventually
from tests.fakes.receiver import Receiver
from tests.services.mosquitto import Mosquitto
from waterquality import topics
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading
from waterquality.wire.records import span_of

pytestmark = pytest.mark.integration
DEVICE = "kk-0001"
START_MS = 1_763_900_040_000
RECEIPT = topics.of_device(DEVICE, "receipt")


@dataclass
class Line:
    """An outbox, its uplink on a thread, and how to end it."""

    outbox: Outbox
    uplink: Uplink
    stop: threading.Event
    thread: threading.Thread
    carried: list[int]

    def append(self, count: int = 1) -> None:
        for _ in range(count):
            seq = self.outbox.head + 1
            instant = Instant(START_MS + 60_000 * seq, 60_000 * seq, "boot-1", is_synchronised=True)
            self.outbox.append(instant, [Reading(Parameter.PH, 7 + seq / 1000)])
            self.uplink.nudge()

    def end(self) -> None:
        self.stop.set()
        self.uplink.nudge()
        self.thread.join(10)
        assert not self.thread.is_alive()

    @property
    def held(self) -> int:
        return self.outbox.depth().records


Connect = Callable[..., Line]


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    made: list[Line] = []

    def start(
        port: int, *, appended: int = 0, repeat_after_s: float = 60.0, username: str = "", password: str = "",
        deflate: Deflate = Deflate.NEVER, keepalive_s: int = 60, batch_every_s: float = 0.0,
        deaf_after_s: float = 10.0,
    ) -> Line:  # fmt: skip
        carried: list[int] = []
        outbox = Outbox(tmp_path / "outbox.db", device=DEVICE, serial="pi-1")
        uplink = Uplink(
            Broker("127.0.0.1", port, username=username, password=password, keepalive_s=keepalive_s),
            device=DEVICE,
            outbox=outbox,
            policy=SendingPolicy(
                batch_records=5, window_batches=2, repeat_after_s=repeat_after_s, deaf_after_s=deaf_after_s
            ),
            batching=Batching(batch_every_s, deflate),
            version="1.2.3",
            carried=carried.append,
        )
        stop = threading.Event()
        line = Line(outbox, uplink, stop, threading.Thread(target=uplink.run, args=(stop,)), carried)
        line.append(appended)
        line.thread.start()
        made.append(line)
        return line

    yield start
    for line in made:
        line.end()
        line.outbox.close()


@pytest.fixture
def receiver(mosquitto: Mosquitto) -> Iterator[Receiver]:
    with Receiver(mosquitto.port) as listening:
        yield listening


def is_heard(receiver: Receiver, *spans: tuple[int, int]) -> None:
    eventually(lambda: set(spans) <= set(receiver.spans(DEVICE)))


@pytest.mark.parametrize("deflate", Deflate)
def test_what_was_appended_arrives_as_it_was(
    mosquitto: Mosquitto, receiver: Receiver, connect: Connect, deflate: Deflate
) -> None:
    line = connect(mosquitto.port, appended=5, deflate=deflate)
    is_heard(receiver, (5, 5), (1, 4))

    taken = {record.seq: record for record in receiver.records(DEVICE) if isinstance(record, Observation)}
    assert sorted(taken) == [1, 2, 3, 4, 5]
    assert {seq: one.taken_ms for seq, one in taken.items()} == {
        seq: START_MS + 60_000 * seq for seq in range(1, 6)
    }
    assert {seq: one.readings[Parameter.PH].value for seq, one in taken.items()} == pytest.approx(
        {seq: 7 + seq / 1000 for seq in range(1, 6)}
    )
    assert {envelope.epoch for envelope in receiver.envelopes(DEVICE)} == {line.outbox.epoch}


def test_the_newest_goes_first_and_the_backlog_within_its_window(
    mosquitto: Mosquitto, receiver: Receiver, connect: Connect
) -> None:
    line = connect(mosquitto.port, appended=30)
    is_heard(receiver, (30, 30), (1, 5), (6, 10))
    line.append()
    is_heard(receiver, (31, 31))

    assert receiver.spans(DEVICE) == [(30, 30), (1, 5), (6, 10), (31, 31)]


def test_nothing_is_forgotten_because_the_broker_acknowledged_it(
    mosquitto: Mosquitto, receiver: Receiver, connect: Connect
) -> None:
    line = connect(mosquitto.port, appended=3, repeat_after_s=0.2)

    def is_repeated() -> bool:
        numbers = [number for record in receiver.records(DEVICE) for number in span_of(record)[:1]]
        return all(numbers.count(seq) >= 2 for seq in (1, 2, 3))  # acknowledged long since, and sent again

    eventually(is_repeated)

    assert line.held == 3


def test_a_receipt_is_obeyed_to_the_number(
    mosquitto: Mosquitto, receiver: Receiver, connect: Connect
) -> None:
    line = connect(mosquitto.port, appended=10)
    is_heard(receiver, (10, 10), (1, 5), (6, 9))

    receiver.say_receipt(DEVICE, line.outbox.epoch, 3, (7, 8), (10, 10))
    eventually(lambda: line.held == 4)

    assert [one.first for one in line.outbox.after(0, 99)] == [4, 5, 6, 9]


def test_the_backlog_drains_as_receipts_come(
    mosquitto: Mosquitto, receiver: Receiver, connect: Connect
) -> None:
    line = connect(mosquitto.port, appended=100)

    def settle_what_was_heard() -> bool:
        spans = receiver.spans(DEVICE)
        receiver.say_receipt(DEVICE, line.outbox.epoch, 0, *spans)
        return line.held == 0

    eventually(settle_what_was_heard)

    assert len(receiver.spans(DEVICE)) == len(set(receiver.spans(DEVICE))), "a batch was sent twice"
    assert len(receiver.records(DEVICE)) == 100


def test_a_receipt_for_another_epoch_changes_nothing(
    mosquitto: Mosquitto, receiver: Receiver, connect: Connect
) -> None:
    line = connect(mosquitto.port, appended=4)
    is_heard(receiver, (4, 4), (1, 3))
    epoch = line.outbox.epoch

    receiver.say_receipt(DEVICE, "00000000", 4)
    receiver.say_receipt(DEVICE, "00000000", 4_000_000)
    receiver.say_receipt(DEVICE, epoch, 1)
    eventually(lambda: line.held == 3)

    assert line.outbox.epoch == epoch


def test_a_receipt_beyond_the_head_begins_a_new_epoch_with_all_that_is_held(
    mosquitto: Mosquitto, receiver: Receiver, connect: Connect
) -> None:
    line = connect(mosquitto.port, appended=4)
    is_heard(receiver, (4, 4), (1, 3))
    before = line.outbox.epoch

    receiver.say_receipt(DEVICE, before, 2, (3, 5))
    eventually(
        lambda: (
            {(1, 3), (4, 4)} <= {(e.first, e.last) for e in receiver.envelopes(DEVICE) if e.epoch != before}
        )
    )

    assert line.held == 4
    assert line.outbox.epoch != before
    receiver.say_receipt(DEVICE, line.outbox.epoch, 4)
    eventually(lambda: line.held == 0)


MALFORMED = {
    "empty": b"",
    "no JSON": b"\xff\xfe{",
    "a list": b"[1]",
    "no epoch": b'{"through":4,"time":1}',
    "no time": b'{"epoch":"EPOCH","through":4}',
    "a time of NaN": b'{"epoch":"EPOCH","through":4,"time":NaN}',
    "a time beyond all": b'{"epoch":"EPOCH","through":4,"time":1e400}',
    "an epoch that is none": b'{"epoch":"../../etc","through":4,"time":1}',
    "a negative mark": b'{"epoch":"EPOCH","through":-4,"time":1}',
    "a mark that is a text": b'{"epoch":"EPOCH","through":"four","time":1}',
    "ranges that run backwards": b'{"epoch":"EPOCH","through":0,"ranges":[[4,1]],"time":1}',
    "ranges that are numbers": b'{"epoch":"EPOCH","through":0,"ranges":[1,2],"time":1}',
    "ranges from below all numbers": b'{"epoch":"EPOCH","through":0,"ranges":[[-10000000000000000000,4]],"time":1}',
    "ten megabytes": b'{"epoch":"EPOCH","through":4,"time":1,"x":"' + b"x" * 10_000_000 + b'"}',
}


@pytest.mark.parametrize("payload", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_receipt_is_counted_and_harmless(
    mosquitto: Mosquitto, receiver: Receiver, connect: Connect, payload: bytes
) -> None:
    line = connect(mosquitto.port, appended=4)
    is_heard(receiver, (4, 4), (1, 3))

    receiver.say(RECEIPT, payload.replace(b"EPOCH", line.outbox.epoch.encode()))
    eventually(lambda: line.uplink.counters["receipts_malformed"] == 1)
    assert line.held == 4
    receiver.say_receipt(DEVICE, line.outbox.epoch, 4)
    eventually(lambda: line.held == 0)

    assert line.uplink.counters["connected"] == 1
    assert line.uplink.counters["failed"] == 0


def test_a_receipt_that_was_retained_is_obeyed_at_connect(
    mosquitto: Mosquitto, receiver: Receiver, connect: Connect, tmp_path: Path
) -> None:
    first = connect(mosquitto.port, appended=5)
    is_heard(receiver, (5, 5), (1, 4))
    first.end()
    receiver.say_receipt(DEVICE, first.outbox.epoch, 3)

    line = connect(mosquitto.port)

    eventually(lambda: line.held == 2)
    assert line.outbox.depth().held == 4


def test_other_peoples_receipts_do_not_arrive(
    mosquitto: Mosquitto, receiver: Receiver, connect: Connect
) -> None:
    line = connect(mosquitto.port, appended=2)
    is_heard(receiver, (2, 2), (1, 1))

    receiver.say_receipt("kk-0002", line.outbox.epoch, 2)
    receiver.say_receipt(DEVICE, line.outbox.epoch, 1)
    eventually(lambda: line.held == 1)


def test_it_says_online_and_says_goodbye(mosquitto: Mosquitto, receiver: Receiver, connect: Connect) -> None:
    line = connect(mosquitto.port)
    eventually(lambda: receiver.states(DEVICE) == ["online"])
    line.end()
    eventually(lambda: receiver.states(DEVICE) == ["online", "offline"])

    with Receiver(mosquitto.port) as later:
        eventually(lambda: later.states(DEVICE) == ["offline"])  # retained


def test_a_broker_that_is_away_at_the_start_is_found_when_it_comes(connect: Connect) -> None:
    with Mosquitto() as broker:
        broker.stop()
        line = connect(broker.port, appended=3)
        eventually(lambda: line.uplink.counters["connect_failed"] >= 1)
        assert not line.uplink.is_connected
        line.uplink.publish("health", b"{}")  # dropped, and nobody minds
        broker.start()
        with Receiver(broker.port) as receiver:
            is_heard(receiver, (3, 3), (1, 2))
            receiver.say_receipt(DEVICE, line.outbox.epoch, 3)
            eventually(lambda: line.held == 0)
        line.end()


def test_after_a_broker_that_forgot_everything_all_is_sent_again(
    mosquitto: Mosquitto, connect: Connect
) -> None:
    with Receiver(mosquitto.port) as before:
        line = connect(mosquitto.port, appended=8)
        is_heard(before, (8, 8), (1, 5), (6, 7))
    mosquitto.kill()
    eventually(lambda: not line.uplink.is_connected)
    line.append(2)
    mosquitto.start()
    with Receiver(mosquitto.port) as after:
        eventually(lambda: line.uplink.is_connected)

        def settle_what_was_heard() -> bool:
            after.say_receipt(DEVICE, line.outbox.epoch, 0, *after.spans(DEVICE))
            return line.held == 0

        eventually(settle_what_was_heard)
        assert {number for record in after.records(DEVICE) for number in span_of(record)} >= set(range(1, 8))


def test_a_broker_that_falls_silent_is_noticed_and_found_again(
    mosquitto: Mosquitto, connect: Connect
) -> None:
    line = connect(mosquitto.port, appended=3, keepalive_s=1)
    eventually(lambda: line.uplink.is_connected)
    subprocess.run(["kill", "-STOP", str(mosquitto.pid)], check=True)
    try:
        eventually(lambda: not line.uplink.is_connected)
    finally:
        subprocess.run(["kill", "-CONT", str(mosquitto.pid)], check=True)

    eventually(lambda: line.uplink.is_connected)
    assert line.held == 3


def test_a_dead_line_is_noticed_by_the_batch_that_nobody_acknowledges(
    mosquitto: Mosquitto, connect: Connect
) -> None:
    line = connect(mosquitto.port, appended=1, keepalive_s=600, repeat_after_s=0.3, deaf_after_s=0.3)
    eventually(
        lambda: line.uplink.counters["batches_sent"] >= 2
    )  # no receipt, yet acknowledged: the line is good
    subprocess.run(["kill", "-STOP", str(mosquitto.pid)], check=True)
    try:
        eventually(lambda: not line.uplink.is_connected)
    finally:
        subprocess.run(["kill", "-CONT", str(mosquitto.pid)], check=True)

    eventually(lambda: line.uplink.is_connected)
    assert line.held == 1


def test_a_line_is_not_given_up_because_receipts_are_missing(mosquitto: Mosquitto, connect: Connect) -> None:
    line = connect(mosquitto.port, appended=1, repeat_after_s=0.05, deaf_after_s=0.4)
    eventually(lambda: line.uplink.counters["repeated"] >= 4)  # each wait twice as long as the one before

    assert line.uplink.counters["connected"] == 1


def test_new_observations_are_gathered_and_an_event_breaks_the_batch(
    mosquitto: Mosquitto, receiver: Receiver, connect: Connect
) -> None:
    line = connect(mosquitto.port, batch_every_s=600.0, deflate=Deflate.ALWAYS)
    eventually(lambda: line.uplink.is_connected)
    line.append()
    is_heard(receiver, (1, 1))  # nothing was sent before: it goes at once
    receiver.say_receipt(DEVICE, line.outbox.epoch, 1)
    eventually(lambda: line.held == 0)  # the uplink has looked again, and waits
    line.append(3)
    line.uplink.nudge(urgent=True)
    is_heard(receiver, (2, 4))

    assert receiver.spans(DEVICE) == [(1, 1), (2, 4)]


def test_a_batch_goes_when_its_time_has_come(
    mosquitto: Mosquitto, receiver: Receiver, connect: Connect
) -> None:
    line = connect(mosquitto.port, batch_every_s=0.5)
    eventually(lambda: line.uplink.is_connected)
    line.append()
    is_heard(receiver, (1, 1))
    line.append(3)
    is_heard(receiver, (2, 4))

    assert receiver.spans(DEVICE) == [(1, 1), (2, 4)]


def test_what_the_line_carries_is_counted_both_ways_with_its_headers(
    mosquitto: Mosquitto, receiver: Receiver, connect: Connect
) -> None:
    with Cable(mosquitto.port) as cable:
        line = connect(cable.port, appended=11)
        is_heard(receiver, (11, 11), (1, 5), (6, 10))
        receiver.say_receipt(DEVICE, line.outbox.epoch, 11)
        eventually(lambda: line.held == 0)
        line.end()
        by_the_cable = cable.carried.total()

    headers = sum(line.carried) - by_the_cable
    assert by_the_cable > 1000
    assert 20 * 52 <= headers <= 80 * 52
    # To the byte, but for the end of the line: a last acknowledgement and a goodbye may still be on their way.
    assert abs((headers + 26) % 52 - 26) <= 6


@pytest.fixture
def guarded() -> Iterator[Mosquitto]:
    """A broker that knows one user, `kk-0001` with the password `right`."""
    broker = Mosquitto(anonymous=False)
    passwords = broker.directory / "passwords"
    program = shutil.which("mosquitto_passwd")
    assert program is not None
    subprocess.run([program, "-b", "-c", str(passwords), DEVICE, "right"], check=True, capture_output=True)
    broker.settings = (f"password_file {passwords}",)
    with broker:
        yield broker


def test_whoever_is_refused_keeps_trying_and_says_why(
    guarded: Mosquitto, connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    line = connect(guarded.port, appended=2, username=DEVICE, password="wrong")

    eventually(lambda: line.uplink.counters["connect_failed"] >= 2)

    assert line.thread.is_alive()
    assert (line.uplink.is_connected, line.held) == (False, 2)
    assert "not authorized" in "".join(capsys.readouterr()).lower()


def test_whoever_was_refused_is_let_in_once_the_broker_knows_better(
    guarded: Mosquitto, connect: Connect
) -> None:
    line = connect(guarded.port, appended=2, username=DEVICE, password="new")
    eventually(lambda: line.uplink.counters["connect_failed"] >= 1)
    passwords = guarded.directory / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", str(passwords), DEVICE, "new"], check=True, capture_output=True)
    subprocess.run(["kill", f"-{signal.SIGHUP.value}", str(guarded.pid)], check=True)

    with Receiver(guarded.port, credentials=(DEVICE, "new")) as receiver:
        is_heard(receiver, (2, 2))
        receiver.say_receipt(DEVICE, line.outbox.epoch, 2)
        eventually(lambda: line.held == 0)


def test_the_broker_says_offline_for_a_device_that_went_without_a_word(
    mosquitto: Mosquitto, receiver: Receiver, connect: Connect
) -> None:
    line = connect(mosquitto.port)
    eventually(lambda: receiver.states(DEVICE) == ["online"])
    client = line.uplink._client
    assert client is not None

    client.socket().shutdown(socket.SHUT_RDWR)  # a process that is killed: tests/journeys/test_power_cut.py

    eventually(lambda: receiver.states(DEVICE)[:3] == ["online", "offline", "online"])


def test_thirty_days_of_backlog_never_delay_the_newest_reading_by_more_than_ten_seconds(
    mosquitto: Mosquitto, receiver: Receiver, connect: Connect, tmp_path: Path
) -> None:
    outbox = Outbox(tmp_path / "outbox.db", device=DEVICE, serial="pi-1")
    outbox._file.db.execute(
        "PRAGMA synchronous = OFF"
    )  # the month before the test need not survive a power cut
    for seq in range(1, 43_201):
        instant = Instant(START_MS + 60_000 * seq, 60_000 * seq, "boot-1", is_synchronised=True)
        outbox.append(instant, [Reading(Parameter.PH, 7.4)])
    outbox.close()
    stop = threading.Event()

    def server() -> None:
        while not stop.wait(0.1):
            receiver.say_receipt(DEVICE, line.outbox.epoch, 0, *receiver.spans(DEVICE))

    line = connect(mosquitto.port, deflate=Deflate.BATCHES)
    settling = threading.Thread(target=server)
    settling.start()
    delays = []
    while (held := line.held) > 1_000 and len(delays) < 40:
        eventually(lambda before=held: line.held < before - 50, within_s=60)
        line.append()
        appended_s, newest = time.monotonic(), line.outbox.head
        eventually(
            lambda seq=newest: any(first <= seq <= last for first, last in receiver.spans(DEVICE)[-20:])
        )
        delays.append(time.monotonic() - appended_s)
    stop.set()
    settling.join()

    assert line.held > 1_000, "it was drained before anything was seen"
    assert max(delays) < 10.0
    print(f"newest after {max(delays):.3f} s at most, {len(delays)} times")  # noqa: T201 - for docs/performance.md


def test_an_image_put_back_that_has_grown_past_the_old_receipt_loses_nothing(
    mosquitto: Mosquitto, receiver: Receiver, connect: Connect, tmp_path: Path
) -> None:
    first = connect(mosquitto.port, appended=3)
    is_heard(receiver, (3, 3), (1, 2))
    first.end()
    first.outbox.close()
    image = (tmp_path / "outbox.db").read_bytes()
    second = connect(mosquitto.port, appended=7)
    is_heard(receiver, (10, 10))
    second.end()
    receiver.say_receipt(DEVICE, second.outbox.epoch, 10)
    second.outbox.close()
    for part in ("-wal", "-shm"):
        (tmp_path / f"outbox.db{part}").unlink(missing_ok=True)
    (tmp_path / "outbox.db").write_bytes(image)

    third = connect(mosquitto.port, appended=20)  # numbers 4 to 23: the receipt speaks of 10
    eventually(lambda: third.outbox.epoch != first.outbox.epoch)

    def settle_what_was_heard() -> bool:
        spans = [(e.first, e.last) for e in receiver.envelopes(DEVICE) if e.epoch == third.outbox.epoch]
        receiver.say_receipt(DEVICE, third.outbox.epoch, 0, *spans)
        return third.held == 0

    eventually(settle_what_was_heard)
    assert third.outbox.head >= 23
