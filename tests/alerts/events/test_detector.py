"""What a detector promises of any water: properties, not examples."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.events.detector import Detector
from alerts.events.event import Cause, Judged, Stage
from alerts.events.tuning import Tuning

MINUTE_MS = 60_000
# The same detector with shorter days: blocks of an hour, learned in eight hours.
QUICK = Tuning(block_s=3600)
LEARNED = 9 * 60  # minutes

seeds = st.integers(0, 10_000)
few = settings(max_examples=15, deadline=None)


class Water:
    """A water point with a noisy pH and turbidity and a flow that can be switched."""

    def __init__(self, seed: int, *, noise: float = 1.0) -> None:
        self._chance = random.Random(seed)
        self._noise, self.minute = noise, 0
        self.level = {"ph": 7.4, "turbidity": 0.8, "flow": 11.0}
        self.detector = Detector(("turbidity", "ph"), flows=("flow",), tuning=QUICK)

    def values(self) -> dict[str, float | None]:
        sizes = {"ph": 0.01, "turbidity": 0.02, "flow": 0.2}
        return {
            name: level + self._noise * self._chance.uniform(-1, 1) * sizes[name]
            for name, level in self.level.items()
        }

    def flows(self, minutes: int) -> list[Judged]:
        return [self.tick(self.values()) for _ in range(minutes)]

    def tick(self, values: dict[str, float | None]) -> Judged:
        self.minute += 1
        return self.detector.observe(self.minute * MINUTE_MS, values)


def events(judged: list[Judged]) -> list[Judged]:
    return [one for one in judged if one.stage is Stage.EVENT]


@given(level=st.floats(0, 100), minutes=st.integers(1, 1500))
@few
def test_a_constant_signal_raises_nothing(level: float, minutes: int) -> None:
    detector = Detector(("ph", "redox"), tuning=QUICK)
    judged = [
        detector.observe(minute * MINUTE_MS, {"ph": level, "redox": level}) for minute in range(1, minutes)
    ]
    assert {Stage.LEARNING, Stage.ORDINARY} >= {one.stage for one in judged}


@given(seed=seeds, silent=st.integers(31, 3000), moved=st.floats(-2, 2))
@few
def test_a_gap_raises_nothing_wherever_the_water_is_afterwards(seed: int, silent: int, moved: float) -> None:
    water = Water(seed)
    water.flows(LEARNED)
    water.minute += silent
    water.level["ph"] += moved
    assert not events(water.flows(120))


@given(seed=seeds, rises=st.booleans(), size=st.floats(0.15, 2), name=st.sampled_from(("ph", "turbidity")))
@few
def test_a_step_beyond_the_noise_while_flow_is_steady_is_found_within_six_minutes(
    seed: int, rises: bool, size: float, name: str
) -> None:
    water = Water(seed)
    assert not events(water.flows(LEARNED))
    water.level[name] += size if rises else -size
    found = events(water.flows(6))
    assert found
    assert found[0].is_new
    event = found[0].event
    assert event is not None
    assert (Cause.WATER, ("flow",), ()) == (event.cause, event.steady, event.switched)
    assert name == event.changes[0].parameter
    assert abs(event.changes[0].after - event.changes[0].before) == pytest.approx(size, abs=0.05)


@given(seed=seeds, factor=st.sampled_from((0.0, 0.3, 3.0)))
@few
def test_a_step_at_a_pump_switch_is_put_down_to_operations(seed: int, factor: float) -> None:
    water = Water(seed)
    water.flows(LEARNED)
    water.level["flow"] *= factor
    water.level["ph"] += 0.016  # with the noise: about the bar, within twice the bar
    judged = water.flows(60)
    assert not events(judged)
    told = [one.event for one in judged if one.stage is Stage.OPERATIONS]
    assert all(event is not None and event.cause is Cause.OPERATIONS for event in told)
    assert all(event is not None and event.switched == ("flow",) for event in told)


def test_the_step_that_a_pump_switch_explains_is_an_event_without_the_switch() -> None:
    stages = set()
    for factor in (1.0, 3.0):
        water = Water(3)
        water.flows(LEARNED)
        water.level["flow"] *= factor
        water.level["ph"] += 0.022
        stages.add(frozenset(one.stage for one in water.flows(30)) - {Stage.ORDINARY})
    assert {frozenset({Stage.EVENT}), frozenset({Stage.OPERATIONS})} == stages


def test_a_pump_switch_does_not_hide_a_strong_change() -> None:
    water = Water(4)
    water.flows(LEARNED)
    water.level["flow"] = 0.0
    water.level["ph"] -= 1.5
    found = events(water.flows(10))
    assert found
    assert found[0].event is not None
    assert "after flow changed" in found[0].event.sentence()


@given(seed=seeds, before=st.integers(1, 900), moved=st.floats(-1, 1))
@few
def test_a_restart_in_the_middle_changes_nothing(seed: int, before: int, moved: float) -> None:
    water = Water(seed)
    water.flows(before)
    water.level["ph"] += moved
    water.flows(before % 40)
    twin = Detector.restore(water.detector.save(), QUICK)
    for _ in range(300):
        values = water.values()
        here = water.tick(values)
        assert here == twin.observe(water.minute * MINUTE_MS, values)
    assert water.detector.save() == twin.save()


@given(
    seed=seeds,
    nothing=st.sampled_from((None, float("nan"), float("inf"))),
    missing=st.lists(st.booleans(), min_size=60, max_size=60),
)
@few
def test_what_is_no_number_is_no_evidence(seed: int, nothing: float | None, missing: list[bool]) -> None:
    water = Water(seed)
    water.flows(LEARNED)
    for is_missing in missing:
        values = water.values()
        if is_missing:
            values["ph"] = nothing
        assert water.tick(values).stage is Stage.ORDINARY


def test_an_event_goes_on_while_nothing_is_known() -> None:
    water = Water(5)
    water.flows(LEARNED)
    water.level["ph"] -= 1.0
    assert events(water.flows(6))
    silent = [water.tick({"ph": None, "turbidity": None, "flow": None}) for _ in range(10)]
    assert len(silent) == len(events(silent))


def test_an_event_that_is_lost_sight_of_ends_and_what_follows_is_no_part_of_it() -> None:
    water = Water(5)
    water.flows(LEARNED)
    water.level["ph"] -= 1.0
    assert events(water.flows(6))
    water.minute += 120
    assert not events(water.flows(200)[2:])


def test_minutes_are_counted_from_the_last_ordinary_value() -> None:
    water = Water(5)
    water.flows(LEARNED)
    water.minute += 300  # silent
    water.flows(60)
    water.level["ph"] -= 1.0
    found = events(water.flows(6))[0].event
    assert found is not None
    assert 2 <= found.changes[0].minutes <= 5


def test_until_it_has_learned_it_says_so() -> None:
    water = Water(6)
    judged = water.flows(LEARNED)
    learning = [one for one in judged if one.stage is Stage.LEARNING]
    assert 8 * 60 <= len(learning) < LEARNED
    assert sorted(one.learned for one in learning) == [one.learned for one in learning]
    assert (0.0, 1.0) == (learning[0].learned, judged[-1].learned)


def test_a_jump_while_learning_accuses_nobody() -> None:
    water = Water(7)
    water.flows(4 * 60)
    water.level["ph"] -= 2
    assert {Stage.LEARNING} == {one.stage for one in water.flows(60)}


@pytest.mark.parametrize("back", [0, 1, 5000])
def test_late_data_is_refused_and_changes_nothing(back: int) -> None:
    water = Water(8)
    water.flows(LEARNED)
    saved = water.detector.save()
    judged = water.detector.observe((water.minute - back) * MINUTE_MS, {"ph": 3.0})
    assert (Stage.LATE, saved) == (judged.stage, water.detector.save())


def test_a_spike_of_two_readings_is_no_event() -> None:
    water = Water(9)
    water.flows(LEARNED)
    for length in (1, 2):
        water.level["turbidity"] += 40
        assert not events(water.flows(length))
        water.level["turbidity"] -= 40
        assert not events(water.flows(60))


def test_an_event_ends_when_the_water_is_as_before() -> None:
    water = Water(10)
    water.flows(LEARNED)
    water.level["ph"] -= 0.5
    assert water.flows(15)[-1].stage is Stage.EVENT
    water.level["ph"] += 0.5
    assert not events(water.flows(10)[5:])


def test_what_stays_becomes_the_new_normal() -> None:
    water = Water(11)
    water.flows(LEARNED)
    water.level["ph"] -= 0.1
    judged = water.flows(12 * 60)
    assert judged[10].stage is Stage.EVENT
    assert judged[-1].stage is Stage.ORDINARY


def test_an_event_that_resumes_within_the_hour_is_the_same_one() -> None:
    water = Water(12)
    water.flows(LEARNED)
    begins = []
    for _ in range(3):
        water.level["ph"] -= 0.5
        begins += [one for one in events(water.flows(15)) if one.is_new]
        water.level["ph"] += 0.5
        water.flows(15)
    assert 1 == len(begins)


def test_a_train_of_events_in_most_blocks_does_not_become_the_normal() -> None:
    water = Water(15)
    water.flows(LEARNED)
    found = 0
    for _ in range(12):
        water.level["ph"] -= 0.06
        found += bool(events(water.flows(20)))
        water.level["ph"] += 0.06
        water.flows(40)
    assert 12 == found


def test_a_touched_probe_begins_anew() -> None:
    water = Water(13)
    water.flows(LEARNED)
    water.level["turbidity"] -= 0.5  # it was cleaned
    water.minute += 1
    water.detector.observe(
        water.minute * MINUTE_MS, {**water.values(), "turbidity": None}, renewed=("turbidity",)
    )
    assert not events(water.flows(120))


def test_twice_the_noise_is_learned_and_not_called_for_ever() -> None:
    water = Water(14)
    water.flows(LEARNED)
    water._noise = 4.0
    water.flows(28 * 60)
    assert not [one for one in events(water.flows(48 * 60)) if one.is_new]


@pytest.mark.parametrize("bytes_", [b"", b"nonsense", b"x\x9c\x8b\x8e\x05\x00\x01\x15\x00\xb9"])
def test_what_was_not_saved_is_not_restored(bytes_: bytes) -> None:
    with pytest.raises(ValueError, match="not a saved detector"):
        Detector.restore(bytes_)
