"""What a probe model can do, by its datasheet: one TOML file for each model, packaged with the program.

A sheet is data and its figures have a source; a probe is described once, and configuration, calibration,
measuring and the check of what a limit may claim all read it here. Volts are those at the probe, before any
divider. Is not: wiring or calibration of one unit; those are in the device's own configuration.
"""

from enum import StrEnum
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from firmware_config.errors import UnknownProbeModel
from firmware_config.refusal import config_error, did_you_mean, read_toml, refuse
from firmware_config.screening import ParameterTests, problems_of
from firmware_config.signals import (
    EzoSignal,
    OneWireSignal,
    RegisterSignal,
    SheetPart,
    Side,
    TemperatureEffect,
)
from waterquality.flags import Why
from waterquality.limits import Capability, Method
from waterquality.parameters import Parameter


def _rising(span: tuple[float, float]) -> tuple[float, float]:
    if span[0] >= span[1]:
        message = "the first number must be the smaller one"
        raise ValueError(message)
    return span


Span = Annotated[tuple[float, float], AfterValidator(_rising)]


class Direction(StrEnum):
    """How the value goes when the volts rise."""

    RISING = "rising"
    FALLING = "falling"
    ANY = "any"


class VoltageSignal(SheetPart):
    """A probe that answers in volts.

    Attributes:
        kind: `voltage`.
        live_volts: what a connected probe can put out; anything else is a cable that hangs in the air.
        valid_volts: where one voltage means one value; calibration and readings stay within.
        saturates: on which side of `valid_volts` the water is beyond what the probe can show.
        direction: how the value goes when the volts rise.
        temperature: what the temperature of the water does to it; None where nothing is known to matter.
    """

    kind: Literal["voltage"]
    live_volts: Span
    valid_volts: Span
    saturates: Side
    direction: Direction
    temperature: TemperatureEffect | None = None

    def why_unusable(self, volts: float) -> Why:
        """Why no value follows from these volts; `Why.NONE` when one does."""
        if not self.live_volts[0] <= volts <= self.live_volts[1]:
            return Why.PROBE_DISCONNECTED
        return self.why_off_curve(volts)

    def why_off_curve(self, volts: float) -> Why:
        """Why a live probe's volts mean no value; `Why.NONE` when they do.

        Args:
            volts: as they would be at the temperature of the calibration.
        """
        if self.valid_volts[0] <= volts <= self.valid_volts[1]:
            return Why.NONE
        side = Side.BELOW if volts < self.valid_volts[0] else Side.ABOVE
        return Why.PROBE_SATURATED if side is self.saturates else Why.OUT_OF_CURVE


class PulseSignal(SheetPart):
    """A meter that answers in pulses.

    Attributes:
        kind: `pulse`.
        pulses_per_litre: between which factors a sound unit lies; outside is a slip of the pen.
    """

    kind: Literal["pulse"]
    pulses_per_litre: Span


class Electrode(SheetPart):
    """What an amplifier makes of a pH electrode's millivolts, so that the electrode itself can be judged.

    Attributes:
        gain: volts at the output for one volt of the electrode.
        neutral_volts: at the output when the electrode gives 0 mV, which a perfect one does at pH 7.
    """

    gain: float = Field(gt=0)
    neutral_volts: float


Signal = Annotated[
    VoltageSignal | PulseSignal | RegisterSignal | EzoSignal | OneWireSignal, Field(discriminator="kind")
]


class Datasheet(SheetPart):
    """One probe model; values are in the unit of its parameter.

    Attributes:
        model: its name in configuration, e.g. `sen0189`; the name of the file.
        title: maker and product, for people.
        parameter: what it measures. A flow meter also gives the volume.
        method: how.
        span: lowest and highest value it can show.
        resolution: the smallest step it can show, with the converter it is meant for.
        detection_limit: the smallest value it can tell from zero.
        uncertainty: the absolute part of its uncertainty.
        uncertainty_share: the part that grows with the value, as a fraction of it.
        warm_up_s: seconds after power comes on before it may be believed.
        settling_s: seconds in new water before it may be believed.
        operates_celsius: water temperatures it is made for, in °C; None where its maker names none.
        signal: what it answers with.
        electrode: of a pH probe that answers in volts: its amplifier; None where nothing is known of it.
        sources: where the figures are from, and which of them are our own choice.
        screening: how the server screens readings of this model, where the defaults are not for it.
    """

    model: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str = Field(min_length=1)
    parameter: Parameter
    method: Method
    span: Span
    resolution: float = Field(gt=0)
    detection_limit: float = Field(ge=0)
    uncertainty: float = Field(ge=0)
    uncertainty_share: float = Field(ge=0)
    warm_up_s: float = Field(ge=0)
    settling_s: float = Field(ge=0)
    operates_celsius: Span | None = None
    signal: Signal
    electrode: Electrode | None = None
    sources: tuple[str, ...] = Field(min_length=1)
    screening: ParameterTests | None = None

    @model_validator(mode="after")
    def _screened_in_its_unit(self) -> Self:
        if self.screening is not None:
            refuse(problems_of(self.parameter, self.screening, "screening"))
        return self

    @property
    def capability(self) -> Capability:
        """What the model can show, in the words that limits are checked with."""
        return Capability(
            parameter=self.parameter,
            method=self.method,
            span=self.span,
            detection_limit=self.detection_limit,
            uncertainty=self.uncertainty,
            uncertainty_share=self.uncertainty_share,
        )

    @property
    def temperature(self) -> TemperatureEffect | None:
        """What the temperature of the water does to it; None where nothing is known to matter."""
        return self.signal.temperature if isinstance(self.signal, VoltageSignal | EzoSignal) else None

    @property
    def possible(self) -> tuple[float, float]:
        """What a sound unit may read: its span, widened at both ends by its uncertainty there.

        Clear water read as -0.1 NTU by a probe that is uncertain by 0.3 NTU is a sound reading.
        """
        low, high = self.span
        return low - self.capability.uncertainty_at(low), high + self.capability.uncertainty_at(high)


def all_models() -> tuple[str, ...]:
    """Names of all models with a datasheet, in alphabetical order."""
    return tuple(sorted(sheet.name.removesuffix(".toml") for sheet in _folder().iterdir()))


@cache
def load(model: str) -> Datasheet:
    """The datasheet of a model.

    Args:
        model: its name, e.g. `sen0189`.

    Raises:
        UnknownProbeModel: there is none; the message names those there are; mended by the operator.
        ConfigRefused: the sheet itself is faulty; mended by the operator.
    """
    if model not in all_models():
        nearest, known = did_you_mean(model, all_models()), ", ".join(all_models())
        raise UnknownProbeModel(f"no datasheet of `{model}`{nearest} (known: {known})")
    return _read(_folder() / f"{model}.toml")


def _read(sheet: Traversable) -> Datasheet:
    try:
        return Datasheet.model_validate(read_toml(sheet))
    except ValidationError as error:
        raise config_error(str(sheet), error, Datasheet) from error


def _folder() -> Traversable:
    return files("firmware_config") / "probes"
