"""The light at the tap: whether all is normal, somebody should look, or nothing is known.

What it shows is decided purely from the newest readings, the link and the clock. Each sign differs in its
rhythm and not in its colour alone, so that whoever cannot tell the colours, and a lamp of one colour, show as
much: normal is one short flash now and then, look is a pair of quick flashes, unknown is a slow even blinking.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from edge.board import Shown
from edge.clock import Clock, Instant
from waterquality.flags import Flag, Why
from waterquality.readings import Reading

# What the water or the moment does, and no technician need mend.
_NOBODYS_FAULT = frozenset(
    {
        Why.NONE,
        Why.PROBE_NOT_SETTLED,
        Why.PROBE_SERVICED,
        Why.UNUSUAL_VALUE,
        Why.STAGNANT_SAMPLE,
        Why.FIRST_FLUSH,
        Why.NOT_RECORDED,
        Why.CLOCK_UNCERTAIN,
    }
)


class Sign(StrEnum):
    """What the light says."""

    NORMAL = "normal"
    LOOK = "look"
    UNKNOWN = "unknown"
    HERE = "here"


class Colour(StrEnum):
    """A colour that is told apart in all common kinds of colour blindness."""

    BLUE = "blue"
    YELLOW = "yellow"
    WHITE = "white"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How a sign is shown, over and over.

    Attributes:
        colour: where the lamp has more than one.
        steps_s: seconds lit, dark, lit, dark and so on.
    """

    colour: Colour
    steps_s: tuple[float, ...]


RHYTHMS: MappingProxyType[Sign, Rhythm] = MappingProxyType(
    {
        Sign.NORMAL: Rhythm(Colour.BLUE, (0.1, 3.9)),
        Sign.LOOK: Rhythm(Colour.YELLOW, (0.15, 0.2, 0.15, 1.0)),
        Sign.UNKNOWN: Rhythm(Colour.WHITE, (1.0, 1.0)),
        Sign.HERE: Rhythm(Colour.WHITE, (0.1, 0.1)),
    }
)


class Lamp(Protocol):
    """A lamp on the Pi's pins."""

    def show(self, colour: Colour | None) -> None:
        """Light up in a colour, or in the one it has; None is dark."""
        ...

    def close(self) -> None:
        """Go dark and let go of the pins."""
        ...


def sign_of(newest: Shown | None, now: Instant, *, is_connected: bool, stale_s: float) -> Sign:
    """What to say.

    Args:
        newest: the newest readings; None before the first.
        now: the time.
        is_connected: whether the broker has us on the line.
        stale_s: age in seconds from which readings say nothing any more.
    """
    if newest is None or now.boottime_ms - newest.instant.boottime_ms > 1000 * stale_s:
        return Sign.UNKNOWN
    known = (*newest.readings, *newest.rested)
    if not known:
        return Sign.UNKNOWN
    if any(map(_wants_a_look, known)):
        return Sign.LOOK
    return Sign.NORMAL if is_connected and now.is_synchronised else Sign.UNKNOWN


def _wants_a_look(reading: Reading) -> bool:
    return reading.flag not in (Flag.GOOD, Flag.UNKNOWN) and reading.screened.why not in _NOBODYS_FAULT


class Light:
    """Shows the sign of the moment.

    Args:
        lamp: to show it with.
        sign: what to say at an instant.
    """

    def __init__(self, lamp: Lamp, sign: Callable[[Instant], Sign]) -> None:
        self._lamp, self._sign = lamp, sign
        self._flashes = 0

    def identify(self, seconds: float) -> None:
        """Flash for so many seconds, so that somebody finds the device; 0 ends it. Returns at once."""
        self._flashes = round(seconds / sum(RHYTHMS[Sign.HERE].steps_s))

    def run(self, clock: Clock, stop: threading.Event) -> None:
        """Show one rhythm after the other, until `stop` is set."""
        try:
            while not stop.is_set():
                self._show_once(clock, stop)
        finally:
            self._lamp.close()

    def _show_once(self, clock: Clock, stop: threading.Event) -> None:
        rhythm = RHYTHMS[self._next_sign(clock.read())]
        for place, seconds in enumerate(rhythm.steps_s):
            self._lamp.show(None if place % 2 else rhythm.colour)
            clock.pause(seconds, stop)
            if stop.is_set():
                return

    def _next_sign(self, now: Instant) -> Sign:
        if not self._flashes:
            return self._sign(now)
        self._flashes -= 1
        return Sign.HERE
