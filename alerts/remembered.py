"""What the watch remembers between two judgements, so that it need not ask the ledger at each.

**Invariants**
* What is remembered is what the ledger holds: it is taken over after a judgement was recorded, never before.
* A water point that other judges judge too (its devices are of several shards) is read anew for each judgement, and
  the ledger refuses a judgement that relied on what another judge has changed meanwhile.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from alerts.draft import Draft
from alerts.ports import AlertKey, Ledger, Standing
from waterquality.intervals import IntervalSet


class Remembered:
    """Where alerts stand, what was judged and who was heard from.

    Args:
        ledger: what alerts remember for good.
        shared: tells which of some water points other judges judge too.
    """

    def __init__(self, ledger: Ledger, shared: Callable[[Iterable[str]], Collection[str]]) -> None:
        self._ledger, self._shared = ledger, shared
        self._were_shared: set[str] = set()
        self._standings: dict[AlertKey, Standing] | None = None
        self._judged: dict[tuple[str, str], IntervalSet] = {}
        self._heard: dict[str, datetime] = {}
        self._newest: dict[str, datetime] = {}

    def begin(
        self, now: datetime, water_points: Collection[str] = (), *, is_of_silence: bool = False
    ) -> Draft:
        """A draft of a judgement on these water points.

        Raises:
            LinkError: the ledger cannot be reached; mended by time.
        """
        shared = set(self._shared(water_points))
        if not self._were_shared & set(water_points) <= shared:
            self._standings = None  # what is remembered of one that was shared is old
            self._were_shared.clear()
        if self._standings is None:
            self._standings = {standing.key: standing for standing in self._ledger.standings()}
        draft = Draft(now=now, remembered=self._standings, is_of_silence=is_of_silence)
        if shared:
            self._were_shared |= shared
            draft.shared = self._ledger.known(shared)
            draft.read = {each.key: each for known in draft.shared.values() for each in known.standings}
        return draft

    def recall(self, names: Collection[tuple[str, str]]) -> None:
        """Ask the ledger, in one question, what was judged of the (device, epoch) that are not remembered.

        Raises:
            LinkError: the ledger cannot be reached; mended by time.
        """
        if unknown := [name for name in names if name not in self._judged]:
            found = self._ledger.judged(unknown)
            self._judged |= {name: found.get(name, IntervalSet()) for name in unknown}

    def was_judged(self, name: tuple[str, str], seq: int) -> bool:
        """Whether a number of a (device, epoch) that was recalled was judged."""
        return seq in self._judged[name]

    def heard_at(self, water_point: str, draft: Draft) -> datetime | None:
        """When a water point was last heard from, by whomever; None where nobody knows."""
        ours = self._heard.get(water_point)
        known = draft.shared.get(water_point)
        if known is None or known.heard_at is None:
            return ours
        return known.heard_at if ours is None else max(ours, known.heard_at)

    def newest_of(self, device: str, draft: Draft) -> datetime | None:
        """The newest instant that was judged of a device; None where none was."""
        return draft.newest.get(device) or self._newest.get(device)

    def record(self, draft: Draft) -> None:
        """Record a draft, and remember it.

        Raises:
            Overtaken: what it relied on stands so no more; nothing was recorded; mended by judging again.
            LinkError: the ledger cannot be reached; nothing was recorded; mended by time.
        """
        judged = {
            name: self._judged[name] | IntervalSet.of_numbers(numbers)
            for name, numbers in draft.judged.items()
            if numbers
        }
        judgement = draft.judgement(judged)
        if judgement.standings or judged or judgement.detectors:
            self._ledger.commit(judgement)
        self._judged |= judged
        if self._standings is not None:
            self._standings |= draft.standings
        for water_point, at in draft.heard.items():
            self._heard[water_point] = max(at, self._heard.get(water_point, at))
        self._newest |= draft.newest

    def forget(self, of: Callable[[str], bool]) -> None:
        """Forget what is remembered of these devices, and where alerts stand: others have judged, or will."""
        self._standings = None
        self._were_shared.clear()
        self._judged = {name: numbers for name, numbers in self._judged.items() if not of(name[0])}
        self._newest = {device: at for device, at in self._newest.items() if not of(device)}
