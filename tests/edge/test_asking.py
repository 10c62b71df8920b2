"""A device in 1970 at a real broker, with NTP blocked: it comes in by TLS, asks, and learns the time."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.agent import Agent, AgentParts
from edge.clock import Instant
from edge.lanes import SendingPolicy
from edge.outbox import Outbox
from edge.schedule import Every
from edge.uplink import Broker
from edge.validity import mind_dates, refuse_expired
from firmware_config.tls import client_context
from tests.fakes.hand_wound_clock import START_MS
from tests.fakes.patience import eventually
from tests.fakes.receiver import Receiver
from tests.services.mosquitto import Mosquitto
from waterquality.intervals import IntervalSet
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading, from_ms, to_ms
from waterquality.topics import of_device
from waterquality.wire.messages import Receipt, encode_receipt
from waterquality.wire.records import Note, NoteKind

DEVICE = "kk-0001"
HOUR_MS = 3_600_000


class Clock1970:
    """A clock that started in 1970 and stands still; nobody has synchronised it."""

    def __init__(self, boottime_ms: int = 6 * HOUR_MS) -> None:
        self.boottime_ms = boottime_ms

    def read(self) -> Instant:
        return Instant(self.boottime_ms, self.boottime_ms, "boot-2", is_synchronised=False)

    def pause(self, _seconds: float, wake: threading.Event) -> None:
        wake.wait(0.05)


Start = Callable[[Broker], Agent]


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    """Two records whose time is known, then a boot in 1970 with two whose time is not."""
    box = Outbox(tmp_path / "o.db", device=DEVICE, serial="pi-1")
    for n in range(2):
        box.append(Instant(START_MS + n, n, "boot-1", is_synchronised=True), [Reading(Parameter.PH, 7.0)])
    box.discard_through(2)
    for hour in (1, 2):
        at = Instant(hour * HOUR_MS, hour * HOUR_MS, "boot-2", is_synchronised=False)
        box.append(at, [Reading(Parameter.PH, 7.0 + hour)])
    return box


@pytest.fixture
def start(outbox: Outbox) -> Iterator[Start]:
    with ExitStack() as running:

        def started(broker: Broker) -> Agent:
            agent = Agent(
                AgentParts(
                    device=DEVICE, probes=(), outbox=outbox, broker=broker, clock=Clock1970(),
                    schedule=Every(3_600), policy=SendingPolicy(repeat_after_s=60.0),
                )
            )  # fmt: skip
            running.callback(agent.stop)
            agent.start()
            return agent

        yield started


def receipts(receiver: Receiver, epoch: str, server_ms: int, *, retain: bool = False) -> None:
    """The server settles all that it has heard."""
    settled = IntervalSet.of(receiver.spans(DEVICE))
    payload = encode_receipt(Receipt(epoch, 0, settled, server_ms))
    receiver.say(of_device(DEVICE, "receipt"), payload, retain=retain)


def before_the_question(receiver: Receiver) -> list[Observation]:
    """What was taken in 1970: it has readings, which this agent's own observations have not."""
    records = (one for one in receiver.records(DEVICE) if isinstance(one, Observation))
    return [one for one in records if one.readings]


@pytest.mark.integration
def test_a_device_in_1970_asks_the_server_and_everything_gets_its_true_time(
    mosquitto: Mosquitto, outbox: Outbox, start: Start
) -> None:
    now_ms = START_MS + 24 * HOUR_MS
    with Receiver(mosquitto.port) as receiver:
        start(Broker("127.0.0.1", mosquitto.port))
        eventually(lambda: receiver.records(DEVICE))
        (question,) = receiver.records(DEVICE)
        assert isinstance(question, Note)
        assert question.kind is NoteKind.CLOCK_ASKED
        assert question.taken_ms < now_ms

        receipts(receiver, outbox.epoch, now_ms)
        eventually(lambda: len(before_the_question(receiver)) == 2)

        observed = before_the_question(receiver)
        booted_ms = now_ms - 6 * HOUR_MS
        times = sorted((one.taken_ms, one.clock_uncertainty_s) for one in observed)
        assert [taken_ms for taken_ms, _ in times] == [booted_ms + HOUR_MS, booted_ms + 2 * HOUR_MS]
        assert all(doubt_s <= 3.0 for _, doubt_s in times), "five hours of crystal, and a round trip"


