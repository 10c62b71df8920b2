"""What the probes show now, wherever it comes from: the door of the running agent, or the hardware itself.

Who watches or calibrates need not care which; only one process can hold a pin, so the agent is asked first.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from edge.clock import Clock
from edge.economy import decimals_of
from edge.knocking import NobodyAnswers, live
from edge.probes.measuring import measured
from edge.probes.port import Probe
from edge.schedule import Every
from firmware_config.catalogues import said
from firmware_config.datasheet import Datasheet
from waterquality.flags import Flag, Screened, Why
from waterquality.parameters import SPECS, Parameter
from waterquality.readings import Reading


@dataclass(frozen=True, slots=True)
class Frame:
    """All readings of one tick.

    Attributes:
        time_ms: when they were taken, by the device's clock, milliseconds since 1970, UTC.
        is_synchronised: whether that clock is known to be right.
        readings: as the device judges them.
    """

    time_ms: int
    is_synchronised: bool
    readings: tuple[Reading, ...]

    def of(self, parameter: Parameter) -> Reading | None:
        """The reading of a parameter; None when there is none."""
        return next((reading for reading in self.readings if reading.parameter is parameter), None)


def raw_text(reading: Reading) -> str:
    """The raw value with its unit; "" where there is none."""
    if reading.raw is None:
        return ""
    return f"{reading.raw:.0f}" if reading.raw_unit == "count" else f"{reading.raw:.3f} {reading.raw_unit}"


def number_text(reading: Reading, sheet: Datasheet | None = None) -> str:
    """The value without its unit, as far as its probe can tell; "" where there is none.

    What lies below the detection limit is said to, as laboratories do; a meter that shows no flow shows 0. What
    cannot be below nothing and is read so is about nothing.

    Args:
        reading: with its value.
        sheet: of the probe's model; None where there is none, as for a volume.
    """
    if reading.value is None:
        return ""
    is_pulses = reading.raw_unit == "count"
    if sheet and sheet.detection_limit > 0 and not is_pulses and reading.value < sheet.detection_limit:
        return f"< {sheet.detection_limit:g}"
    if reading.value < 0 <= SPECS[reading.parameter].possible[0]:
        return "≈ 0"
    return f"{reading.value:.{decimals_shown(reading.parameter, sheet)}f}"


def decimals_shown(parameter: Parameter, sheet: Datasheet | None = None) -> int:
    """Decimal places for a person: no more than the probe's model can show."""
    usual = SPECS[parameter].decimals
    return min(usual, max(0, decimals_of(sheet.resolution))) if sheet else usual


class LiveSource(Protocol):
    """Where frames come from."""

    def frames(self) -> Iterator[Frame]:
        """Every tick from now on, until the source ends or the caller stops asking.

        Raises:
            NobodyAnswers: the agent stopped; mended by starting it.
        """
        ...


class DoorLive:
    """Frames from the door of the running agent.

    Args:
        path: of its socket.
        patience_s: the longest wait for a tick, in seconds.
    """

    def __init__(self, path: Path, *, patience_s: float) -> None:
        self._path, self._patience_s = path, patience_s

    def frames(self) -> Iterator[Frame]:
        """Every tick from now on, until the agent stops.

        Raises:
            NobodyAnswers: no agent runs, or none any more; mended by starting it.
        """
        for line in live(self._path, patience_s=self._patience_s):
            try:
                yield frame_of(line)
            except (KeyError, TypeError, ValueError) as error:
                foreign = said(
                    "%(path)s: what answers is no agent of ours (%(why)s)", path=self._path, why=repr(error)
                )
                raise NobodyAnswers(foreign) from error


class DirectLive:
    """Frames from the probes themselves.

    Args:
        probes: nobody else may use them.
        clock: the device's clock.
        every_s: seconds from one frame to the next.
    """

    def __init__(self, probes: Sequence[Probe], clock: Clock, *, every_s: float = 1.0) -> None:
        self._probes, self._clock, self._ticks = probes, clock, Every(every_s)

    def frames(self) -> Iterator[Frame]:
        """Every tick from now on, without end."""
        never = threading.Event()
        while True:
            instant = self._clock.read()
            readings = tuple(reading for probe in self._probes for reading in measured(probe, instant.wall))
            yield Frame(instant.wall_ms, instant.is_synchronised, readings)
            now = self._clock.read().wall
            self._clock.pause((self._ticks.next_after(now) - now).total_seconds(), never)


def frame_of(line: Mapping[str, Any]) -> Frame:
    """A line of the door as a frame.

    Raises:
        KeyError: something is missing.
        TypeError: something is of the wrong kind.
        ValueError: a parameter, flag or reason is none of ours.
    """
    readings = tuple(_reading_of(table) for table in line["readings"])
    return Frame(int(line["time_ms"]), bool(line["synchronised"]), readings)


def _reading_of(table: Mapping[str, Any]) -> Reading:
    return Reading(
        Parameter(table["parameter"]),
        None if table["value"] is None else float(table["value"]),
        raw=None if table["raw"] is None else float(table["raw"]),
        raw_unit=str(table["raw_unit"]),
        screened=Screened(Flag(table["flag"]), Why(table["why"])),
        certificate=str(table["certificate"]),
        spread=None if table["spread"] is None else float(table["spread"]),
    )


def timed(frames: Iterator[Frame], parameter: Parameter) -> Iterator[tuple[float, Reading]]:
    """The readings of one parameter, with the seconds since the first frame.

    A clock that is set back on the way costs the time between two frames and never turns the seconds back.
    """
    elapsed_s, before_ms = 0.0, None
    for frame in frames:
        elapsed_s += max(0, frame.time_ms - (before_ms or frame.time_ms)) / 1000
        before_ms = frame.time_ms
        reading = frame.of(parameter)
        if reading is not None:
            yield elapsed_s, reading
