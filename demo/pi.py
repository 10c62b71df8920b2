"""A device of the demonstration: the production agent on a Raspberry Pi whose probes see simulated water.

Its configuration is an ordinary one, checked like any other; only the hardware under it is made of functions.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

from demo.clocks import DemoClock, EdgeClock
from demo.curves import calibration_points, pulses_per_litre
from demo.villages import Village
from demo.water import Water
from edge.agent import Agent, AgentParts
from edge.clock import Instant
from edge.hardware.simulated import SimulatedHardware
from edge.lanes import SendingPolicy
from edge.outbox import Outbox, look_into, open_outbox
from edge.probes.build import build_probes, ticks_of
from edge.sampler import Sampler
from edge.schedule import Every
from edge.selfcheck import checks_of
from edge.uplink import Broker
from firmware_config.datasheet import load
from firmware_config.device import DeviceConfig
from waterquality.parameters import Parameter
from waterquality.readings import to_ms

_CONVERTER = "adc0"
_CHANNELS = {Parameter.TURBIDITY: 0, Parameter.PH: 1}
_FLOW_PIN = 17
_DIVIDERS = {"sen0189": 1.5}
_SAMPLES = 9
_MS_PER_S = 1000.0
# A simulated probe trembles by a step of its converter from sample to sample, so it need not be watched for hours.
_FROZEN_AFTER_S = 600.0
_TIDY_DECIMALS = 6
_CELSIUS = 12.0  # the simulated probes are as warm as their standards were
_A_SAMPLE = timedelta(milliseconds=5)


class SimulatedPi:
    """One device, which can be switched off and on again.

    Args:
        village: where it stands.
        water: what its probes see.
        clock: the demo's clock.
        folder: where its outbox is.
        broker: where it sends to.
        observe_every_s: seconds from one observation to the next, of the demo's clock.
    """

    def __init__(
        self,
        village: Village,
        water: Water,
        clock: DemoClock,
        *,
        folder: Path,
        broker: Broker,
        observe_every_s: float,
    ) -> None:
        self.village, self.water, self._clock, self._broker = village, water, clock, broker
        self._path = folder / f"{village.device}-outbox.db"
        self._config = config_of(village, made_on=clock.now().date(), observe_every_s=observe_every_s)
        self._looking_at: datetime | None = None
        self.agent: Agent | None = None

    def remember(self, since: datetime, until: datetime, every: timedelta) -> int:
        """Record a past, as a device does that had no network; returns how many observations that was."""
        outbox, at = self._open(), since
        self._looking_at = since
        config = self._config.model_copy(update={"observe_every_s": every.total_seconds()})
        sampler = Sampler(build_probes(config, self._hardware()), outbox, checks=checks_of(config))
        while at < until:
            self._looking_at = at
            sampler.observe(Instant(to_ms(at), to_ms(at) - to_ms(since), "past", is_synchronised=True))
            at += every
        self._looking_at = None
        outbox.close()
        return sampler.counters["appended"]

    def holds(self) -> int:
        """How many records it still holds."""
        return look_into(self._path)[1].records

    def switch_on(self) -> None:
        """Start the agent."""
        outbox = self._open()
        parts = AgentParts(
            device=self.village.device,
            probes=build_probes(self._config, self._hardware(), volume_m3=outbox.volume_m3),
            outbox=outbox,
            broker=self._broker,
            clock=EdgeClock(self._clock),
            schedule=ticks_of(self._config),
            observations=Every(self._config.observe_every_s),
            checks=lambda is_serviced: checks_of(self._config, is_serviced=is_serviced),
            policy=SendingPolicy(repeat_after_s=10),
        )
        self.agent = Agent(parts)
        self.agent.start()

    def switch_off(self) -> None:
        """Stop the agent; its outbox stays."""
        agent, self.agent = self.agent, None
        if agent is not None:
            agent.stop()

    def _open(self) -> Outbox:
        return open_outbox(self._path, device=self.village.device, serial=self.village.device)[0]

    def _hardware(self) -> SimulatedHardware:
        voltages = {
            (_CONVERTER, channel): lambda parameter=parameter: self.water.volts(parameter, self._now())
            for parameter, channel in _CHANNELS.items()
        }
        return SimulatedHardware(
            voltages=voltages,
            pulses={_FLOW_PIN: lambda: self.water.pulses(self._now())},
            now_s=lambda: to_ms(self._looking_at or self._clock.now()) / _MS_PER_S,
        )

    def _now(self) -> datetime:
        if self._looking_at is None:
            return self._clock.now()
        self._looking_at += _A_SAMPLE  # as samples lie apart in life, and their noise with them
        return self._looking_at


def config_of(village: Village, *, made_on: date, observe_every_s: float) -> DeviceConfig:
    """The configuration of the device of a village: what its technician would have written.

    Raises:
        pydantic.ValidationError: the cast names a probe that cannot be wired so; mended by the operator.
    """
    probes = [
        _flow(model) if parameter is Parameter.FLOW else _analogue(parameter, model, village.device, made_on)
        for parameter, model in village.probes.items()
    ]
    return DeviceConfig.model_validate(
        {
            "schema_version": 1,
            "device": village.device,
            "observe_every_s": observe_every_s,
            "samples_per_reading": _SAMPLES,
            "converters": {_CONVERTER: {"kind": "mcp3008"}},
            "probes": probes,
            "self_checks": {
                "turbidity_frozen_after_s": _FROZEN_AFTER_S,
                "ph_frozen_after_s": _FROZEN_AFTER_S,
            },
        }
    )


def _flow(model: str) -> Mapping[str, object]:
    wiring = {"pin": _FLOW_PIN, "pulses_per_litre": pulses_per_litre(model)}
    return {"parameter": Parameter.FLOW, "model": model, "input": wiring}


def _analogue(parameter: Parameter, model: str, device: str, made_on: date) -> Mapping[str, object]:
    divider = _DIVIDERS.get(model, 1.0)
    sheet = load(model)
    lowest, highest = sheet.capability.span
    points = [
        (round(volts * divider, _TIDY_DECIMALS), value)
        for volts, value in calibration_points(model)
        if lowest
        <= value
        <= highest  # a certificate holds what the probe may claim, the curve may go farther
    ]
    certificate = {
        "id": f"{device}-{parameter}-1",
        "made_on": made_on,
        "made_by": "demo",
        "kind": "linear" if len(points) == 2 else "table",  # noqa: PLR2004 - two points make a line
        "points": points,
        "standards": ["simulated"],
        "expires_on": made_on + timedelta(days=90),
        "temperature_c": _CELSIUS,
    }
    wiring = {"converter": _CONVERTER, "channel": _CHANNELS[parameter], "divider": divider}
    probe = {"parameter": parameter, "model": model, "input": wiring, "calibration": certificate}
    known = {"temperature": {"celsius": _CELSIUS, "within": 0.5}} if sheet.temperature else {}
    return probe | known
