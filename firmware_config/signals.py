"""What an instrument answers with when it is not volts or pulses, and what temperature does to a probe.

An instrument of its own (Modbus, EZO, 1-wire) answers with a number in the unit of its parameter, so its signal
says how to ask and how to read the answer. Every figure stands in a datasheet file, with its source.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Address = Annotated[int, Field(ge=0, le=0xFFFF)]
Word = Annotated[int, Field(ge=0, le=0xFFFF)]
Unit = Annotated[int, Field(ge=1, le=247)]
I2cAddress = Annotated[int, Field(ge=0x08, le=0x77)]
Parity = Literal["none", "even", "odd"]
Baud = Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200]
StopBits = Literal[1, 2]
Function = Literal["holding", "input"]
Order = Literal["big", "little"]
NumberType = Literal["int16", "uint16", "int32", "uint32", "float32"]


class SheetPart(BaseModel):
    """What every table of a datasheet has in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Side(StrEnum):
    """At which end of what it answers with a probe runs out of range."""

    BELOW = "below"
    ABOVE = "above"
    NEITHER = "neither"


class NernstEffect(SheetPart):
    """An electrode whose slope is proportional to the absolute temperature of the water.

    Attributes:
        kind: `nernst`.
        isopotential: the value at which temperature changes nothing.
    """

    kind: Literal["nernst"]
    isopotential: float


class DriftEffect(SheetPart):
    """A probe whose volts move with the temperature of the water, whatever they show.

    Attributes:
        kind: `drift`.
        volts_per_celsius: by how much they rise for each degree.
    """

    kind: Literal["drift"]
    volts_per_celsius: float


TemperatureEffect = Annotated[NernstEffect | DriftEffect, Field(discriminator="kind")]


class Register(SheetPart):
    """A number in one or two registers of a Modbus probe.

    Attributes:
        address: of the first register, counted from 0 as on the wire.
        function: `holding` (function 3) or `input` (function 4).
        type: how the registers make a number.
        scale: the value is the number times this.
        word_order: which of two registers comes first.
        byte_order: which byte of a register comes first; Modbus says `big`, some probes do not.
    """

    address: Address
    function: Function
    type: NumberType
    scale: float = Field(default=1.0, gt=0)
    word_order: Order = "big"
    byte_order: Order = "big"


class StatusRegister(SheetPart):
    """A register in which a probe says whether it is well.

    Attributes:
        address: counted from 0.
        function: `holding` or `input`.
        mask: which bits speak of the probe's health.
        healthy: what these bits show when it is well.
    """

    address: Address
    function: Function
    mask: Word = 0xFFFF
    healthy: tuple[Word, ...] = Field(default=(0,), min_length=1)


class RegisterSignal(SheetPart):
    """A probe that answers in registers: Modbus RTU on RS-485.

    Attributes:
        kind: `register`.
        unit: its address on the line as it leaves the factory.
        baud: its speed as it leaves the factory.
        parity: likewise.
        stop_bits: likewise.
        reply_within_s: how long it may take to answer.
        saturates: at which end of its span the water is beyond what it can show.
        value: where its value stands.
        status: where it says that it is well; None where it never does.
    """

    kind: Literal["register"]
    unit: Unit
    baud: Baud
    parity: Parity
    stop_bits: StopBits
    reply_within_s: float = Field(gt=0, le=5)
    saturates: Side
    value: Register
    status: StatusRegister | None = None


class EzoSignal(SheetPart):
    """A circuit of Atlas Scientific's EZO class on I2C, which is asked in words.

    Attributes:
        kind: `ezo`.
        address: its I2C address as it leaves the factory.
        reading_s: seconds from the question for a reading, or from a point of calibration, to the answer.
        command_s: seconds from any other question to the answer.
        temperature: what an unknown temperature of the water does to its value.
    """

    kind: Literal["ezo"]
    address: I2cAddress
    reading_s: float = Field(gt=0, le=5)
    command_s: float = Field(gt=0, le=5)
    temperature: NernstEffect


class OneWireSignal(SheetPart):
    """A thermometer on the 1-wire bus that the kernel reads.

    Attributes:
        kind: `one_wire`.
        family: the first two digits of its id.
        power_on_celsius: what it shows before its first conversion.
    """

    kind: Literal["one_wire"]
    family: str = Field(pattern=r"^[0-9a-f]{2}$")
    power_on_celsius: float
