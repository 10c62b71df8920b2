"""What the sampler asks of a probe."""

from datetime import datetime
from typing import Protocol

from waterquality.parameters import Parameter
from waterquality.readings import Reading


class Probe(Protocol):
    """One instrument."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What it measures; one reading of each comes from `measure`, in this order."""
        ...

    def measure(self, now: datetime) -> tuple[Reading, ...]:
        """Take one reading of each parameter.

        Args:
            now: aware; its steps between calls must be those of real time, so a clock that is set while the
                agent runs must not be passed through. What instant it names does not matter.

        Raises:
            ProbeError: there is nothing to read; `measured` makes that MISSING; mended by the operator.
        """
        ...
