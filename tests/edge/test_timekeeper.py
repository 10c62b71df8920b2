"""The timekeeper: whom it believes, how far, and that it never falls below what was recorded."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from edge.clock import Instant
from edge.outbox.dating import EARLIEST_MS, Known
from edge.timekeeper import Timekeeper, battery_clock_ms
from tests.fakes.hand_wound_clock import START_MS, HandWoundClock

DAY_MS = 86_400_000


def unknown_clock(wall_ms: int = 5_000, boottime_ms: int = 5_000) -> HandWoundClock:
    return HandWoundClock(wall_ms=wall_ms, boottime_ms=boottime_ms, is_synchronised=False)


def keeper(clock: HandWoundClock, known: Known | None = None, **given: int) -> Timekeeper:
    return Timekeeper(clock, known=known or Known(), **{"earliest_ms": START_MS} | given)


def known(
    at_ms: int = START_MS, boot: str = "boot-0", boottime_ms: int = 0, uncertainty_s: float = 0.0
) -> Known:
    return Known(at_ms, at_ms, uncertainty_s, boot, boottime_ms)


def test_a_clock_that_starts_in_1970_shows_no_time_before_what_was_recorded() -> None:
    clock = unknown_clock()
    timekeeper = keeper(clock)
    clock.run(60)

    now = timekeeper.read()
    assert (now.wall_ms, now.is_synchronised) == (START_MS + 60_000, False)


def test_a_clock_that_is_ahead_of_what_was_recorded_is_shown_and_not_believed() -> None:
    now = keeper(unknown_clock(wall_ms=START_MS + DAY_MS)).read()

    assert (now.wall_ms, now.is_synchronised) == (START_MS + DAY_MS, False)


def test_ntp_is_believed_before_all_else() -> None:
    clock = HandWoundClock()
    timekeeper = keeper(clock, known(START_MS - 5_000, "boot-1", -9_999))

    assert timekeeper.read() == clock.read()


def test_a_receipt_tells_the_time_to_half_the_time_it_took() -> None:
    clock = unknown_clock()
    timekeeper = keeper(clock)
    clock.run(4)

    assert timekeeper.learn(START_MS + DAY_MS, asked_ms=5_000, heard_ms=9_000)
    clock.run(60)

    now = timekeeper.read()
    assert (now.wall_ms, now.is_synchronised) == (START_MS + DAY_MS + 2_000 + 60_000, True)
    assert now.uncertainty_s == pytest.approx(2.0, abs=0.01)


def test_an_answer_that_took_too_long_tells_nothing() -> None:
    clock = unknown_clock(boottime_ms=200_000)
    timekeeper = keeper(clock)

    assert not timekeeper.learn(START_MS + DAY_MS, asked_ms=5_000, heard_ms=200_000)
    assert not timekeeper.read().is_synchronised


def test_a_server_behind_what_was_recorded_is_not_believed() -> None:
    clock = unknown_clock()
    timekeeper = keeper(clock)

    assert not timekeeper.learn(START_MS - DAY_MS, asked_ms=5_000, heard_ms=5_100)
    assert not timekeeper.read().is_synchronised


def test_the_nearer_answer_stays_until_it_has_drifted_as_far() -> None:
    clock = unknown_clock()
    timekeeper = keeper(clock)
    timekeeper.learn(START_MS + DAY_MS, asked_ms=5_000, heard_ms=5_200)
    near = timekeeper.read()
    clock.run(30)
    timekeeper.learn(START_MS + DAY_MS + 500_000, asked_ms=5_200, heard_ms=35_200)

    assert timekeeper.read().booted_ms == near.booted_ms
    clock.run(3 * 86_400)
    timekeeper.learn(START_MS + 4 * DAY_MS, asked_ms=clock.boottime_ms - 4_000, heard_ms=clock.boottime_ms)
    assert timekeeper.read().wall_ms == START_MS + 4 * DAY_MS + 2_000


def test_when_sync_is_lost_the_time_stays_known_and_its_doubt_grows() -> None:
    clock = DriftingClock(Instant(START_MS, 0, "boot-1", is_synchronised=True))
    timekeeper = Timekeeper(clock, known=Known(), earliest_ms=EARLIEST_MS)
    clock.instant = replace(clock.instant, wall_ms=START_MS + DAY_MS, boottime_ms=DAY_MS, uncertainty_s=8.64)

    assert timekeeper.read().uncertainty_s == 8.64
    timekeeper.learn(START_MS + DAY_MS + 1_000, asked_ms=DAY_MS - 1_000, heard_ms=DAY_MS)
    assert timekeeper.read().uncertainty_s == 0.5


def test_an_agent_started_anew_in_the_same_boot_still_knows_the_time() -> None:
    clock = unknown_clock(boottime_ms=600_000)
    timekeeper = keeper(clock, known(START_MS, "boot-1", 540_000))

    now = timekeeper.read()
    assert (now.wall_ms, now.is_synchronised) == (START_MS + 60_000, True)


def test_a_guess_of_the_run_before_is_not_taken_for_knowledge() -> None:
    timekeeper = keeper(
        unknown_clock(boottime_ms=600_000), known(START_MS, "boot-1", 540_000, uncertainty_s=3e8)
    )

    assert not timekeeper.read().is_synchronised


def test_a_battery_clock_that_was_right_is_believed_as_far_as_it_may_have_drifted() -> None:
    clock = unknown_clock(wall_ms=START_MS + 10 * DAY_MS)

    now = keeper(clock, known(), rtc_ms=START_MS + 10 * DAY_MS + 900).read()

    assert (now.wall_ms, now.is_synchronised) == (START_MS + 10 * DAY_MS, True)
    assert now.uncertainty_s == pytest.approx(2 + 86.4)


@pytest.mark.parametrize(
    ("why", "wall_ms", "rtc_ms", "knows"),
    [
        ("its battery was empty", START_MS + 60_000, 7_000, known()),
        ("it lies behind what was recorded", START_MS - 60_000, START_MS - 60_000, known()),
        ("nobody ever knew the time", START_MS, START_MS, Known()),
        ("the newest time was a guess", START_MS + 60_000, START_MS + 60_000, known(uncertainty_s=3e8)),
    ],
)
def test_a_battery_clock_is_not_believed_when(why: str, wall_ms: int, rtc_ms: int, knows: Known) -> None:
    assert not keeper(unknown_clock(wall_ms=wall_ms), knows, rtc_ms=rtc_ms).read().is_synchronised, why


def test_the_kernels_battery_clock_is_read_where_the_system_runs_by_it(tmp_path: Path) -> None:
    assert battery_clock_ms(tmp_path) is None
    (tmp_path / "since_epoch").write_text("1763900040\n")
    (tmp_path / "hctosys").write_text("0\n")
    assert battery_clock_ms(tmp_path) is None
    (tmp_path / "hctosys").write_text("1\n")
    assert battery_clock_ms(tmp_path) == START_MS


@dataclass
class DriftingClock:
    """A clock that shows what it is told to."""

    instant: Instant

    def read(self) -> Instant:
        return self.instant

    def pause(self, _seconds: float, wake: object) -> None:
        raise NotImplementedError
