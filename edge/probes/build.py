"""From a device's configuration to its probes, on whatever hardware there is."""

from collections.abc import Callable
from datetime import datetime

from edge.compensation import WaterTemperature, known
from edge.probes.ezo import EzoPh, EzoPhInstrument
from edge.probes.flow import FlowProbe, fastest_hz
from edge.probes.hardware import Hardware
from edge.probes.inputs import Divided
from edge.probes.instrument import InstrumentProbe
from edge.probes.phases import Timing
from edge.probes.port import Probe
from edge.probes.powered import PoweredProbe
from edge.probes.registers import RegisterInstrument
from edge.probes.thermometer import ThermometerInstrument, WaterThermometer
from edge.probes.voltage import VoltageProbe
from edge.schedule import Ahead, AnyOf, Every, Schedule
from firmware_config.buses import address_of, unit_of
from firmware_config.datasheet import Datasheet, VoltageSignal, load
from firmware_config.device import DeviceConfig
from firmware_config.parts import (
    AssumedTemperature,
    CurveKind,
    EzoWiring,
    OneWireWiring,
    Power,
    ProbeConfig,
    PulseWiring,
    RegisterWiring,
    VoltageWiring,
)
from firmware_config.signals import EzoSignal, OneWireSignal, RegisterSignal
from firmware_config.wiring import SLACK_S
from waterquality.parameters import Parameter

Water = Callable[[datetime], WaterTemperature | None]

# Two ticks may be missed; a longer gap is an agent that stood still or a clock that was set, and no mean.
LONGEST_GAP_INTERVALS = 3
_SURELY_SET_S = 60.0  # a busy machine may hold up quick ticks for so long


def build_probes(config: DeviceConfig, hardware: Hardware, *, volume_m3: float = 0.0) -> tuple[Probe, ...]:
    """The probes of a device, in the order of its configuration.

    Args:
        config: what is wired.
        hardware: what to open; the caller closes it.
        volume_m3: where the volume goes on from, in m3: the last one recorded before a restart.

    Raises:
        HardwareUnavailable: an input cannot be opened; mended by the operator.
    """
    thermometer = _thermometer(config, hardware)
    water = thermometer.temperature if thermometer else _nobody_knows
    return tuple(
        thermometer
        if thermometer and probe.parameter is Parameter.TEMPERATURE
        else _build(probe, config, hardware, volume_m3, water)
        for probe in config.probes
    )


def ticks_of(config: DeviceConfig) -> Schedule:
    """When the probes are asked: at every sample, at every observation, and when a probe needs its power."""
    observations = Every(config.observe_every_s)
    leads = (
        _timing(load(probe.model), probe.power).lead_s + SLACK_S for probe in config.probes if probe.power
    )
    ahead = (Ahead(observations, lead_s) for lead_s in sorted(set(leads)))
    return AnyOf(Every(config.asks_every_s), observations, *ahead)


def _nobody_knows(_: datetime) -> None:
    """The temperature of water that nothing measures."""


def _thermometer(config: DeviceConfig, hardware: Hardware) -> WaterThermometer | None:
    for probe in config.probes:
        if probe.parameter is Parameter.TEMPERATURE:
            made = _build(probe, config, hardware, 0.0, _nobody_knows)
            return WaterThermometer(made, within=load(probe.model).uncertainty)
    return None


def _build(
    probe: ProbeConfig, config: DeviceConfig, hardware: Hardware, volume_m3: float, measured: Water
) -> Probe:
    sheet = load(probe.model)
    if probe.power is None:
        return _build_probe(probe, sheet, config, hardware, volume_m3=volume_m3, measured=measured)
    switch = hardware.switch(pin=probe.power.pin, active_high=probe.power.active_high)
    unwarmed = sheet.model_copy(update={"warm_up_s": 0.0, "settling_s": 0.0})  # the switch sees to both
    return PoweredProbe(
        _build_probe(probe, unwarmed, config, hardware, volume_m3=volume_m3, measured=measured),
        switch,
        timing=_timing(sheet, probe.power),
        observations=Every(config.observe_every_s),
    )


def _timing(sheet: Datasheet, power: Power) -> Timing:
    return Timing(warm_up_s=sheet.warm_up_s, settling_s=sheet.settling_s + power.longer_s)


