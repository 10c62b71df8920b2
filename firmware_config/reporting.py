"""`[reporting]` of a device's configuration: how much of what is sampled becomes an observation.

Is not: how observations travel (batches, compression, the SIM's budget), which is `edge.settings`.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from firmware_config.errors import Problem
from firmware_config.parts import Part, ProbeConfig
from waterquality.parameters import Parameter

Amount = Annotated[float, Field(ge=0.0)]


class ReportingMode(StrEnum):
    """What becomes an observation while nothing happens."""

    EVERY = "every"
    ADAPTIVE = "adaptive"


class RawTravels(StrEnum):
    """Which readings take their raw volts along."""

    DOUBTFUL = "doubtful"
    ALWAYS = "always"


class ReportingConfig(Part):
    """What is reported, and how often.

    Attributes:
        mode: `every` reports once every `observe_every_s`; `adaptive` only what is news, and once every
            `longest_silence_s`.
        longest_silence_s: seconds between two observations at most, when nothing happens; never less than
            `observe_every_s`.
        deadbands: by parameter, in its unit: how far a value must have gone to be news.
        near_limits: by parameter, in its unit: how near a limit a value is watched at full rate.
        raw: whether volts travel with every value, or only where the value does not give them back.
    """

    mode: ReportingMode = ReportingMode.EVERY
    longest_silence_s: float = Field(default=600.0, ge=1.0, le=86_400.0)
    deadbands: dict[Parameter, Amount] = Field(default_factory=dict)
    near_limits: dict[Parameter, Amount] = Field(default_factory=dict)
    raw: RawTravels = RawTravels.DOUBTFUL


def unmeasured(reporting: ReportingConfig, probes: Iterable[ProbeConfig]) -> Iterator[Problem]:
    """What is said of parameters that no probe measures."""
    measured = {probe.parameter for probe in probes}
    counted = {Parameter.VOLUME} if Parameter.FLOW in measured else set()
    for key, known in (("deadbands", measured | counted), ("near_limits", measured)):
        for parameter in getattr(reporting, key):
            if parameter not in known:
                yield Problem(f"reporting.{key}.{parameter}", "no probe measures it")
