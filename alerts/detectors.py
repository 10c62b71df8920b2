"""The event detectors of all (water point, device), and how they outlive the process.

What a detector knows is saved in the transaction of the judgement that made it so, once in three hours of event
time; what came after is asked of the store when a device is first met again (ADR 38). The store is only asked,
never needed: without it a detector goes on from what was saved.

**Invariants**
* An observation that is judged again, since it could not be recorded, is judged as it was the first time.
* Numbers that were judged before the process ended are taken in when they come again, and accuse nobody twice.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from zlib import crc32

import structlog

from alerts.events import evidence
from alerts.events.detector import Detector
from alerts.events.event import Judged
from alerts.ports import Ledger
from alerts.rules import EventRule
from waterquality.errors import LinkError
from waterquality.readings import Observation

_log = structlog.get_logger()
_SAVED_EVERY_MS = 3 * 3_600_000
_LONGEST_BACK_MS = 86_400_000
_BEGUN_AT_ONCE = 50  # each may ask the store; the others of a round begin in the next

Site = tuple[str, str]  # water point, device
Past = Callable[[str, str, int, int], Sequence[Observation]]


def no_past(_water_point: str, _device: str, _since_ms: int, _until_ms: int) -> Sequence[Observation]:
    """Nothing is known of what came before."""
    return ()


def lived_through(past: Past, site: Site, since_ms: int, until_ms: int) -> Sequence[Observation]:
    """What came before at a site; nothing where nobody can tell now."""
    try:
        return past(*site, since_ms, until_ms)
    except LinkError as error:
        _log.warning("past_unknown", water_point=site[0], device=site[1], detail=str(error))
        return ()


class Detectors:
    """Keeps a detector for each (water point, device). Not thread-safe: its owner asks one thing at a time.

    Args:
        ledger: where they are saved.
        past: tells the screened observations of a device at a water point taken within [since, until), oldest
            first; raises LinkError where it cannot.
    """

    def __init__(self, ledger: Ledger, past: Past = no_past) -> None:
        self._ledger, self._past = ledger, past
        self._detectors: dict[Site, Detector] = {}
        self._measures: dict[Site, tuple[str, ...]] = {}
        self._block: dict[Site, int] = {}
        self._due: set[Site] = set()
        self._judged: dict[Site, dict[int, Judged]] = {}  # of judgements that are not recorded yet
        self._touched: set[Site] = set()  # in the judgement that is being made

    def begin(self, rules: Mapping[Site, EventRule], first_ms: Mapping[Site, int]) -> None:
        """Take up the detectors of those that are met for the first time.

        Args:
            rules: the rule about events that is in force there.
            first_ms: when the first observation to judge now was taken.

        Raises:
            LinkError: the ledger cannot be reached; mended by time.
        """
        unknown = [site for site, rule in rules.items() if self._measures.get(site) != rule.measured]
        unknown = unknown[:_BEGUN_AT_ONCE]
        if not unknown:
            return
        saved = self._ledger.detectors(unknown)
        for site in unknown:
            measured = rules[site].measured
            self._detectors[site] = detector = _taken_up(site, measured, saved.get(site))
            self._measures[site] = measured
            self._live_through(site, detector, first_ms[site])

    def judge(self, site: Site, observation: Observation) -> Judged | None:
        """What its detector makes of an observation; None while it has none."""
        detector = self._detectors.get(site)
        if detector is None:
            return None
        self._touched.add(site)
        before = self._judged.setdefault(site, {})
        known = before.get(observation.taken_ms)
        if known is None:
            known = before[observation.taken_ms] = evidence.judge(detector, observation)
            self._note(site, observation.taken_ms)
        return known

    def starting(self) -> None:
        """A judgement begins, perhaps once more."""
        self._touched.clear()

    def due(self) -> dict[Site, bytes]:
        """Those to be saved with what is judged now."""
        return {site: self._detectors[site].save() for site in self._due if site in self._detectors}

    def recorded(self, saved: Collection[Site]) -> None:
        """What was judged is recorded, and these were saved with it."""
        self._due.difference_update(saved)
        for site in self._touched:
            self._judged.pop(site, None)

    def forget(self, of: Callable[[str], bool]) -> None:
        """Forget these devices: others judge them."""
        for site in [site for site in self._detectors if of(site[1])]:
            del self._detectors[site], self._measures[site]
            self._due.discard(site)

    def _live_through(self, site: Site, detector: Detector, until_ms: int) -> None:
        """Take in what came after it was saved."""
        since_ms = max(until_ms - _LONGEST_BACK_MS, (detector.last_ms or 0) + 1)
        for observation in lived_through(self._past, site, since_ms, until_ms):
            evidence.judge(detector, observation)

    def _note(self, site: Site, at_ms: int) -> None:
        """Let it be saved now and then; not all in the same minute."""
        block = (at_ms + crc32(site[1].encode()) % _SAVED_EVERY_MS) // _SAVED_EVERY_MS
        if self._block.get(site) != block:
            self._block[site] = block
            self._due.add(site)


def _taken_up(site: Site, measured: tuple[str, ...], saved: bytes | None) -> Detector:
    fresh = evidence.detector_for(measured)
    if saved is None:
        return fresh
    try:
        detector = Detector.restore(saved)
    except ValueError as error:
        _log.warning("detector_unusable", water_point=site[0], device=site[1], detail=str(error))
        return fresh
    return detector if detector.names == fresh.names else fresh
