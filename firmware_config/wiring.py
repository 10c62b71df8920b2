"""What parts do to one another: pins and channels used twice, probes on the wrong wire, impossible curves.

Pure: from the parts to the problems, each with its key path. Nothing is mended or clamped here; a device with
one problem does not start.
"""

from collections.abc import Iterator, Sequence

from firmware_config.buses import (
    Ads1115,
    Converters,
    Lines,
    address_problems,
    channels_of,
    line_problems,
    reach_volts,
)
from firmware_config.certified import calibration_problems
from firmware_config.claims import check_claim
from firmware_config.datasheet import Datasheet, PulseSignal, VoltageSignal, all_models, load
from firmware_config.errors import Problem, UnknownProbeModel, UnsupportedClaim
from firmware_config.lights import LedLight, RgbLight
from firmware_config.parts import (
    AssumedTemperature,
    EzoWiring,
    Mcp3008,
    OneWireWiring,
    ProbeConfig,
    PulseWiring,
    RegisterWiring,
    VoltageWiring,
)
from firmware_config.refusal import did_you_mean
from firmware_config.signals import EzoSignal, OneWireSignal, RegisterSignal

SLACK_S = 2.0  # power comes on that much earlier still: other probes take their time at the tick itself
# The Pi's own SPI bus: once it is switched on, the kernel holds all five pins, used or not.
_OWN_BUS = (11, 10, 9)
_OWN_SELECTS = (8, 7)
# What the header's own I2C bus and its UART hang on; the kernel holds them once they are switched on.
_I2C_PINS = {1: (2, 3)}
_UARTS = ("/dev/serial0", "/dev/ttyAMA0", "/dev/ttyS0")
_UART_PINS = (14, 15)
_WORDS = {
    "voltage": "in volts",
    "pulse": "in pulses",
    "register": "in registers on a serial line",
    "ezo": "in words on an I2C bus",
    "one_wire": "on a 1-wire bus",
}

Probes = Sequence[ProbeConfig]


def problems_of(
    converters: Converters, lines: Lines, probes: Probes, light: LedLight | RgbLight | None = None
) -> Iterator[Problem]:
    """Everything that is wrong between the parts of a device.

    Args:
        converters: by name.
        lines: serial lines, by name.
        probes: in the order of the file, which is how keys count them, from 0.
        light: at the tap; None where there is none.
    """
    if not probes:
        yield Problem("probes", "needs at least one")
    yield from _select_problems(converters)
    yield from _pin_problems(converters, lines, probes, light)
    yield from address_problems(converters, probes)
    yield from line_problems(lines, probes)
    yield from _channel_problems(probes)
    yield from _parameter_problems(probes)
    for at, probe in enumerate(probes):
        yield from _probe_problems(f"probes[{at}]", probe, converters)


def _select_problems(converters: Converters) -> Iterator[Problem]:
    for name, converter in _on_spi(converters).items():
        if converter.bus == _OWN_BUS and converter.select_pin not in _OWN_SELECTS:
            yield Problem(f"converters.{name}.select_pin", "the Pi's own SPI bus selects with 8 or 7 only")


def _on_spi(converters: Converters) -> dict[str, Mcp3008]:
    return {name: converter for name, converter in converters.items() if isinstance(converter, Mcp3008)}


def _pin_problems(
    converters: Converters, lines: Lines, probes: Probes, light: LedLight | RgbLight | None
) -> Iterator[Problem]:
    owners = _held_by_the_kernel(converters, lines, probes)
    for key, pin, owner in (*_claims(converters, probes), *_claims_of(light)):
        if owners.setdefault(pin, owner) != owner:
            yield Problem(key, f"GPIO{pin} is already used by {owners[pin]}")


def _held_by_the_kernel(converters: Converters, lines: Lines, probes: Probes) -> dict[int, str]:
    own = [converter for converter in _on_spi(converters).values() if converter.bus == _OWN_BUS]
    selected = {converter.select_pin for converter in own}
    held = {pin: "the Pi's SPI bus" for pin in _OWN_SELECTS if own and pin not in selected}
    for bus in _i2c_buses(converters, probes):
        held |= dict.fromkeys(_I2C_PINS.get(bus, ()), f"I2C bus {bus}")
    if any(line.port in _UARTS for line in lines.values()):
        held |= dict.fromkeys(_UART_PINS, "the Pi's UART")
    return held


def _i2c_buses(converters: Converters, probes: Probes) -> set[int]:
    chips = {converter.bus for converter in converters.values() if isinstance(converter, Ads1115)}
    return chips | {probe.input.bus for probe in probes if isinstance(probe.input, EzoWiring)}


def _claims(converters: Converters, probes: Probes) -> Iterator[tuple[str, int, str]]:
    """Every claim to a pin: the key that makes it, the pin, and who would own it."""
    for name, converter in _on_spi(converters).items():
        bus = f"the SPI bus on GPIO{converter.clock_pin}, {converter.mosi_pin} and {converter.miso_pin}"
        for key, pin in zip(("clock_pin", "mosi_pin", "miso_pin"), converter.bus, strict=True):
            yield f"converters.{name}.{key}", pin, bus
        yield f"converters.{name}.select_pin", converter.select_pin, f"converters.{name}.select_pin"
    for at, probe in enumerate(probes):
        if isinstance(probe.input, OneWireWiring):
            yield f"probes[{at}].input.data_pin", probe.input.data_pin, "the 1-wire bus"
        if isinstance(probe.input, PulseWiring):
            yield f"probes[{at}].input.pin", probe.input.pin, f"probes[{at}]"
        if probe.power:
            yield f"probes[{at}].power.pin", probe.power.pin, f"probes[{at}].power"


