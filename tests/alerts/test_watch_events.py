"""Events in the watch: who is told, in one sentence; and what a restart at any moment changes: nothing."""

from datetime import timedelta
from random import Random

import pytest

from alerts.lifecycle import Phase
from alerts.memory import MemoryLedger
from alerts.ports import AlertKey, Judgement, Kind
from alerts.rules import EventRule, Severity
from alerts.watch import Sighting, Watch
from tests.builders import instant, observation
from tests.fakes.town import GIORGI, LEYLA, NINO, SILENT, Town
from waterquality.errors import LinkError
from waterquality.parameters import Parameter

START = instant("2026-11-01T00:00:00Z")
EVENT = EventRule(
    id="event",
    severity=Severity.NOTICE,
    measured=(Parameter.TURBIDITY, Parameter.PH, Parameter.FLOW),
)
LEARNT = 3 * 24 * 12  # three days of five minutes


class Stale(MemoryLedger):
    """A ledger whose database is away now and then."""

    is_broken = False

    def commit(self, judgement: Judgement) -> None:
        if self.is_broken:
            raise LinkError("away")
        super().commit(judgement)


class Spring:
    """One water point, every five minutes; what was taken in is in a store."""

    def __init__(self) -> None:
        self.ledger, self.random = Stale(), Random(7)
        self.town = Town(all_rules=(EVENT, SILENT), people=(NINO, LEYLA, GIORGI))
        self.stored, self.seq = [], 0
        self.start()

    def start(self) -> None:
        self.watch = Watch(self.ledger, self.town, past=self.past)

    def past(self, _point, _device, since_ms, until_ms):
        return [each for each in self.stored if since_ms <= each.taken_ms < until_ms]

    def sees(self, times: int, *, restarts: bool = False, ph: float = 7.4, ntu: float = 0.3) -> "Spring":
        for _ in range(times):
            if restarts:
                self.start()
            self.seq += 1
            at = START + timedelta(minutes=5 * self.seq)
            noisy = {
                "ph": round(ph + self.random.gauss(0, 0.01), 3),
                "turbidity": round(abs(ntu + self.random.gauss(0, 0.02)), 3),
            }
            taken = observation(seq=self.seq, at=at, flow=11.0, **noisy)
            self.watch.judge([Sighting("algeti-3", taken, at)], at)
            self.stored.append(taken)
        return self

    def texts(self) -> dict[str, str]:
        return {each.owed.recipient.person: each.owed.text for each in self.ledger.notifications}

    def phase(self) -> Phase | None:
        states = {each.key: each.state.phase for each in self.ledger.standings()}
        return states.get(AlertKey("event", "algeti-3"))


@pytest.fixture(scope="module")
def spring() -> Spring:
    return Spring().sees(LEARNT).sees(12, ph=6.9)


def test_an_event_is_told_in_one_sentence_in_each_language(spring: Spring) -> None:
    texts = spring.texts()

    assert set(texts) == {"nino", "leyla"}
    assert texts["nino"].startswith("algeti-3: pH იკლო 0.")
    assert "pH azaldı 0." in texts["leyla"]
    assert {each.owed.kind for each in spring.ledger.notifications} == {Kind.WATER_CHANGED}
    (begun,) = [change for change in spring.ledger.changes if change.transition.after is Phase.FIRING]
    assert begun.transition.reason.startswith("ph fell 0.")
    assert begun.transition.reason.endswith("while flow was steady")


def test_its_end_is_no_all_clear() -> None:
    spring = Spring().sees(LEARNT).sees(12, ph=6.9).sees(30)

    assert spring.phase() is Phase.RESOLVED
    assert {each.owed.kind for each in spring.ledger.notifications} == {Kind.WATER_CHANGED}


def test_until_it_has_learned_it_accuses_nobody() -> None:
    assert Spring().sees(100).sees(12, ph=6.5).texts() == {}


def test_a_restart_between_any_two_observations_changes_nothing(spring: Spring) -> None:
    calm = Spring().sees(LEARNT).sees(6, ph=6.9).sees(30, ph=7.4)
    shaken = Spring().sees(LEARNT).sees(6, restarts=True, ph=6.9).sees(30, restarts=True, ph=7.4)

    assert calm.texts()
    assert calm.texts() == shaken.texts()
    assert calm.ledger.changes == shaken.ledger.changes


def test_what_could_not_be_recorded_is_judged_again_as_it_was(spring: Spring) -> None:
    calm, shaken = Spring().sees(LEARNT).sees(6, ph=6.9), Spring().sees(LEARNT)
    for _ in range(6):
        shaken.ledger.is_broken = True
        state = shaken.random.getstate()
        with pytest.raises(LinkError):
            shaken.sees(1, ph=6.9)
        shaken.random.setstate(state)
        shaken.seq -= 1
        shaken.ledger.is_broken = False
        shaken.sees(1, ph=6.9)

    assert calm.texts() == shaken.texts()
    assert calm.ledger.changes == shaken.ledger.changes


def test_without_a_store_it_goes_on_from_what_was_saved() -> None:
    def away(*_: object) -> None:
        raise LinkError("the store is away")

    spring = Spring().sees(LEARNT)
    spring.past = away  # type: ignore[method-assign]
    spring.start()
    spring.sees(30).sees(12, ph=6.9)  # its level begins anew, what is ordinary does not

    assert "nino" in spring.texts()


def test_what_is_saved_is_small() -> None:
    spring = Spring().sees(LEARNT)

    (saved,) = spring.ledger.detectors([("algeti-3", "kk-0001")]).values()
    assert len(saved) < 4_000
