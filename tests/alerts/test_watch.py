"""The watch: who is told what, when, and never twice. Read as an incident log."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.lifecycle import Phase
from alerts.memory import MemoryLedger
from alerts.ports import AlertKey, Judgement, Kind, Lane
from alerts.rules import Delays, Severity
from alerts.watch import Sighting, Watch
from tests.builders import instant, missing, observation, reading
from tests.fakes.town import GIORGI, LEYLA, NINO, SILENT, SOUR, TURBID, Town
from waterquality.errors import LinkError
from waterquality.flags import Flag, Why

POINT = "algeti-3"
START = instant("2026-11-20T06:00:00Z")


class Incident:
    """One water point, minute by minute."""

    def __init__(self, town: Town | None = None, ledger: MemoryLedger | None = None) -> None:
        self.ledger = ledger or MemoryLedger()
        self.town = town or Town()
        self.watch = Watch(self.ledger, self.town)
        self.seq = 0

    def at(self, minute: float, *, late_by_min: float = 0, seq: int | None = None, **water: object) -> None:
        """An observation taken at a minute, received so many minutes later."""
        self.seq = seq or self.seq + 1
        taken = START + timedelta(minutes=minute)
        received = taken + timedelta(minutes=late_by_min)
        taken_in = observation(seq=self.seq, at=taken, **water)  # type: ignore[arg-type]
        self.watch.judge([Sighting(POINT, taken_in, received)], received)

    def silence(self, minute: float, *, listening_since: float = 0) -> None:
        now = START + timedelta(minutes=minute)
        self.watch.judge_silence({POINT: START + timedelta(minutes=listening_since)}, now)

    def restart(self) -> None:
        self.watch = Watch(self.ledger, self.town)

    def texts(self) -> list[tuple[str, Kind]]:
        return [(one.owed.recipient.person, one.owed.kind) for one in self.ledger.notifications]

    def phase(self, rule: str = "turbid", lane: Lane = Lane.LIVE) -> Phase | None:
        states = {standing.key: standing.state.phase for standing in self.ledger.standings()}
        return states.get(AlertKey(rule, POINT, lane))


@pytest.fixture
def incident() -> Incident:
    return Incident()


def test_a_confirmed_breach_tells_each_subscriber_once_in_their_language(incident: Incident) -> None:
    for minute in range(10):
        incident.at(minute, turbidity=12.4)

    assert incident.texts() == [("nino", Kind.TURBIDITY_HIGH), ("leyla", Kind.TURBIDITY_HIGH)]
    texts = [one.owed.text for one in incident.ledger.notifications]
    assert "სიმღვრივე 12.4" in texts[0]
    assert "bulanıqlıq 12.4" in texts[1]


def test_a_spike_shorter_than_the_confirm_delay_tells_nobody(incident: Incident) -> None:
    for minute, ntu in enumerate((0.3, 9.0, 9.0, 0.3, 0.3)):
        incident.at(minute, turbidity=ntu)

    assert incident.texts() == []
    assert incident.phase() in (None, Phase.NORMAL)


def test_the_all_clear_comes_after_the_whole_clear_delay(incident: Incident) -> None:
    for minute in range(5):
        incident.at(minute, turbidity=12.4)
    for minute in range(5, 15):
        incident.at(minute, turbidity=0.3)
    assert len(incident.texts()) == 2

    incident.at(15, turbidity=0.3)

    assert incident.texts()[2:] == [("nino", Kind.ALL_CLEAR), ("leyla", Kind.ALL_CLEAR)]


def test_nobody_is_told_that_all_is_well_while_something_else_is_wrong(incident: Incident) -> None:
    for minute in range(5):
        incident.at(minute, turbidity=12.4, ph=5.2)
    for minute in range(5, 20):
        incident.at(minute, turbidity=0.3, ph=5.2)
    assert Phase.RESOLVED is incident.phase("turbid")
    assert Kind.ALL_CLEAR not in {kind for _, kind in incident.texts()}

    for minute in range(20, 31):
        incident.at(minute, turbidity=0.3, ph=7.4)

    assert [kind for _, kind in incident.texts()].count(Kind.ALL_CLEAR) == 2


@pytest.mark.parametrize(
    "sick",
    [
        pytest.param(missing(), id="an unplugged probe"),
        pytest.param(missing(Why.PROBE_SATURATED, Flag.FAIL), id="a saturated probe"),
        pytest.param(
            reading(value=0.3, flag=Flag.SUSPECT, why=Why.PROBE_STUCK), id="a stuck probe that looks well"
        ),
        pytest.param(
            reading(value=0.3, flag=Flag.SUSPECT, why=Why.STAGNANT_SAMPLE), id="water that stands and settles"
        ),
    ],
)
def test_a_sick_probe_in_the_middle_of_an_alert_never_sends_an_all_clear(
    incident: Incident, sick: object
) -> None:
    for minute in range(5):
        incident.at(minute, turbidity=12.4)
    for minute in range(5, 120):
        incident.at(minute, turbidity=sick)

    assert Phase.UNKNOWN is incident.phase()
    assert Kind.ALL_CLEAR not in {kind for _, kind in incident.texts()}


def test_the_first_flush_of_a_morning_wakes_nobody_and_the_mud_that_comes_after_it_does(
    incident: Incident,
) -> None:
    for minute in range(30):
        incident.at(minute, turbidity=reading(value=40.0, flag=Flag.SUSPECT, why=Why.FIRST_FLUSH))
    assert incident.texts() == []

    for minute in range(30, 40):
        incident.at(minute, turbidity=12.4)
    assert Kind.TURBIDITY_HIGH in {kind for _, kind in incident.texts()}


def test_a_sick_probe_beyond_the_limit_does_not_wake_the_village(incident: Incident) -> None:
    for minute in range(10):
        incident.at(minute, turbidity=reading(value=900.0, flag=Flag.SUSPECT, why=Why.PROBE_NOISY))

    assert incident.texts() == []


def test_a_device_that_dies_in_the_middle_of_an_alert_turns_it_unknown_and_says_so(
    incident: Incident,
) -> None:
    for minute in range(5):
        incident.at(minute, turbidity=12.4)

    incident.silence(40)

    assert Phase.UNKNOWN is incident.phase()
    silent = [who for who, kind in incident.texts() if kind is Kind.DEVICE_SILENT]
    assert sorted(silent) == ["giorgi", "leyla", "nino"]
    assert Kind.ALL_CLEAR not in {kind for _, kind in incident.texts()}


def test_an_ordinary_silence_calls_the_technician_alone_and_once(incident: Incident) -> None:
    incident.at(0)
    for minute in range(25, 90, 5):
        incident.silence(minute)

    assert incident.texts() == [("giorgi", Kind.DEVICE_SILENT)]


def test_a_device_that_comes_back_is_announced_to_the_technician(incident: Incident) -> None:
    incident.at(0)
    incident.silence(31)

    incident.at(60)

    assert incident.texts()[-1] == ("giorgi", Kind.DEVICE_BACK)
    assert Phase.RESOLVED is incident.phase("silent")


def test_only_time_in_which_we_listened_counts_as_silence(incident: Incident) -> None:
    incident.at(0)

    incident.silence(120, listening_since=100)
    assert incident.texts() == []

    incident.silence(131, listening_since=100)
    assert incident.texts() == [("giorgi", Kind.DEVICE_SILENT)]


def test_late_data_makes_history_and_wakes_nobody(incident: Incident) -> None:
    for minute in range(20):
        incident.at(minute, late_by_min=600, turbidity=12.4)

    assert incident.texts() == []
    assert Phase.FIRING is incident.phase(lane=Lane.LATE)
    assert incident.phase(lane=Lane.LIVE) is None


def test_a_breach_that_still_goes_on_when_live_data_returns_is_told(incident: Incident) -> None:
    for minute in range(20):
        incident.at(minute, late_by_min=600, turbidity=12.4)
    for minute in range(600, 605):
        incident.at(minute, turbidity=12.4)

    assert len(incident.texts()) == 2


def test_what_is_judged_twice_changes_nothing(incident: Incident) -> None:
    for minute in range(5):
        incident.at(minute, turbidity=12.4)
    changes = len(incident.ledger.changes)

    for minute in range(5):
        incident.at(minute, seq=minute + 1, turbidity=12.4)

    assert changes == len(incident.ledger.changes)
    assert len(incident.texts()) == 2


def test_a_restart_in_the_middle_forgets_nothing(incident: Incident) -> None:
    for minute in range(3):
        incident.at(minute, turbidity=12.4)
    incident.restart()
    incident.at(3, turbidity=12.4)
    incident.restart()
    for minute in range(4, 16):
        incident.at(minute, turbidity=0.3)
        incident.restart()

    assert [kind for _, kind in incident.texts()] == [Kind.TURBIDITY_HIGH] * 2 + [Kind.ALL_CLEAR] * 2


def test_a_second_episode_is_told_again(incident: Incident) -> None:
    for start in (0, 60):
        for minute in range(start, start + 5):
            incident.at(minute, turbidity=12.4)
        for minute in range(start + 5, start + 20):
            incident.at(minute, turbidity=0.3)

    assert [kind for _, kind in incident.texts()].count(Kind.TURBIDITY_HIGH) == 4
    assert [kind for _, kind in incident.texts()].count(Kind.ALL_CLEAR) == 4


class BrokenLedger(MemoryLedger):
    """A ledger whose database is away until it is mended."""

    is_broken = True

    def commit(self, judgement: Judgement) -> None:
        if self.is_broken:
            raise LinkError("the database is away")
        super().commit(judgement)


def test_a_judgement_that_could_not_be_recorded_is_made_again(incident: Incident) -> None:
    ledger = BrokenLedger()
    incident = Incident(ledger=ledger)
    ledger.is_broken = False
    for minute in range(3):
        incident.at(minute, turbidity=12.4)
    ledger.is_broken = True
    with pytest.raises(LinkError):
        incident.at(3, turbidity=12.4)
    ledger.is_broken = False

    incident.at(3, seq=4, turbidity=12.4)

    assert len(incident.texts()) == 2


def test_the_text_names_when_the_device_was_last_heard(incident: Incident) -> None:
    incident.at(0)

    incident.silence(45)

    assert "10:00" in incident.ledger.notifications[0].owed.text  # 06:00 UTC in Tbilisi


def test_rules_and_people_are_those_of_the_town() -> None:
    incident = Incident(Town(all_rules=(SOUR,), people=(NINO,)))

    incident.at(0, ph=5.2, turbidity=900.0)

    assert incident.texts() == [("nino", Kind.PH_OUT)]


def test_changes_are_told_after_they_were_recorded() -> None:
    told: list[tuple[Phase, int]] = []
    incident = Incident()
    incident.watch = Watch(
        incident.ledger,
        incident.town,
        changed=lambda changes: told.extend(
            (one.transition.after, len(incident.ledger.changes)) for one in changes
        ),
    )

    incident.at(0, ph=5.2)

    assert told == [(Phase.FIRING, 1)]


def test_the_record_of_a_lifted_alert_names_its_extreme(incident: Incident) -> None:
    for minute, ntu in enumerate((9.0, 9.0, 12.4, 9.0, 5.0)):
        incident.at(minute, turbidity=ntu)
    for minute in range(5, 16):
        incident.at(minute, turbidity=0.3)

    assert 12.4 == incident.ledger.changes[-1].value


def test_nothing_is_clear_that_was_not_seen_to_stay_so(incident: Incident) -> None:
    for minute in range(5):
        incident.at(minute, turbidity=12.4)
    incident.at(5, turbidity=0.3)
    incident.at(605, turbidity=0.3)  # the server was away; the newest comes first
    for minute in range(595, 605):
        incident.at(minute, turbidity=12.4, late_by_min=605 - minute)

    assert Kind.ALL_CLEAR not in [kind for _, kind in incident.texts()]
    assert incident.phase() is Phase.RECOVERING

    for minute in range(606, 616):
        incident.at(minute, turbidity=0.3)
    assert Kind.ALL_CLEAR in [kind for _, kind in incident.texts()]


def test_what_clears_at_once_is_told_though_the_device_was_silent_until_now() -> None:
    incident = Incident(Town(all_rules=(replace(TURBID, delays=Delays(180, 0)), SILENT)))
    for minute in range(5):
        incident.at(minute, turbidity=12.4)
    incident.silence(60)
    incident.at(61, turbidity=0.3)

    assert incident.phase("silent") is Phase.RESOLVED
    assert [kind for who, kind in incident.texts() if who == "nino"][-1] is Kind.ALL_CLEAR


def test_readings_of_uncertain_time_neither_page_nor_clear(incident: Incident) -> None:
    doubted = {"flag": Flag.UNKNOWN, "why": Why.CLOCK_UNCERTAIN}
    for minute in range(10):
        incident.at(minute, turbidity=reading(value=12.0, **doubted), clock_uncertainty_s=3_600.0)
    assert incident.texts() == []

    for minute in range(10, 20):
        incident.at(minute, turbidity=12.0)
    told = incident.texts()
    for minute in range(20, 90):
        incident.at(minute, turbidity=reading(value=0.1, **doubted), clock_uncertainty_s=3_600.0)

    assert told
    assert incident.texts() == told
    assert incident.phase() is Phase.FIRING, "the live alert does not hear of them"


def test_a_device_that_sends_readings_of_uncertain_time_alone_counts_as_silent(incident: Incident) -> None:
    incident.at(0)
    for minute in range(1, 120):
        incident.at(minute, clock_uncertainty_s=3_600.0)
    incident.silence(120)

    assert incident.phase(SILENT.id) is Phase.FIRING


# ---- what people have asked for ---------------------------------------------------------------------------


def test_who_wants_only_the_gravest_is_not_told_of_less() -> None:
    town = Town(people=(NINO, replace(LEYLA, least=Severity.CRITICAL)))
    incident = Incident(town)

    incident.at(0, ph=5.2)  # a warning, confirmed at once
    for minute in range(1, 5):
        incident.at(minute, turbidity=12.4, ph=5.2)

    assert incident.texts() == [
        ("nino", Kind.PH_OUT),
        ("nino", Kind.TURBIDITY_HIGH),
        ("leyla", Kind.TURBIDITY_HIGH),
    ]


def test_a_silence_in_a_grave_alert_is_told_to_those_who_were_told_of_it() -> None:
    town = Town(
        people=(NINO, replace(LEYLA, least=Severity.CRITICAL), replace(GIORGI, least=Severity.CRITICAL))
    )
    incident = Incident(town)
    for minute in range(5):
        incident.at(minute, turbidity=12.4)

    incident.silence(40)

    told = [person for person, kind in incident.texts() if kind is Kind.DEVICE_SILENT]
    assert sorted(told) == ["leyla", "nino"]  # to the technician silence alone is only a warning


def test_who_reads_latin_letters_gets_them() -> None:
    incident = Incident(Town(people=(replace(NINO, is_latin=True),), names={POINT: "ალგეთი-3"}))

    for minute in range(5):
        incident.at(minute, turbidity=12.4)

    (text,) = [one.owed.text for one in incident.ledger.notifications]
    assert text.startswith("algeti-3: simghvrive 12.4 NTU, zghvari 4")
