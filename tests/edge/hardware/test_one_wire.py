import pytest

from edge.hardware.one_wire import OneWireThermometer, warmth_in
from edge.probes.inputs import AnswerGarbled, ProbeDisconnected, ProbeFault
from tests.edge.hardware.fake_one_wire import POWERED_ON, SENSOR, FakeOneWire, crc


@pytest.fixture
def bus(tmp_path):
    return FakeOneWire(tmp_path)


def thermometer(bus, sensor=SENSOR):
    return OneWireThermometer(bus.folder, sensor, family="28")


def test_the_fake_has_the_checksum_of_the_chip():
    # a scratchpad from Maxim's datasheet of the chip's power-on state
    assert crc(bytes.fromhex("50054b467fff0c10")) == 0x1C


def test_a_temperature_comes_with_its_checksum(bus):
    bus.put_celsius(11.5)

    assert thermometer(bus).read().celsius == 11.5


def test_degrees_below_0_are_read(bus):
    bus.put_celsius(-5.0625)

    assert thermometer(bus).read().celsius == pytest.approx(-5.0625, abs=0.001)


def test_a_checksum_that_does_not_fit_is_no_temperature(bus):
    bus.put("72 01 4b 46 7f ff 0e 10 57", 23.125, fits=False)

    with pytest.raises(AnswerGarbled, match="checksum"):
        thermometer(bus).read()


def test_what_it_holds_after_power_on_is_told_apart_from_85_degrees(bus):
    bus.put(POWERED_ON, 85.0)
    assert thermometer(bus).read().is_as_powered_on
    bus.put_celsius(85.0)
    assert not thermometer(bus).read().is_as_powered_on


def test_a_copy_of_the_chip_that_keeps_byte_6_is_read_like_any_other(bus):
    bus.put("a1 01 4b 46 7f ff 0c 10 5c", 26.062)

    warmth = thermometer(bus).read()

    assert warmth.celsius == 26.062
    assert not warmth.is_as_powered_on


def test_a_data_line_at_0_volts_is_not_0_degrees(bus):
    bus.put("00 00 00 00 00 00 00 00 00", 0.0)

    with pytest.raises(ProbeDisconnected, match="0 V"):
        thermometer(bus).read()


def test_0_degrees_are_0_degrees(bus):
    bus.put_celsius(0.0)

    assert thermometer(bus).read().celsius == 0.0


def test_minus_127_is_nobody(bus):
    bus.put("10 f8 4b 46 7f ff 10 10 00", -127.0)

    with pytest.raises(ProbeDisconnected):
        thermometer(bus).read()


def test_a_sensor_that_is_gone_is_disconnected_and_comes_back(bus):
    bus.put_celsius(10.0)
    bus.unplug()
    with pytest.raises(ProbeDisconnected, match=SENSOR):
        thermometer(bus).read()
    bus.put_celsius(12.0)

    assert thermometer(bus).read().celsius == 12.0


def test_the_only_one_needs_no_name(bus):
    bus.put_celsius(10.0, "28-00000a0b0c0d")

    assert thermometer(bus, "only").read().celsius == 10.0


def test_the_only_one_is_none_when_there_is_none(bus):
    with pytest.raises(ProbeDisconnected, match="no thermometer"):
        thermometer(bus, "only").read()


def test_one_of_two_must_be_named(bus):
    bus.put_celsius(10.0, "28-00000a0b0c0d")
    bus.put_celsius(12.0)

    with pytest.raises(ProbeFault, match="28-00000a0b0c0d, 28-0316a2794bff"):
        thermometer(bus, "only").read()


def test_other_chips_on_the_bus_are_no_thermometers_of_ours(bus):
    bus.put_celsius(10.0, "10-000802b4ba0e")
    bus.put_celsius(12.0)

    assert thermometer(bus, "only").read().celsius == 12.0


@pytest.mark.parametrize("text", ["", "\n", "t=21000", "a : crc=00 YES\n t=1\n", "é"])
def test_a_file_that_says_nothing_is_no_temperature(text):
    with pytest.raises(AnswerGarbled):
        warmth_in(text)
