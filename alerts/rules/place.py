"""What decides which rules can be judged at a water point."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from alerts.supply import Supply
from waterquality.limits import Capability
from waterquality.parameters import Parameter


@dataclass(frozen=True, slots=True)
class Place:
    """A water point as rules see it.

    Attributes:
        water_point: its id.
        capabilities: what the probes of each device there can show, by parameter.
        supply: when water is due; None where nobody has said.
    """

    water_point: str
    capabilities: Sequence[Mapping[Parameter, Capability]] = ()
    supply: Supply | None = None

    def capabilities_of(self, parameter: Parameter) -> Iterator[Capability]:
        """What the probes there can show of a parameter."""
        return (known[parameter] for known in self.capabilities if parameter in known)
