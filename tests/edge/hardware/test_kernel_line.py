"""The kernel's lines: what is made of what it tells. The kernel itself answers in the contract of `PulseInput`."""

import os
from pathlib import Path
from struct import Struct
from time import monotonic

import pytest

from edge.hardware import kernel_line
from edge.hardware.gpio import GpioHardware
from edge.hardware.kernel_line import EdgeTally, KernelCounter, header_chip
from edge.probes.hardware import HardwareUnavailable
from edge.probes.inputs import ProbeDisconnected
from tests.fakes.gpio_sim import simulated_chip, why_not

EVENT = Struct("=QIIII24x")


def told(*edges: tuple[float, int]) -> bytes:
    """Events as the kernel writes them: when, in seconds, and the number on the line."""
    return b"".join(EVENT.pack(round(at_s * 1e9), 2, 17, number, number) for at_s, number in edges)


def tally(*reads: bytes, shortest_s: float = 0.002) -> EdgeTally:
    made = EdgeTally(shortest_s)
    for read in reads:
        made.take(read)
    return made


def test_the_structures_have_the_sizes_that_the_kernel_knows_them_by():
    sizes = {
        kernel_line._GET_CHIP_INFO: kernel_line._CHIP_INFO.size,
        kernel_line._GET_LINE: kernel_line._LINE_REQUEST.size,
    }

    assert {code >> 16 & 0x3FFF: size for code, size in sizes.items()} == {68: 68, 592: 592}
    assert kernel_line._LINE_EVENT.size == 48


def test_the_number_of_the_newest_edge_is_the_count_and_its_stamp_the_time():
    made = tally(told((10.0, 1), (10.5, 2)), told((11.0, 3)))

    assert (made.count, made.last_edge_s, made.crowded) == (3, 11.0, 0)


def test_what_the_buffer_could_not_hold_is_counted_all_the_same():
    made = tally(told((10.0, 1)), told((70.0, 60_001), (70.001, 60_002)))

    assert (made.count, made.last_edge_s) == (60_002, 70.001)


def test_of_what_the_buffer_could_not_hold_as_many_were_crowded_as_of_what_it_held():
    made = tally(told((10.0, 1)), told(*((70.0 + at * 0.001, 9001 + at) for at in range(1000))))

    assert made.crowded == pytest.approx(9999, rel=0.01)


def test_numbers_begin_again_after_four_thousand_million():
    made = EdgeTally(0.002)
    made._number = (1 << 32) - 2
    made.take(told((10.0, (1 << 32) - 1), (11.0, 0), (12.0, 1)))

    assert made.count == 3


def test_nothing_told_is_nothing_counted():
    made = tally(b"", told((10.0, 1)), b"")

    assert (made.count, made.last_edge_s) == (1, 10.0)


@pytest.fixture
def line(monkeypatch):
    """A line whose kernel is the other end of a pipe."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    monkeypatch.setattr(kernel_line, "_requested", lambda *_: reading)
    counter = KernelCounter(Path("/dev/null"), 17, pull_up=True)
    yield counter, writing
    counter.close()
    os.close(writing)


def test_a_line_is_read_without_waiting(line):
    counter, writing = line
    assert counter.read().count == 0
    edge_s = monotonic()
    os.write(writing, told((edge_s, 1)))

    pulses = counter.read()
    assert pulses.count == 1
    assert pulses.last_edge_s == pytest.approx(edge_s, abs=1e-6)
    assert pulses.last_edge_s <= pulses.read_s + 1e-6


def test_a_line_that_the_kernel_gives_up_is_disconnected(line, monkeypatch):
    def gone(*_):
        raise OSError(19, "no such device")

    monkeypatch.setattr(os, "read", gone)
    with pytest.raises(ProbeDisconnected, match="gives up the line"):
        line[0].read()


def test_a_machine_without_a_header_has_no_header_chip(tmp_path):
    (tmp_path / "gpiochip0").write_text("")

    assert header_chip([tmp_path / "gpiochip0", tmp_path / "gpiochip1"]) is None


def test_a_chip_that_cannot_be_opened_is_said_plainly(tmp_path):
    with pytest.raises(HardwareUnavailable, match="GPIO17 cannot be opened"):
        GpioHardware({}, header=tmp_path / "gpiochip0").pulses(pin=17, pull_up=True)


@pytest.mark.skipif(bool(why_not()), reason=why_not())
class TestOnTheKernelsOwnChip:
    def test_the_chip_of_the_header_is_found_by_its_label(self):
        with simulated_chip() as chip:
            assert header_chip() == chip.device

    def test_an_hour_of_pulses_that_nobody_reads_is_counted(self):
        with simulated_chip() as chip:
            counter = KernelCounter(chip.device, 17, pull_up=True)
            chip.pulse(17, 30_000)
            pulses = counter.read()
            counter.close()

        assert pulses.count == 30_000

    def test_a_line_is_held_by_one_alone(self):
        with simulated_chip() as chip:
            counter = KernelCounter(chip.device, 17, pull_up=True)
            with pytest.raises(HardwareUnavailable, match="GPIO17"):
                GpioHardware({}, header=chip.device).pulses(pin=17, pull_up=True)
            counter.close()
