"""Dating against a model of the true time: never farther off than it says, never exact where nobody knew."""

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.clock import EXACT_WITHIN_S, Instant
from edge.outbox.dating import (
    UNBOUNDED_S,
    WAITS_AT_MOST_MS,
    Dated,
    Known,
    Moment,
    dated,
    overdue,
    reckoned_ms,
    right_now,
)

START_MS = 1_763_900_040_000
_DRIFT = 5e-5  # the crystal of the model; the code allows for twice that
_MINUTE_MS = 60_000


@dataclass
class Life:
    """A device through boots and power cuts, with the true time beside what it knows.

    Attributes:
        true_ms: the true time.
        known: what the device knows.
        waiting: its records without a time.
        truth: the true time of every record, by number.
        given: what was given to each, in the order of their numbers.
    """

    true_ms: int = START_MS
    boot: int = 0
    boottime_ms: int = 0
    known: Known = field(default_factory=Known)
    waiting: list[Moment] = field(default_factory=list)
    truth: dict[int, int] = field(default_factory=dict)
    given: list[Dated] = field(default_factory=list)
    bracketed: set[int] = field(default_factory=set)

    def now(self, *, uncertainty_s: float = 0.0) -> Instant:
        return Instant(
            self.true_ms,
            self.boottime_ms,
            f"boot-{self.boot}",
            is_synchronised=True,
            uncertainty_s=uncertainty_s,
        )

    def passes(self, ms: int, *, crystal: float) -> None:
        self.true_ms += ms
        self.boottime_ms += round(ms * (1 + crystal * _DRIFT))

    def power_cut(self, off_ms: int) -> None:
        self.true_ms += off_ms
        self.boot, self.boottime_ms = self.boot + 1, 1_000

    def records(self) -> None:
        number = len(self.truth) + 1
        self.truth[number] = self.true_ms
        self.waiting.append(Moment(number, f"boot-{self.boot}", self.boottime_ms))

    def synchronises(self, error_s: float) -> None:
        instant = self.now(uncertainty_s=abs(error_s))
        wrong = Instant(
            instant.wall_ms + round(error_s * 1000), instant.boottime_ms, instant.boot_id, is_synchronised=True,
            uncertainty_s=abs(error_s),
        )  # fmt: skip
        self.bracketed |= {one.first for one in self.waiting if one.boot_id != instant.boot_id}
        self._give(dated(self.known, self.waiting, wrong))

    def gives_up(self) -> None:
        unknown = Instant(0, self.boottime_ms, f"boot-{self.boot}", is_synchronised=False)
        assert reckoned_ms(self.known, self.waiting, unknown) <= self.true_ms
        self._give(overdue(self.known, self.waiting, unknown))

    def _give(self, given: list[Dated]) -> None:
        self.given += given
        self.waiting = self.waiting[len(given) :]
        if given:
            self.known = given[-1].known


_hours = st.integers(1, 40).map(lambda hours: hours * 3_600_000)
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("records"), st.integers(1, 8)),
        st.tuples(st.just("passes"), st.tuples(st.one_of(st.integers(1, 300_000), _hours), st.floats(-1, 1))),
        st.tuples(st.just("power_cut"), st.one_of(st.integers(1, 60_000), _hours)),
        st.tuples(st.just("synchronises"), st.one_of(st.just(0.0), st.floats(-30, 30))),
        st.tuples(st.just("gives_up"), st.none()),
    ),
    max_size=30,
)


def lived(steps: list[tuple[str, object]]) -> Life:
    life = Life()
    for what, how in steps:
        match what:
            case "records":
                for _ in range(how):  # type: ignore[call-overload]
                    life.records()
                    life.passes(_MINUTE_MS, crystal=0.0)
            case "passes":
                life.passes(how[0], crystal=how[1])  # type: ignore[index]
            case "gives_up":
                life.gives_up()
            case _:
                getattr(life, what)(how)
    return life


@settings(max_examples=400)
@given(_steps)
def test_no_time_is_farther_from_the_truth_than_it_says(steps: list[tuple[str, object]]) -> None:
    life = lived(steps)

    for one in life.given:
        off_s = abs(one.taken_ms - life.truth[one.first]) / 1000
        assert off_s <= max(one.uncertainty_s, EXACT_WITHIN_S)
        assert one.known.earliest_ms <= life.truth[one.first] + 1


