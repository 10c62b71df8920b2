"""What a device is told of its self-checks: how long, how much. The checks themselves are `edge.selfcheck`.

Every default makes its check work; none can be set so that it never fires by mistake (a time of 0, a factor of 0).
"""

from typing import Annotated

from pydantic import Field

from firmware_config.parts import Part

_MINUTE_S, _DAY_S = 60.0, 86_400.0

Patience = Annotated[float, Field(ge=_MINUTE_S, le=30 * _DAY_S)]


class SelfCheckConfig(Part):
    """When the device doubts its own readings. Times are seconds.

    Where the defaults come from: in four records of sound instruments (a water works, two rivers and a brook, 2.4
    years together) a turbidity stood still to its last digit for 1.4 hours at most, a pH for 10.7 hours, and a pH
    within two hundredths for 2.1 days. Stagnation and flushing: our own choice; five minutes is what samplers
    let a tap run.

    Attributes:
        turbidity_frozen_after_s: how long a turbidity may stand still to its last digit.
        ph_frozen_after_s: how long a pH may.
        flat_after_s: how long either may stay within the resolution of its model.
        nought_for_s: how long a turbidity may show nothing but nought while water runs, over restarts too.
        noisy_beyond: how many times the model's uncertainty the samples of a reading may lie apart.
        stagnant_after_s: how long no water may flow before what the probes see is not the network's.
        first_flush_s: how long water must have flowed again before it is.
        first_flush_litres: or how much, if that comes first: the volume of the pipe before the probes.
    """

    turbidity_frozen_after_s: Patience = 10_800.0
    ph_frozen_after_s: Patience = 43_200.0
    flat_after_s: Patience = 259_200.0
    nought_for_s: float = Field(default=30 * _DAY_S, ge=_DAY_S, le=365 * _DAY_S)
    noisy_beyond: float = Field(default=1.0, ge=0.1, le=100.0)
    stagnant_after_s: Patience = 1800.0
    first_flush_s: float = Field(default=300.0, ge=1.0, le=_DAY_S)
    first_flush_litres: float = Field(default=1000.0, ge=0.1, le=1_000_000.0)
