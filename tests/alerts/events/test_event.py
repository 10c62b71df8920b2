"""The sentence, and what of a reading is evidence."""

import pytest

from alerts.events.event import Cause, Change, Event, Stage
from alerts.events.evidence import detector_for, evidence, judge
from waterquality.flags import Flag, Screened, Why
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading, by_parameter

PH = Change("ph", before=7.4, after=7.0, minutes=6.2, strangeness=5.0)
MUD = Change("turbidity", before=0.8, after=12.3, minutes=1.0, strangeness=3.0)


@pytest.mark.parametrize(
    ("changes", "steady", "switched", "sentence"),
    [
        ((PH,), ("flow",), (), "ph fell 0.4 in 6 minutes while flow was steady"),
        (
            (PH,),
            ("flow", "temperature"),
            (),
            "ph fell 0.4 in 6 minutes while flow and temperature were steady",
        ),
        (
            (MUD, PH),
            (),
            ("flow",),
            "turbidity rose 12 in 1 minute and ph fell 0.4 in 6 minutes after flow changed",
        ),
        ((PH,), (), (), "ph fell 0.4 in 6 minutes"),
    ],
)
def test_an_event_explains_itself_in_one_sentence(
    changes: tuple[Change, ...], steady: tuple[str, ...], switched: tuple[str, ...], sentence: str
) -> None:
    assert sentence == Event(0, Cause.WATER, changes, steady, switched, 2.0).sentence()


@pytest.mark.parametrize(
    ("flag", "why", "is_evidence"),
    [
        (Flag.GOOD, Why.NONE, True),
        (Flag.SUSPECT, Why.UNUSUAL_VALUE, True),
        (Flag.SUSPECT, Why.CLOCK_UNCERTAIN, True),
        (Flag.UNKNOWN, Why.NONE, False),
        (Flag.FAIL, Why.OUT_OF_RANGE, False),
        (Flag.MISSING, Why.NONE, False),
        (Flag.SUSPECT, Why.PROBE_SERVICED, False),
        (Flag.SUSPECT, Why.FIRST_FLUSH, False),
        (Flag.SUSPECT, Why.STAGNANT_SAMPLE, False),
        (Flag.SUSPECT, Why.PROBE_STUCK, False),
    ],
)
def test_only_water_is_evidence(flag: Flag, why: Why, is_evidence: bool) -> None:
    reading = Reading(Parameter.PH, 3.0, screened=Screened(flag, why))
    assert (3.0 if is_evidence else None) == evidence(reading)


def test_a_water_point_is_judged_by_its_observations() -> None:
    detector = detector_for(Parameter)
    good = Screened(Flag.GOOD)

    def at(minute: int, ph: float, screened: Screened = good) -> Observation:
        readings = by_parameter(
            Reading(Parameter.PH, ph + minute % 3 / 100, screened=screened),
            Reading(Parameter.FLOW, 11.0 + minute % 5 / 10, screened=good),
            Reading(Parameter.VOLUME, minute / 100, screened=good),
        )
        return Observation("kk-0001", "9f1c2a7e", minute, minute * 60_000, readings)

    learned = [judge(detector, at(minute, 7.4)).stage for minute in range(1, 3000)]
    assert {Stage.LEARNING, Stage.ORDINARY} == set(learned)
    failed = [judge(detector, at(minute, 3.0, Screened(Flag.FAIL))).stage for minute in range(3000, 3010)]
    assert {Stage.ORDINARY} == set(failed)
    acid = [judge(detector, at(minute, 3.0)) for minute in range(3010, 3020)]
    assert acid[-1].event is not None
    assert "while flow was steady" in acid[-1].event.sentence()
    assert Stage.LATE is judge(detector, at(3000, 7.4)).stage
