"""What probes share: the ADS1115 on an I2C bus, and the serial line of Modbus probes.

Invariants, checked here: an I2C address answers for one thing only; a line has one speed and one parity, and
every probe on it has an address of its own. What the file leaves out is what the probes' makers set.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from firmware_config.datasheet import Signal, all_models, load
from firmware_config.errors import Problem
from firmware_config.parts import EzoWiring, I2cBusNumber, Mcp3008, Part, ProbeConfig, RegisterWiring
from firmware_config.refusal import did_you_mean
from firmware_config.signals import Baud, EzoSignal, Parity, RegisterSignal, StopBits

_FULL_SCALES = (6.144, 4.096, 2.048, 1.024, 0.512, 0.256)


def _gain(volts: float) -> float:
    if volts not in _FULL_SCALES:
        message = f"should be one of {', '.join(map(str, _FULL_SCALES))}"
        raise ValueError(message)
    return volts


FullScale = Annotated[float, AfterValidator(_gain)]
DataRate = Literal[8, 16, 32, 64, 128, 250, 475, 860]


class Ads1115(Part):
    """An ADS1115 analogue-to-digital converter on I2C: 16 bits, four channels.

    Attributes:
        kind: `ads1115`.
        bus: number of the I2C bus; 1 is that of the header.
        address: by its ADDR pin: 0x48 ground, 0x49 VDD, 0x4A SDA, 0x4B SCL.
        data_rate: samples a second; a slower one is quieter.
        full_scale_volts: the gain of each channel, from 0 to 3, as the volts that it can show.
        supply_volts: its VDD, above which it shows nothing whatever the gain.
    """

    kind: Literal["ads1115"]
    bus: I2cBusNumber = 1
    address: int = Field(default=0x48, ge=0x48, le=0x4B)
    data_rate: DataRate = 128
    full_scale_volts: tuple[FullScale, FullScale, FullScale, FullScale] = (4.096, 4.096, 4.096, 4.096)
    supply_volts: float = Field(default=3.3, ge=2.0, le=5.5)


class SerialLine(Part):
    """A serial line that Modbus probes share.

    Attributes:
        port: the device file; a name in /dev/serial/by-id stays the same whatever is plugged in.
        baud: its speed; None is that of the makers of the probes on it.
        parity: likewise.
        stop_bits: likewise.
    """

    port: str = Field(pattern=r"^/dev/")
    baud: Baud | None = None
    parity: Parity | None = None
    stop_bits: StopBits | None = None


@dataclass(frozen=True, slots=True)
class LineSettings:
    """How a line is opened.

    Attributes:
        port: the device file.
        baud: bits a second.
        parity: of each byte.
        stop_bits: after each byte.
        reply_within_s: how long the slowest probe on it may take to answer.
    """

    port: str
    baud: int
    parity: Parity
    stop_bits: int
    reply_within_s: float


Converter = Annotated[Mcp3008 | Ads1115, Field(discriminator="kind")]
Converters = Mapping[str, Mcp3008 | Ads1115]
Lines = Mapping[str, SerialLine]


def reach_volts(converter: Mcp3008 | Ads1115, channel: int) -> float:
    """The highest voltage that a channel can show; at that or more it shows the same.

    Args:
        converter: the chip.
        channel: one that it has.
    """
    if isinstance(converter, Mcp3008):
        return converter.reference_volts
    return min(converter.full_scale_volts[channel], converter.supply_volts)


def channels_of(converter: Mcp3008 | Ads1115) -> int:
    """How many channels it has."""
    return 8 if isinstance(converter, Mcp3008) else len(converter.full_scale_volts)


def unit_of(wiring: RegisterWiring, signal: RegisterSignal) -> int:
    """The address of a Modbus probe: as wired, else as its maker set it."""
    return wiring.unit if wiring.unit is not None else signal.unit


def address_of(wiring: EzoWiring, signal: EzoSignal) -> int:
    """The I2C address of a circuit: as wired, else as its maker set it."""
    return wiring.address if wiring.address is not None else signal.address


def line_settings(line: SerialLine, signals: Sequence[RegisterSignal]) -> LineSettings:
    """How to open a line for the probes on it.

    Args:
        line: as configured, and found sound by `line_problems`.
        signals: of the probes on it, at least one.
    """
    maker = signals[0]
    return LineSettings(
        line.port,
        line.baud or maker.baud,
        line.parity or maker.parity,
        line.stop_bits or maker.stop_bits,
        max(signal.reply_within_s for signal in signals),
    )


def on_line(name: str, probes: Iterable[ProbeConfig]) -> list[RegisterSignal]:
    """The signals of the probes on a line, in the order of the file."""
    return [signal for _, wiring, signal in _registers(probes) if wiring.line == name]


def address_problems(converters: Converters, probes: Sequence[ProbeConfig]) -> Iterator[Problem]:
    """I2C addresses that two things would answer for."""
    owners: dict[tuple[int, int], str] = {}
    for owner, key, bus, address in _addresses(converters, probes):
        first = owners.setdefault((bus, address), owner)
        if first != owner:
            yield Problem(f"{owner}.{key}", f"{address:#x} on I2C bus {bus} is already used by {first}")


def line_problems(lines: Lines, probes: Sequence[ProbeConfig]) -> Iterator[Problem]:
    """Lines that are not there, probes that share an address, lines whose speed nobody can know."""
    owners: dict[tuple[str, int], int] = {}
    for at, wiring, signal in _registers(probes):
        if wiring.line not in lines:
            nearest = did_you_mean(wiring.line, lines)
            yield Problem(f"probes[{at}].input.line", f"there is no lines.{wiring.line}{nearest}")
            continue
        unit = unit_of(wiring, signal)
        first = owners.setdefault((wiring.line, unit), at)
        if first != at:
            reason = f"address {unit} on {wiring.line} is already used by probes[{first}]"
            yield Problem(f"probes[{at}].input.unit", reason)
    for name, line in lines.items():
        yield from _speed_problems(name, line, on_line(name, probes))


def _speed_problems(name: str, line: SerialLine, signals: Sequence[RegisterSignal]) -> Iterator[Problem]:
    for key in ("baud", "parity", "stop_bits"):
        made = {str(getattr(signal, key)) for signal in signals}
        if getattr(line, key) is None and len(made) > 1:
            reason = f"is left to the makers of its probes, who differ ({', '.join(sorted(made))})"
            yield Problem(f"lines.{name}.{key}", f"{reason}: set all probes to one and say which")


def _registers(probes: Iterable[ProbeConfig]) -> Iterator[tuple[int, RegisterWiring, RegisterSignal]]:
    for at, probe in enumerate(probes):
        signal = _signal_of(probe)
        if isinstance(probe.input, RegisterWiring) and isinstance(signal, RegisterSignal):
            yield at, probe.input, signal


def _addresses(converters: Converters, probes: Sequence[ProbeConfig]) -> Iterator[tuple[str, str, int, int]]:
    """Every claim to an I2C address: whose it is, the key that makes it, the bus and the address."""
    for name, converter in converters.items():
        if isinstance(converter, Ads1115):
            yield f"converters.{name}", "address", converter.bus, converter.address
    for at, probe in enumerate(probes):
        signal = _signal_of(probe)
        if isinstance(probe.input, EzoWiring) and isinstance(signal, EzoSignal):
            yield f"probes[{at}]", "input.address", probe.input.bus, address_of(probe.input, signal)


def _signal_of(probe: ProbeConfig) -> Signal | None:
    return load(probe.model).signal if probe.model in all_models() else None  # refused elsewhere
