"""`gateways.toml`: what an operator writes, what is refused, and what is made of it."""

import re
from pathlib import Path

import pytest

import server.gateways
from alerts.transports.apprise_gateway import AppriseGateway
from alerts.transports.gammu import GammuSmsd
from alerts.transports.gosms import GoSms
from alerts.transports.http_gateway import HttpGateway
from alerts.transports.port import Text
from alerts.transports.sender import SenderGe
from alerts.transports.smsoffice import SmsOffice
from alerts.transports.spending import PurseInMemory
from firmware_config.schema import leaves
from server.bus.mqtt import BrokerAddress
from server.clock import SystemClock
from server.composing import transport
from server.gateways import GatewaysFile, failover, read_gateways
from server.processes import Notify as NotifyProcess
from server.processes import Surroundings
from server.settings import Notify, TransportKind
from server.store.sqlite import SqliteReadingStore
from server.telemetry.catalogue import CATALOGUE
from server.telemetry.facts import facts
from server.telemetry.loops import of_notify
from tests.fakes.georgian_gateways import KEY, SenderServer
from waterquality.errors import ConfigError

SAMPLE = Path(server.gateways.__file__).with_name("gateways.sample.toml")
HTTP = Path(server.gateways.__file__).parents[1] / "alerts" / "transports" / "http_gateway.sample.toml"


def written(tmp_path, text):
    path = tmp_path / "gateways.toml"
    path.write_text(text, encoding="utf-8")
    return path


def made(path):
    return failover(read_gateways(path), SystemClock(), PurseInMemory())


def test_the_sample_names_every_key_and_can_be_used(tmp_path):
    text = SAMPLE.read_text(encoding="utf-8")
    keys = set(re.findall(r"^(?:# )?(\w+) = ", text, flags=re.MULTILINE))
    assert {path[-1] for path, _ in leaves(GatewaysFile)} == keys

    for name in ("gosms", "smsoffice", "sender", "other", "duty-room"):
        (tmp_path / name).write_text("json://127.0.0.1/" if name == "duty-room" else "k3y", encoding="utf-8")
    text = text.replace("/etc/tskaro/secrets", str(tmp_path)).replace(
        "/etc/tskaro/other-gateway.toml", str(HTTP)
    )
    parts = made(written(tmp_path, text))

    kinds = [type(each.transport) for each in parts.gateways.values()]
    assert [GammuSmsd, GoSms, SmsOffice, SenderGe, HttpGateway, AppriseGateway] == kinds
    assert (5, 0, None) == (
        parts.gateways["gosms"].terms.tetri,
        parts.gateways["sim"].terms.tetri,
        parts.ceiling.tetri,
    )


def test_every_default_that_the_sample_shows_is_the_one_in_force(tmp_path):
    text = SAMPLE.read_text(encoding="utf-8")
    examples = ("daily_ceiling_tetri", "per_minute", "low_balance", "log")
    shown = re.sub(rf"^# (?!(?:{'|'.join(examples)}) )(\w+ = )", r"\1", text, flags=re.MULTILINE)

    assert shown != text
    assert read_gateways(SAMPLE) == read_gateways(written(tmp_path, shown))


SIM = '[[gateway]]\nkind = "gammu"\nname = "sim"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "gateway"),
        ("gateway = []", "gateway"),
        (SIM + SIM, "two gateways have the name sim"),
        (SIM.replace("gammu", "pigeon"), "gateway"),
        (SIM.replace('"sim"', '"my SIM"'), "name"),
        (SIM.replace('"sim"', '"a:b"'), "name"),
        (SIM + "per_minut = 3", "per_minute"),
        (SIM + "per_minute = 0", "per_minute"),
        (SIM + "tetri_per_segment = -1", "tetri_per_segment"),
        ("daily_ceiling_tetri = 0\n" + SIM, "daily_ceiling_tetri"),
        ("warn_at = 1.5\n" + SIM, "warn_at"),
        ('[[gateway]]\nkind = "gosms"\nname = "a"\nsecret_file = "x"', "sender"),
        ('[[gateway]]\nkind = "sender"\nname = "a"', "secret_file"),
        ('[[gateway]]\nkind = "sender"\nname = "a"\nsecret_file = "x"\nkey = "k3y"', "key"),
        ("[[gateway", "not TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(tmp_path, text, said):
    with pytest.raises(ConfigError) as caught:
        read_gateways(written(tmp_path, text))

    assert said in str(caught.value)
    assert "gateways.toml" in str(caught.value)
    assert "k3y" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file"), ("\n", "is empty"), (b"\xff", "UTF-8")]
)
def test_a_secret_that_is_not_there_is_refused_by_its_file(tmp_path, content, said):
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_bytes(content if isinstance(content, bytes) else content.encode())
    path = written(tmp_path, f'[[gateway]]\nkind = "sender"\nname = "a"\nsecret_file = "{secret}"')

    with pytest.raises(ConfigError, match=said):
        made(path)


def test_a_secret_that_systemd_handed_over_is_read_from_its_copy(tmp_path, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "key").write_text("k3y")
    path = written(tmp_path, '[[gateway]]\nkind = "sender"\nname = "a"\nsecret_file = "/etc/tskaro/key"')

    assert ["a"] == list(made(path).gateways)


def test_the_server_sends_through_its_file_of_gateways_and_tells_figures_of_each(tmp_path, sqlite_database):
    (tmp_path / "key").write_text(KEY)
    with SenderServer() as sender:
        path = written(
            tmp_path,
            f"""daily_ceiling_tetri = 100
[[gateway]]
kind = "sender"
name = "sender"
tetri_per_segment = 7
secret_file = "{tmp_path}/key"
address = "{sender.url}"
""",
        )
        settings = Notify(transport=TransportKind.GATEWAYS, gateways=path)
        around = Surroundings(
            database=sqlite_database,
            store=SqliteReadingStore(tmp_path / "readings.db"),
            broker=BrokerAddress("localhost", 1),
            clock=SystemClock(),
        )
        process = NotifyProcess(around, transport(settings, sqlite_database, SystemClock()))
        process.transport.send(Text("+995555000123", "x", "1-19aa"))
        process.transport.ask_balances()

        points = [*of_notify(process), *facts(sqlite_database, 0, SystemClock().now())]
    told = {
        (point.name, point.labels): point.value for point in points if point.name.startswith("tskaro_sms_")
    }
    assert {
        ("tskaro_sms_texts_total", ("sender", "accepted")): 1,
        ("tskaro_sms_balance", ("sender",)): 99,
        ("tskaro_sms_gateway_in_trouble", ("sender",)): False,
        ("tskaro_sms_daily_ceiling_lari", ()): 1.0,
        ("tskaro_sms_spent_today_lari", ("sender",)): 0.07,
        ("tskaro_sms_segments_today", ("sender",)): 1,
    } == told
    assert {name for name, _ in told} == {name for name in CATALOGUE if name.startswith("tskaro_sms_")}


def test_gateways_without_their_file_are_refused():
    with pytest.raises(ValueError, match="gateways"):
        Notify(transport=TransportKind.GATEWAYS)
