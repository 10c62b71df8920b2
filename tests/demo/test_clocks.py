"""Clocks of the demonstration: nothing is skipped, whatever the speed."""

import threading
import time
from datetime import timedelta

import pytest

from demo.clocks import DrivenClock, EdgeClock, ScaledClock
from tests.builders import instant

START = instant("2026-11-20T06:00:00Z")


class Sleeper:
    """A loop that notes the time whenever it wakes."""

    def __init__(self, clock: DrivenClock, every_s: float, times: int) -> None:
        self.woke: list[float] = []
        self.stop = threading.Event()
        self._clock, self._every_s, self._times = clock, every_s, times
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        for _ in range(self._times):
            self._clock.pause(self._every_s, self.stop)
            self.woke.append((self._clock.now() - START).total_seconds())


def test_every_sleeper_is_woken_at_its_own_time_in_order() -> None:
    clock = DrivenClock(START)
    quick, slow = Sleeper(clock, 10, 12), Sleeper(clock, 25, 4)

    clock.advance_to(START + timedelta(seconds=100), lambda: quick.thread.is_alive() + slow.thread.is_alive())

    assert [10.0 * n for n in range(1, 11)] == quick.woke
    assert [25.0, 50.0, 75.0, 100.0] == slow.woke
    quick.stop.set()


def test_a_sleeper_that_is_called_wakes_at_once() -> None:
    clock = DrivenClock(START)
    sleeper = Sleeper(clock, 1_000, 1)

    sleeper.stop.set()
    sleeper.thread.join(5)

    assert [0.0] == sleeper.woke


def test_going_back_changes_nothing() -> None:
    clock = DrivenClock(START)

    clock.advance_to(START - timedelta(days=1), lambda: 0)

    assert START == clock.now()


def test_a_scaled_clock_runs_as_many_times_faster() -> None:
    clock = ScaledClock(START, 1_000)
    before_s = time.monotonic()
    clock.pause(100, threading.Event())

    real_s = time.monotonic() - before_s
    assert real_s >= 0.099
    assert (
        pytest.approx((clock.now() - START).total_seconds(), rel=0.2) == (time.monotonic() - before_s) * 1_000
    )


def test_a_device_sees_a_synchronised_clock() -> None:
    seen = EdgeClock(DrivenClock(START)).read()

    assert (START, True) == (seen.wall, seen.is_synchronised)
