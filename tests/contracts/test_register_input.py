"""What every `RegisterInput` promises: pymodbus' server at the far end of a pty, and the simulated hardware."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from edge.hardware.pi import PiHardware
from edge.hardware.simulated import SimulatedHardware
from edge.probes.hardware import Hardware
from edge.probes.inputs import ProbeDisconnected, ProbeFault
from firmware_config.device import DeviceConfig
from tests.edge.hardware.modbus_slave import Cable, ModbusSlaves


@dataclass(frozen=True)
class Bench:
    """Hardware with two probes, 1 and 7, on the line `rs485`, and what their registers hold."""

    hardware: Hardware
    registers: dict[int, dict[int, int]]

    def probe(self, unit: int = 1):
        return self.hardware.registers(line="rs485", unit=unit)


def over_a_pty() -> Iterator[Bench]:
    cable = Cable()
    slaves = ModbusSlaves(1, 7, cable=cable)
    hardware = PiHardware(on_port(cable.master_port))
    yield Bench(hardware, slaves.registers)
    hardware.close()
    slaves.close()
    cable.close()


def on_port(port: str) -> DeviceConfig:
    probe = {"parameter": "turbidity", "model": "modbus-nephelometer", "input": {"line": "rs485"}}
    lines = {"rs485": {"port": port}}
    return DeviceConfig.model_validate(
        {"schema_version": 1, "device": "kk-0007", "lines": lines, "probes": [probe]}
    )


def simulated() -> Iterator[Bench]:
    registers: dict[int, dict[int, int]] = {1: {}, 7: {}}
    sources = {("rs485", unit): (lambda at=unit: registers[at]) for unit in registers}
    yield Bench(SimulatedHardware(registers=sources), registers)


BENCHES = {"pty": over_a_pty, "simulated": simulated}


@pytest.fixture(params=BENCHES)
def bench(request) -> Iterator[Bench]:
    yield from BENCHES[request.param]()


@pytest.mark.parametrize("function", ["holding", "input"])
def test_it_reads_the_registers_that_are_there(bench, function):
    bench.registers[1] |= {10: 0, 11: 1, 12: 65535}

    assert bench.probe().read(function=function, address=10, count=3) == (0, 1, 65535)


def test_each_reading_is_of_now(bench):
    probe = bench.probe()
    for word in (1, 2, 1):
        bench.registers[1][0] = word
        assert probe.read(function="holding", address=0, count=1) == (word,)


def test_two_probes_on_one_line_do_not_answer_for_each_other(bench):
    first, second = bench.probe(1), bench.probe(7)
    bench.registers[1][0], bench.registers[7][0] = 111, 777

    for _ in range(3):
        assert first.read(function="holding", address=0, count=1) == (111,)
        assert second.read(function="holding", address=0, count=1) == (777,)


def test_a_register_that_is_not_there_is_a_fault_and_no_number(bench):
    with pytest.raises(ProbeFault):
        bench.probe().read(function="holding", address=99, count=2)


def test_after_a_fault_it_reads_on(bench):
    probe = bench.probe()
    with pytest.raises(ProbeFault):
        probe.read(function="holding", address=99, count=1)
    bench.registers[1][0] = 5

    assert probe.read(function="holding", address=0, count=1) == (5,)


def test_what_was_let_go_says_that_it_is_disconnected(bench):
    probe = bench.probe()
    bench.hardware.close()

    with pytest.raises(ProbeDisconnected):
        probe.read(function="holding", address=0, count=1)
