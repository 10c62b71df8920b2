"""What the sampler asks of a probe."""

from datetime import datetime
from typing import Protocol, runtime_checkable

from edge.schedule import Schedule
from firmware_config.parts import CalibrationCertificate
from waterquality.parameters import Parameter
from waterquality.readings import Reading


class Probe(Protocol):
    """One instrument."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What it measures; one reading of each comes from `measure`, in this order."""
        ...

    def measure(self, now: datetime) -> tuple[Reading, ...]:
        """Take one reading of each parameter; none at all while the probe rests between observations.

        Args:
            now: wall time, aware. A clock that is set between two calls costs one reading of the flow.

        Raises:
            ProbeError: there is nothing to read; `measured` makes that MISSING; mended by the operator.
        """
        ...


@runtime_checkable
class Calibrated(Protocol):
    """A probe whose certificate can be changed while it runs."""

    def calibrate(self, certificate: CalibrationCertificate) -> None:
        """Convert by this certificate from the next reading on. Called from another thread than `measure`.

        Args:
            certificate: which fits the probe.
        """
        ...


@runtime_checkable
class Rests(Protocol):
    """A probe that may have power only so long before an observation as it needs."""

    def follow(self, observations: Schedule) -> None:
        """Have power for another schedule from now on: one that a burst makes denser.

        Args:
            observations: when observations are due.
        """
        ...
