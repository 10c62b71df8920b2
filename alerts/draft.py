"""A judgement while it is made: what was there before, and what it changes. Nothing counts until it is recorded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from alerts.lifecycle import Phase, begin
from alerts.ports import AlertKey, Change, Judgement, Known, Owed, Standing
from waterquality.intervals import IntervalSet

QUIET = (Phase.NORMAL, Phase.RESOLVED)


@dataclass(slots=True, kw_only=True)
class Draft:
    """What a judgement has gathered so far.

    Attributes:
        now: the server's time.
        remembered: where alerts stood before.
        shared: what was read just now of water points that other judges judge too.
        read: where the alerts of those stand.
        is_of_silence: whether it relies on when they were heard from.
        standings: where alerts stand now, as far as it has judged them.
        changes: transitions, oldest first.
        owed: texts that became owed.
        judged: numbers that it has judged, by (device, epoch).
        heard: when water points were heard from.
        newest: the newest instant of each device.
        detectors: what event detectors know now, where that is to be saved.
    """

    now: datetime
    remembered: Mapping[AlertKey, Standing]
    shared: Mapping[str, Known] = field(default_factory=dict)
    read: Mapping[AlertKey, Standing] = field(default_factory=dict)
    is_of_silence: bool = False
    standings: dict[AlertKey, Standing] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    owed: list[Owed] = field(default_factory=list)
    judged: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    heard: dict[str, datetime] = field(default_factory=dict)
    newest: dict[str, datetime] = field(default_factory=dict)
    detectors: Mapping[tuple[str, str], bytes] = field(default_factory=dict)

    def known(self, key: AlertKey) -> Standing | None:
        """Where an alert stands that was judged before; None for one that never was."""
        before = self.read if key.water_point in self.shared else self.remembered
        return self.standings.get(key) or before.get(key)

    def standing(self, key: AlertKey, at: datetime) -> Standing:
        """Where an alert stands; one that was never judged is normal since `at`."""
        return self.known(key) or Standing(key, begin(at))

    def is_open(self, key: AlertKey) -> bool:
        """Whether an episode of an alert is under way."""
        standing = self.known(key)
        return standing is not None and standing.state.phase.is_open

    def judgement(self, judged: Mapping[tuple[str, str], IntervalSet]) -> Judgement:
        """What is to be recorded: of alerts that are quiet and were, nothing.

        Args:
            judged: all numbers that are judged now, by (device, epoch).
        """
        changed = {change.key for change in self.changes}
        told = [
            standing
            for key, standing in self.standings.items()
            if key in changed or standing.state.phase not in QUIET
        ]
        touched = {standing.key.water_point for standing in told}
        return Judgement(
            standings=told,
            changes=self.changes,
            owed=self.owed,
            judged=judged,
            heard={point: at for point, at in self.heard.items() if point in self.shared},
            relied_on={point: known for point, known in self.shared.items() if point in touched},
            is_of_silence=self.is_of_silence,
            detectors=self.detectors,
        )
