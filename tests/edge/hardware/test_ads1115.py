import pytest

from edge.hardware.ads1115 import Ads1115Channel
from edge.probes.inputs import ProbeDisconnected, ProbeFault
from firmware_config.buses import Ads1115
from tests.edge.hardware.fake_i2c import FakeAds1115, FakeSmbus

GAINS = (6.144, 4.096, 2.048, 1.024, 0.512, 0.256)
RATES = (8, 16, 32, 64, 128, 250, 475, 860)


@pytest.fixture
def smbus():
    fake = FakeSmbus()
    yield fake
    fake.close()


@pytest.fixture
def chip(smbus):
    smbus.chips[0x48] = FakeAds1115(smbus)
    return smbus.chips[0x48]


def channel(smbus, at=0, **wiring):
    return Ads1115Channel(smbus.bus(), Ads1115(kind="ads1115", **wiring), at, pause=smbus.pause)


@pytest.mark.parametrize("full_scale", GAINS)
def test_each_gain_reads_to_its_own_step(smbus, chip, full_scale):
    chip.volts[0] = full_scale * 0.731

    read = channel(smbus, full_scale_volts=(full_scale,) * 4).read_volts()

    assert 0.0 <= chip.volts[0] - read < full_scale / 32768


def test_each_channel_has_a_gain_of_its_own(smbus, chip):
    chip.volts = [5.0, 3.0, 0.1, 0.01]
    gains = (6.144, 4.096, 0.256, 0.256)

    for at, volts in enumerate(chip.volts):
        assert channel(smbus, at, full_scale_volts=gains).read_volts() == pytest.approx(volts, abs=2e-4)


@pytest.mark.parametrize("rate", RATES)
def test_it_waits_for_the_conversion_and_reads_no_old_one(smbus, chip, rate):
    probe = channel(smbus, data_rate=rate)
    chip.volts[0] = 1.0
    probe.read_volts()
    chip.volts[0] = 2.0
    begun = smbus.now_s

    assert probe.read_volts() == pytest.approx(2.0, abs=2e-4)
    assert 1.0 / rate <= smbus.now_s - begun < 3.0 / rate


def test_a_chip_whose_clock_is_slow_is_waited_for(smbus):
    smbus.chips[0x48] = FakeAds1115(smbus, slowness=3.0)
    smbus.chips[0x48].volts[0] = 1.5

    assert channel(smbus).read_volts() == pytest.approx(1.5, abs=2e-4)


def test_a_chip_that_never_comes_to_an_end_is_waited_for_no_longer_than_so_long(smbus):
    smbus.chips[0x48] = FakeAds1115(smbus, slowness=1e9)

    with pytest.raises(ProbeFault, match="does not come to an end"):
        channel(smbus, data_rate=128).read_volts()

    assert smbus.now_s < 0.1


def test_each_reading_is_one_conversion(smbus, chip):
    probe = channel(smbus)
    for _ in range(3):
        probe.read_volts()

    assert chip.conversions == 3


def test_a_little_below_ground_is_a_little_below_0(smbus, chip):
    chip.volts[0] = -0.00051

    assert channel(smbus).read_volts() == pytest.approx(-0.00051, abs=2e-4)


def test_more_than_the_full_scale_reads_as_its_very_end(smbus, chip):
    chip.volts[0] = 3.3

    assert channel(smbus, full_scale_volts=(2.048,) * 4).read_volts() == pytest.approx(2.048 * 32767 / 32768)


def test_an_answer_to_somebody_elses_question_is_not_taken(smbus, chip):
    probe, passing = channel(smbus), smbus.pause

    def meddled(seconds):  # a program that takes no lock
        passing(seconds)
        smbus.write_word_data(0x48, 1, 0x83D3)

    probe._pause = meddled

    with pytest.raises(ProbeFault, match="used by somebody else"):
        probe.read_volts()


def test_a_chip_that_is_pulled_out_is_disconnected_and_comes_back(smbus, chip):
    probe = channel(smbus)
    del smbus.chips[0x48]
    with pytest.raises(ProbeDisconnected):
        probe.read_volts()
    smbus.chips[0x48] = chip
    chip.volts[0] = 1.0

    assert probe.read_volts() == pytest.approx(1.0, abs=2e-4)


def test_two_chips_on_one_bus_are_told_apart_by_their_address(smbus, chip):
    other = smbus.chips[0x49] = FakeAds1115(smbus)
    chip.volts[0], other.volts[0] = 1.0, 2.0

    assert channel(smbus).read_volts() == pytest.approx(1.0, abs=2e-4)
    assert channel(smbus, address=0x49).read_volts() == pytest.approx(2.0, abs=2e-4)
