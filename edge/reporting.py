"""Which samples become observations: what is news, and once in a while what is not. No I/O; time is an argument.

Sample often, report what matters. A report holds the values *of its own tick*: samples that were passed over are
neither averaged in nor kept, because a mean would show a value that the water never had at a time it was not taken.

**Invariants**
* A value beyond a limit is never passed over: it is reported at once when it gets there, and at full rate (at every
  tick of `observe_every_s`) while it stays, whatever the budget says. So is a flag that got worse.
* Between two reports lies at most the longest silence; what the server calls silent is longer than that.
* A signal within its deadband is reported on schedule and at no other time.
* A flapping flag or a value that dances on a limit costs at most two reports in `observe_every_s`: news of worse
  goes at once, news of better at full rate.
* Where every probe rests nothing is reported: an observation of nothing is none.
* All that is not news of worse waits for a tick of full rate, for which probes that rest are woken.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from edge.budget import Thrift
from edge.clock import Instant
from firmware_config.datasheet import load
from firmware_config.device import DeviceConfig
from firmware_config.reporting import ReportingMode
from waterquality.limits import Capability, Limit
from waterquality.parameters import Parameter
from waterquality.readings import Reading, by_parameter

_Readings = Mapping[Parameter, Reading]
_MS_PER_S = 1000
_LATE_S = 1.0  # how much earlier or later than its time a tick may come


class Due(StrEnum):
    """Why a sample is reported; empty, and so false, when it is not."""

    NOT_YET = ""
    ASKED = "asked"
    SCHEDULE = "schedule"
    CHANGE = "change"
    NEAR_LIMIT = "near_limit"
    EXCEEDANCE = "exceedance"
    FLAG = "flag"

    @property
    def is_urgent(self) -> bool:
        """Whether it breaks a batch that is still being gathered."""
        return self in (Due.ASKED, Due.EXCEEDANCE, Due.FLAG)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How often, in seconds.

    Attributes:
        observe_every_s: full rate, from one tick to the next: news that can wait, and values near or beyond a
            limit, go this often.
        longest_silence_s: from one report to the next at most, whatever is passed over; no less than the above.
        is_adaptive: whether quiet water is reported that seldom, or at full rate as well.
    """

    observe_every_s: float = 0.0
    longest_silence_s: float = 0.0
    is_adaptive: bool = False

    def silence_s(self, thrift: Thrift) -> float:
        """The longest silence now; a tight budget makes every device adaptive."""
        is_adaptive = self.is_adaptive or thrift is not Thrift.EASE
        return max(self.longest_silence_s, self.observe_every_s) if is_adaptive else self.observe_every_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Sense:
    """What counts as news of one parameter, in its unit.

    Attributes:
        deadband: how far a value must have gone since it was last reported.
        deadband_share: what the deadband grows by with the value, as a fraction of it.
        limits: what the device checks itself.
        near: how near a limit counts as near.
    """

    deadband: float
    deadband_share: float = 0.0
    limits: Sequence[Limit] = ()
    near: float = 0.0

    def has_changed(self, value: float, reported: float) -> bool:
        """Whether a value has left the deadband around the one reported."""
        return abs(value - reported) > self.deadband + self.deadband_share * abs(reported)

    def beyond(self, value: float) -> frozenset[float]:
        """The numbers that a value is beyond."""
        lows = (limit.low for limit in self.limits if limit.low is not None and value < limit.low)
        highs = (limit.high for limit in self.limits if limit.high is not None and value > limit.high)
        return frozenset((*lows, *highs))

    def is_near(self, value: float) -> bool:
        """Whether a value is beyond a limit, or near it."""
        bounds = (bound for limit in self.limits for bound in limit.bounds())
        return bool(self.beyond(value)) or any(abs(value - bound) <= self.near for bound in bounds)


def sense_of(
    capability: Capability,
    resolution: float,
    *,
    limits: Sequence[Limit] = (),
    deadband: float | None = None,
    near: float | None = None,
) -> Sense:
    """What counts as news, where the configuration does not say it, from what the probe can show.

    Half its uncertainty, and no less than a step, is a change; its whole uncertainty at the limit is near it.

    Args:
        capability: what the probe can show.
        resolution: the smallest step it can show, in the parameter's unit.
        limits: what the device checks itself.
        deadband: as configured; None is half the uncertainty.
        near: as configured; None is the uncertainty at the farthest limit.
    """
    bounds = [bound for limit in limits for bound in limit.bounds()]
    return Sense(
        deadband=max(resolution, capability.uncertainty / 2) if deadband is None else deadband,
        deadband_share=capability.uncertainty_share / 2 if deadband is None else 0.0,
        limits=limits,
        near=max(map(capability.uncertainty_at, bounds), default=0.0) if near is None else near,
    )


_NO_SENSES: Mapping[Parameter, Sense] = MappingProxyType({})


