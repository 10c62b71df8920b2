"""What a device doubts of its own readings, and why. It is the right place to doubt: all the samples are here.

Whatever a check says travels as a flag with its reason; the numbers stay as they are.

| what | flag | why that flag |
|---|---|---|
| `probe_stuck`, frozen | FAIL | no sound instrument repeats itself to the last digit for hours |
| `probe_stuck`, flat | SUSPECT | very steady water may look like it |
| `probe_stuck`, at nought | SUSPECT | water may be clear for a month, and a blind probe shows it so for ever |
| `probe_noisy` | SUSPECT | the median of many samples may still be right |
| `temperature_out_of_range` | SUSPECT | the maker vouches for nothing there |
| `stagnant_sample`, `first_flush` | SUSPECT | a true reading, but not of the network's water |
| `probe_serviced` | FAIL | what a technician's bucket holds is not the water point's water |

**Invariants**
* A check never improves a flag, never changes a number, and never makes a reading or drops one.
* The worst flag wins; of two that are equally bad, the one that comes first in this table. What the probe itself
  said comes before all of them.
* Time is that since boot, by the instant of each reading: a clock that is set makes nothing stuck or stagnant.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from math import inf

from edge.clock import Instant
from edge.probes.build import LONGEST_GAP_INTERVALS
from edge.selfcheck_nought import Nought, NoughtFile
from edge.selfcheck_probe import SOUND, Noisy, Stuck, Temperature
from edge.selfcheck_supply import Flowing, Flush, Supply, flowing
from firmware_config.datasheet import Datasheet, load
from firmware_config.device import DeviceConfig
from firmware_config.self_checks import SelfCheckConfig
from firmware_config.signals import RegisterSignal
from waterquality.flags import Flag, Screened, Why, worst
from waterquality.parameters import Parameter
from waterquality.readings import Reading

_SERVICED = Screened(Flag.FAIL, Why.PROBE_SERVICED)
_OF_THE_METER = frozenset({Parameter.FLOW, Parameter.VOLUME})
_MS_PER_S = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeChecks:
    """The checks of one probe.

    Attributes:
        noisy: whether its samples agree.
        stuck: whether it moves; None where it may well be still for days: a temperature, a meter.
        temperature: whether it is made for such water; None where its maker does not say.
        nought: whether it ever shows anything but nought; None where nought is no value of water.
    """

    noisy: Noisy
    stuck: Stuck | None = None
    temperature: Temperature | None = None
    nought: Nought | None = None


class SelfChecks:
    """Judges every reading of a device, tick after tick.

    Args:
        probes: the checks of each probe, by what it measures; none for what is not named.
        supply: follows the meter; None where there is none.
        is_serviced: whether somebody works at the probes.
    """

    def __init__(
        self,
        probes: dict[Parameter, ProbeChecks] | None = None,
        *,
        supply: Supply | None = None,
        is_serviced: Callable[[Instant], bool] = lambda _: False,
    ) -> None:
        self._probes, self._supply, self._is_serviced = probes or {}, supply, is_serviced

    def judged(self, instant: Instant, readings: Iterable[Reading]) -> list[Reading]:
        """The readings of one tick, each with the worst that is known against it.

        Args:
            instant: when they were taken.
            readings: at most one for each parameter.
        """
        taken = list(readings)
        by_name = {reading.parameter: reading for reading in taken}
        tick = _Tick(
            at_s=instant.boottime_ms / _MS_PER_S,
            service=_SERVICED if self._is_serviced(instant) else SOUND,
            stands=flowing(by_name.get(Parameter.FLOW)) is Flowing.STANDS,
            supply=self._supplied(instant.boottime_ms / _MS_PER_S, by_name),
            temperature=by_name.get(Parameter.TEMPERATURE),
        )
        return [self._judged(reading, tick) for reading in taken]

    def _supplied(self, at_s: float, readings: dict[Parameter, Reading]) -> Screened:
        if self._supply is None:
            return SOUND
        return self._supply.judge(at_s, readings.get(Parameter.FLOW), readings.get(Parameter.VOLUME))

    def _judged(self, reading: Reading, tick: "_Tick") -> Reading:
        doubts = (tick.service, *self._doubts(reading, tick))
        screened = reduce(worst, doubts, reading.screened)
        return reading if screened == reading.screened else replace(reading, screened=screened)

    def _doubts(self, reading: Reading, tick: "_Tick") -> Iterator[Screened]:
        checks = self._probes.get(reading.parameter)
        if checks and checks.stuck:
            yield checks.stuck.judge(tick.at_s, reading, stands=tick.stands)
        if checks and checks.nought:
            yield checks.nought.judge(tick.at_s, reading, stands=tick.stands)
        if checks:
            yield checks.noisy.judge(reading)
        if checks and checks.temperature:
            yield checks.temperature.judge(tick.temperature)
        if reading.parameter not in _OF_THE_METER:
            yield tick.supply


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tick:
    """What holds for all readings of one tick."""

    at_s: float
    service: Screened
    stands: bool
    supply: Screened
    temperature: Reading | None


def checks_of(
    config: DeviceConfig,
    *,
    is_serviced: Callable[[Instant], bool] = lambda _: False,
    nought: NoughtFile | None = None,
) -> SelfChecks:
    """The self-checks of a device, as its configuration has them.

    Args:
        config: what is wired.
        is_serviced: whether somebody works at the probes.
        nought: where the time at nought is kept over restarts; None forgets it.
    """
    gap_s = LONGEST_GAP_INTERVALS * config.observe_every_s
    has_meter = any(probe.parameter is Parameter.FLOW for probe in config.probes)
    told = config.self_checks
    flush = Flush(seconds=told.first_flush_s, litres=told.first_flush_litres)
    supply = Supply(stagnant_after_s=told.stagnant_after_s, flush=flush, longest_gap_s=gap_s)
    probes = {probe.parameter: _checks_of(load(probe.model), told, gap_s, nought) for probe in config.probes}
    return SelfChecks(probes, supply=supply if has_meter else None, is_serviced=is_serviced)


def _checks_of(
    sheet: Datasheet, told: SelfCheckConfig, gap_s: float, nought: NoughtFile | None
) -> ProbeChecks:
    return ProbeChecks(
        noisy=Noisy(sheet.capability, beyond=told.noisy_beyond),
        stuck=_stuck_of(sheet, told, gap_s),
        temperature=Temperature(sheet.operates_celsius) if sheet.operates_celsius else None,
        nought=_nought_of(sheet, told, gap_s, nought) if sheet.parameter is Parameter.TURBIDITY else None,
    )


def _nought_of(sheet: Datasheet, told: SelfCheckConfig, gap_s: float, kept: NoughtFile | None) -> Nought:
    return Nought(
        sheet.capability,
        after_s=told.nought_for_s,
        longest_gap_s=gap_s,
        counted_s=kept.read() if kept else 0.0,
        keep=kept.keep if kept else lambda _: None,
    )


def _stuck_of(sheet: Datasheet, told: SelfCheckConfig, gap_s: float) -> Stuck | None:
    frozen_after_s = {
        Parameter.TURBIDITY: told.turbidity_frozen_after_s,
        Parameter.PH: told.ph_frozen_after_s,
    }.get(sheet.parameter)
    if frozen_after_s is None:
        return None
    if isinstance(sheet.signal, RegisterSignal) and sheet.signal.value.type != "float32":
        frozen_after_s = inf  # whole steps of its maker's: clear water may rest on one of them for days
    return Stuck(
        sheet.capability,
        resolution=sheet.resolution,
        frozen_after_s=frozen_after_s,
        flat_after_s=told.flat_after_s,
        longest_gap_s=gap_s,
    )
