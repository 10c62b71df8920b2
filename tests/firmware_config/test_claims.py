import pytest

from firmware_config.claims import check_claim
from firmware_config.datasheet import load
from firmware_config.errors import UnsupportedClaim
from waterquality.errors import ConfigError
from waterquality.limits import Limit
from waterquality.parameters import Parameter


def turbidity(high):
    return Limit(Parameter.TURBIDITY, low=None, high=high, authority="who-2017")


@pytest.mark.parametrize("ntu", [1.0, 3.5, 4.0, 5.0])
def test_no_limit_of_drinking_water_stands_on_a_sen0189(ntu):
    with pytest.raises(UnsupportedClaim, match=rf"at {ntu:g} NTU it is uncertain by 35\d NTU") as refused:
        check_claim(turbidity(ntu), load("sen0189"))

    assert isinstance(refused.value, ConfigError)


def test_1_ntu_is_refused_on_the_generic_nephelometer_with_the_arithmetic():
    with pytest.raises(UnsupportedClaim, match=r"at 1 NTU .* uncertain by 0\.35 NTU; at most 0\.3 NTU"):
        check_claim(turbidity(1.0), load("analog-nephelometer"))


@pytest.mark.parametrize("ntu", [1.2, 4.0, 5.0])
def test_limits_from_1_2_ntu_upwards_stand_on_the_generic_nephelometer(ntu):
    check_claim(turbidity(ntu), load("analog-nephelometer"))


def test_a_limit_on_both_sides_stands_on_the_ph_probe():
    check_claim(Limit(Parameter.PH, low=6.5, high=8.5, authority="who-2017"), load("sen0161-v2"))


def test_a_limit_beyond_the_span_is_refused():
    with pytest.raises(UnsupportedClaim, match="outside what the probe can show"):
        check_claim(turbidity(500.0), load("analog-nephelometer"))


def test_a_limit_of_another_parameter_is_refused():
    with pytest.raises(UnsupportedClaim, match="measures ph, the limit is of turbidity"):
        check_claim(turbidity(5.0), load("sen0161-v2"))
