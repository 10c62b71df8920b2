"""What laboratories find, and whether enough of it is clear to lift an advisory.

**Invariants**
* A result is clear only where the laboratory's method could have shown otherwise: `<10` against a limit of 0 is
  undecided. Undecided is not clear; it does not count, and does not undo what was clear before.
* A sample that did not test what the advisory is about counts for nothing.
* Bottles filled at the same time are one sample: clear samples lie apart by the time that is demanded.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.advisories.record import AdvisoryKind, Cause


class LabParameter(StrEnum):
    """What a laboratory tests."""

    E_COLI = "e_coli"
    COLIFORMS = "coliforms"
    ENTEROCOCCI = "enterococci"
    TURBIDITY = "turbidity"
    PH = "ph"
    CONDUCTIVITY = "conductivity"
    NITRATE = "nitrate"
    ARSENIC = "arsenic"
    CADMIUM = "cadmium"
    COPPER = "copper"
    IRON = "iron"
    LEAD = "lead"
    MANGANESE = "manganese"
    ZINC = "zinc"


METALS = frozenset(
    {
        LabParameter.ARSENIC,
        LabParameter.CADMIUM,
        LabParameter.COPPER,
        LabParameter.IRON,
        LabParameter.LEAD,
        LabParameter.MANGANESE,
        LabParameter.ZINC,
    }
)
MICROBES = frozenset({LabParameter.E_COLI, LabParameter.COLIFORMS, LabParameter.ENTEROCOCCI})
_COUNT = {"CFU/100mL": 1.0, "MPN/100mL": 1.0}
_MASS = {"mg/L": 1.0, "ug/L": 0.001, "µg/L": 0.001}
# By how much a unit is multiplied to be the first one of its parameter.
UNITS: Mapping[LabParameter, Mapping[str, float]] = {
    **dict.fromkeys(MICROBES, _COUNT),
    **dict.fromkeys(METALS | {LabParameter.NITRATE}, _MASS),
    LabParameter.TURBIDITY: {"NTU": 1.0, "FNU": 1.0},
    LabParameter.PH: {"pH": 1.0},
    LabParameter.CONDUCTIVITY: {"uS/cm": 1.0, "µS/cm": 1.0},
}
_VALUE = re.compile(r"\s*([<>]?)\s*(\d+(?:[.,]\d+)?)\s*")
_ONE_ORGANISM = 1.0  # "<1" of a count is what a laboratory writes for "not found"


class Verdict(StrEnum):
    """How a result stands against its limit."""

    CLEAR = "clear"
    BAD = "bad"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Measured:
    """A value as a laboratory writes it: `sign` is "<" below what the method can tell, ">" beyond it, else ""."""

    value: float
    sign: str = ""


@dataclass(frozen=True, slots=True)
class LabLimit:
    """What a result is judged by: bounds in the first unit of its parameter, and whose they are."""

    low: float | None
    high: float | None
    authority: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabResult:
    """One parameter of one sample.

    Attributes:
        taken_at: when the sample was taken.
        laboratory: who tested it.
        parameter: what was tested.
        measured: what was found, in the first unit of its parameter.
        limit: by what it is judged.
        certificate: the number of the laboratory's certificate.
        entered_by: who wrote it down here.
    """

    taken_at: datetime
    laboratory: str
    parameter: LabParameter
    measured: Measured
    limit: LabLimit
    certificate: str
    entered_by: str

    @property
    def verdict(self) -> Verdict:
        """How it stands against its limit."""
        return judge(self.measured, self.limit)


@dataclass(frozen=True, slots=True)
class Sample:
    """All results of one laboratory for what was taken at one time."""

    taken_at: datetime
    laboratory: str
    results: tuple[LabResult, ...]

    @property
    def is_bad(self) -> bool:
        """Whether anything in it is beyond its limit."""
        return any(result.verdict is Verdict.BAD for result in self.results)

    def is_clear(self, demanded: Collection[frozenset[LabParameter]]) -> bool:
        """Whether all in it is within its limit, and it tested all that is demanded."""
        tested = {result.parameter for result in self.results}
        is_within = all(result.verdict is Verdict.CLEAR for result in self.results)
        return is_within and all(tested & group for group in demanded)


@dataclass(frozen=True, slots=True)
class Clearance:
    """How far samples go towards lifting.

    Attributes:
        counted: the samples that count, oldest first.
        needed: how many are demanded.
        last_bad_at: when the last bad sample was taken; None where none was.
        demanded: what each must have tested: one of each group.
    """

    counted: tuple[Sample, ...]
    needed: int
    last_bad_at: datetime | None
    demanded: tuple[frozenset[LabParameter], ...]

    @property
    def missing(self) -> int:
        """How many more clear samples are needed."""
        return max(0, self.needed - len(self.counted))


def measured(text: str, parameter: LabParameter, unit: str) -> Measured:
    """A value as a laboratory writes it (`3`, `<1`, `>200`, `0,35`), in the first unit of its parameter.

    Raises:
        ValueError: it is no such value or unit; the text says what is.
    """
    factor = UNITS[parameter].get(unit)
    if factor is None:
        raise ValueError(f"{parameter} is given in {' or '.join(UNITS[parameter])}, not in {unit!r}")
    found = _VALUE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no value: write 3, <1 or >200")
    return Measured(float(found[2].replace(",", ".")) * factor, found[1])


def judge(found: Measured, limit: LabLimit) -> Verdict:
    """How a value stands against its limit."""
    value, low, high = found.value, limit.low, limit.high
    if found.sign == "<":
        return _judge_below(value, low, high)
    if found.sign == ">":
        return Verdict.BAD if high is not None and value >= high else Verdict.UNDECIDED
    is_within = (low is None or value >= low) and (high is None or value <= high)
    return Verdict.CLEAR if is_within else Verdict.BAD


def _judge_below(value: float, low: float | None, high: float | None) -> Verdict:
    if low is not None:
        return Verdict.BAD if value <= low else Verdict.UNDECIDED
    is_not_found = high == 0 and value <= _ONE_ORGANISM
    return Verdict.CLEAR if is_not_found or (high is not None and value <= high) else Verdict.UNDECIDED


def demanded_of(kind: AdvisoryKind, causes: Collection[Cause]) -> tuple[frozenset[LabParameter], ...]:
    """What each clear sample must have tested: one of each group.

    Boiling is about microbes, and E. coli is what shows them. What may be chemical demands a metal; what a probe
    complained of is tested too. An unknown cause demands both.
    """
    groups: list[frozenset[LabParameter]] = []
    if kind is AdvisoryKind.BOIL or set(causes) & {Cause.MICROBES, Cause.UNKNOWN, Cause.TURBIDITY}:
        groups.append(frozenset({LabParameter.E_COLI}))
    if Cause.TURBIDITY in causes:
        groups.append(frozenset({LabParameter.TURBIDITY}))
    if Cause.PH in causes:
        groups.append(frozenset({LabParameter.PH}))
    if set(causes) & {Cause.PH, Cause.EVENT, Cause.CHEMICAL, Cause.UNKNOWN}:
        groups.append(METALS)
    return tuple(groups)


def samples_of(results: Iterable[LabResult]) -> Sequence[Sample]:
    """Results by sample, oldest first."""
    found: defaultdict[tuple[datetime, str], list[LabResult]] = defaultdict(list)
    for result in results:
        found[result.taken_at, result.laboratory].append(result)
    return [Sample(at, laboratory, tuple(found[at, laboratory])) for at, laboratory in sorted(found)]


def clearance(
    results: Iterable[LabResult],
    *,
    since: datetime,
    demanded: tuple[frozenset[LabParameter], ...],
    needed: int,
    apart: timedelta,
) -> Clearance:
    """Which samples count towards lifting: those after the last bad one, and after `since`, that lie apart."""
    samples = [sample for sample in samples_of(results) if sample.taken_at > since]
    last_bad_at = max((sample.taken_at for sample in samples if sample.is_bad), default=None)
    counted: list[Sample] = []
    for sample in samples:
        is_after = last_bad_at is None or sample.taken_at > last_bad_at
        is_apart = not counted or sample.taken_at - counted[-1].taken_at >= apart
        if is_after and is_apart and sample.is_clear(demanded):
            counted.append(sample)
    return Clearance(tuple(counted), needed, last_bad_at, demanded)


def chemical_findings(results: Iterable[LabResult], since: datetime) -> tuple[str, ...]:
    """What laboratories found since then that boiling does not remove, one English clause each."""
    found = {
        result.parameter
        for result in results
        if result.taken_at >= since
        and result.verdict is Verdict.BAD
        and result.parameter not in MICROBES | {LabParameter.TURBIDITY}
    }
    return tuple(f"a laboratory found {parameter} beyond its limit" for parameter in sorted(found))
