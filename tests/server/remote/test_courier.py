"""What people ask of devices is carried until it is answered, whoever forgets what in between."""

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from firmware_config.device import DeviceConfig
from server.database.engine import Database
from server.database.migrate import migrate
from server.database.models import Device
from server.database.remote_models import DeviceConfigRow
from server.registry.writing import add_device
from server.remote.courier import Courier
from server.remote.desk import Desk
from waterquality import topics
from waterquality.errors import ConfigError
from waterquality.readings import to_ms
from waterquality.wire.commands import Reply, decode_command, encode_reply
from waterquality.wire.desired import Applied, AppliedState, decode_desired, encode_applied

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
DEVICE = "kk-0001"


def toml(every_s: int = 60, device: str = DEVICE) -> str:
    return f"""schema_version = 1
device = "{device}"
observe_every_s = {every_s}
[[probes]]
parameter = "flow"
model = "yf-s201"
[probes.input]
pin = 17
pulses_per_litre = 450.0
"""


class Clock:
    at = NOW

    def now(self) -> datetime:
        return self.at


class Office:
    """Desk, courier and database, with a broker that may be away."""

    def __init__(self, url: str) -> None:
        self.database, self.clock = Database(url), Clock()
        migrate(self.database)
        with self.database.writing() as connection:
            for device in (DEVICE, "kk-0002"):
                add_device(connection, device, {}, to_ms(NOW))
        self.desk = Desk(self.database)
        self.courier = Courier(self.database, self._publish, self.clock)
        self.sent: list[tuple[str, bytes, bool]] = []
        self.is_up, self.at_s = True, 0.0

    def _publish(self, topic: str, payload: bytes, is_retained: bool) -> bool:
        if self.is_up:
            self.sent.append((topic, payload, is_retained))
        return self.is_up

    def configure(self, text: str, device: str = DEVICE) -> int:
        config = DeviceConfig.model_validate(tomllib.loads(text))
        return self.desk.configure(config, text, device=device, who="Nino", now_ms=to_ms(self.clock.now()))

    def command(self, name: str = "burst", **arguments: float) -> str:
        return self.desk.command(
            DEVICE, name, arguments, who="Nino", now_ms=to_ms(self.clock.now()), lasting_s=60
        )

    def turn(self, *, after_s: float = 1.0) -> list[tuple[str, bytes, bool]]:
        """A turn of the courier, so many seconds later; what it sent."""
        self.at_s += after_s
        self.clock.at += timedelta(seconds=after_s)
        self.sent = []
        self.courier.turn(self.at_s)
        return self.sent

    def hear(self, channel: str, payload: bytes, device: str = DEVICE) -> None:
        self.courier.take(topics.of_device(device, channel), payload, False)

    def hears_applied(self, version: int, *, running: int, reason: str = "") -> None:
        state = AppliedState.REFUSED if reason else AppliedState.APPLIED
        self.hear("config/applied", encode_applied(Applied(version, state, running, "a" * 64, reason)))


@pytest.fixture
def office(database: Database) -> Iterator[Office]:
    made = Office(database.url)
    yield made
    made.database.close()


def test_a_desired_configuration_is_published_once_and_retained(office: Office) -> None:
    assert office.configure(toml(30)) == 1

    ((topic, payload, is_retained),) = office.turn()
    assert (topic, is_retained) == (topics.of_device(DEVICE, "config"), True)
    assert (decode_desired(payload).version, decode_desired(payload).text) == (1, toml(30))
    assert office.turn(after_s=1000) == []


def test_it_is_on_record_who_asked_when_and_what_became_of_it(office: Office) -> None:
    office.configure(toml(30))
    office.hears_applied(1, running=1)
    office.turn()

    found = office.desk.configured(DEVICE)
    assert (found.version, found.state, found.who, found.running_version) == (1, "applied", "Nino", 1)
    assert (found.made_ms, found.text) == (to_ms(NOW), toml(30))
    assert office.turn() == []


def test_a_refusal_is_kept_with_its_reason_and_is_not_sent_again(office: Office) -> None:
    office.configure(toml(30))
    office.hears_applied(1, running=0, reason="GPIO17 cannot be opened: taken")
    office.turn()
    office.courier.is_connected(connected=True)

    found = office.desk.configured(DEVICE)
    assert (found.state, found.reason) == ("refused", "GPIO17 cannot be opened: taken")
    assert (found.running_version, office.turn()) == (0, [])


def test_a_device_that_lacks_it_gets_it_again_whatever_the_broker_has_forgotten(office: Office) -> None:
    office.configure(toml(30))
    office.turn()

    office.hears_applied(0, running=0)

    assert len(office.turn()) == 1


def test_a_broker_that_was_away_is_given_again_what_is_owed(office: Office) -> None:
    office.configure(toml(30))
    office.turn()
    office.courier.is_connected(connected=True)

    assert len(office.turn()) == 1


def test_what_could_not_be_sent_is_sent_later(office: Office) -> None:
    office.configure(toml(30))
    office.is_up = False
    office.turn()
    office.is_up = True

    assert len(office.turn()) == 1