@pytest.mark.integration
def test_a_retained_receipt_tells_no_time(mosquitto: Mosquitto, outbox: Outbox, start: Start) -> None:
    with Receiver(mosquitto.port) as receiver:
        payload = encode_receipt(Receipt(outbox.epoch, 2, IntervalSet(), START_MS + HOUR_MS))
        receiver.say(of_device(DEVICE, "receipt"), payload, retain=True)
        agent = start(Broker("127.0.0.1", mosquitto.port))
        eventually(lambda: receiver.records(DEVICE))

        assert not agent.clock.read().is_synchronised


def certificate(folder: Path, *, begins: datetime, ends: datetime) -> tuple[Path, Path]:
    """A certificate of a broker at localhost that signs itself, with these dates."""
    key, pem = folder / "broker.key", folder / "broker.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", str(key), "-out", str(pem), "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-days", "1"],
        check=True, capture_output=True,
    )  # fmt: skip
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    made = x509.load_pem_x509_certificate(pem.read_bytes())
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    builder = x509.CertificateBuilder(
        issuer_name=made.issuer, subject_name=made.subject, public_key=made.public_key(),
        serial_number=made.serial_number, not_valid_before=begins, not_valid_after=ends,
        extensions=list(made.extensions),
    )  # fmt: skip
    signed = builder.sign(private, hashes.SHA256())  # type: ignore[arg-type]
    pem.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    return pem, key


def guarded(folder: Path, *, begins: datetime, ends: datetime) -> tuple[Mosquitto, Path]:
    pem, key = certificate(folder, begins=begins, ends=ends)
    return Mosquitto(settings=(f"certfile {pem}", f"keyfile {key}")), pem


@pytest.mark.integration
def test_in_1970_a_broker_is_reached_whose_certificate_is_not_yet_valid(
    tmp_path: Path, outbox: Outbox, start: Start
) -> None:
    """To OpenSSL this machine's clock says today; so the certificate begins tomorrow."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    broker, pem = guarded(tmp_path, begins=tomorrow, ends=tomorrow + timedelta(days=90))
    with broker:
        agent = start(Broker("localhost", broker.port, tls=client_context(pem, None, None)))

        eventually(lambda: agent.uplink.is_connected)


@pytest.mark.integration
def test_a_certificate_that_had_ended_before_the_earliest_that_it_can_be_is_refused(
    tmp_path: Path, outbox: Outbox, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = from_ms(START_MS) - timedelta(days=1)
    broker, pem = guarded(tmp_path, begins=ended - timedelta(days=90), ends=ended)
    with broker:
        agent = start(Broker("localhost", broker.port, tls=client_context(pem, None, None)))
        eventually(lambda: agent.uplink.counters["connect_failed"] >= 1)

        assert not agent.uplink.is_connected
        assert "certificate ended on" in "".join(capsys.readouterr())


def test_once_the_time_is_known_openssl_judges_dates_again(tmp_path: Path) -> None:
    begins = datetime.now(UTC) + timedelta(days=1)
    pem, _ = certificate(tmp_path, begins=begins, ends=begins + timedelta(days=1))
    context = client_context(pem, None, None)
    flags = context.verify_flags

    mind_dates(context, is_time_known=False)
    assert context.verify_flags != flags
    mind_dates(context, is_time_known=True)
    assert context.verify_flags == flags


class Shown:
    """A connection that has shown a certificate."""

    def getpeercert(self) -> dict[str, str]:
        return {"notAfter": "Jan  5 00:00:00 2026 GMT"}


def test_an_end_is_judged_by_the_earliest_that_it_can_be() -> None:
    ends = to_ms(datetime(2026, 1, 5, tzinfo=UTC))
    refuse_expired(Shown(), from_ms(ends))  # type: ignore[arg-type]
    with pytest.raises(OSError, match="ended on 2026-01-05"):
        refuse_expired(Shown(), from_ms(ends + 1))  # type: ignore[arg-type]
