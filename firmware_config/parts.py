"""The parts that a device is put together from: converters, wires, calibration certificates, probes.

Each part refuses what is wrong with itself alone; what two parts do to one another is in `wiring`. Frozen, no
unknown keys, no infinities. Pins are numbered as the Broadcom chip does (GPIO17 is 17), not as the header.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from firmware_config.errors import Problem
from firmware_config.refusal import refuse
from firmware_config.signals import I2cAddress, Unit
from waterquality.limits import Limit
from waterquality.parameters import SPECS, Parameter

# GPIO0 and GPIO1 are kept for the EEPROM of an add-on board; the header ends with GPIO27.
Pin = Annotated[int, Field(ge=2, le=27)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,30}$")]
CERTIFIED_CELSIUS = (-5.0, 60.0)  # what the temperature of standards may be
I2cBusNumber = Annotated[int, Field(ge=0, le=22)]


class Part(BaseModel):
    """What every table of a device configuration has in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Mcp3008(Part):
    """An MCP3008 analogue-to-digital converter on SPI.

    Attributes:
        kind: `mcp3008`.
        clock_pin: GPIO of CLK.
        mosi_pin: GPIO of DIN.
        miso_pin: GPIO of DOUT.
        select_pin: GPIO of CS; 8 or 7 on the Pi's own SPI bus.
        reference_volts: voltage at VREF.
    """

    kind: Literal["mcp3008"]
    clock_pin: Pin = 11
    mosi_pin: Pin = 10
    miso_pin: Pin = 9
    select_pin: Pin = 8
    reference_volts: float = Field(default=3.3, ge=0.25, le=5.5)

    @property
    def bus(self) -> tuple[int, int, int]:
        """The pins it may share with other converters: clock, MOSI, MISO."""
        return self.clock_pin, self.mosi_pin, self.miso_pin


class VoltageWiring(Part):
    """A probe on a converter's channel.

    Attributes:
        converter: name of the converter.
        channel: its channel.
        divider: volts at the probe for one volt at the converter; 1 where there is no divider.
    """

    converter: Name
    channel: int = Field(ge=0, le=7)
    divider: float = Field(default=1.0, ge=1.0, le=100.0)


class PulseWiring(Part):
    """A meter on a GPIO pin.

    Attributes:
        pin: the GPIO.
        pulses_per_litre: how many pulses a litre makes, measured with a known volume.
        pull_up: whether the Pi pulls the pin up, as an open collector needs; else it pulls down.
    """

    pin: Pin
    pulses_per_litre: float = Field(gt=0)
    pull_up: bool = True


class RegisterWiring(Part):
    """A Modbus probe on a serial line.

    Attributes:
        line: name of the line.
        unit: its address on the line; None is that with which its model leaves the factory.
    """

    line: Name
    unit: Unit | None = None


class EzoWiring(Part):
    """An EZO circuit on an I2C bus.

    Attributes:
        bus: number of the bus; 1 is that of the header.
        address: its address; None is that with which its model leaves the factory.
    """

    bus: I2cBusNumber
    address: I2cAddress | None = None


class OneWireWiring(Part):
    """A thermometer on the 1-wire bus.

    Attributes:
        sensor: its id as the kernel names it, or `only` where it is alone on the bus.
        data_pin: the GPIO of the bus, as `dtoverlay=w1-gpio` has it.
    """

    sensor: str = Field(pattern=r"^(only|[0-9a-f]{2}-[0-9a-f]{12})$")
    data_pin: Pin = 4


_WIRINGS: tuple[tuple[str, type[Part]], ...] = (
    ("pulse", PulseWiring),
    ("register", RegisterWiring),
    ("ezo", EzoWiring),
    ("one_wire", OneWireWiring),
)


def _wiring_tag(wiring: object) -> str:
    keys = set(wiring) if isinstance(wiring, Mapping) else set(vars(wiring))
    return next((tag for tag, kind in _WIRINGS if keys & set(kind.model_fields)), "voltage")


Wiring = Annotated[
    Annotated[VoltageWiring, Tag("voltage")]
    | Annotated[PulseWiring, Tag("pulse")]
    | Annotated[RegisterWiring, Tag("register")]
    | Annotated[EzoWiring, Tag("ezo")]
    | Annotated[OneWireWiring, Tag("one_wire")],
    Discriminator(_wiring_tag),
]


class CurveKind(StrEnum):
    """How a certificate's points become a curve, or that they do not.

    An instrument that was set to its standards itself (`KEPT`) shows the value: the points tell what it showed
    before that, and correct nothing.
    """

    LINEAR = "linear"
    TABLE = "table"
    KEPT = "kept"


