"""What the tap reads is the same whether the agent gives it or the hardware does."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from edge.board import Shown, as_line
from edge.clock import Instant
from edge.knocking import NobodyAnswers
from edge.live import DirectLive, DoorLive, Frame, LiveSource, raw_text, timed
from edge.probes.inputs import ProbeDisconnected
from tests.fakes.hand_wound_clock import START_MS, HandWoundClock
from waterquality.flags import Flag, Screened, Why
from waterquality.parameters import Parameter
from waterquality.readings import Reading

READINGS = (
    Reading(Parameter.PH, 7.42, raw=1.432, certificate="c-1", spread=0.02),
    Reading(Parameter.FLOW, None, raw_unit="count", screened=Screened(Flag.MISSING, Why.PROBE_DISCONNECTED)),
)
Opening = Callable[[], LiveSource]


class StandIn:
    """A probe that always answers the same."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (self._reading.parameter,)

    def measure(self, now: object) -> tuple[Reading, ...]:
        if self._reading.value is None:
            raise ProbeDisconnected("unplugged")
        return (self._reading,)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Path]:
    """A door that says three ticks to whoever asks for them, and closes."""
    path = tmp_path / "edge.sock"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()

    def answer() -> None:
        guest, _ = listener.accept()
        with guest, guest.makefile("rwb") as lines:
            assert json.loads(lines.readline()) == {"command": "live"}
            for tick in range(3):
                shown = Shown(tick, Instant(START_MS + 1000 * tick, 0, "", True), READINGS)
                lines.write(json.dumps(as_line(shown)).encode() + b"\n")
            lines.flush()

    threading.Thread(target=answer, daemon=True).start()
    yield path
    listener.close()


@pytest.fixture(params=["door", "hardware"])
def source(request: pytest.FixtureRequest) -> LiveSource:
    if request.param == "door":
        return DoorLive(request.getfixturevalue("door"), patience_s=5.0)
    return DirectLive([StandIn(reading) for reading in READINGS], HandWoundClock())


def test_a_frame_holds_every_reading_with_all_that_is_known(source: LiveSource) -> None:
    frame = next(source.frames())

    assert (frame.time_ms, frame.is_synchronised) == (START_MS, True)
    assert frame.of(Parameter.PH) == READINGS[0]
    unplugged = frame.of(Parameter.FLOW)
    assert unplugged is not None
    assert (unplugged.value, unplugged.screened) == (None, READINGS[1].screened)
    assert frame.of(Parameter.TURBIDITY) is None


def test_frames_follow_one_another_in_time(source: LiveSource) -> None:
    times = [frame.time_ms for frame in islice(source.frames(), 3)]

    assert times == [START_MS, START_MS + 1000, START_MS + 2000]


def test_a_door_that_closes_is_said(door: Path) -> None:
    with pytest.raises(NobodyAnswers):
        list(DoorLive(door, patience_s=5.0).frames())


def test_a_door_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NobodyAnswers):
        next(DoorLive(tmp_path / "none.sock", patience_s=5.0).frames())


def test_the_seconds_of_a_series_never_go_back_with_the_clock() -> None:
    frames = iter([Frame(at, True, READINGS) for at in (5_000, 6_000, 2_000, 3_500)])

    assert [at_s for at_s, _ in timed(frames, Parameter.PH)] == [0.0, 1.0, 1.0, 2.5]


def test_raw_values_are_written_as_what_they_are() -> None:
    assert [raw_text(each) for each in READINGS] == ["1.432 V", ""]
    assert raw_text(Reading(Parameter.VOLUME, 1.0, raw=450.0, raw_unit="count")) == "450"
