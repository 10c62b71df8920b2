import errno
import os
from datetime import timedelta

import pytest

from edge.hardware.pi import PiHardware
from edge.probes.build import build_probes
from edge.probes.hardware import HardwareUnavailable
from edge.probes.inputs import ProbeDisconnected
from edge.probes.measuring import measured
from firmware_config.device import DeviceConfig
from tests.builders import instant
from tests.edge.hardware.fake_i2c import FakeAds1115, FakeEzoPh, FakeSmbus
from tests.edge.hardware.fake_one_wire import FakeOneWire
from tests.edge.hardware.modbus_slave import Cable, ModbusSlaves
from waterquality.flags import NOT_SCREENED, Why

NOTHING = DeviceConfig.model_construct(converters={}, lines={}, probes=())


def refused(number):
    def opened(_):
        raise OSError(number, os.strerror(number))

    return opened


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES])
def test_an_i2c_bus_that_is_switched_off_stops_the_agent_and_says_what_switches_it_on(number):
    hardware = PiHardware(NOTHING, open_bus=refused(number))

    with pytest.raises(HardwareUnavailable, match=r"I2C bus 1 .*dtparam=i2c_arm=on.*group i2c"):
        hardware.circuit(bus=1, address=0x63)


def test_without_a_bus_the_real_one_is_opened():
    with pytest.raises(HardwareUnavailable, match="/dev/i2c-22"):
        PiHardware(NOTHING).circuit(bus=22, address=0x63)


def test_a_1_wire_bus_that_is_switched_off_stops_the_agent_and_says_what_switches_it_on(tmp_path):
    hardware = PiHardware(NOTHING, one_wire=tmp_path / "none")

    with pytest.raises(HardwareUnavailable, match="dtoverlay=w1-gpio"):
        hardware.thermometer(sensor="only", family="28")


def test_a_port_that_is_none_stops_the_agent(tmp_path):
    (tmp_path / "file").write_text("")
    config = with_line(str(tmp_path / "file"))

    with pytest.raises(HardwareUnavailable, match=r"line rs485 .*no serial port"):
        PiHardware(config).registers(line="rs485", unit=1)


def test_an_adapter_that_is_not_plugged_in_does_not_stop_the_agent(tmp_path):
    probe = PiHardware(with_line(str(tmp_path / "ttyUSB0"))).registers(line="rs485", unit=1)

    with pytest.raises(ProbeDisconnected):
        probe.read(function="holding", address=0, count=1)


def test_a_chip_that_is_not_there_yet_does_not_stop_the_agent():
    smbus = FakeSmbus()
    hardware = PiHardware(NOTHING, pause=smbus.pause, open_bus=lambda _: smbus.bus())
    circuit = hardware.circuit(bus=1, address=0x63)
    with pytest.raises(ProbeDisconnected):
        circuit.ask("R", wait_s=0.9)
    smbus.chips[0x63] = FakeEzoPh(smbus)

    assert circuit.ask("R", wait_s=0.9) == "7.000"
    hardware.close()


def test_two_things_on_one_bus_share_it_and_it_is_let_go_once():
    smbus, opened = FakeSmbus(), []
    smbus.chips |= {0x48: FakeAds1115(smbus), 0x63: FakeEzoPh(smbus)}
    config = DeviceConfig.model_validate(
        {
            "schema_version": 1,
            "device": "kk-0007",
            "converters": {"adc1": {"kind": "ads1115"}},
            "probes": [{"parameter": "ph", "model": "ezo-ph", "input": {"bus": 1}}],
        }
    )
    hardware = PiHardware(
        config, pause=smbus.pause, open_bus=lambda number: opened.append(number) or smbus.bus()
    )
    channel = hardware.voltage(converter="adc1", channel=0)
    circuit = hardware.circuit(bus=1, address=0x63)

    assert circuit.ask("R", wait_s=0.9) == "7.000"
    assert channel.read_volts() == 0.0
    assert opened == [1]
    hardware.close()
    assert smbus.fd is None
    with pytest.raises(ProbeDisconnected):
        channel.read_volts()


def test_a_device_whose_probes_all_hang_on_buses_measures_through_their_protocols(tmp_path):
    cable, smbus, one_wire = Cable(), FakeSmbus(), FakeOneWire(tmp_path)
    slaves = ModbusSlaves(1, cable=cable)
    slaves.registers[1] = {0: 0x4148, 1: 0xF5C3, 2: 0}
    ezo = smbus.chips[0x63] = FakeEzoPh(smbus)
    ezo.points = {"mid", "low"}
    one_wire.put_celsius(11.5)
    hardware = PiHardware(
        on_buses(cable.master_port), pause=smbus.pause, open_bus=lambda _: smbus.bus(), one_wire=tmp_path
    )
    probes = build_probes(on_buses(cable.master_port), hardware)

    def taken(minute):
        now = instant("2026-11-20T06:00:00Z") + timedelta(minutes=2 * minute)
        return {reading.parameter: reading for probe in probes for reading in measured(probe, now)}

    taken(0)
    found = taken(1)
    assert [round(found[name].value, 4) for name in ("turbidity", "ph", "temperature")] == [12.56, 7.0, 11.5]
    assert found["turbidity"].screened == NOT_SCREENED
    assert ezo.temperature_c == 11.5

    cable.to_master = lambda frame: frame[:-1]
    del smbus.chips[0x63]
    one_wire.unplug()
    lost = taken(2)
    assert {name: reading.screened.why for name, reading in lost.items()} == {
        "turbidity": Why.PROBE_FAULT,
        "ph": Why.PROBE_DISCONNECTED,
        "temperature": Why.PROBE_DISCONNECTED,
    }
    assert {reading.value for reading in lost.values()} == {None}

    cable.to_master, smbus.chips[0x63] = bytes, ezo
    one_wire.put_celsius(12.0)
    taken(3)
    assert [round(taken(4)[name].value, 4) for name in ("turbidity", "ph", "temperature")] == [
        12.56,
        7.0,
        12.0,
    ]
    hardware.close(), slaves.close(), cable.close()


def on_buses(port):
    certificate = {
        "id": "ntu-1",
        "made_on": "2026-11-01",
        "made_by": "A. Tester",
        "kind": "linear",
        "points": [[0.0, 0.0], [20.0, 20.0]],
        "standards": ["formazin"],
        "expires_on": "2027-11-01",
    }
    return DeviceConfig.model_validate(
        {
            "schema_version": 1,
            "device": "kk-0007",
            "lines": {"rs485": {"port": port}},
            "probes": [
                {
                    "parameter": "turbidity",
                    "model": "modbus-nephelometer",
                    "input": {"line": "rs485"},
                    "calibration": certificate,
                },
                {"parameter": "ph", "model": "ezo-ph", "input": {"bus": 1}},
                {"parameter": "temperature", "model": "ds18b20", "input": {"sensor": "only"}},
            ],
        }
    )


def with_line(port):
    probe = {"parameter": "turbidity", "model": "modbus-nephelometer", "input": {"line": "rs485"}}
    config = {
        "schema_version": 1,
        "device": "kk-0007",
        "lines": {"rs485": {"port": "/dev/x"}},
        "probes": [probe],
    }
    made = DeviceConfig.model_validate(config)
    line = made.lines["rs485"].model_copy(update={"port": port})
    return made.model_copy(update={"lines": {"rs485": line}})
