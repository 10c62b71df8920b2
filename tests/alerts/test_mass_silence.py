"""Many fall silent together: one alert about the server, none about the villages."""

from datetime import timedelta

from alerts.lifecycle import Phase
from alerts.memory import MemoryLedger
from alerts.ports import SERVER, AlertKey, Kind
from alerts.rules import MassSilenceRule, Severity
from alerts.watch import Sighting, Watch
from tests.builders import instant, observation
from tests.fakes.town import SILENT, SOUR, TURBID, Town

START = instant("2026-11-20T06:00:00Z")
MASS = MassSilenceRule(id="all-silent", share=0.5, at_least=5, severity=Severity.CRITICAL)
POINTS = [f"point-{n}" for n in range(20)]


class Region:
    def __init__(self):
        self.ledger, self.seq = MemoryLedger(), 0
        self.watch = Watch(self.ledger, Town(all_rules=(TURBID, SOUR, SILENT, MASS)))

    def hears(self, minute, points=POINTS, **water):
        at = START + timedelta(minutes=minute)
        for point in points:
            self.seq += 1
            seen = observation(device=f"kk-{POINTS.index(point):04}", seq=self.seq, at=at, **water)
            self.watch.judge([Sighting(point, seen, at)], at)

    def ticks(self, first, last):
        for minute in range(first, last):
            now = START + timedelta(minutes=minute)
            self.watch.judge_silence(dict.fromkeys(POINTS, START), now)

    def texts(self):
        return [(each.owed.key.water_point, each.owed.kind) for each in self.ledger.notifications]

    def phase(self, rule, point):
        states = {each.key: each.state.phase for each in self.ledger.standings()}
        return states.get(AlertKey(rule, point))


def test_all_at_once_is_one_text_and_not_one_for_each():
    region = Region()
    for n, point in enumerate(POINTS):  # the last word of each came at another minute
        region.hears(n / 2, [point])
    region.ticks(10, 120)

    assert region.texts() == [(SERVER, Kind.ALL_SILENT)]
    (told,) = region.ledger.notifications
    assert told.owed.recipient.person == "giorgi"
    assert told.owed.text.startswith("Tskaro: ")
    assert "last contact 10:09" in told.owed.text


def test_it_ends_when_they_are_heard_again():
    region = Region()
    region.hears(0)
    region.ticks(25, 60)
    region.hears(60)
    region.ticks(60, 80)

    assert region.texts() == [(SERVER, Kind.ALL_SILENT), (SERVER, Kind.ALL_HEARD)]
    assert region.phase(MASS.id, SERVER) is Phase.RESOLVED


def test_who_is_silent_still_has_an_alert_of_its_own_then():
    region = Region()
    region.hears(0)
    region.ticks(25, 60)
    region.hears(60, POINTS[1:])
    region.ticks(60, 62)

    assert region.texts()[1:] == [(SERVER, Kind.ALL_HEARD), (POINTS[0], Kind.DEVICE_SILENT)]


def test_open_alerts_turn_unknown_all_the_same():
    region = Region()
    for minute in range(5):
        region.hears(minute, turbidity=12.4)
    told = len(region.texts())
    region.ticks(25, 60)

    assert {region.phase(TURBID.id, point) for point in POINTS} == {Phase.UNKNOWN}
    assert region.texts()[told:] == [(SERVER, Kind.ALL_SILENT)]


def test_a_few_silent_villages_are_villages():
    region = Region()
    region.hears(0)
    for minute in range(1, 60):
        region.hears(minute, POINTS[4:])
        region.ticks(minute, minute + 1)

    assert region.texts() == [(point, Kind.DEVICE_SILENT) for point in POINTS[:4]]


def test_who_has_been_silent_for_long_does_not_count():
    region = Region()
    region.hears(0)
    for minute in range(1, 60):
        region.hears(minute, POINTS[4:])
        region.ticks(minute, minute + 1)
    region.ticks(60, 120)

    assert region.texts()[4:] == [(SERVER, Kind.ALL_SILENT)]
    assert region.ledger.notifications[-1].owed.text.startswith("Tskaro: 16 water points")
