"""What each command of an agent does: the same for a technician at the door and for the server over MQTT."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.burst import Burst
from edge.clock import Instant
from edge.commands import Arguments, Deed, number, only
from edge.log_tail import LogTail
from edge.outbox import Outbox
from edge.service import ServiceMode
from waterquality.wire.commands import CommandRefused, RefusedWhy

_LONGEST_SERVICE_MIN = 24 * 60
_LONGEST_BURST_MIN = 60
_LONGEST_IDENTIFY_S = 600
_MOST_TAIL_LINES = 500
_MOST_TAIL_BYTES = 32 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Deeds:
    """What commands work on.

    Attributes:
        outbox: its depth is told.
        service: service mode.
        burst: the burst.
        told: what the agent knows of itself beyond this, for `state`.
        woken: called when a burst begins, so that the sampler need not wait for its next tick.
        log_tail: the last lines of the log.
        identify: makes the light blink for so many seconds and returns at once; None where there is no light.
        read_certificates: reads the calibration certificates again and says how many are in force; None where
            there is nothing to read.
    """

    outbox: Outbox
    service: ServiceMode
    burst: Burst
    told: Callable[[], Mapping[str, Any]] = dict
    woken: Callable[[], None] = lambda: None
    log_tail: LogTail = field(default_factory=LogTail)
    identify: Callable[[float], None] | None = None
    read_certificates: Callable[[], int] | None = None

    def by_name(self) -> dict[str, Deed]:
        """Every deed, by the name of its command."""
        return {
            "state": self.state,
            "service": self.set_service,
            "burst": self.begin_burst,
            "identify": self.blink,
            "log_tail": self.tail_log,
            "certificates": self.reread_certificates,
        }

    def state(self, arguments: Arguments, now: Instant) -> Mapping[str, Any]:
        """How the device stands; takes nothing."""
        only(arguments)
        depth = self.outbox.depth()
        return {
            **self.told(),
            "time_ms": now.wall_ms,
            "synchronised": now.is_synchronised,
            "uptime_s": now.boottime_ms / 1000,
            "epoch": self.outbox.epoch,
            "appended": depth.head,
            "in_outbox": depth.records,
            "in_gaps": depth.in_gaps,
            "oldest_ms": depth.oldest_ms,
            "service_left_s": self.service.left_s(now),
            "burst_left_s": self.burst.left_s(now),
        }

    def set_service(self, arguments: Arguments, now: Instant) -> Mapping[str, Any]:
        """Service mode for `minutes`, a day at most; 0 ends it."""
        minutes = number(arguments, "minutes", least=0, most=_LONGEST_SERVICE_MIN)
        if minutes > 0:
            self.service.begin(now, minutes * 60)
        else:
            self.service.end(now)
        return {"service_left_s": self.service.left_s(now)}

    def begin_burst(self, arguments: Arguments, now: Instant) -> Mapping[str, Any]:
        """Full rate for `minutes`, an hour at most; 0 ends it."""
        minutes = number(arguments, "minutes", least=0, most=_LONGEST_BURST_MIN, default=5)
        self.burst.begin(now, minutes * 60)
        self.woken()
        return {"burst_left_s": self.burst.left_s(now)}

    def blink(self, arguments: Arguments, _: Instant) -> Mapping[str, Any]:
        """The light blinks for `seconds`, ten minutes at most."""
        seconds = number(arguments, "seconds", least=0, most=_LONGEST_IDENTIFY_S, default=30)
        if self.identify is None:
            raise CommandRefused(RefusedWhy.UNSUPPORTED, "this device has no light")
        self.identify(seconds)
        return {"seconds": seconds}

    def tail_log(self, arguments: Arguments, _: Instant) -> Mapping[str, Any]:
        """The last `lines` of the log, 500 and 32 kB at most."""
        lines = number(arguments, "lines", least=1, most=_MOST_TAIL_LINES, default=50)
        return {"lines": self.log_tail.last(int(lines), at_most_bytes=_MOST_TAIL_BYTES)}

    def reread_certificates(self, arguments: Arguments, _: Instant) -> Mapping[str, Any]:
        """The calibration certificates are read again; takes nothing."""
        only(arguments)
        if self.read_certificates is None:
            raise CommandRefused(RefusedWhy.UNSUPPORTED, "this agent reads no certificates while it runs")
        return {"in_force": self.read_certificates()}