def test_only_the_newest_version_is_owed(office: Office) -> None:
    office.configure(toml(30))
    office.turn()
    assert office.configure(toml(20)) == 2

    ((_, payload, _),) = office.turn()
    assert decode_desired(payload).version == 2


def test_what_is_desired_already_gets_no_new_version_and_what_was_refused_does(office: Office) -> None:
    assert (office.configure(toml(30)), office.configure(toml(30))) == (1, 1)
    office.hears_applied(1, running=0, reason="no")
    office.turn()

    assert office.configure(toml(30)) == 2


def test_a_restored_database_learns_from_the_device_how_far_it_was(office: Office) -> None:
    office.hears_applied(7, running=7)
    office.turn()

    assert office.configure(toml(30)) == 8


def test_a_version_that_the_device_has_passed_already_is_said_to_be_so(office: Office) -> None:
    office.configure(toml(30))
    office.hears_applied(7, running=7)
    office.turn()

    found = office.desk.configured(DEVICE)
    assert found.state == "refused"
    assert "version 7 before" in found.reason


def test_a_configuration_of_another_device_is_refused_before_it_is_sent(office: Office) -> None:
    with pytest.raises(ConfigError, match="the configuration of kk-0002, not of kk-0001"):
        office.configure(toml(30, device="kk-0002"))
    with pytest.raises(ConfigError, match="no device kk-0009 is registered"):
        office.configure(toml(30, device="kk-0009"), device="kk-0009")
    assert office.turn() == []


def test_a_command_is_repeated_under_its_id_until_it_is_answered(office: Office) -> None:
    asked = office.command(minutes=5)
    ((topic, payload, is_retained),) = office.turn()
    assert (topic, is_retained) == (topics.of_device(DEVICE, "command"), False)
    command = decode_command(payload)
    assert (command.id, command.name, command.arguments) == (asked, "burst", {"minutes": 5})

    assert office.turn(after_s=1) == []
    assert office.turn(after_s=10) == [(topic, payload, False)]
    office.hear("reply", encode_reply(Reply(asked, {"burst_left_s": 300.0})))
    assert office.turn(after_s=10) == []
    assert office.desk.reply(asked) == {"ok": True, "result": {"burst_left_s": 300.0}}


def test_a_command_that_has_expired_is_not_sent_any_more(office: Office) -> None:
    asked = office.command()
    office.is_up = False
    office.turn()
    office.is_up = True

    assert office.turn(after_s=61) == []
    assert office.desk.reply(asked) is None


def test_the_first_reply_stands_and_another_device_cannot_give_it(office: Office) -> None:
    asked = office.command()
    office.hear("reply", encode_reply(Reply(asked, {"forged": 1})), device="kk-0002")
    office.turn()
    assert office.desk.reply(asked) is None

    office.hear("reply", encode_reply(Reply(asked, {"burst_left_s": 1})))
    office.hear("reply", encode_reply(Reply(asked, {"burst_left_s": 2})))
    office.turn()
    assert office.desk.reply(asked) == {"ok": True, "result": {"burst_left_s": 1}}


@pytest.mark.parametrize("channel", ["config/applied", "reply", "update/applied"])
@pytest.mark.parametrize("payload", [b"", b"{}", b"[" * 9000, b"\xff", b'{"ok": true}', b"x" * 100_000])
def test_what_cannot_be_read_is_counted_and_harms_nothing(
    office: Office, channel: str, payload: bytes
) -> None:
    office.configure(toml(30))
    office.hear(channel, payload)

    assert len(office.turn()) == 1
    assert office.courier.counters["malformed"] == 1


def test_a_device_that_nobody_knows_changes_nothing(office: Office) -> None:
    payload = encode_applied(Applied(3, AppliedState.APPLIED, 3, "a" * 64))
    office.hear("config/applied", payload, device="kk-0099")
    office.turn()

    with office.database.reading() as connection:
        assert connection.scalars(select(Device.id)).all() == [DEVICE, "kk-0002"]


def test_a_retained_answer_is_history(office: Office) -> None:
    office.configure(toml(30))
    payload = encode_applied(Applied(1, AppliedState.APPLIED, 1, "a" * 64))
    office.courier.take(topics.of_device(DEVICE, "config/applied"), payload, True)
    office.turn()

    assert office.desk.configured(DEVICE).state == "pending"


def test_a_reason_with_half_letters_is_kept_as_well_as_it_can_be(office: Office, postgres_url: str) -> None:
    other = Office(postgres_url)
    for place in (office, other):
        place.configure(toml(30))
        place.hears_applied(1, running=0, reason="half \\ud800 and \x00 nothing")
        place.turn()
        assert place.desk.configured(DEVICE).state == "refused"
    other.database.close()


def test_older_configurations_stay_on_record(office: Office) -> None:
    office.configure(toml(30))
    office.configure(toml(20))
    with office.database.writing() as connection:
        connection.execute(update(DeviceConfigRow).values(reason=""))
        rows = connection.execute(
            select(DeviceConfigRow.version, DeviceConfigRow.state).order_by(DeviceConfigRow.version)
        ).all()

    assert [tuple(row) for row in rows] == [(1, "superseded"), (2, "pending")]
