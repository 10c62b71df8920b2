"""Fault or water? Eleven stories through screening, watch and texts, and who is told what. Read as one table.

A story is lines of (minutes, what the device sends a minute); each goes on where the one before ended. Readings
are unscreened, but for what the device doubts itself. The rules are those that ship, at a point with
an analog nephelometer, a SEN0161-V2 and a YF-S201, where water is due all day. Everybody reads English here.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import pytest

from alerts.memory import MemoryLedger
from alerts.recipient import Recipient
from alerts.rules import Place, Role, place_rules
from alerts.seeds import shipped_rules
from alerts.supply import Supply
from alerts.watch import Sighting, Watch
from firmware_config.datasheet import load
from server.registry.bounds import bounds_of
from tests.builders import instant, missing, observation, reading
from tests.fakes.town import Town
from waterquality.flags import Flag, Why
from waterquality.languages import Language
from waterquality.parameters import Parameter
from waterquality.readings import to_ms
from waterquality.screening import Track

START = instant("2026-11-20T06:00:00Z")  # 10:00 in Tbilisi
MODELS = {Parameter.TURBIDITY: "analog-nephelometer", Parameter.PH: "sen0161-v2", Parameter.FLOW: "yf-s201"}
CAPABILITIES = {parameter: load(model).capability for parameter, model in MODELS.items()}
RULES = place_rules(
    [spec.to_rule() for spec in shipped_rules()],
    Place("algeti-3", [CAPABILITIES], Supply.parse("always")),
).rules
PEOPLE = [Recipient(str(role), f"+99555500010{n}", Language.EN, role) for n, role in enumerate(Role)]
CLEAN = {"turbidity": 0.3, "ph": 7.4, "flow": 11.0}


def doubted(value: float | None, why: Why, flag: Flag = Flag.SUSPECT):
    """What a device sends of which it doubts the probe or the water itself."""
    return reading(value=value, flag=flag, why=why)


@dataclass
class Pipeline:
    """From what a device sends to what people read."""

    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    minute: int = 0

    def __post_init__(self) -> None:
        self.watch = Watch(self.ledger, Town(all_rules=RULES, people=PEOPLE))
        self.track = Track(bounds_of(CAPABILITIES, ()))
        self.random = Random(3)

    def lives(self, minutes: int, sent) -> None:
        for n in range(minutes):
            self.minute += 1
            at = START + timedelta(minutes=self.minute)
            if sent is None:  # nothing comes
                self.watch.judge_silence({"algeti-3": START}, at)
                continue
            given = sent(n) if callable(sent) else sent
            noisy = {name: self._noisy(name, value) for name, value in (CLEAN | given).items()}
            taken = observation(seq=self.minute, at=at, flag=Flag.UNKNOWN, **noisy)
            screened = self.track.take(taken, to_ms(at))
            self.watch.judge([Sighting("algeti-3", screened, at)], at)

    def told(self) -> list[tuple[str, str]]:
        """Who was told what, each text once, with all who got it."""
        texts: dict[str, list[str]] = {}
        for each in self.ledger.notifications:
            texts.setdefault(each.owed.text, []).append(each.owed.recipient.person)
        return [(" ".join(sorted(who)), text.removeprefix("algeti-3: ")) for text, who in texts.items()]

    def _noisy(self, name: str, value):
        if not isinstance(value, float) or (name == "flow" and value == 0.0):
            return value
        return max(0.0, round(value + self.random.gauss(0, 0.01), 3))


HOUR = 60
WATER, PROBE = "cso municipality", "technician"
MUD = {"turbidity": 35.0}
STUCK = {"turbidity": doubted(0.3, Why.PROBE_STUCK)}
UNPLUGGED = {"ph": missing(Why.PROBE_DISCONNECTED)}
SATURATED = {"turbidity": missing(Why.PROBE_SATURATED, Flag.FAIL)}
AIR = {"turbidity": doubted(60.0, Why.PROBE_NOISY)}
STANDS = {
    "flow": 0.0,
    "turbidity": doubted(0.2, Why.STAGNANT_SAMPLE),
    "ph": doubted(7.4, Why.STAGNANT_SAMPLE),
}
FLUSH = {"turbidity": doubted(40.0, Why.FIRST_FLUSH)}
NOTHING = dict.fromkeys(("turbidity", "ph"), missing(Why.PROBE_FAULT, Flag.FAIL))
STORIES = {
    "stuck: the device sees that nothing moves": (
        [(30, {}), (HOUR, STUCK)],
        [(PROBE, "turbidity probe stuck on one value (11:01). Check the probe.")],
    ),
    "a spike of two readings": ([(30, {}), (2, {"turbidity": 80.0}), (HOUR, {})], []),
    "unplugged, and plugged in again": (
        [(30, {}), (HOUR, UNPLUGGED), (HOUR, {})],
        [
            (PROBE, "pH probe not connected (11:01). Check the probe."),
            (PROBE, "pH probe is working again (12:01)."),
        ],
    ),
    # Nothing here tells it from water that grows cloudy slowly: unknown is never safe, so the village is told.
    "a window that grows over": (
        [(30, {}), (7 * HOUR, lambda n: {"turbidity": 0.3 + n / 100})],
        [(WATER, "turbidity 4.1 NTU, limit 4 (16:47). Check the water.")],
    ),
    "air in the pipe": ([(30, {}), (HOUR // 3, AIR), (HOUR, {})], []),
    "a dry pipe": (
        [(30, {}), (4 * HOUR, STANDS), (10, {})],
        [
            (WATER, "no water flow (13:31). Check the system."),
            (WATER, "water is flowing again (14:31)."),
        ],
    ),
    "first flush after the water came back": ([(30, STANDS), (20, FLUSH), (HOUR, {})], []),
    "a pulse of mud": (
        [(30, {}), (20, MUD), (2 * HOUR, {})],
        [
            (WATER, "turbidity 35 NTU, limit 10 (10:34). Check the water."),
            (WATER, "readings are back within limits. Alert lifted (11:21)."),
        ],
    ),
    "mud beyond what the probe can show, and a probe that reads clear straight after": (
        [(30, {}), (5, MUD), (20, SATURATED), (29, {})],
        [(WATER, "turbidity 35 NTU, limit 10 (10:34). Check the water.")],
    ),
    "a pulse of acid": (
        [(30, {}), (20, {"ph": 4.2}), (HOUR, {})],
        [
            (WATER, "pH 4.19, limit 5-10 (10:36). Check the water."),
            (WATER, "readings are back within limits. Alert lifted (11:07)."),
        ],
    ),
    "the power fails in the middle of the mud": (
        [(30, {}), (10, MUD), (HOUR, None)],
        [
            (WATER, "turbidity 35 NTU, limit 10 (10:34). Check the water."),
            (f"{WATER} {PROBE}", "device not responding, last contact 10:40. Please check."),
        ],
    ),
    "a drowned device: every probe gives nonsense, then nothing": (
        [(30, {}), (40, NOTHING), (HOUR, None)],
        [
            (PROBE, "turbidity probe not usable (11:01). Check the probe."),
            (PROBE, "pH probe not usable (11:01). Check the probe."),
            (PROBE, "device not responding, last contact 11:10. Please check."),
        ],
    ),
    "a technician at work": ([(30, {}), (HOUR, {"ph": doubted(4.0, Why.PROBE_SERVICED)}), (30, {})], []),
}


@pytest.mark.parametrize(("story", "told"), STORIES.values(), ids=STORIES.keys())
def test_who_is_told_what(story, told):
    pipeline = Pipeline()
    for minutes, sent in story:
        pipeline.lives(minutes, sent)

    assert pipeline.told() == told


def test_the_stories_hold_every_word_about_a_sick_probe_to_the_technician():
    assert all("probe" not in text or who == PROBE for _, told in STORIES.values() for who, text in told)
