from datetime import timedelta
from itertools import chain, repeat

import pytest

from edge.compensation import known
from edge.probes.inputs import NotMeasured, ProbeDisconnected, Warmth
from edge.probes.instrument import InstrumentProbe, Shown
from edge.probes.thermometer import ThermometerInstrument, WaterThermometer
from firmware_config.datasheet import load
from tests.builders import instant
from waterquality.flags import NOT_SCREENED, Flag, Screened, Why

NOW = instant("2026-11-20T06:00:00Z")
SUSPECT = (Screened(Flag.SUSPECT, Why.UNUSUAL_VALUE),)
POWERED_ON = Warmth(85.0, is_as_powered_on=True)


class Answering:
    """A thermometer that gives these answers, the last for ever; None is unplugged."""

    def __init__(self, *answers):
        self.answers = chain(answers, repeat(answers[-1]))
        self.asked = 0

    def read(self):
        self.asked += 1
        answer = next(self.answers)
        if answer is None:
            raise ProbeDisconnected("pulled out")
        return answer if isinstance(answer, Warmth) else Warmth(answer)


def shown(*answers):
    instrument = ThermometerInstrument(Answering(*answers), power_on_celsius=85.0)
    found = []
    for _ in answers:
        try:
            found.append(instrument.show(NOW))
        except NotMeasured:
            found.append(None)
    return found


def test_an_ordinary_temperature_is_believed():
    assert shown(11.5, 11.5625) == [Shown(11.5), Shown(11.5625)]


def test_what_it_holds_after_power_on_is_no_measurement():
    assert shown(11.5, POWERED_ON, 11.5) == [Shown(11.5), None, Shown(11.5)]
    assert shown(POWERED_ON, POWERED_ON) == [None, None]


def test_an_isolated_85_that_was_measured_is_suspect_and_stands():
    assert shown(11.5, 85.0) == [Shown(11.5), Shown(85.0, SUSPECT)]


def test_85_again_and_again_bears_no_witness_to_itself():
    assert shown(11.5, 85.0, 85.0, 11.5) == [
        Shown(11.5),
        Shown(85.0, SUSPECT),
        Shown(85.0, SUSPECT),
        Shown(11.5),
    ]


def test_water_that_truly_goes_through_85_degrees_is_believed_on_every_chip():
    assert shown(84.5, POWERED_ON, 85.5) == [Shown(84.5), Shown(85.0), Shown(85.5)]
    assert shown(84.5, 85.0, 85.5) == [Shown(84.5), Shown(85.0), Shown(85.5)]


def test_85_and_a_sixteenth_is_a_temperature_like_any_other():
    assert shown(11.5, 85.0625) == [Shown(11.5), Shown(85.0625)]


def thermometer(*answers):
    source = Answering(*answers)
    sheet = load("ds18b20").model_copy(update={"settling_s": 0.0})
    instrument = ThermometerInstrument(source, power_on_celsius=85.0)
    probe = InstrumentProbe(instrument, sheet=sheet, needs_certificate=False)
    return WaterThermometer(probe, within=sheet.uncertainty), source


def test_its_reading_is_a_temperature_and_needs_no_certificate():
    (reading,) = thermometer(11.5)[0].measure(NOW)

    assert (reading.parameter, reading.value, reading.screened) == ("temperature", 11.5, NOT_SCREENED)


def test_one_instant_asks_it_once_whoever_asks_first():
    water, source = thermometer(11.5)

    assert water.temperature(NOW) == known(11.5, 0.5)
    assert water.measure(NOW)[0].value == 11.5
    assert water.temperature(NOW) == known(11.5, 0.5)
    assert source.asked == 1


def test_one_failure_leaves_the_temperature_before_for_ten_minutes():
    water, _ = thermometer(11.5, None)
    water.measure(NOW)

    assert water.measure(NOW + timedelta(minutes=1))[0].screened == Screened(
        Flag.MISSING, Why.PROBE_DISCONNECTED
    )
    assert water.temperature(NOW + timedelta(minutes=10)) == known(11.5, 0.5)
    assert water.temperature(NOW + timedelta(minutes=11)) is None


def test_a_suspect_temperature_is_nobodys_to_rely_on():
    water, _ = thermometer(85.0)

    assert water.measure(NOW)[0].flag is Flag.SUSPECT
    assert water.temperature(NOW) is None


def test_a_temperature_from_before_the_clock_was_set_is_not_trusted_for_ever():
    water, _ = thermometer(11.5, None)
    water.measure(NOW)

    assert water.temperature(NOW - timedelta(days=365)) is None


@pytest.mark.parametrize("celsius", [-15.0, 90.0, 125.0])
def test_what_no_sound_thermometer_shows_in_water_fails(celsius):
    assert thermometer(celsius)[0].measure(NOW)[0].screened == Screened(Flag.FAIL, Why.OUT_OF_RANGE)
