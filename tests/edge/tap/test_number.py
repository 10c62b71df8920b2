"""A number at the tap claims no more than its probe can show."""

import pytest

from edge.live import number_text
from firmware_config.datasheet import load
from waterquality.parameters import Parameter
from waterquality.readings import Reading


@pytest.mark.parametrize(
    ("parameter", "model", "value", "said"),
    [
        (Parameter.TURBIDITY, "sen0189", 0.1412, "< 350"),
        (Parameter.TURBIDITY, "sen0189", 812.4, "812"),
        (Parameter.TURBIDITY, "analog-nephelometer", -0.02, "< 0.3"),
        (Parameter.TURBIDITY, "analog-nephelometer", 4.0312, "4.03"),
        (Parameter.PH, "sen0161-v2", 7.3812, "7.38"),
        (Parameter.TEMPERATURE, "ds18b20", -0.4, "-0.4"),
        (Parameter.VOLUME, None, -0.0001, "≈ 0"),
    ],
)
def test_below_what_a_probe_can_tell_no_number_is_said(
    parameter: Parameter, model: str | None, value: float, said: str
) -> None:
    assert number_text(Reading(parameter, value), load(model) if model else None) == said


def test_a_meter_that_shows_no_flow_shows_nought() -> None:
    reading = Reading(Parameter.FLOW, 0.0, raw=0, raw_unit="count")

    assert number_text(reading, load("yf-s201")) == "0.0"


def test_what_was_not_measured_has_no_number() -> None:
    assert number_text(Reading(Parameter.PH, None), load("sen0161-v2")) == ""
