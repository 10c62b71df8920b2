"""Where the tap's commands get their readings: the running agent, the hardware itself, or a tap for practice."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from edge.clock import Clock
from edge.hardware.pi import PiHardware
from edge.knocking import NobodyAnswers, ask
from edge.live import DirectLive, DoorLive, LiveSource
from edge.practice import PracticeTap
from edge.probes.build import build_probes
from edge.probes.hardware import Hardware
from edge.probes.measuring import measured
from edge.probes.port import Probe
from edge.settings import EdgeSettings
from firmware_config.datasheet import load
from firmware_config.device import DeviceConfig
from waterquality.errors import RejectedError

_TICKS_OF_PATIENCE = 3
_LEAST_PATIENCE_S = 30.0
_AT_WORK_MINUTES = 60
_STARTING_S = 15
_MOST_FRAMES = 75
_QUESTIONS = 2  # no sheet warms up for longer than twice the shortest gap that tells a clock that was set


@dataclass(frozen=True, slots=True)
class Opened:
    """A source, and whose it is.

    Attributes:
        live: the readings.
        door: of the agent that gives them; None where we read the hardware ourselves.
        practice: the tap for practice behind them; None where they are real.
        hardware: that we hold ourselves, to be let go by whoever opened it; None where the agent or nobody does.
        frames_to_start: how many frames it is worth waiting for until every probe has begun.
    """

    live: LiveSource
    door: Path | None = None
    practice: PracticeTap | None = None
    hardware: Hardware | None = None
    frames_to_start: int = _STARTING_S


def agent_answers(door: Path) -> bool:
    """Whether an agent runs behind this door.

    Raises:
        NotLetIn: it may not be asked; mended by the operator.
    """
    try:
        ask(door, "state")
    except NobodyAnswers:
        return False
    except RejectedError:
        return True
    return True


@contextmanager
def opened(settings: EdgeSettings, config: DeviceConfig, clock: Clock) -> Iterator[Opened]:
    """The agent's readings where it runs, else those of the hardware, which is let go at the end.

    Args:
        settings: where the door is.
        config: what is wired, with the certificates in force.
        clock: of the device.

    Raises:
        HardwareUnavailable: no agent runs, and the hardware cannot be opened; mended by the operator.
        NotLetIn: an agent runs and may not be asked; mended by the operator.
    """
    door = settings.door.path
    if agent_answers(door):
        patience_s = max(_LEAST_PATIENCE_S, _TICKS_OF_PATIENCE * config.observe_every_s)
        worth = max(1, min(_MOST_FRAMES, int(_STARTING_S / config.asks_every_s)))
        yield Opened(DoorLive(door, patience_s=patience_s), door=door, frames_to_start=worth)
        return
    hardware = PiHardware(config)
    with _let_go(hardware):
        probes = build_probes(_with_power(config, hardware), hardware)
        _have_had_power(probes, config, clock)
        yield Opened(DirectLive(probes, clock), hardware=hardware)


def _with_power(config: DeviceConfig, hardware: Hardware) -> DeviceConfig:
    """The same device with every probe under power for as long as somebody looks."""
    for power in (probe.power for probe in config.probes if probe.power):
        hardware.switch(pin=power.pin, active_high=power.active_high).turn(on=True)
    probes = tuple(probe.model_copy(update={"power": None}) for probe in config.probes)
    return config.model_copy(update={"probes": probes})


def _have_had_power(probes: Sequence[Probe], config: DeviceConfig, clock: Clock) -> None:
    """A probe that no switch holds has had power since the machine did: it need not be waited for again.

    It is asked as if it had been all the while: a single question long ago would look like a clock that was set.
    """
    now = clock.read()
    for probe, wired in zip(probes, config.probes, strict=True):
        if wired.power is None:
            sheet = load(wired.model)
            live_s = min(now.boottime_ms / 1000, sheet.warm_up_s + sheet.settling_s)
            for share in range(_QUESTIONS):
                ago_s = live_s * (1 - share / _QUESTIONS)
                measured(probe, now.wall - timedelta(seconds=ago_s))


@contextmanager
def practising(tap: PracticeTap, config: DeviceConfig, clock: Clock) -> Iterator[Opened]:
    """The readings of a tap for practice."""
    with _let_go(tap.hardware):
        probes = build_probes(config, tap.hardware)
        _have_had_power(probes, config, clock)
        yield Opened(DirectLive(probes, clock), practice=tap)


@contextmanager
def _let_go(hardware: Hardware) -> Iterator[None]:
    try:
        yield
    finally:
        hardware.close()


@contextmanager
def at_work(source: Opened) -> Iterator[None]:
    """Have a running agent know that a technician is at the probes: flagged readings, often.

    An agent that refuses one or the other is worked with all the same.
    """
    if source.door is None:
        yield
        return
    for command in ("service", "burst"):
        with suppress(RejectedError, NobodyAnswers):
            ask(source.door, command, minutes=_AT_WORK_MINUTES)
    try:
        yield
    finally:
        for command in ("service", "burst"):
            with suppress(RejectedError, NobodyAnswers):
                ask(source.door, command, minutes=0)
