"""Golden lines: what stands in InfluxDB, for whoever reads it with other tools."""

from server.store.line_protocol import line_of
from tests.builders import missing, reading, row
from waterquality.flags import Flag, Why


def fields_of(line: bytes) -> set[str]:
    return set(line.decode().rsplit(" ", 1)[0].split(" ", 1)[1].split(","))


def test_a_line_names_measurement_device_water_point_and_milliseconds():
    line = line_of(row(turbidity=0.5, ph=None, flow=None)).decode()
    assert line.startswith("observation,device=kk-0001,water_point=bolnisi-spring ")
    assert line.endswith(" 1795154400000")


def test_every_reading_says_flag_reason_certificate_and_what_it_holds():
    line = line_of(row(turbidity=0.5, ph=missing(), flow=None, clock_uncertainty_s=2))
    assert fields_of(line) == {
        'epoch="9f1c2a7e"',
        "seq=1i",
        "received=1795154401500i",
        "clock_uncertainty=2.0",
        "turbidity=0.5",
        "turbidity_flag=1i",
        'turbidity_why=""',
        'turbidity_cert=""',
        "turbidity_holds=1i",
        "ph_flag=9i",
        'ph_why="probe_disconnected"',
        'ph_cert=""',
        "ph_holds=0i",
    }


def test_raw_and_spread_are_written_when_they_are_there():
    full = reading(value=7, raw=3.98, spread=0.1, certificate="c-1", flag=Flag.SUSPECT, why=Why.FIRST_FLUSH)
    assert fields_of(line_of(row(turbidity=full, ph=None, flow=None))) >= {
        "turbidity=7.0",
        "turbidity_raw=3.98",
        "turbidity_spread=0.1",
        'turbidity_cert="c-1"',
        "turbidity_holds=11i",
    }


def test_pulses_are_told_from_volts():
    counted = reading("flow", 11.0, raw=512, raw_unit="count")
    assert "flow_holds=5i" in fields_of(line_of(row(turbidity=None, ph=None, flow=counted)))


def test_what_has_a_meaning_in_a_name_is_escaped():
    line = line_of(row(water_point='a, "b"=c')).decode()
    assert line.startswith('observation,device=kk-0001,water_point=a\\,\\ "b"\\=c ')
