"""Ends the sessions of devices whose certificates were taken back.

Mosquitto looks at the list of revoked certificates when somebody connects, and at nobody who is on the line
already. So each device of which a certificate was taken back is pushed off its line, by a connection under its name
at the server's own door; when it comes again, the broker refuses it. It is pushed several times, since the broker
may read the list a moment later. A device that got a new certificate as well only has to connect once more.

**Invariant**: who was revoked is off the line within seconds of the broker's reading the list, if that happens
within a minute. Who is heard afterwards shows that the broker has not read it: it is pushed now and then, and told
of.

Is not: what makes the broker read the list. That needs rights on the machine (`deploy/server/`).
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy import func, select

from server.clock import Clock
from server.database.engine import Database
from server.database.models import DeviceCertificate
from waterquality.errors import LinkError
from waterquality.readings import to_ms

_log = structlog.get_logger()
_LOOK_EVERY_S = 1.0
_LOOK_BACK_MS = 600_000  # what was revoked while nobody looked
_PUSHES_S = (0.0, 1.0, 3.0, 6.0, 12.0, 30.0, 60.0)  # after a revocation was seen
_PUSH_AGAIN_S = 30.0  # whoever is heard nevertheless
_TELL_AGAIN_S = 3600.0


@dataclass(slots=True)
class _Revoked:
    """A revocation that was seen, when, and how often its device was pushed since."""

    at_ms: int
    seen_s: float
    pushed: int = 0


class Evictions:
    """Pushes revoked devices off the line.

    Args:
        database: who was revoked.
        end_session: ends a device's session; whether the broker did.
        clock: the server's clock.
        owns: whether this process sees to a device.
        heard: which devices without a certificate in force are heard nevertheless, and when each was last.
        now_s: the clock of `heard`.
    """

    def __init__(
        self,
        database: Database,
        end_session: Callable[[str], bool],
        clock: Clock,
        *,
        owns: Callable[[str], bool] = lambda _: True,
        heard: Callable[[], Mapping[str, float]] = dict,
        now_s: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._database, self._end_session, self._clock = database, end_session, clock
        self._owns, self._heard, self._now_s = owns, heard, now_s
        self._revoked: dict[str, _Revoked] = {}
        self._pushed_s: dict[str, float] = {}
        self._told_s: dict[str, float] = {}
        self.counters: Counter[str] = Counter()

    def run(self, stop: threading.Event) -> None:
        """Look once a second until `stop` is set."""
        while not stop.wait(_LOOK_EVERY_S):
            try:
                self.turn(self._now_s())
            except LinkError as error:
                _log.warning("database_unavailable", detail=str(error))
            except Exception:  # noqa: BLE001 - the one broad catch of this loop
                _log.exception("evicting_failed")

    def turn(self, now_s: float) -> None:
        """Push off whoever is to go now.

        Raises:
            DatabaseUnavailable: mended by time.
        """
        self._look(now_s)
        for device, revoked in self._revoked.items():
            if revoked.pushed < len(_PUSHES_S) and now_s - revoked.seen_s >= _PUSHES_S[revoked.pushed]:
                revoked.pushed += 1
                self._push(device, now_s)
        for device, heard_s in self._heard().items():
            is_pushed_yet = device in self._revoked and self._revoked[device].pushed < len(_PUSHES_S)
            if not is_pushed_yet and heard_s > self._pushed_s.get(device, float("-inf")) + _PUSH_AGAIN_S:
                self._tell(device, now_s)
                self._push(device, now_s)

    def _look(self, now_s: float) -> None:
        revoked_ms = DeviceCertificate.revoked_ms
        query = (
            select(DeviceCertificate.device_id, func.max(revoked_ms))
            .where(revoked_ms >= to_ms(self._clock.now()) - _LOOK_BACK_MS)
            .group_by(DeviceCertificate.device_id)
        )
        with self._database.reading() as connection:
            rows = [(device, at_ms or 0) for device, at_ms in connection.execute(query)]
        seen = self._revoked
        self._revoked = {
            device: seen[device] if device in seen and seen[device].at_ms == at_ms else _Revoked(at_ms, now_s)
            for device, at_ms in rows
            if self._owns(device)
        }

    def _push(self, device: str, now_s: float) -> None:
        self._pushed_s[device] = now_s
        if self._end_session(device):
            self.counters["sessions_ended"] += 1
        else:
            self.counters["sessions_not_ended"] += 1

    def _tell(self, device: str, now_s: float) -> None:
        if now_s - self._told_s.get(device, float("-inf")) >= _TELL_AGAIN_S:
            self._told_s[device] = now_s
            _log.error("revoked_device_heard", device=device)
