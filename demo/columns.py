"""Which column of a recording holds which parameter, and in which unit: what `--map` says.

`PARAMETER=COLUMN:UNIT`, for example `turbidity=Trueb:NTU`. Values are brought into the unit that Tskaro keeps
the parameter in; what is no unit of the parameter is refused, since a wrong factor would look like bad water.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from waterquality.errors import ConfigError
from waterquality.parameters import LITRES_PER_M3, SECONDS_PER_MINUTE, Parameter

_EXAMPLE = "turbidity=Trueb:NTU"
_MINUTES_PER_HOUR = 60.0


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that a column may be in.

    Attributes:
        name: as people write it.
        factor: how many of the parameter's own unit it is.
        note: what to tell the person who mapped it; "" when there is nothing to tell.
    """

    name: str
    factor: float = 1.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Mapped:
    """One parameter, the column that holds it, and the unit of that column."""

    parameter: Parameter
    column: str
    unit: Unit


_FNU = "FNU is taken for NTU: the same number for formazin, by another method of measuring"
_UNITS: MappingProxyType[Parameter, tuple[Unit, ...]] = MappingProxyType(
    {
        Parameter.TURBIDITY: (Unit("NTU"), Unit("FNU", note=_FNU)),
        Parameter.PH: (Unit("pH"),),
        Parameter.FLOW: (
            Unit("L/min"),
            Unit("L/s", SECONDS_PER_MINUTE),
            Unit("m3/h", LITRES_PER_M3 / _MINUTES_PER_HOUR),
            Unit("m3/s", LITRES_PER_M3 * SECONDS_PER_MINUTE),
        ),
        Parameter.VOLUME: (Unit("m3"), Unit("L", 1 / LITRES_PER_M3)),
        Parameter.TEMPERATURE: (Unit("°C"), Unit("Cel"), Unit("C")),
    }
)


def parse_mapping(text: str) -> Mapped:
    """What one `--map` says.

    Raises:
        ConfigError: it is not written `PARAMETER=COLUMN:UNIT`, or there is no such parameter, or that is no
            unit of it; the message says what to write instead; mended by the operator.
    """
    name, _, rest = text.partition("=")
    column, _, unit = (part.strip() for part in rest.rpartition(":"))
    if not (name.strip() and column and unit):
        raise ConfigError(f"--map {text!r}: write PARAMETER=COLUMN:UNIT, for example {_EXAMPLE}")
    parameter = _parameter(name.strip().lower(), text)
    return Mapped(parameter, column, _unit(parameter, unit, text))


def check_mappings(mappings: Sequence[Mapped]) -> None:
    """Refuse what cannot be read as a whole.

    Raises:
        ConfigError: nothing is mapped, or a parameter twice; mended by the operator.
    """
    if not mappings:
        raise ConfigError(f"nothing to replay: say which column holds what, for example --map {_EXAMPLE}")
    seen: dict[Parameter, Mapped] = {}
    for mapped in mappings:
        first = seen.setdefault(mapped.parameter, mapped)
        if first is not mapped:
            both = f"{first.column!r} and {mapped.column!r}"
            raise ConfigError(f"{mapped.parameter} is mapped twice, to {both}; leave one --map out")


def _parameter(name: str, text: str) -> Parameter:
    try:
        return Parameter(name)
    except ValueError as error:
        known = ", ".join(Parameter)
        raise ConfigError(f"--map {text!r}: there is no parameter {name!r}; write one of {known}") from error


def _unit(parameter: Parameter, name: str, text: str) -> Unit:
    for unit in _UNITS[parameter]:
        if _spelling(unit.name) == _spelling(name):
            return unit
    known = " or ".join(unit.name for unit in _UNITS[parameter])
    raise ConfigError(f"--map {text!r}: {name!r} is no unit of {parameter} here; write {known}")


def _spelling(unit: str) -> str:
    return unit.lower().replace("³", "3").replace(" ", "")
