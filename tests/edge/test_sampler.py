"""The sampler: an observation at every tick, whatever clock, probes and disk are up to."""

import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from edge.economy import Economy
from edge.outbox import Outbox
from edge.probes.inputs import ProbeDisconnected
from edge.reporting import Due, Rates, Reporting, Sense
from edge.sampler import Sampler
from edge.schedule import Every
from edge.selfcheck import SelfChecks
from tests.fakes.hand_wound_clock import START_MS, HandWoundClock
from waterquality.flags import Flag, Screened, Why
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading, from_ms, to_ms
from waterquality.topics import Envelope
from waterquality.wire.decode import decode
from waterquality.wire.encode import encode
from waterquality.wire.records import Note, NoteKind

MINUTE_MS = 60_000


class ScriptedProbe:
    """A probe that gives one number after the other, or raises it."""

    def __init__(self, parameter: Parameter, *script: float | Exception) -> None:
        self.parameters = (parameter,)
        self._script = list(script)

    def measure(self, now: datetime) -> tuple[Reading, ...]:
        given = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(given, Exception):
            raise given
        return (Reading(self.parameters[0], given),)


PH = ScriptedProbe(Parameter.PH, 7.4)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "outbox.db", device="kk-0001", serial="pi-1")
    yield box
    box.close()


def kept(outbox: Outbox) -> list[Observation]:
    """What the outbox holds, as the server would read it."""
    packed = outbox.after(0, 1000)
    payload = encode("kk-0001", outbox.epoch, 1, packed)
    records = decode(payload, Envelope("kk-0001", outbox.epoch, packed[0].first, packed[-1].last)).records
    return [record for record in records if isinstance(record, Observation)]


def notes(outbox: Outbox) -> list[Note]:
    """What happened that is no reading."""
    packed = outbox.after(0, 1000)
    payload = encode("kk-0001", outbox.epoch, 1, packed)
    records = decode(payload, Envelope("kk-0001", outbox.epoch, packed[0].first, packed[-1].last)).records
    return [record for record in records if isinstance(record, Note)]


def run(sampler: Sampler, clock: HandWoundClock, *, ticks: int, every_s: float = 60.0) -> None:
    """Run until so many observations were taken or tried."""
    stop, observe = threading.Event(), sampler.observe
    tried = []

    def counted(instant: object) -> None:
        tried.append(instant)
        if len(tried) == ticks:
            stop.set()
        observe(instant)

    sampler.observe = counted
    sampler.run(clock, Every(every_s), stop)
    sampler.observe = observe


def test_a_tick_is_a_whole_multiple_of_the_period() -> None:
    every_quarter = Every(900)

    assert to_ms(every_quarter.next_after(from_ms(1))) == 900_000
    assert to_ms(every_quarter.next_after(from_ms(900_000))) == 1_800_000


@pytest.mark.parametrize("seconds", [0.001, 0.05, 1, 60, 3600])
def test_a_tick_is_always_later_than_now(seconds: float) -> None:
    for at_ms in (0, 1, START_MS, START_MS + 1, START_MS + 59_999):
        assert to_ms(Every(seconds).next_after(from_ms(at_ms))) > at_ms


def test_there_is_an_observation_for_every_tick_at_its_time(outbox: Outbox) -> None:
    run(Sampler([PH], outbox), HandWoundClock(START_MS + 1), ticks=5)

    assert [one.taken_ms for one in kept(outbox)] == [START_MS + MINUTE_MS * n for n in range(1, 6)]


def test_an_observation_holds_a_reading_of_every_probe(outbox: Outbox) -> None:
    run(Sampler([PH, ScriptedProbe(Parameter.FLOW, 11.0)], outbox), HandWoundClock(), ticks=1)

    (observation,) = kept(outbox)
    assert {name: reading.value for name, reading in observation.readings.items()} == {
        "ph": 7.4,
        "flow": 11.0,
    }


def test_a_failing_probe_does_not_keep_the_others_from_being_read(outbox: Outbox) -> None:
    broken = ScriptedProbe(Parameter.TURBIDITY, ProbeDisconnected("pulled out"))
    run(Sampler([broken, PH], outbox), HandWoundClock(), ticks=1)

    (observation,) = kept(outbox)
    turbidity = observation.readings[Parameter.TURBIDITY]
    assert (turbidity.value, turbidity.flag, turbidity.screened.why) == (
        None,
        Flag.MISSING,
        Why.PROBE_DISCONNECTED,
    )
    assert observation.readings[Parameter.PH].value == 7.4


def test_a_defect_of_ours_costs_one_observation_and_is_counted(outbox: Outbox) -> None:
    sampler = Sampler([ScriptedProbe(Parameter.PH, ZeroDivisionError(), 7.1)], outbox)
    run(sampler, HandWoundClock(), ticks=2)

    assert [one.readings[Parameter.PH].value for one in kept(outbox)] == [7.1]
    assert (sampler.counters["failed"], sampler.counters["appended"]) == (1, 1)


