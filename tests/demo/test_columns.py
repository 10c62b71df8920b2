import pytest

from demo.columns import parse_mapping
from waterquality.errors import ConfigError
from waterquality.parameters import SPECS, Parameter


@pytest.mark.parametrize(
    ("text", "parameter", "column", "factor"),
    [
        ("turbidity=Trueb:NTU", Parameter.TURBIDITY, "Trueb", 1),
        ("turbidity=Trueb:FNU", Parameter.TURBIDITY, "Trueb", 1),
        ("ph=pH:pH", Parameter.PH, "pH", 1),
        ("flow=Fm:L/min", Parameter.FLOW, "Fm", 1),
        ("flow=Fm:l/s", Parameter.FLOW, "Fm", 60),
        ("flow=Fm:m3/h", Parameter.FLOW, "Fm", 1000 / 60),
        ("flow=Fm:m³/h", Parameter.FLOW, "Fm", 1000 / 60),
        ("volume=Total:m3", Parameter.VOLUME, "Total", 1),
        ("volume=Total:L", Parameter.VOLUME, "Total", 0.001),
        ("temperature=Tp:Cel", Parameter.TEMPERATURE, "Tp", 1),
        ("temperature=Tp:°C", Parameter.TEMPERATURE, "Tp", 1),
        (" PH = a:b : ph", Parameter.PH, "a:b", 1),
    ],
)
def test_a_mapping_is_read_and_brought_into_our_unit(text, parameter, column, factor):
    mapped = parse_mapping(text)

    assert (mapped.parameter, mapped.column) == (parameter, column)
    assert mapped.unit.factor == pytest.approx(factor)


def test_the_wire_and_a_recording_agree_on_cubic_metres_a_second():
    factor = parse_mapping("flow=Q:m3/s").unit.factor

    assert factor * SPECS[Parameter.FLOW].wire_per_unit == pytest.approx(1)


def test_whoever_maps_fnu_is_told_that_it_is_taken_for_ntu():
    assert "same number" in parse_mapping("turbidity=t:FNU").unit.note
    assert parse_mapping("turbidity=t:NTU").unit.note == ""


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("turbidity", "write PARAMETER=COLUMN:UNIT"),
        ("turbidity=Trueb", "write PARAMETER=COLUMN:UNIT"),
        ("=Trueb:NTU", "write PARAMETER=COLUMN:UNIT"),
        ("turbidity=:NTU", "write PARAMETER=COLUMN:UNIT"),
        ("turb=Trueb:NTU", "write one of turbidity, ph, flow, volume, temperature"),
        ("turbidity=Trueb:mg/L", "write NTU or FNU"),
        ("flow=Fm:m3", "write L/min or L/s or m3/h or m3/s"),
    ],
)
def test_a_mapping_that_cannot_be_read_says_what_to_write(text, instead):
    with pytest.raises(ConfigError, match=instead):
        parse_mapping(text)
