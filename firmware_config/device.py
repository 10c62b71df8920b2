"""What a device is told to be: one TOML file, read by one function on the workstation, in CI and at boot.

Invariants: what `load_device_config` returns can be built and measured with; whatever is wrong is refused
with file, key and reason, never clamped and never guessed. `device.sample.toml` documents every key. Is not:
where things run (broker, paths, intervals of the uplink), which is `edge.settings`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from firmware_config.buses import Converter, LineSettings, SerialLine, line_settings, on_line
from firmware_config.errors import Problem
from firmware_config.lights import LedLight, RgbLight
from firmware_config.parts import Name, Part, ProbeConfig
from firmware_config.refusal import config_error, read_toml, refuse
from firmware_config.reporting import ReportingConfig, unmeasured
from firmware_config.self_checks import SelfCheckConfig
from firmware_config.wiring import problems_of, rest_problems
from waterquality.readings import DEVICE_ID


def _device_id(text: str) -> str:
    if not DEVICE_ID.fullmatch(text):
        message = "should be two small letters, a hyphen and four to twelve digits, e.g. kk-0007"
        raise ValueError(message)
    return text


class DeviceConfig(Part):
    """One device as it is wired.

    Attributes:
        schema_version: of this file's layout; 1.
        device: its id, e.g. `kk-0007`.
        observe_every_s: seconds from one observation to the next.
        sample_every_s: seconds from one question to the probes to the next; None: as `observe_every_s`.
        samples_per_reading: how many samples a reading is the median of.
        reporting: how much of what is sampled becomes an observation.
        converters: by name.
        lines: serial lines, by name.
        probes: at least one.
        self_checks: when the device doubts its own readings.
        light: at the tap; None where there is none.
    """

    schema_version: Literal[1]
    device: Annotated[str, AfterValidator(_device_id)]
    observe_every_s: float = Field(default=60.0, ge=0.1, le=86_400.0)
    sample_every_s: float | None = Field(default=None, ge=0.1, le=86_400.0)
    samples_per_reading: int = Field(default=31, ge=1, le=1001)
    reporting: ReportingConfig = ReportingConfig()
    converters: dict[Name, Converter] = Field(default_factory=dict)
    lines: dict[Name, SerialLine] = Field(default_factory=dict)
    probes: tuple[ProbeConfig, ...]
    self_checks: SelfCheckConfig = Field(default_factory=SelfCheckConfig)
    light: LedLight | RgbLight | None = Field(default=None, discriminator="kind")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        refuse(self._problems())
        return self

    @property
    def asks_every_s(self) -> float:
        """Seconds from one question to the probes to the next."""
        return self.observe_every_s if self.sample_every_s is None else self.sample_every_s

    def line(self, name: str) -> LineSettings:
        """How to open one of its serial lines, for the probes on it.

        Args:
            name: of a line that has a probe.
        """
        return line_settings(self.lines[name], on_line(name, self.probes))

    def _problems(self) -> Iterator[Problem]:
        yield from problems_of(self.converters, self.lines, self.probes, self.light)
        yield from rest_problems(self.probes, self.observe_every_s)
        yield from unmeasured(self.reporting, self.probes)
        if self.asks_every_s > self.observe_every_s:
            reason = f"is longer than the {self.observe_every_s:g} s from one observation to the next"
            yield Problem("sample_every_s", reason)


def load_device_config(path: Path) -> DeviceConfig:
    """Read and check a device's configuration.

    Args:
        path: the TOML file.

    Raises:
        ConfigRefused: with every problem as `file: key: reason`; mended by the operator.
    """
    try:
        return DeviceConfig.model_validate(read_toml(path))
    except ValidationError as error:
        raise config_error(path, error, DeviceConfig) from error