def test_a_full_disk_costs_observations_that_are_counted_and_sampling_goes_on(outbox: Outbox) -> None:
    sampler = Sampler([PH], outbox)
    clock = HandWoundClock()
    run(sampler, clock, ticks=1)
    db = outbox._file.db
    db.execute("PRAGMA query_only = ON")  # nothing can be written, not even a gap
    run(sampler, clock, ticks=20)
    assert sampler.counters["append_failed"] == 20

    db.execute("PRAGMA query_only = OFF")
    run(sampler, clock, ticks=1)

    assert sampler.counters["appended"] == 2
    assert [(one.first, one.last) for one in outbox.after(0, 9)] == [(1, 1), (2, 21), (22, 22)]
    assert kept(outbox)[-1].taken_ms == clock.wall_ms


def test_a_clock_that_jumps_ahead_brings_no_burst_of_missed_ticks(outbox: Outbox) -> None:
    def jump(clock: HandWoundClock) -> None:
        if len(clock.waits) == 2:
            clock.wall_ms += 3_600_000

    run(Sampler([PH], outbox), HandWoundClock(at_wait=jump), ticks=4)

    since_start = [(one.taken_ms - START_MS) // MINUTE_MS for one in kept(outbox)]
    assert since_start == [1, 62, 63, 64]
    assert [(note.kind, note.detail) for note in notes(outbox)] == [(NoteKind.CLOCK_STEPPED, "+3600.000 s")]


def test_a_clock_that_jumps_back_neither_stops_sampling_nor_turns_time_back(outbox: Outbox) -> None:
    def jump(clock: HandWoundClock) -> None:
        if len(clock.waits) == 3:
            clock.wall_ms -= 3_600_000

    clock = HandWoundClock(at_wait=jump)
    run(Sampler([PH], outbox), clock, ticks=6)

    times = [one.taken_ms for one in kept(outbox)]
    assert times == sorted(set(times))
    assert len(times) == 6
    assert max(clock.waits) <= 60.0
    assert [note.kind for note in notes(outbox)] == [NoteKind.EPOCH_BEGUN, NoteKind.CLOCK_STEPPED]


def test_a_small_step_back_is_noted_and_its_doubt_is_told(outbox: Outbox) -> None:
    def jump(clock: HandWoundClock) -> None:
        if len(clock.waits) == 2:
            clock.wall_ms -= 150_000

    run(Sampler([PH], outbox), HandWoundClock(at_wait=jump), ticks=4)

    observed = kept(outbox)
    assert [one.taken_ms for one in observed] == sorted({one.taken_ms for one in observed})
    assert [one.clock_uncertainty_s for one in observed] == [0.0, 61.0, 0.0, 0.0]
    assert [note.detail for note in notes(outbox)] == ["-150.000 s"]


def test_a_wait_that_ends_early_does_not_sample_early(outbox: Outbox) -> None:
    run(Sampler([PH], outbox), HandWoundClock(at_wait=lambda _: 25.0), ticks=2)

    assert [one.taken_ms - START_MS for one in kept(outbox)] == [75_000, 125_000]


def test_a_right_clock_gives_the_records_before_it_their_time(outbox: Outbox) -> None:
    def synchronise(clock: HandWoundClock) -> None:
        if len(clock.waits) == 4:
            clock.wall_ms, clock.is_synchronised = START_MS + clock.boottime_ms, True

    clock = HandWoundClock(
        wall_ms=1_000_000 - 1_000_000 % MINUTE_MS, is_synchronised=False, at_wait=synchronise
    )
    run(Sampler([PH], outbox), clock, ticks=4)

    assert [one.taken_ms - START_MS for one in kept(outbox)] == [60_000, 120_000, 180_000, 240_000]
    assert {one.clock_uncertainty_s for one in kept(outbox)} == {0.0}


def test_the_uplink_is_woken_after_each_observation_and_not_before(outbox: Outbox) -> None:
    heads = []
    run(Sampler([PH], outbox, appended=lambda _: heads.append(outbox.head)), HandWoundClock(), ticks=3)

    assert heads == [1, 2, 3]


def test_a_schedule_that_ends_ends_the_sampler(outbox: Outbox) -> None:
    class Once:
        ticks = iter([from_ms(START_MS + 5), None])

        def next_after(self, _: datetime) -> datetime | None:
            return next(self.ticks)

    Sampler([PH], outbox).run(HandWoundClock(), Once(), threading.Event())

    assert [one.taken_ms for one in kept(outbox)] == [START_MS + 5]


def test_it_stops_in_the_middle_of_a_wait_and_takes_nothing_more(outbox: Outbox) -> None:
    stop = threading.Event()
    Sampler([PH], outbox).run(HandWoundClock(at_wait=lambda _: stop.set()), Every(60), stop)

    assert outbox.head == 0


def test_what_is_passed_over_never_enters_the_outbox_and_is_counted(outbox: Outbox) -> None:
    rates = Rates(observe_every_s=60.0, longest_silence_s=600.0, is_adaptive=True)
    reporting = Reporting(rates, {Parameter.PH: Sense(deadband=0.1)})
    dues: list[Due] = []
    sampler = Sampler(
        [ScriptedProbe(Parameter.PH, *[7.4] * 70, 7.9)],
        outbox,
        observations=Every(60),
        reporting=reporting,
        appended=dues.append,
    )
    run(sampler, HandWoundClock(START_MS), ticks=601, every_s=1.0)

    assert [one.readings[Parameter.PH].value for one in kept(outbox)] == [7.4, 7.9]
    assert [one.taken_ms for one in kept(outbox)] == [START_MS + MINUTE_MS, START_MS + 2 * MINUTE_MS]
    assert dues == [Due.SCHEDULE, Due.CHANGE]
    assert (sampler.counters["appended"], sampler.counters["suppressed"]) == (2, 599)
    assert outbox.head == 2


def test_an_observation_is_written_to_the_step_of_its_probe(outbox: Outbox) -> None:
    sampler = Sampler([ScriptedProbe(Parameter.PH, 7.41238)], outbox, economy=Economy({Parameter.PH: 0.02}))
    run(sampler, HandWoundClock(), ticks=1)

    assert kept(outbox)[0].readings[Parameter.PH].value == 7.41


# ---- samples and observations ---------------------------------------------------------------------------


class Counting:
    """A meter that passes a litre at every question."""

    parameters = (Parameter.FLOW, Parameter.VOLUME)

    def __init__(self, volume_m3: float = 0.0) -> None:
        self.asked, self.volume_m3 = 0, volume_m3

    def measure(self, now: datetime) -> tuple[Reading, ...]:
        self.asked += 1
        self.volume_m3 = round(self.volume_m3 + 0.001, 6)
        return Reading(Parameter.FLOW, 6.0), Reading(Parameter.VOLUME, self.volume_m3)


def sampled(outbox: Outbox, meter: Counting, clock: HandWoundClock, *, observe_every_s: float) -> Sampler:
    """A sampler that asks every second and was stopped after two minutes and a half."""
    sampler = Sampler([meter], outbox, observations=Every(observe_every_s))
    run(sampler, clock, ticks=150, every_s=1.0)
    return sampler


def test_probes_are_asked_at_every_tick_and_kept_only_when_an_observation_is_due(outbox: Outbox) -> None:
    meter = Counting()
    sampled(outbox, meter, HandWoundClock(), observe_every_s=60)

    assert [one.taken_ms - START_MS for one in kept(outbox)] == [60_000, 120_000]
    assert meter.asked == 151  # once more at the end


def test_every_sample_is_judged_by_the_self_checks_and_their_judgement_is_kept(outbox: Outbox) -> None:
    class Doubting(SelfChecks):
        def __init__(self) -> None:
            super().__init__()
            self.judged_at: list[int] = []

        def judged(self, instant: object, readings: object) -> list[Reading]:
            self.judged_at.append(instant.boottime_ms)
            return [Reading(Parameter.PH, 7.4, screened=Screened(Flag.SUSPECT, Why.PROBE_NOISY))]

    checks = Doubting()
    run(Sampler([PH], outbox, checks=checks, observations=Every(60)), HandWoundClock(), ticks=60, every_s=1.0)

    assert len(checks.judged_at) == 60
    assert [one.readings[Parameter.PH].screened.why for one in kept(outbox)] == [Why.PROBE_NOISY]


def test_a_normal_stop_loses_no_pulse(outbox: Outbox, tmp_path: Path) -> None:
    meter = Counting(volume_m3=12.0)
    sampled(outbox, meter, HandWoundClock(), observe_every_s=60)
    outbox.close()

    again = Outbox(tmp_path / "outbox.db", device="kk-0001", serial="pi-1")
    assert again.volume_m3 == meter.volume_m3 == 12.151
    again.close()


@pytest.mark.parametrize("observe_every_s", [30.0, 60.0, 900.0])
def test_a_crash_loses_at_most_the_pulses_of_a_minute(
    outbox: Outbox, tmp_path: Path, observe_every_s: float
) -> None:
    meter, clock = Counting(), HandWoundClock()
    sampler = Sampler([meter], outbox, observations=Every(observe_every_s))
    for _ in range(1000):
        clock.run(1.0)
        sampler.observe(clock.read())
        after_a_crash = Outbox(tmp_path / "outbox.db", device="kk-0001", serial="pi-1")
        assert 0.0 <= meter.volume_m3 - after_a_crash.volume_m3 <= 0.0605
        after_a_crash.close()


def test_a_meter_that_cannot_be_read_at_the_end_does_not_keep_the_agent_from_stopping(outbox: Outbox) -> None:
    broken = ScriptedProbe(Parameter.VOLUME, 0.5, ZeroDivisionError())
    run(Sampler([broken], outbox), HandWoundClock(), ticks=1)

    assert outbox.volume_m3 == 0.5