class CalibrationCertificate(Part):
    """Who set this unit against which standards, and what it answered. Never edited: a new one is made.

    Attributes:
        id: travels with every reading.
        made_on: the day.
        made_by: the technician.
        kind: a straight line through all points, straight pieces from point to point, or none: the instrument keeps
            the calibration itself.
        points: pairs of what the probe answered and the value of the standard, in the parameter's unit. A probe on
            a converter answers in volts at the probe, an instrument of its own in the parameter's unit (where it
            keeps the calibration itself: what it answered before that); of a meter, pairs of pulses and the litres
            that gave them.
        standards: buffers or turbidity standards, each with its lot; of a meter, how the litres were measured.
        expires_on: the last day it may be trusted without doubt.
        slope_percent: of a pH electrode, its slope as a share of the theoretical one; None where not known.
        offset_mv: of a pH electrode, its millivolts at pH 7; None where not known.
        temperature_c: of the standards; None where not known.
        note: anything worth knowing.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{2,39}$")
    made_on: date
    made_by: str = Field(min_length=1)
    kind: CurveKind
    points: tuple[tuple[float, float], ...]
    standards: tuple[str, ...] = Field(min_length=1)
    expires_on: date
    slope_percent: float | None = Field(default=None, gt=0, le=200)
    offset_mv: float | None = Field(default=None, ge=-500, le=500)
    temperature_c: float | None = Field(default=None, ge=CERTIFIED_CELSIUS[0], le=CERTIFIED_CELSIUS[1])
    note: str = ""

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        refuse(self._problems())
        return self

    def _problems(self) -> Iterator[Problem]:
        if self.expires_on < self.made_on:
            yield Problem("expires_on", "lies before made_on")
        if len(set(self.points)) < 2:  # noqa: PLR2004 - two points make a line
            yield Problem("points", "needs at least two points that differ")
            return
        for volts, times in Counter(volts for volts, _ in self.points).items():
            if times > 1:
                yield Problem("points", f"{times} points at {volts:g} V: one voltage, one value")

    @property
    def pulses_per_litre(self) -> float:
        """Of a meter: its pulses for a litre, over all points together."""
        (pulses, litres), *_, (most_pulses, most_litres) = self.in_order()
        return (most_pulses - pulses) / (most_litres - litres)

    def in_order(self) -> tuple[tuple[float, float], ...]:
        """The points, lowest volts first."""
        return tuple(sorted(self.points))

    @property
    def rises(self) -> bool:
        """Whether the value rises with the volts from every point to the next."""
        return all(low[1] < high[1] for low, high in pairwise(self.in_order()))

    @property
    def falls(self) -> bool:
        """Whether the value falls with the volts from every point to the next."""
        return all(low[1] > high[1] for low, high in pairwise(self.in_order()))


class AssumedTemperature(Part):
    """The temperature of water that no probe measures, as somebody knows it.

    Attributes:
        celsius: what it is thought to be.
        within: how far it may be off, either way.
    """

    celsius: float = Field(ge=-5, le=60)
    within: float = Field(gt=0, le=30)


class WatchedLimit(Part):
    """A number that the device itself watches a probe for.

    Attributes:
        at: in the parameter's unit.
        side: on which side of it the water is out of bounds.
    """

    at: float
    side: Literal["above", "below"]

    def as_limit(self, parameter: Parameter) -> Limit:
        """The limit as `waterquality` knows them, without an authority of its own."""
        low, high = (self.at, None) if self.side == "below" else (None, self.at)
        return Limit(
            parameter, low=low, high=high, authority=f"a limit of {self.at:g} {SPECS[parameter].unit}"
        )


class Power(Part):
    """The pin that switches a probe's power.

    Attributes:
        pin: the GPIO, of a transistor or relay; a pin feeds no probe itself.
        active_high: whether 3.3 V at the pin switches the power on; else 0 V does.
        longer_s: seconds of power before an observation beyond the warm-up and settling of the datasheet.
    """

    pin: Pin
    active_high: bool = True
    longer_s: float = Field(default=0.0, ge=0.0, le=3600.0)


class ProbeConfig(Part):
    """One probe: what it is, where it hangs, and what it was calibrated with.

    Attributes:
        parameter: what it measures.
        model: name of its datasheet.
        input: where it hangs.
        calibration: the certificate in force; until one is made, a probe on a converter gives no value.
        temperature: of the water, for models that it matters to: `measured` by the device's own thermometer if it
            has one, or what somebody knows.
        limits: what the device itself watches it for.
        power: what switches it on before an observation and off afterwards; None where it always has power.
    """

    parameter: Parameter
    model: str
    input: Wiring
    calibration: CalibrationCertificate | None = None
    temperature: Literal["measured"] | AssumedTemperature = "measured"
    limits: tuple[WatchedLimit, ...] = ()
    power: Power | None = None
