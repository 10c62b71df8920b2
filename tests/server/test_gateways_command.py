"""`tskaro sms balance` and `tskaro sms test` as an administrator types them, against gateways of this machine."""

import json

import pytest

from tests.fakes.georgian_gateways import KEY, GoSmsServer, SenderServer
from tests.fakes.programs import TSKARO, run


@pytest.fixture
def office(tmp_path):
    """Settings with two gateways, the first of them without money."""
    with GoSmsServer() as gosms, SenderServer() as sender:
        (tmp_path / "key").write_text(KEY)
        (tmp_path / "gateways.toml").write_text(
            f"""daily_ceiling_tetri = 1000
[[gateway]]
kind = "gosms"
name = "gosms"
sender = "Tskaro"
tetri_per_segment = 5
secret_file = "{tmp_path}/key"
address = "{gosms.url}"
[[gateway]]
kind = "sender"
name = "sender"
tetri_per_segment = 7
secret_file = "{tmp_path}/key"
address = "{sender.url}"
[[gateway]]
kind = "gammu"
name = "sim"
spool = "{tmp_path}/nowhere"
"""
        )
        settings = tmp_path / "server.toml"
        settings.write_text(
            f"""database_url = "sqlite:///{tmp_path}/tskaro.db"
[notify]
transport = "gateways"
gateways = "{tmp_path}/gateways.toml"
"""
        )
        gosms.balance = 0
        yield gosms, sender, settings


def sms(settings, *words):
    return run(TSKARO, "sms", *words, "--settings", str(settings))


def test_a_text_goes_out_by_the_gateway_that_takes_it_and_its_cost_is_booked(office):
    _, sender, settings = office
    sender.delivered = {1}
    done = sms(settings, "test", "555 00 01 23", "--json")

    assert 0 == done.returncode, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert ("delivered", "sender:1") == (told["fate"], told["message_id"])
    assert ["+995555000123"] == [number for number, _ in sender.texts]
    assert 0.07 == json.loads(sms(settings, "balance", "--json").stdout)["spent_today_lari"]


def test_balances_and_the_cost_of_the_day_are_shown(office):
    _, _, settings = office
    done = sms(settings, "balance", "--json")

    assert 0 == done.returncode, done.stderr
    told = json.loads(done.stdout)
    assert {"gosms": 0, "sender": 100, "sim": None} == {
        row["gateway"]: row["balance"] for row in told["gateways"]
    }
    assert (0, 10.0) == (told["spent_today_lari"], told["daily_ceiling_lari"])
    assert "today: 0.00 lari of 10.00" in sms(settings, "balance").stdout


def test_one_gateway_can_be_tried_alone(office):
    gosms, sender, settings = office
    refused = sms(settings, "test", "555000123", "--gateway", "gosms")

    assert 75 == refused.returncode
    assert "gosms: code 102" in refused.stderr
    assert [] == gosms.texts == sender.texts


def test_a_gateway_that_cannot_tell_its_balance_is_a_failure_to_be_tried_again(office):
    gosms, _, settings = office
    gosms.next_answer(503, {})

    assert 75 == sms(settings, "balance").returncode


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("test", "12"), 78, "number"),
        (("test", "+37455123456", "--gateway", "sender"), 65, "+995 only"),
        (("test", "555000123", "--gateway", "gosm"), 78, "there are gosms, sender, sim"),
        (("test", "555000123", "--gateway", "sim"), 75, "nowhere"),
    ],
)
def test_what_cannot_be_done_says_why_and_who_mends_it(office, words, code, said):
    done = sms(office[2], *words)

    assert code == done.returncode, done.stdout + done.stderr
    assert said in done.stdout + done.stderr


def test_without_gateways_there_is_nothing_to_ask(tmp_path):
    (tmp_path / "server.toml").write_text(f'database_url = "sqlite:///{tmp_path}/tskaro.db"\n')
    done = sms(tmp_path / "server.toml", "balance")

    assert 78 == done.returncode
    assert "notify.gateways" in done.stderr