def _build_probe(
    probe: ProbeConfig,
    sheet: Datasheet,
    config: DeviceConfig,
    hardware: Hardware,
    *,
    volume_m3: float,
    measured: Water,
) -> Probe:
    water = _water(probe, measured)
    gap_s = max(_SURELY_SET_S, LONGEST_GAP_INTERVALS * config.observe_every_s)
    match probe.input:
        case VoltageWiring() as wiring:
            return _voltage_probe(
                probe,
                wiring,
                sheet,
                hardware,
                samples=config.samples_per_reading,
                water=water,
                gap_s=gap_s,
            )
        case PulseWiring() as wiring:
            return FlowProbe(
                hardware.pulses(
                    pin=wiring.pin,
                    pull_up=wiring.pull_up,
                    fastest_hz=fastest_hz(sheet, wiring.pulses_per_litre),
                ),
                sheet=sheet,
                pulses_per_litre=wiring.pulses_per_litre,
                longest_gap_s=LONGEST_GAP_INTERVALS * config.observe_every_s,
                volume_m3=volume_m3,
            )
        case RegisterWiring() as wiring:
            return _register_probe(probe, wiring, sheet, hardware, gap_s=gap_s)
        case EzoWiring() as wiring:
            return _ezo_probe(probe, wiring, sheet, hardware, water=water, gap_s=gap_s)
        case OneWireWiring() as wiring:
            return _one_wire_probe(wiring, sheet, hardware, gap_s=gap_s)


def _water(probe: ProbeConfig, measured: Water) -> Water:
    """Where a probe's temperature of the water comes from."""
    if not isinstance(probe.temperature, AssumedTemperature):
        return measured
    assumed = known(probe.temperature.celsius, probe.temperature.within)
    return lambda _: assumed


def _voltage_probe(
    probe: ProbeConfig,
    wiring: VoltageWiring,
    sheet: Datasheet,
    hardware: Hardware,
    *,
    samples: int,
    water: Water,
    gap_s: float,
) -> VoltageProbe:
    assert isinstance(sheet.signal, VoltageSignal)  # the configuration was refused otherwise
    source = hardware.voltage(converter=wiring.converter, channel=wiring.channel)
    return VoltageProbe(
        Divided(source, wiring.divider),
        sheet=sheet,
        signal=sheet.signal,
        certificate=probe.calibration,
        samples=samples,
        water=water,
        longest_gap_s=gap_s,
    )


def _register_probe(
    probe: ProbeConfig, wiring: RegisterWiring, sheet: Datasheet, hardware: Hardware, *, gap_s: float
) -> InstrumentProbe:
    assert isinstance(sheet.signal, RegisterSignal)  # the configuration was refused otherwise
    source = hardware.registers(line=wiring.line, unit=unit_of(wiring, sheet.signal))
    return InstrumentProbe(
        RegisterInstrument(source, sheet.signal),
        sheet=sheet,
        certificate=probe.calibration,
        saturates=sheet.signal.saturates,
        longest_gap_s=gap_s,
    )


def _ezo_probe(
    probe: ProbeConfig,
    wiring: EzoWiring,
    sheet: Datasheet,
    hardware: Hardware,
    *,
    water: Water,
    gap_s: float,
) -> InstrumentProbe:
    assert isinstance(sheet.signal, EzoSignal)  # the configuration was refused otherwise
    circuit = hardware.circuit(bus=wiring.bus, address=address_of(wiring, sheet.signal))
    commands = EzoPh(circuit, sheet.signal)
    made = probe.calibration
    points = len(made.points) if made and made.kind is CurveKind.KEPT else 1
    return InstrumentProbe(
        EzoPhInstrument(commands, sheet=sheet, signal=sheet.signal, water=water, points=points),
        sheet=sheet,
        certificate=probe.calibration,
        longest_gap_s=gap_s,
    )


def _one_wire_probe(
    wiring: OneWireWiring, sheet: Datasheet, hardware: Hardware, *, gap_s: float
) -> InstrumentProbe:
    assert isinstance(sheet.signal, OneWireSignal)  # the configuration was refused otherwise
    source = hardware.thermometer(sensor=wiring.sensor, family=sheet.signal.family)
    shows = ThermometerInstrument(source, power_on_celsius=sheet.signal.power_on_celsius)
    return InstrumentProbe(shows, sheet=sheet, needs_certificate=False, longest_gap_s=gap_s)
