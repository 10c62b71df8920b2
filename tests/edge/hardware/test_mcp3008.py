import pytest

from edge.hardware.mcp3008 import Mcp3008Channel
from edge.probes.inputs import ProbeDisconnected
from firmware_config.parts import Mcp3008
from tests.edge.hardware.fake_mcp3008 import FakeMcp3008

WIRING = Mcp3008(kind="mcp3008")


@pytest.fixture
def channels(chip):
    opened = [Mcp3008Channel(WIRING, channel) for channel in range(8)]
    yield opened
    for channel in opened:
        channel.close()


def test_every_channel_reads_its_own_code(chip, channels):
    chip.codes = [0, 1, 2, 255, 256, 511, 1022, 1023]

    assert [channel.read_volts() for channel in channels] == [code * 3.3 / 1024 for code in chip.codes]


@pytest.mark.parametrize("code", [0, 1, 2, 3, 127, 128, 341, 512, 682, 1000, 1022, 1023])
def test_volts_are_the_code_times_the_reference_over_1024(chip, channels, code):
    chip.codes[3] = code

    assert channels[3].read_volts() == pytest.approx(code * 3.3 / 1024, abs=1e-12)


def test_nothing_on_the_channel_is_exactly_0_volts(chip, channels):
    assert channels[0].read_volts() == 0.0


def test_full_scale_stays_one_step_below_the_reference(chip, channels):
    chip.put_volts(0, 5.0)

    assert channels[0].read_volts() == pytest.approx(3.3 - 3.3 / 1024)


@pytest.mark.parametrize("millivolts", range(0, 3300, 97))
def test_a_voltage_is_read_to_within_one_step(chip, channels, millivolts):
    chip.put_volts(5, millivolts / 1000)

    assert 0.0 <= millivolts / 1000 - channels[5].read_volts() < 3.3 / 1024 + 1e-12


def test_another_reference_scales_all_readings(chip):
    chip.codes[2] = 512
    channel = Mcp3008Channel(Mcp3008(kind="mcp3008", reference_volts=2.5), 2)

    assert channel.read_volts() == 1.25
    channel.close()


def test_two_converters_on_one_bus_are_told_apart_by_their_select(chip):
    with FakeMcp3008(select_pin=7) as other:
        chip.codes[0], other.codes[0] = 100, 900
        first = Mcp3008Channel(WIRING, 0)
        second = Mcp3008Channel(Mcp3008(kind="mcp3008", select_pin=7), 0)

        assert first.read_volts() == 100 * 3.3 / 1024
        assert second.read_volts() == 900 * 3.3 / 1024
        first.close()
        second.close()


def test_closing_one_channel_leaves_the_others_open(chip, channels):
    chip.codes[1] = 512
    channels[0].close()

    assert channels[1].read_volts() == 1.65


def test_a_converter_that_was_let_go_is_disconnected(channels):
    channels[0].close()

    with pytest.raises(ProbeDisconnected):
        channels[0].read_volts()
