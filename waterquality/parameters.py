"""What is measured, in which unit it is kept, and how the wire writes it.

Inside Tskaro a flow is in L/min, because that is what people at the tap say; on the wire it is in m3/s,
because that is what the SenML registry knows. This table is the only place that knows both.
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

LITRES_PER_M3 = 1000.0
SECONDS_PER_MINUTE = 60.0


class Parameter(StrEnum):
    """What is measured; the value is its name on the wire, in the store and in the interface."""

    TURBIDITY = "turbidity"
    PH = "ph"
    FLOW = "flow"
    VOLUME = "volume"
    TEMPERATURE = "temperature"

    __hash__ = str.__hash__  # Enum's own is Python, and every reading is looked up by its parameter


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """How a parameter is kept and sent.

    Attributes:
        unit: the unit of every value inside Tskaro, as people read it.
        wire_unit: the unit on the wire, from the IANA SenML registry.
        wire_per_unit: one `unit` in `wire_unit`; the wire value is the value times this.
        decimals: how many decimals a person is shown.
        usual: the span, in `unit`, outside which a value is SUSPECT (operator span of gross range).
        possible: the span, in `unit`, outside which a value is FAIL where no probe is registered.
    """

    unit: str
    wire_unit: str
    wire_per_unit: float
    decimals: int
    usual: tuple[float, float]
    possible: tuple[float, float]


# Spans: starter values for gross range, to be tuned with local data; the probe's datasheet overrides `possible`.
SPECS: MappingProxyType[Parameter, ParameterSpec] = MappingProxyType(
    {
        Parameter.TURBIDITY: ParameterSpec("NTU", "NTU", 1.0, 2, usual=(0.0, 100.0), possible=(0.0, 3000.0)),
        Parameter.PH: ParameterSpec("pH", "pH", 1.0, 2, usual=(5.0, 10.0), possible=(0.0, 14.0)),
        Parameter.FLOW: ParameterSpec(
            "L/min",
            "m3/s",
            1.0 / (LITRES_PER_M3 * SECONDS_PER_MINUTE),
            1,
            usual=(0.0, 100_000.0),
            possible=(0.0, 1_000_000.0),
        ),
        Parameter.VOLUME: ParameterSpec("m3", "m3", 1.0, 3, usual=(0.0, 1e9), possible=(0.0, 1e9)),
        Parameter.TEMPERATURE: ParameterSpec("°C", "Cel", 1.0, 1, usual=(1.0, 30.0), possible=(-2.0, 40.0)),
    }
)
