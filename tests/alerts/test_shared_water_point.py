"""A water point whose devices several judges judge: what comes of it is what one judge alone would make of it."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.lifecycle import Phase
from alerts.memory import MemoryLedger
from alerts.ports import AlertKey, Judgement, Kind, Overtaken
from alerts.watch import Sighting, Watch
from tests.builders import instant, observation
from tests.fakes.town import Town

POINT = "algeti-3"
START = instant("2026-11-20T06:00:00Z")
DEVICES = ("kk-0001", "kk-0002")


class Judges:
    """Some watches over one ledger, each with a device of its own."""

    def __init__(self, *, judges: int, ledger: MemoryLedger | None = None) -> None:
        self.ledger = ledger or MemoryLedger()
        shared = set if judges > 1 else (lambda _: ())
        self.watches = [Watch(self.ledger, Town(), shared=shared) for _ in range(judges)]
        self.seq = 0

    def at(self, minute: float, device: int, ntu: float) -> None:
        self.seq += 1
        taken = START + timedelta(minutes=minute)
        taken_in = observation(device=DEVICES[device], seq=self.seq, at=taken, turbidity=ntu)
        self._of(device).judge([Sighting(POINT, taken_in, taken)], taken)

    def silence(self, minute: float, judge: int, *, listening_since: float = 0) -> None:
        since, now = (START + timedelta(minutes=each) for each in (listening_since, minute))
        self._of(judge).judge_silence({POINT: since}, now)

    def _of(self, device: int) -> Watch:
        return self.watches[device % len(self.watches)]

    def texts(self) -> list[tuple[str, Kind]]:
        return [(one.owed.recipient.person, one.owed.kind) for one in self.ledger.notifications]

    def told(self) -> list[tuple[AlertKey, int, Phase, Phase]]:
        return [
            (change.key, change.episode, change.transition.before, change.transition.after)
            for change in self.ledger.changes
        ]


def test_what_one_judge_found_goes_on_at_the_other(  # the confirm delay is three minutes
) -> None:
    judges = Judges(judges=2)
    for minute in range(6):
        judges.at(minute, minute % 2, 12.4)

    assert [("nino", Kind.TURBIDITY_HIGH), ("leyla", Kind.TURBIDITY_HIGH)] == judges.texts()


def test_a_judge_does_not_say_that_all_is_well_by_what_it_remembers() -> None:
    judges = Judges(judges=2)
    judges.at(0, 0, 0.3)
    judges.at(1, 1, 0.3)
    for minute in range(2, 7):
        judges.at(minute, 1, 12.4)
    judges.at(7, 0, 0.3)

    (standing,) = judges.ledger.standings()
    assert (Phase.RECOVERING, 1) == (standing.state.phase, standing.episode)


def test_one_silence_is_told_once_and_only_when_all_devices_are_silent() -> None:
    judges = Judges(judges=2)
    for minute in range(0, 60, 5):
        judges.at(minute, 0, 0.3)
        judges.silence(minute, 0)
        judges.silence(minute, 1)
    assert [] == judges.texts()

    for minute in (100, 101, 102):
        judges.silence(minute, 1)
        judges.silence(minute, 0)

    assert [("giorgi", Kind.DEVICE_SILENT)] == judges.texts()
    judges.at(110, 1, 0.3)
    judges.silence(115, 0)
    assert [("giorgi", Kind.DEVICE_SILENT), ("giorgi", Kind.DEVICE_BACK)] == judges.texts()


class Interrupting(MemoryLedger):
    """A ledger in which another judge is faster, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left = times

    def commit(self, judgement: Judgement) -> None:
        if judgement.relied_on and self.left:
            self.left -= 1
            raise Overtaken(POINT)
        super().commit(judgement)


def test_what_was_overtaken_is_judged_again_and_given_up_when_that_never_ends() -> None:
    judges = Judges(judges=2, ledger=Interrupting(3))
    judges.at(0, 0, 12.4)
    assert 1 == len(judges.told())

    endless = Judges(judges=2, ledger=Interrupting(1_000))
    with pytest.raises(Overtaken):
        endless.at(0, 0, 12.4)
    assert [] == endless.told()


def test_one_that_was_shared_and_is_no_more_is_read_anew() -> None:
    ledger, shared = MemoryLedger(), {POINT}
    ours = Judges(judges=1, ledger=ledger)
    ours.watches = [Watch(ledger, Town(), shared=lambda points: shared & set(points))]
    other = Judges(judges=2, ledger=ledger)
    ours.at(0, 0, 0.3)
    for minute in range(1, 6):
        other.at(minute, 1, 12.4)

    shared.clear()
    ours.at(6, 0, 0.3)

    assert Phase.RECOVERING is ledger.standings()[0].state.phase


_Steps = st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0.3, 3.8, 12.4, 40.0])), max_size=60)


@given(steps=_Steps)
def test_two_judges_find_what_one_would(steps: Sequence[tuple[int, float]]) -> None:
    alone, together = Judges(judges=1), Judges(judges=2)
    for minute, (device, ntu) in enumerate(steps):
        for judges in (alone, together):
            judges.at(minute, device, ntu)

    assert alone.told() == together.told()
    assert alone.texts() == together.texts()