def _claims_of(light: LedLight | RgbLight | None) -> Iterator[tuple[str, int, str]]:
    for key in ("pin", "red", "green", "blue"):
        pin = getattr(light, key, None)
        if pin is not None:
            yield f"light.{key}", pin, f"light.{key}"


def _channel_problems(probes: Probes) -> Iterator[Problem]:
    owners: dict[tuple[str, int], int] = {}
    for at, probe in enumerate(probes):
        if isinstance(probe.input, VoltageWiring):
            first = owners.setdefault((probe.input.converter, probe.input.channel), at)
            if first != at:
                channel = f"channel {probe.input.channel} of {probe.input.converter}"
                yield Problem(f"probes[{at}].input.channel", f"{channel} is already used by probes[{first}]")


def _parameter_problems(probes: Probes) -> Iterator[Problem]:
    measured: dict[str, int] = {}
    for at, probe in enumerate(probes):
        first = measured.setdefault(probe.parameter, at)
        if first != at:
            reason = f"{probe.parameter} is already measured by probes[{first}]"
            yield Problem(f"probes[{at}].parameter", reason)


def _probe_problems(key: str, probe: ProbeConfig, converters: Converters) -> Iterator[Problem]:
    try:
        sheet = load(probe.model)
    except UnknownProbeModel as error:
        yield Problem(f"{key}.model", str(error))
        return
    if sheet.parameter is not probe.parameter:
        yield Problem(f"{key}.parameter", f"{sheet.model} measures {sheet.parameter}, not {probe.parameter}")
    yield from _claim_problems(key, probe, sheet)
    yield from _temperature_problems(key, probe, sheet)
    match sheet.signal, probe.input:
        case VoltageSignal() as signal, VoltageWiring() as wiring:
            yield from _voltage_problems(f"{key}.input", wiring, signal, converters)
        case PulseSignal() as signal, PulseWiring() as wiring:
            yield from _pulse_problems(f"{key}.input", wiring, signal, sheet.model)
            if probe.power:
                yield Problem(f"{key}.power", "a meter without power counts nothing")
        case (
            (RegisterSignal(), RegisterWiring())
            | (EzoSignal(), EzoWiring())
            | (OneWireSignal(), OneWireWiring())
        ):
            pass
        case _:
            reason = f"{sheet.model} answers {_WORDS[sheet.signal.kind]} and hangs on the wrong wire"
            yield Problem(f"{key}.input", reason)
            return
    if probe.calibration:
        yield from calibration_problems(f"{key}.calibration", probe.calibration, sheet)


def rest_problems(probes: Probes, observe_every_s: float) -> Iterator[Problem]:
    """Probes whose power is switched though they would never rest.

    Args:
        probes: in the order of the file.
        observe_every_s: seconds from one observation to the next.
    """
    for at, probe in enumerate(probes):
        if probe.power is None or probe.model not in all_models():
            continue
        sheet = load(probe.model)
        needed_s = sheet.warm_up_s + sheet.settling_s + probe.power.longer_s
        if needed_s + SLACK_S >= observe_every_s:
            reason = f"{sheet.model} needs {needed_s:g} s of power before each observation"
            reason += f" and {SLACK_S:g} s to spare; it would never rest with one every {observe_every_s:g} s"
            yield Problem(f"probes[{at}].power", reason)


def _voltage_problems(
    key: str, wiring: VoltageWiring, signal: VoltageSignal, converters: Converters
) -> Iterator[Problem]:
    converter = converters.get(wiring.converter)
    if converter is None:
        nearest = did_you_mean(wiring.converter, converters)
        yield Problem(f"{key}.converter", f"there is no converters.{wiring.converter}{nearest}")
        return
    if wiring.channel >= channels_of(converter):
        last = channels_of(converter) - 1
        yield Problem(f"{key}.channel", f"{wiring.converter} has channels 0 to {last}")
        return
    shows = reach_volts(converter, wiring.channel)
    most, reach = signal.live_volts[1], shows * wiring.divider
    if most >= reach:  # at its very end a converter shows the same for more
        reason = f"the probe puts out up to {most:g} V and the converter sees {reach:.3g} V at most"
        yield Problem(f"{key}.divider", f"{reason}; it needs more than {most / shows:.3g}")


def _pulse_problems(key: str, wiring: PulseWiring, signal: PulseSignal, model: str) -> Iterator[Problem]:
    low, high = signal.pulses_per_litre
    if not low <= wiring.pulses_per_litre <= high:
        reason = f"{wiring.pulses_per_litre:g} is impossible for a {model} ({low:g} to {high:g})"
        yield Problem(f"{key}.pulses_per_litre", reason)


def _claim_problems(key: str, probe: ProbeConfig, sheet: Datasheet) -> Iterator[Problem]:
    for at, watched in enumerate(probe.limits):
        try:
            check_claim(watched.as_limit(probe.parameter), sheet)
        except UnsupportedClaim as error:
            yield Problem(f"{key}.limits[{at}]", str(error))


def _temperature_problems(key: str, probe: ProbeConfig, sheet: Datasheet) -> Iterator[Problem]:
    if isinstance(probe.temperature, AssumedTemperature) and sheet.temperature is None:
        yield Problem(f"{key}.temperature", f"the temperature of the water is nothing to a {sheet.model}")
