"""Golden lines: what stands in InfluxDB, for whoever reads it with other tools."""

from server.store.line_protocol import line_of
from tests.builders import missing, reading, row
from waterquality.flags import Flag, Why


def test_a_line_names_device_water_point_and_milliseconds_and_says_all_of_each_reading():
    line = line_of(row(turbidity=0.5, ph=missing(), flow=None, clock_uncertainty_s=2)).decode()
    assert line == (
        "observation,device=kk-0001,water_point=bolnisi-spring "
        'epoch="9f1c2a7e",seq=1i,'
        'record="[\\"9f1c2a7e\\",1,1795154401500,2.0,{'
        '\\"turbidity\\":[0.5,1,\\"\\",\\"\\",null,\\"V\\",null],'
        '\\"ph\\":[null,9,\\"probe_disconnected\\",\\"\\",null,\\"V\\",null]}]",'
        'turbidity_flag=1i,turbidity_why="",turbidity=0.5,'
        'ph_flag=9i,ph_why="probe_disconnected" '
        "1795154400000"
    )


def test_raw_and_spread_are_written_when_they_are_there():
    full = reading(value=7, raw=3.98, spread=0.1, certificate="c-1", flag=Flag.SUSPECT, why=Why.FIRST_FLUSH)
    line = line_of(row(turbidity=full, ph=None, flow=None)).decode()
    fields = (
        'turbidity_flag=3i,turbidity_why="first_flush",turbidity=7.0,turbidity_raw=3.98,turbidity_spread=0.1'
    )
    assert f",{fields} " in line
    assert '[7.0,3,\\"first_flush\\",\\"c-1\\",3.98,\\"V\\",0.1]' in line


def test_what_has_a_meaning_in_a_name_is_escaped():
    line = line_of(row(water_point='a, "b"=c')).decode()
    assert line.startswith('observation,device=kk-0001,water_point=a\\,\\ "b"\\=c ')
