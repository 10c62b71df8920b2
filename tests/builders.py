"""Readings, observations and rows for tests: sane defaults, and only what matters said.

`observation(turbidity=5.2)` is a device's ordinary observation with muddy water; `ph=None` leaves the pH out;
`ph=missing()` has a probe that gave none.
"""

from datetime import datetime

from server.store.port import Row
from waterquality.flags import Flag, Screened, Why
from waterquality.parameters import Parameter
from waterquality.readings import Observation, Reading, by_parameter, to_ms

DEVICE = "kk-0001"
EPOCH = "9f1c2a7e"
WATER_POINT = "bolnisi-spring"
AT = "2026-11-20T06:00:00Z"
_TRANSIT_MS = 1_500  # from the tap to the server


def ms(at: str | int | datetime) -> int:
    """Milliseconds since 1970 of an ISO time, an aware instant, or of milliseconds themselves."""
    if isinstance(at, int):
        return at
    return to_ms(datetime.fromisoformat(at) if isinstance(at, str) else at)


def instant(at: str) -> datetime:
    """The aware instant of an ISO time."""
    return datetime.fromisoformat(at)


def reading(
    parameter: str = "turbidity",
    value: float | None = 0.31,
    *,
    flag: Flag = Flag.GOOD,
    why: Why = Why.NONE,
    raw: float | None = None,
    raw_unit: str = "V",
    certificate: str = "",
    spread: float | None = None,
) -> Reading:
    """One screened reading."""
    return Reading(Parameter(parameter), value, raw, raw_unit, Screened(flag, why), certificate, spread)


def missing(why: Why = Why.PROBE_DISCONNECTED, flag: Flag = Flag.MISSING) -> Reading:
    """What a probe gives that gives nothing; `observation` puts it under the name it is passed as."""
    return reading(value=None, flag=flag, why=why)


def observation(
    *,
    device: str = DEVICE,
    epoch: str = EPOCH,
    seq: int = 1,
    at: str | int | datetime = AT,
    clock_uncertainty_s: float = 0.0,
    turbidity: float | Reading | None = 0.31,
    ph: float | Reading | None = 7.4,
    flow: float | Reading | None = 11.0,
    volume: float | Reading | None = None,
    temperature: float | Reading | None = None,
    flag: Flag = Flag.GOOD,
) -> Observation:
    """One observation; None leaves a parameter out, a number makes a reading with `flag`."""
    given = {"turbidity": turbidity, "ph": ph, "flow": flow, "volume": volume, "temperature": temperature}
    readings = [_named(name, value, flag) for name, value in given.items() if value is not None]
    return Observation(device, epoch, seq, ms(at), by_parameter(*readings), clock_uncertainty_s)


def row(observed: Observation | None = None, *, water_point: str = WATER_POINT, **given: object) -> Row:
    """An observation at its water point; what is not an argument here goes to `observation`."""
    observed = observed or observation(**given)  # type: ignore[arg-type]
    return Row(water_point, observed, observed.taken_ms + _TRANSIT_MS)


def _named(name: str, value: float | Reading, flag: Flag) -> Reading:
    if not isinstance(value, Reading):
        return reading(name, float(value), flag=flag)
    return reading(
        name,
        value.value,
        flag=value.flag,
        why=value.screened.why,
        raw=value.raw,
        raw_unit=value.raw_unit,
        certificate=value.certificate,
        spread=value.spread,
    )
