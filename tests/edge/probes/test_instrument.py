from datetime import date, timedelta

import pytest

from edge.probes.inputs import ProbeDisconnected
from edge.probes.instrument import InstrumentProbe, Shown
from edge.probes.measuring import measured
from edge.probes.port import Calibrated
from firmware_config.datasheet import load
from firmware_config.parts import CalibrationCertificate
from firmware_config.signals import Side
from tests.builders import instant
from waterquality.flags import NOT_SCREENED, Flag, Screened, Why

NOW = instant("2026-11-20T06:00:00Z")
LATER = NOW + timedelta(minutes=2)


class Showing:
    """Shows what it is told to; None is unplugged."""

    def __init__(self, *values):
        self.values = list(values)

    def show(self, now):
        value = self.values.pop(0) if len(self.values) > 1 else self.values[0]
        if value is None:
            raise ProbeDisconnected("pulled out")
        return value if isinstance(value, Shown) else Shown(value)


def certificate(*points, expires_on=date(2027, 1, 1)):
    return CalibrationCertificate(
        id="ntu-1",
        made_on=date(2026, 1, 1),
        made_by="A. Tester",
        kind="linear",
        points=points or ((0.0, 0.0), (40.0, 40.0)),
        standards=("formazin",),
        expires_on=expires_on,
    )


def probe(*shown, calibrated=True, **options):
    made = options.pop("certificate", certificate() if calibrated else None)
    return InstrumentProbe(
        Showing(*shown),
        sheet=load("modbus-nephelometer"),
        certificate=made,
        saturates=Side.ABOVE,
        **options,
    )


def warm(made):
    measured(made, NOW)
    (reading,) = measured(made, LATER)
    return reading


def test_what_it_shows_is_the_value_where_its_certificate_agrees():
    reading = warm(probe(3.2))

    assert reading.value == pytest.approx(3.2)
    assert reading.raw is None
    assert reading.certificate == "ntu-1"
    assert reading.screened == NOT_SCREENED


def test_a_certificate_puts_right_what_it_shows():
    assert warm(probe(11.0, certificate=certificate((1.0, 0.0), (21.0, 10.0)))).value == pytest.approx(5.0)


def test_a_certificate_made_while_it_runs_counts_from_the_next_reading_on():
    made = probe(11.0, calibrated=False)
    assert warm(made).screened == Screened(Flag.SUSPECT, Why.PROBE_UNCALIBRATED)

    assert isinstance(made, Calibrated)
    made.calibrate(certificate((1.0, 0.0), (21.0, 10.0)))
    reading = warm(made)

    assert (reading.value, reading.certificate) == (pytest.approx(5.0), "ntu-1")
    assert reading.screened == NOT_SCREENED


def test_clear_water_is_0_and_a_value():
    assert warm(probe(0.0)).value == 0.0


@pytest.mark.parametrize("shown", [100.0, 101.0, 9999.0])
def test_what_shows_its_very_end_is_saturated_and_never_clamped(shown):
    reading = warm(probe(shown))

    assert reading.value is None
    assert reading.screened == Screened(Flag.FAIL, Why.PROBE_SATURATED)


def test_what_no_sound_probe_can_show_fails_with_its_number():
    reading = warm(probe(-1.0))

    assert reading.value == -1.0
    assert reading.screened == Screened(Flag.FAIL, Why.OUT_OF_RANGE)


def test_without_a_certificate_its_number_is_suspect():
    reading = warm(probe(3.2, calibrated=False))

    assert reading.value == 3.2
    assert reading.screened == Screened(Flag.SUSPECT, Why.PROBE_UNCALIBRATED)


def test_a_thermometer_needs_no_certificate():
    assert warm(probe(3.2, calibrated=False, needs_certificate=False)).screened == NOT_SCREENED


def test_an_expired_certificate_makes_its_readings_suspect():
    reading = warm(probe(3.2, certificate=certificate(expires_on=date(2026, 11, 19))))

    assert reading.screened == Screened(Flag.SUSPECT, Why.PROBE_UNCALIBRATED)


def test_its_own_doubts_travel_and_the_worst_wins():
    doubt = Screened(Flag.SUSPECT, Why.TEMPERATURE_UNKNOWN)

    assert warm(probe(Shown(3.2, (doubt,)))).screened == doubt
    assert warm(probe(Shown(-1.0, (doubt,)))).screened == Screened(Flag.FAIL, Why.OUT_OF_RANGE)


def test_it_warms_up_and_does_so_again_after_it_was_away():
    made = probe(3.2, 3.2, None, 3.2, 3.2)

    whys = [measured(made, NOW + timedelta(minutes=tick))[0].screened for tick in range(5)]

    assert whys == [
        Screened(Flag.MISSING, Why.PROBE_NOT_SETTLED),
        NOT_SCREENED,
        Screened(Flag.MISSING, Why.PROBE_DISCONNECTED),
        Screened(Flag.MISSING, Why.PROBE_NOT_SETTLED),
        NOT_SCREENED,
    ]
