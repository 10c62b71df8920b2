"""The simulated water of one place, and what the probes in it see.

Everything is a function of (village, seed, events, instant): any instant can be asked for in any order, and
the answer is always the same. Nothing here reads a clock or remembers; what is cached could be made again.

`true_value` is the water itself. `volts` and `pulses` are what a device would be given by its converter and
its meter: the calibration read backwards, noise, and whole steps. They are no readings: a device makes those.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from demo.curves import calibration_points, pulses_per_litre, quantise, volts_for
from demo.events import AcidPulse, DrySpell, Event, MudEvent, SilentDevice, StuckProbe
from demo.noise import gauss, pulse, smooth, stream, unit
from demo.supply import DAY_S, TBILISI_S, Supply
from demo.villages import Source, Village
from demo.weather import Rainfall
from waterquality.parameters import LITRES_PER_M3, Parameter

METER_ZERO = datetime(2025, 12, 31, 20, tzinfo=UTC)  # midnight in Tbilisi
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MINUTE_S = 60.0
_HOUR_S = 3600.0
_YEAR_S = 365.25 * DAY_S
_WARMEST_S = 205 * DAY_S  # of the year: late July

# How far the temperature of the water swings over the year and over the day, in °C either way.
_SWINGS = {
    Source.SPRING: (1.5, 0.1),
    Source.RESERVOIR: (3.0, 0.4),
    Source.TAP: (4.0, 0.8),
    Source.BOREHOLE: (0.4, 0.05),
}
_FLUSH_NTU, _FLUSH_RISE_S, _FLUSH_DECAY_S = 1.5, 60.0, 700.0  # rust and air when water returns
_SETTLED, _SETTLING_S = 0.55, 2400.0  # standing water drops what it carries
_RAIN_PH, _RAIN_PH_NTU = 0.18, 16.0  # rain takes away that much pH at most, and 63 % of it with so many NTU
_NOISE_VOLTS = 0.0035  # about one step of the converter
_BUBBLES = 0.02  # noise of a turbidity probe that grows with what it shows, as a share of it
_STREAMS = ("slow", "hours", "minutes", "mud", "murk", "flush", "drift", "ripple", "season", "bubbles")


class Water:
    """The water of one place, its probes, and whether its device can be heard.

    Args:
        village: the place.
        seed: the seed of the whole demonstration.
        events: what happens, anywhere; what happens elsewhere is left aside.
        meter_zero: when the meter stood at 0; aware.
    """

    def __init__(
        self, village: Village, *, seed: int, events: Sequence[Event], meter_zero: datetime = METER_ZERO
    ) -> None:
        self._village = village
        spells = [event for event in events if isinstance(event, DrySpell)]
        local = [event for event in events if not isinstance(event, DrySpell)]
        here = [event for event in local if event.water_point == village.water_point]
        self._mud = [event for event in here if isinstance(event, MudEvent)]
        self._acid = [event for event in here if isinstance(event, AcidPulse)]
        self._stuck = [event for event in here if isinstance(event, StuckProbe)]
        self._silent = [event for event in here if isinstance(event, SilentDevice)]
        self._supply = Supply(village, seed=seed, meter_zero_s=_seconds(meter_zero))
        dry_s = tuple((_seconds(spell.since), _seconds(spell.until)) for spell in spells)
        self._rainfall = Rainfall(village, seed=seed, dry_s=dry_s)
        self._chance = {name: stream(seed, village.water_point, name) for name in (*_STREAMS, *Parameter)}

    def true_value(self, parameter: Parameter, at: datetime) -> float:
        """The water itself at an aware instant, in the parameter's unit; no probe, no noise, no steps."""
        at_s = _seconds(at)
        match parameter:
            case Parameter.TURBIDITY:
                return self._turbidity_ntu(at_s)
            case Parameter.PH:
                return self._ph(at_s)
            case Parameter.FLOW:
                return self._supply.flow_l_per_min(at_s)
            case Parameter.VOLUME:
                return self._supply.litres(at_s) / LITRES_PER_M3
            case Parameter.TEMPERATURE:
                return self._temperature_c(at_s)

    def volts(self, parameter: Parameter, at: datetime) -> float:
        """What the converter reports of a probe at an aware instant, in volts at its input.

        A probe that is stuck reports exactly what it did when that began.

        Args:
            parameter: turbidity or pH.
            at: the instant; noise is new with every microsecond.

        Raises:
            ConfigError: the village has no analogue probe for the parameter; mended by the operator.
        """
        seen_at = next((event.since for event in self._stuck_now(parameter, at)), at)
        points = calibration_points(self._village.probes.get(parameter, ""))
        tick = (seen_at - _EPOCH) // _MICROSECOND
        shown = self.true_value(parameter, seen_at)
        if parameter is Parameter.TURBIDITY:
            shown *= 1 + _BUBBLES * gauss(self._chance["bubbles"], tick)
        noise = _NOISE_VOLTS * gauss(self._chance[parameter], tick)
        return quantise(volts_for(shown, points) + noise)

    def pulses(self, at: datetime) -> int:
        """What the meter has counted since `meter_zero`: whole pulses, never fewer than before.

        Raises:
            ConfigError: the village has no meter; mended by the operator.
        """
        litres = self._supply.litres(_seconds(at)) - self._missed_litres(at)
        return math.floor(litres * pulses_per_litre(self._village.probes.get(Parameter.FLOW, "")))

    def is_silent(self, at: datetime) -> bool:
        """Whether the device is without network at an aware instant."""
        return any(event.since <= at < event.until for event in self._silent)

    def _stuck_now(self, parameter: Parameter, at: datetime) -> Iterator[StuckProbe]:
        stuck = (event for event in self._stuck if event.parameter is parameter)
        return (event for event in stuck if event.since <= at < event.until)

    def _missed_litres(self, at: datetime) -> float:
        """What ran through a stuck meter before an instant."""
        stuck = (event for event in self._stuck if event.parameter is Parameter.FLOW and event.since < at)
        spans = ((_seconds(event.since), _seconds(min(at, event.until))) for event in stuck)
        return sum(self._supply.litres(until_s) - self._supply.litres(since_s) for since_s, until_s in spans)

    def _wander(self, name: str, at_s: float, period_s: float) -> float:
        return smooth(self._chance[name], at_s, period_s)

    def _turbidity_ntu(self, at_s: float) -> float:
        days = 0.16 * self._wander("slow", at_s, 11 * _HOUR_S)
        hours = 0.07 * self._wander("hours", at_s, 0.75 * _HOUR_S)
        minutes = 0.04 * self._wander("minutes", at_s, 4 * _MINUTE_S)
        clear = self._village.turbidity_ntu * math.exp(days + hours + minutes)
        mud = self._mud_ntu(at_s) + self._rainfall.turbidity_ntu(at_s)
        if mud:
            clouds = 0.09 * self._wander("mud", at_s, 25 * _MINUTE_S)
            murk = 0.05 * self._wander("murk", at_s, 3 * _MINUTE_S)
            mud *= math.exp(clouds + murk)
        return self._at_the_tap(at_s, clear + mud)

    def _mud_ntu(self, at_s: float) -> float:
        return sum(
            event.peak_ntu * pulse(at_s - _seconds(event.at), rise_s=event.rise_s, decay_s=event.decay_s)
            for event in self._mud
        )

    def _at_the_tap(self, at_s: float, ntu: float) -> float:
        """Turbidity after the pipe: what stands there settles, and what returns brings rust and air."""
        phase = self._supply.phase(at_s)
        if math.isinf(phase.for_s):
            return ntu
        settled = _SETTLED * self._village.turbidity_ntu
        if not phase.is_on:
            return settled + (ntu - settled) * math.exp(-phase.for_s / _SETTLING_S)
        arrived = -math.expm1(-phase.for_s / _FLUSH_RISE_S)
        flush = pulse(phase.for_s, rise_s=_FLUSH_RISE_S, decay_s=_FLUSH_DECAY_S)
        force = 0.6 + 0.8 * unit(self._chance["flush"], round((at_s - phase.for_s) / _HOUR_S))
        return settled + (ntu - settled) * arrived + _FLUSH_NTU * force * flush

    def _ph(self, at_s: float) -> float:
        drift = 0.09 * self._wander("drift", at_s, 2.2 * DAY_S)
        ripple = 0.012 * self._wander("ripple", at_s, 20 * _MINUTE_S)
        rain = -_RAIN_PH * math.expm1(-self._rainfall.turbidity_ntu(at_s) / _RAIN_PH_NTU)
        ph = self._village.ph + drift + ripple + 0.025 * _daily(at_s, highest_hour=16) - rain
        for event in self._acid:
            share = pulse(at_s - _seconds(event.at), rise_s=event.rise_s, decay_s=event.decay_s)
            ph += (event.lowest_ph - ph) * share
        return ph

    def _temperature_c(self, at_s: float) -> float:
        over_year, over_day = _SWINGS[self._village.source]
        season = math.cos(2 * math.pi * (at_s - _WARMEST_S) / _YEAR_S)
        spell = 0.3 * over_year * self._wander("season", at_s, 3 * DAY_S)
        day = over_day * _daily(at_s, highest_hour=17)
        return self._village.temperature_c + over_year * season + spell + day


def _seconds(at: datetime) -> float:
    """Seconds since 1970; refuses a naive instant."""
    return (at - _EPOCH).total_seconds()


def _daily(at_s: float, *, highest_hour: float) -> float:
    """A swing over the day in Tbilisi, from -1 to 1."""
    return math.cos(2 * math.pi * (at_s + TBILISI_S - highest_hour * _HOUR_S) / DAY_S)
