import errno
import fcntl
import os

import pytest

from edge.probes.inputs import ProbeDisconnected
from tests.edge.hardware.fake_i2c import FakeAds1115, FakeSmbus


@pytest.fixture
def smbus():
    fake = FakeSmbus()
    yield fake
    fake.close()


def test_a_register_of_a_chip_is_big_endian_and_so_is_what_we_read_and_write(smbus):
    chip = smbus.chips[0x48] = FakeAds1115(smbus)
    bus = smbus.bus()

    assert bus.read_word(0x48, 1) == 0x8583  # the configuration after a reset: SBAS444, table 8
    bus.write_word(0x48, 2, 0x1234)
    assert chip._registers[2] == 0x1234


@pytest.mark.parametrize("number", [errno.EREMOTEIO, errno.ETIMEDOUT, errno.EIO, errno.EBUSY])
def test_what_the_kernel_says_becomes_a_probe_that_does_not_answer(smbus, number):
    smbus.chips[0x48] = FakeAds1115(smbus)
    smbus.errors.append(OSError(number, os.strerror(number)))

    with pytest.raises(ProbeDisconnected, match=f"0x48 on I2C does not answer: {os.strerror(number)}"):
        smbus.bus().read_word(0x48, 0)


def test_nothing_at_an_address_is_not_acknowledged(smbus):
    bus = smbus.bus()
    for ask in (lambda: bus.read(0x63, 4), lambda: bus.write(0x63, b"R"), lambda: bus.write_word(0x63, 0, 0)):
        with pytest.raises(ProbeDisconnected, match="0x63"):
            ask()


def test_another_program_waits_until_a_conversation_is_over(smbus):
    other = os.open(smbus.path, os.O_RDWR)  # as another program would open /dev/i2c-1
    with smbus.bus().alone(), pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)

    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)


def test_a_program_that_never_lets_go_is_waited_for_five_seconds_and_no_longer(smbus):
    other = os.open(smbus.path, os.O_RDWR)
    fcntl.flock(other, fcntl.LOCK_EX)

    with pytest.raises(ProbeDisconnected, match="another program"), smbus.bus().alone():
        pass

    assert smbus.now_s == pytest.approx(5.0)
    os.close(other)


def test_a_conversation_within_a_conversation_is_the_same_one(smbus):
    bus = smbus.bus()
    with bus.alone(), bus.alone():
        pass


def test_a_bus_that_was_let_go_says_so(smbus):
    bus = smbus.bus()
    bus.close()
    with pytest.raises(ProbeDisconnected, match="let go"):
        bus.read(0x48, 1)
    with pytest.raises(ProbeDisconnected, match="let go"), bus.alone():
        pass
