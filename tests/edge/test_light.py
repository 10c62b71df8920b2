"""What the light says, and that the rhythm alone says it."""

import threading

import pytest

from edge.board import Board, Shown
from edge.clock import Instant
from edge.light import RHYTHMS, Colour, Light, Sign, sign_of
from tests.fakes.hand_wound_clock import HandWoundClock
from waterquality.flags import NOT_SCREENED, Flag, Screened, Why
from waterquality.parameters import Parameter
from waterquality.readings import Reading


def instant(at_s: float, *, is_synchronised: bool = True) -> Instant:
    return Instant(1_763_900_040_000, round(at_s * 1000), "boot", is_synchronised)


def shown(*screened: Screened, at_s: float = 0.0) -> Shown:
    readings = tuple(Reading(Parameter.PH, 7.0, screened=each) for each in screened)
    return Shown(1, instant(at_s), readings)


SICK = Screened(Flag.MISSING, Why.PROBE_DISCONNECTED)


@pytest.mark.parametrize(
    ("newest", "now", "is_connected", "said"),
    [
        pytest.param(shown(NOT_SCREENED), instant(60), True, Sign.NORMAL, id="all is normal"),
        pytest.param(None, instant(60), True, Sign.UNKNOWN, id="nothing was read yet"),
        pytest.param(shown(NOT_SCREENED), instant(181), True, Sign.UNKNOWN, id="the readings are old"),
        pytest.param(shown(NOT_SCREENED), instant(60), False, Sign.UNKNOWN, id="no connection"),
        pytest.param(
            shown(NOT_SCREENED),
            instant(60, is_synchronised=False),
            True,
            Sign.UNKNOWN,
            id="the time is unknown",
        ),
        pytest.param(shown(NOT_SCREENED, SICK), instant(60), True, Sign.LOOK, id="a probe is unplugged"),
        pytest.param(shown(SICK), instant(60), False, Sign.LOOK, id="unplugged and no connection"),
        pytest.param(shown(SICK), instant(181), False, Sign.UNKNOWN, id="it was unplugged long ago"),
        pytest.param(
            shown(Screened(Flag.SUSPECT, Why.PROBE_STUCK)),
            instant(60),
            True,
            Sign.LOOK,
            id="a probe is stuck",
        ),
        pytest.param(
            shown(Screened(Flag.SUSPECT, Why.STAGNANT_SAMPLE)),
            instant(60),
            True,
            Sign.NORMAL,
            id="a closed tap",
        ),
        pytest.param(
            shown(Screened(Flag.SUSPECT, Why.PROBE_SERVICED)),
            instant(60),
            True,
            Sign.NORMAL,
            id="somebody is there",
        ),
    ],
)
def test_what_it_says(newest: Shown | None, now: Instant, is_connected: bool, said: Sign) -> None:
    assert sign_of(newest, now, is_connected=is_connected, stale_s=180.0) is said


def test_a_probe_that_rests_is_as_well_as_when_it_was_last_asked() -> None:
    board, said = Board(), []
    well = Reading(Parameter.TEMPERATURE, 11.5)
    ticks = [
        [],
        [well, Reading(Parameter.PH, None, screened=SICK)],
        [well],
        [well, Reading(Parameter.PH, 7.0)],
        [],
    ]
    for second, readings in enumerate(ticks):
        board.show(instant(second), readings)
        said.append(sign_of(board.newest(), instant(second), is_connected=True, stale_s=180.0))

    assert said == [Sign.UNKNOWN, Sign.LOOK, Sign.LOOK, Sign.NORMAL, Sign.NORMAL]


def test_every_sign_is_told_by_its_rhythm_alone() -> None:
    rhythms = [RHYTHMS[sign].steps_s for sign in Sign]

    assert len(set(rhythms)) == len(Sign)
    assert all(len(steps) % 2 == 0 for steps in rhythms)  # it ends dark


class Recorder:
    """A lamp that writes down what it showed, and when."""

    def __init__(self, clock: HandWoundClock) -> None:
        self._clock, self.showed = clock, []

    def show(self, colour: Colour | None) -> None:
        self.showed.append((self._clock.boottime_ms, colour))

    def close(self) -> None:
        self.showed.append((self._clock.boottime_ms, None))


def run(light_of, *, until_ms: int) -> list[tuple[int, Colour | None]]:
    stop = threading.Event()
    clock = HandWoundClock(at_wait=lambda wound: stop.set() if wound.boottime_ms >= until_ms else None)
    lamp = Recorder(clock)
    light_of(lamp).run(clock, stop)
    return lamp.showed


def test_it_goes_through_the_rhythm_and_ends_dark() -> None:
    showed = run(lambda lamp: Light(lamp, lambda _: Sign.LOOK), until_ms=1500)

    assert showed[:5] == [
        (0, Colour.YELLOW),
        (150, None),
        (350, Colour.YELLOW),
        (500, None),
        (1500, Colour.YELLOW),
    ]
    assert showed[-1][1] is None


def test_asked_where_it_is_it_flashes_for_so_long_and_goes_on() -> None:
    def light_of(lamp: Recorder) -> Light:
        light = Light(lamp, lambda _: Sign.NORMAL)
        light.identify(1.0)
        return light

    showed = run(light_of, until_ms=1100)

    assert [colour for _, colour in showed[:10:2]] == [Colour.WHITE] * 5
    assert (1000, Colour.BLUE) in showed
