"""The screener: the flags in the store depend on the readings alone, whatever came when."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.ingest.screener import Screener
from server.registry.bounds import bounds_of
from server.store.port import Row, StoreUnavailable
from server.store.sqlite import SqliteReadingStore
from tests.builders import WATER_POINT, ms, observation, reading
from waterquality.flags import Flag, Screened, Why
from waterquality.parameters import Parameter
from waterquality.readings import Observation
from waterquality.screening import Track
from waterquality.screening.own import as_sent

BOUNDS = bounds_of({})
START_MS = ms("2026-11-20T06:00:00Z")
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
GOOD = Screened(Flag.GOOD)
SPIKE = Screened(Flag.SUSPECT, Why.SPIKE)
EVER_MS = 10**13


class AwayStore(SqliteReadingStore):
    """The real store, which may be told to be away."""

    is_away = False
    asked = 0

    def write(self, rows: Sequence[Row]) -> None:
        if self.is_away:
            raise StoreUnavailable("away")
        super().write(rows)

    def neighbours(self, *whose: str, **span: object) -> Sequence[Row]:
        self.asked += 1
        if self.is_away:
            raise StoreUnavailable("away")
        return super().neighbours(*whose, **span)  # type: ignore[arg-type]


class Station:
    """A screener with its store, driven as intake drives it."""

    def __init__(self, folder: Path) -> None:
        self.store = AwayStore(folder / "readings.db")
        self.store.prepare()
        self.restart()

    def restart(self) -> None:
        self.screener = Screener(self.store, lambda _: True)

    def take(
        self, *observations: Observation, may_ask: bool = True, questions: float = float("inf")
    ) -> Sequence[Row]:
        """One round, with time for so many questions; returns what was written again."""
        rows = [Row(WATER_POINT, each, each.taken_ms + 1_500) for each in observations]
        judged = self.screener.screen(rows, lambda _: BOUNDS, may_ask=countdown(questions if may_ask else 0))
        assert [row.observation.seq for row in judged.rows] == [each.seq for each in observations]
        if may_ask:
            kept = [row for at, row in enumerate(judged.rows) if at not in judged.held_back]
            try:
                self.store.write([*kept, *judged.again])
            except StoreUnavailable:
                return []
            self.screener.stored()
        return judged.again

    def rows(self) -> Sequence[Row]:
        found = self.store.neighbours(
            WATER_POINT, "kk-0001", since_ms=0, until_ms=EVER_MS, at_most=5_000, newest=False
        )
        return list(found)

    def flags(self) -> dict[int, dict[Parameter, Screened]]:
        return {row.observation.seq: flags_of(row.observation) for row in self.rows()}


def countdown(questions: float) -> Callable[[], bool]:
    """Allows so many questions and no more."""
    left = [questions]

    def may_ask() -> bool:
        left[0] -= 1
        return left[0] >= 0

    return may_ask


def flags_of(observed: Observation) -> dict[Parameter, Screened]:
    return {parameter: each.screened for parameter, each in observed.readings.items()}


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path)


def sent(number: int, at_ms: int, **given: object) -> Observation:
    given = {"turbidity": None, "ph": None, "flow": None} | given
    return observation(seq=number, at=START_MS + at_ms, flag=Flag.UNKNOWN, **given)  # type: ignore[arg-type]


def every_minute(*phs: float) -> list[Observation]:
    return [sent(at + 1, at * MINUTE_MS, ph=ph) for at, ph in enumerate(phs)]


def in_order(observations: Sequence[Observation]) -> dict[int, dict[Parameter, Screened]]:
    """The flags that the whole series has when it is followed once, in order."""
    track, found = Track(BOUNDS), {}
    for each in sorted(observations, key=lambda one: one.taken_ms):
        judged = track.take(each, 0)
        for one in (judged, *(again for again, _ in track.again)):
            found[one.seq] = flags_of(one)
        track.again.clear()
    return found


def test_a_spike_in_an_earlier_round_is_written_again_with_what_shows_it(station):
    station.take(*every_minute(7.4, 7.65)[:2])
    (again,) = station.take(every_minute(7.4, 7.65, 7.4)[2])

    assert again.observation.seq == 2
    assert [flags[Parameter.PH] for flags in station.flags().values()] == [GOOD, SPIKE, GOOD]
    assert again.received_ms == again.observation.taken_ms + 1_500


def test_a_spike_within_a_round_is_written_once(station):
    assert station.take(*every_minute(7.4, 7.65, 7.4)) == []
    assert station.flags()[2][Parameter.PH] == SPIKE


def test_what_comes_late_takes_back_what_its_absence_seemed_to_show(station):
    first, spike, between, last = every_minute(7.4, 7.7, 7.65, 7.4)
    station.take(first, spike, last)
    assert station.flags()[2][Parameter.PH] == SPIKE

    station.take(between)

    assert station.flags() == in_order([first, spike, between, last])
    assert station.flags()[2][Parameter.PH] == GOOD


def test_a_restart_forgets_nothing_that_is_stored(station):
    hours = [sent(hour + 1, hour * HOUR_MS, turbidity=0.31) for hour in range(8)]
    station.take(*hours[:5])
    station.restart()
    station.take(*hours[5:])

    assert station.flags() == in_order(hours)
    assert station.flags()[8][Parameter.TURBIDITY] == Screened(Flag.SUSPECT, Why.FLAT_LINE)


def test_a_neighbour_is_judged_anew_though_the_store_took_nothing_the_first_time(station):
    first, spike, last = every_minute(7.4, 7.65, 7.4)
    station.take(first, spike)
    station.store.is_away = True
    station.take(last)
    station.store.is_away = False
    assert station.flags()[2][Parameter.PH] == GOOD

    (again,) = station.take(last)  # the device comes again

    assert again.observation.seq == 2
    assert station.flags() == in_order([first, spike, last])


def test_a_crash_between_the_new_row_and_its_neighbour_is_harmless(station):
    first, spike, last = every_minute(7.4, 7.65, 7.4)
    station.take(first, spike)
    judged = station.screener.screen(
        [Row(WATER_POINT, last, last.taken_ms)], lambda _: BOUNDS, may_ask=lambda: True
    )
    station.store.write(judged.rows)  # and not what is to be written again
    station.restart()

    station.take(last)

    assert station.flags() == in_order([first, spike, last])


def test_while_the_store_is_away_all_is_judged_by_what_is_in_memory_and_nobody_is_asked(station):
    hours = [sent(hour + 1, hour * HOUR_MS, turbidity=0.31) for hour in range(7)]
    station.take(*hours[:5])
    asked = station.store.asked
    station.store.is_away = True

    rows = [Row(WATER_POINT, each, each.taken_ms) for each in hours[5:]]
    judged = [station.screener.screen([row], lambda _: BOUNDS, may_ask=lambda: False) for row in rows]

    assert station.store.asked == asked
    assert flags_of(judged[-1].rows[0].observation)[Parameter.TURBIDITY].why is Why.FLAT_LINE
    station.store.is_away = False
    station.take(*hours[5:])
    assert station.flags() == in_order(hours)


def test_backlogs_of_many_devices_in_one_round_end_as_each_would_alone(station):
    phs = [7.4, 7.4, 7.65, 7.4, 7.4, 7.4, 7.65, 7.4]
    rows = [
        Row(WATER_POINT, observation(device=device, seq=at + 1, at=START_MS + at * MINUTE_MS, ph=ph), 0)
        for at, ph in [(9, 7.4), *enumerate(phs)]
        for device in ("kk-0001", "kk-0002", "kk-0003")
    ]
    sent_rows = [Row(row.water_point, as_sent(row.observation), 0) for row in rows]

    judged = station.screener.screen(sent_rows, lambda _: BOUNDS, may_ask=lambda: True)

    assert judged.again == []
    for device in ("kk-0001", "kk-0002", "kk-0003"):
        theirs = [row.observation for row in judged.rows if row.observation.device == device]
        expected = in_order([row.observation for row in sent_rows if row.observation.device == device])
        assert {each.seq: flags_of(each) for each in theirs} == expected
        assert [seq for seq, flags in expected.items() if flags[Parameter.PH] == SPIKE] == [3, 7]


def test_a_store_that_gives_nothing_is_asked_once_in_a_round(station):
    station.store.is_away = True
    late = every_minute(7.4, 7.5, 7.6, 7.7)

    judged = station.screener.screen(
        [Row(WATER_POINT, each, each.taken_ms) for each in reversed(late)],
        lambda _: BOUNDS,
        may_ask=lambda: True,
    )

    assert station.store.asked == 1
    assert [row.observation.readings[Parameter.PH].flag for row in judged.rows] == [Flag.GOOD] * 4


def test_what_there_was_no_time_to_ask_for_is_judged_and_held_back_until_it_comes_again(station):
    first, *rest = every_minute(7.4, 7.4, 7.65, 7.4)
    station.take(first)
    station.restart()
    rows = [Row(WATER_POINT, each, each.taken_ms) for each in rest]

    judged = station.screener.screen(rows, lambda _: BOUNDS, may_ask=countdown(0))

    assert judged.held_back == {0, 1, 2}
    assert flags_of(judged.rows[1].observation)[Parameter.PH] == SPIKE
    station.screener.stored()
    station.take(*rest)
    assert station.flags() == in_order([first, *rest])


def test_a_backlog_that_comes_in_order_costs_a_question_now_and_then_and_not_one_each(station):
    newest = sent(1_000, 999 * MINUTE_MS, ph=7.4)
    station.take(newest)
    asked = station.store.asked
    backlog = [sent(at + 1, at * MINUTE_MS, ph=7.4 + at % 7 / 100) for at in range(800)]
    for start in range(0, 800, 20):
        station.take(*backlog[start : start + 20])

    assert station.store.asked - asked < 10
    assert station.flags() == in_order([*backlog, newest])


def test_a_sweep_takes_back_no_spike_whose_successor_lies_beyond_its_end(station):
    first, second, third, *rest = (
        sent(at + 1, at * MINUTE_MS, turbidity=value)
        for at, value in enumerate([0.31, 0.31, 0.32, 200.0, 0.3])
    )
    station.take(second, first, third, *rest)

    assert station.flags() == in_order([first, second, third, *rest])
    assert station.flags()[3][Parameter.TURBIDITY] == SPIKE


def test_who_was_judged_by_somebody_else_meanwhile_is_followed_from_the_store(station):
    first, second, third = every_minute(7.4, 7.65, 7.4)
    station.take(first)
    station.screener.forget(lambda device: device == "kk-0001")
    other = Station.__new__(Station)
    other.store = station.store
    other.restart()
    other.take(second)

    station.take(third)

    assert station.flags() == in_order([first, second, third])


def test_devices_do_not_disturb_each_other(station):
    mine, other = (
        every_minute(7.4, 7.65, 7.4),
        observation(device="kk-0002", at=START_MS + MINUTE_MS + 1, ph=9.9),
    )
    station.take(mine[0], other, mine[1])
    station.take(mine[2])

    assert station.flags() == in_order(mine)


VALUES = {
    "ph": st.sampled_from([7.4, 7.4, 7.41, 7.65, 8.4, 99.0]),
    "turbidity": st.sampled_from([0.31, 0.31, 0.32, 60.0, 200.0, 0.0]),
    "temperature": st.sampled_from([9.0, 9.1, 14.0]),
}
DOUBTS = st.sampled_from(
    [
        reading(value=None, flag=Flag.MISSING, why=Why.PROBE_DISCONNECTED),
        reading(value=None, flag=Flag.FAIL, why=Why.PROBE_SATURATED),
        reading(value=7.0, flag=Flag.SUSPECT, why=Why.STAGNANT_SAMPLE),
        reading(value=7.0, flag=Flag.FAIL, why=Why.OUT_OF_RANGE),
    ]
)
STEPS_MS = st.sampled_from(
    [MINUTE_MS, 15 * MINUTE_MS, HOUR_MS, HOUR_MS, 3 * HOUR_MS, 30 * HOUR_MS, 32 * 24 * HOUR_MS]
)


@st.composite
def histories(draw: st.DrawFn) -> list[Observation]:
    """What a device may send in its life: values, doubts, silences."""
    at_ms, found = 0, []
    for number in range(draw(st.integers(2, 14))):
        at_ms += draw(STEPS_MS)
        given = {
            name: draw(st.one_of(values, values, values, DOUBTS))
            for name, values in VALUES.items()
            if draw(st.integers(0, 5))
        }
        uncertainty_s = draw(st.sampled_from([0.0, 0.0, 0.0, 90.0]))
        found.append(sent(number + 1, at_ms, clock_uncertainty_s=uncertainty_s, **given))
    return found


@settings(deadline=None, max_examples=80)
@given(history=histories(), data=st.data())
def test_any_order_any_doubling_any_failure_ends_with_the_same_flags(history, data):
    arrivals = data.draw(st.permutations(history + data.draw(st.lists(st.sampled_from(history), max_size=4))))
    with TemporaryDirectory() as folder:
        station = Station(Path(folder))
        while arrivals:
            size = data.draw(st.integers(1, len(arrivals)), label="of the round")
            now, arrivals = arrivals[:size], arrivals[size:]
            fate = data.draw(st.sampled_from(["stored"] * 4 + ["restart", "not asked", "away", "no time"]))
            station.store.is_away = fate == "away"
            questions = data.draw(st.integers(0, 3)) if fate == "no time" else float("inf")
            observed = {each.seq: each for each in now}.values()
            station.take(*observed, may_ask=fate != "not asked", questions=questions)
            station.store.is_away = False
            if fate == "restart":
                station.restart()
            elif fate != "stored":
                arrivals = arrivals + now  # the device comes again
        assert station.flags() == in_order(history)
        station.store.close()