class Reporting:
    """Decides which samples are reported, and remembers what was.

    Args:
        rates: how often.
        senses: what counts as news, by parameter; one without is reported along with the others.
        thrift: how the budget stands.
        is_asked: whether somebody wants to see every sample just now.
    """

    def __init__(
        self,
        rates: Rates = Rates(),
        senses: Mapping[Parameter, Sense] = _NO_SENSES,
        *,
        thrift: Callable[[], Thrift] = lambda: Thrift.EASE,
        is_asked: Callable[[Instant], bool] = lambda _: False,
    ) -> None:
        self._rates, self._senses, self._thrift, self._is_asked = rates, senses, thrift, is_asked
        self._told_ms: int | None = None
        self._told: dict[Parameter, Reading] = {}

    def wants(self, instant: Instant, readings: Iterable[Reading], *, is_tick: bool = True) -> Due:
        """Why this sample is to be reported; false when it is not.

        Args:
            instant: when it was taken.
            readings: what was measured; a probe that rests is not among them.
            is_tick: whether an observation may be due: a tick of full rate, for which resting probes are woken.
        """
        taken = by_parameter(*readings)
        if not taken:
            return Due.NOT_YET
        if self._is_asked(instant):
            return Due.ASKED
        if news := self._bad_news(taken):
            return news
        if not is_tick:
            return Due.NOT_YET
        thrift = self._thrift()
        return Due.SCHEDULE if self._is_scheduled(instant, thrift) else self._news(taken, thrift)

    def reported(self, instant: Instant, readings: Iterable[Reading]) -> None:
        """This sample is on the disk: what comes is compared with it."""
        self._told_ms = instant.boottime_ms
        self._told |= by_parameter(*readings)  # a probe that rests now has said its last word before

    def _is_scheduled(self, instant: Instant, thrift: Thrift) -> bool:
        """Whether the tick after this one would come too late; ticks come a little early and late themselves."""
        full_rate_s, longest_s = self._rates.observe_every_s, self._rates.silence_s(thrift)
        if self._told_ms is None or longest_s <= full_rate_s:
            return True
        silent_s = (instant.boottime_ms - self._told_ms) / _MS_PER_S
        return silent_s + full_rate_s > longest_s + min(_LATE_S, full_rate_s / 2)

    def _bad_news(self, taken: _Readings) -> Due:
        if any(self._beyond(taken, name) - self._beyond(self._told, name) for name in taken):
            return Due.EXCEEDANCE
        worse = (now.flag > self._told[name].flag for name, now in taken.items() if name in self._told)
        return Due.FLAG if any(worse) else Due.NOT_YET

    def _news(self, taken: _Readings, thrift: Thrift) -> Due:
        """What can wait for full rate, and what a spent budget leaves of it."""
        if any(self._beyond(taken, name) for name in taken):
            return Due.EXCEEDANCE
        if any(self._has_turned(taken, name) for name in taken):
            return Due.CHANGE
        if thrift is Thrift.SPENT:
            return Due.NOT_YET
        if any(self._is_near(reading) for reading in taken.values()):
            return Due.NEAR_LIMIT
        return Due.CHANGE if any(map(self._has_changed, taken.values())) else Due.NOT_YET

    def _has_turned(self, taken: _Readings, name: Parameter) -> bool:
        """Whether it is new, got better, is wrong for another reason, or is told by another certificate."""
        now, then = taken[name], self._told.get(name)
        if then is None or (now.screened, now.certificate) != (then.screened, then.certificate):
            return True
        return self._beyond(taken, name) != self._beyond(self._told, name)

    def _has_changed(self, now: Reading) -> bool:
        then, sense = self._told[now.parameter], self._senses.get(now.parameter)
        if now.value is None or then.value is None:
            return now.value is not then.value
        return sense is not None and sense.has_changed(now.value, then.value)

    def _beyond(self, readings: _Readings, name: Parameter) -> frozenset[float]:
        sense, reading = self._senses.get(name), readings.get(name)
        if sense is None or reading is None or reading.value is None:
            return frozenset()
        return sense.beyond(reading.value)

    def _is_near(self, reading: Reading) -> bool:
        sense = self._senses.get(reading.parameter)
        return sense is not None and reading.value is not None and sense.is_near(reading.value)


def reporting_of(
    config: DeviceConfig,
    *,
    thrift: Callable[[], Thrift],
    is_asked: Callable[[Instant], bool] = lambda _: False,
) -> Reporting:
    """What becomes an observation, as the configuration and the datasheets have it.

    Args:
        config: what is wired, and what each probe is watched for.
        thrift: how the budget stands.
        is_asked: whether somebody wants to see every sample just now.
    """
    told = config.reporting
    rates = Rates(
        observe_every_s=config.observe_every_s,
        longest_silence_s=told.longest_silence_s,
        is_adaptive=told.mode is ReportingMode.ADAPTIVE,
    )
    senses = {parameter: Sense(deadband=deadband) for parameter, deadband in told.deadbands.items()}
    for probe in config.probes:
        sheet = load(probe.model)
        senses[probe.parameter] = sense_of(
            sheet.capability,
            sheet.resolution,
            limits=[watched.as_limit(probe.parameter) for watched in probe.limits],
            deadband=told.deadbands.get(probe.parameter),
            near=told.near_limits.get(probe.parameter),
        )
    return Reporting(rates, senses, thrift=thrift, is_asked=is_asked)