@settings(max_examples=200)
@given(_steps)
def test_times_rise_from_record_to_record(steps: list[tuple[str, object]]) -> None:
    times = [one.taken_ms for one in lived(steps).given]

    assert all(one < other for one, other in pairwise(times))


@settings(max_examples=200)
@given(_steps)
def test_a_boot_that_never_synchronised_gets_no_exact_time(steps: list[tuple[str, object]]) -> None:
    life = lived(steps)

    for one in life.given:
        if one.first in life.bracketed:
            since_known_s = (one.taken_ms - one.known.earliest_ms) / 1000
            assert one.uncertainty_s >= since_known_s - EXACT_WITHIN_S


def moment(number: int, boot: str, up_s: float) -> Moment:
    return Moment(number, boot, round(up_s * 1000))


def known(at_ms: int = START_MS, boot: str = "boot-0", up_s: float = 0.0) -> Known:
    return Known(at_ms, at_ms, 0.0, boot, round(up_s * 1000))


def synchronised(at_ms: int, boot: str, up_s: float) -> Instant:
    return Instant(at_ms, round(up_s * 1000), boot, is_synchronised=True)


def unknown(boot: str, up_s: float) -> Instant:
    return Instant(0, round(up_s * 1000), boot, is_synchronised=False)


def test_a_boot_that_comes_right_is_dated_by_the_time_since_boot_and_not_by_its_wall_time() -> None:
    waiting = [moment(1, "boot-1", 5), moment(2, "boot-1", 65)]

    given = dated(Known(), waiting, synchronised(START_MS, "boot-1", 3600))

    assert [one.taken_ms for one in given] == [START_MS - 3_595_000, START_MS - 3_535_000]
    assert {one.uncertainty_s for one in given} == {0.0}


def test_six_hours_of_crystal_are_told_as_what_they_may_be_off() -> None:
    (one,) = dated(Known(), [moment(1, "boot-1", 10)], synchronised(START_MS, "boot-1", 6 * 3600))

    assert one.uncertainty_s == 3.0  # 21,590 s at 100 ppm


def test_three_boots_without_sync_are_bracketed_each_by_its_neighbours() -> None:
    waiting = [moment(1, "a", 60), moment(2, "a", 120), moment(3, "b", 60), moment(4, "c", 60)]
    day_later = START_MS + 86_400_000

    given = dated(known(), waiting, synchronised(day_later, "d", 600))

    booted = day_later - 600_000
    assert [one.taken_ms for one in given] == [
        booted - 1 - 60_000 - 1 - 60_000 - 1 - 60_000,
        booted - 1 - 60_000 - 1 - 60_000 - 1,
        booted - 1 - 60_000 - 1,
        booted - 1,
    ]
    assert all(one.uncertainty_s > 80_000 for one in given)
    early = [one.known.earliest_ms - START_MS for one in given]
    assert early == pytest.approx([60_000, 120_000, 180_000, 240_000], abs=100)


def test_what_has_waited_for_a_day_goes_with_what_is_known_and_no_bound() -> None:
    waiting = [moment(1, "a", 60), moment(2, "a", 7_200)]

    assert overdue(known(), waiting, unknown("a", 60 + 86_390)) == []
    (one,) = overdue(known(), waiting, unknown("a", 60 + 86_500))

    assert (one.first, one.uncertainty_s) == (1, UNBOUNDED_S)
    assert one.taken_ms == pytest.approx(START_MS + 60_000, abs=100)


def test_a_device_that_is_off_every_night_does_not_wait_for_ever() -> None:
    ten_hours = [moment(number, f"day-{number}", 36_000) for number in (1, 2, 3)]

    given = overdue(known(), ten_hours, unknown("day-4", 36_000))

    assert [one.first for one in given] == [1]
    assert WAITS_AT_MOST_MS == 86_400_000


def test_a_clock_that_was_set_back_gives_the_next_millisecond_and_says_how_far_that_is() -> None:
    given = right_now(known(START_MS), synchronised(START_MS - 90_000, "boot-0", 10))

    assert (given.taken_ms, given.uncertainty_s) == (START_MS + 1, 91.0)
