"""One gateway after another: a text arrives, once where that can be had, and everybody knows which way it went."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from alerts.ports import Fate
from alerts.transports.failover import Failover, Gateway
from alerts.transports.gosms import GoSms
from alerts.transports.port import Balance, GatewayBusy, Handover, RecipientRejected, Text, Trouble
from alerts.transports.routing import Terms
from alerts.transports.smsoffice import SmsOffice
from alerts.transports.spending import Ceiling, PurseInMemory
from tests.fakes.georgian_gateways import KEY, GoSmsServer, SmsOfficeServer
from tests.fakes.scripted_transport import ScriptedTransport
from waterquality.errors import LinkError

NOON = datetime(2026, 11, 28, 8, tzinfo=UTC)
TEXT = Text("+995555000123", "Algeti-3: turbidity 12>5 NTU", "1-19aa")


def busy(trouble="busy", **kwargs):
    return GatewayBusy("no", trouble=Trouble(trouble), **kwargs)


def gateways(*transports, ceiling=None, purse=None, now=lambda: NOON, **terms):
    made = [
        Gateway(Terms(name, **terms), transport) for name, transport in zip("abc", transports, strict=False)
    ]
    return Failover(made, now, purse or PurseInMemory(), Ceiling(ceiling))


def refusal(transport, text=TEXT):
    with pytest.raises(GatewayBusy) as caught:
        transport.send(text)
    return caught.value


@pytest.mark.parametrize("trouble", ["busy", "unpaid", "refused", "down"])
def test_what_the_first_does_not_take_the_next_takes_at_once(trouble):
    a, b = ScriptedTransport(otherwise=busy(trouble)), ScriptedTransport()
    handover = gateways(a, b).send(TEXT)

    assert (Fate.ACCEPTED, "b:m-1") == (handover.fate, handover.message_id)
    assert [TEXT] == a.sent == b.sent
    assert "a: no" in handover.detail


def test_the_second_is_not_asked_when_the_first_takes_it():
    a, b = ScriptedTransport(), ScriptedTransport()
    assert "a:m-1" == gateways(a, b).send(TEXT).message_id

    assert [] == b.sent


def test_a_text_is_asked_for_where_it_was_taken():
    a, b = ScriptedTransport(otherwise=busy()), ScriptedTransport()
    transport = gateways(a, b)
    b.answers["m-1"] = Handover(Fate.DELIVERED, "m-1")
    answer = transport.fate_of(transport.send(TEXT).message_id)

    assert (Fate.DELIVERED, "b:m-1") == (answer.fate, answer.message_id)
    assert ([], ["m-1"]) == (a.asked, b.asked)


@pytest.mark.parametrize("message_id", ["gone:m-1", "m-1", ""])
def test_a_text_of_a_gateway_that_is_no_more_is_unknown(message_id):
    assert Fate.UNKNOWN is gateways(ScriptedTransport()).fate_of(message_id).fate


def test_one_that_had_trouble_is_asked_last_until_it_has_rested():
    now = [NOON]
    a, b = ScriptedTransport(otherwise=busy("down")), ScriptedTransport()
    transport = gateways(a, b, now=lambda: now[0])
    transport.send(TEXT)
    a.otherwise = Handover(Fate.ACCEPTED, "m-2")
    assert "b:m-1" == transport.send(TEXT).message_id

    now[0] += timedelta(seconds=61)

    assert "a:m-2" == transport.send(TEXT).message_id


def test_when_all_are_in_trouble_all_are_asked_and_it_is_held():
    a, b = ScriptedTransport(otherwise=busy("unpaid")), ScriptedTransport(otherwise=busy("down"))
    transport = gateways(a, b)
    refusal(transport)
    error = refusal(transport)

    assert (2, 2) == (len(a.sent), len(b.sent))
    assert "a: no; b: no" == str(error)


# ---- answers that were lost ----


def test_a_lost_answer_goes_to_no_other_gateway_at_once():
    a, b = ScriptedTransport(otherwise=busy("lost")), ScriptedTransport()

    assert Trouble.LOST is refusal(gateways(a, b)).trouble
    assert [] == b.sent


def test_a_lost_answer_is_looked_for_where_it_was_lost():
    a, b = ScriptedTransport(otherwise=busy("lost")), ScriptedTransport()
    transport = gateways(a, b)
    refusal(transport)
    a.otherwise = Handover(Fate.ACCEPTED, "m-9")

    assert "a:m-9" == transport.send(TEXT).message_id
    assert [] == b.sent


@pytest.mark.parametrize("trouble", ["lost", "down", "busy"])
def test_a_second_try_that_fails_goes_on_and_says_that_it_may_arrive_twice(trouble):
    a, b = ScriptedTransport(otherwise=busy("lost")), ScriptedTransport()
    transport = gateways(a, b)
    refusal(transport)
    a.otherwise = busy(trouble)
    handover = transport.send(TEXT)

    assert "b:m-1" == handover.message_id
    assert "may arrive twice, a gave no answer" in handover.detail


def test_a_lost_answer_is_no_matter_of_other_texts():
    a, b = ScriptedTransport(otherwise=busy("lost")), ScriptedTransport()
    transport = gateways(a, b)
    refusal(transport)

    assert "b:m-1" == transport.send(Text(TEXT.address, "x", "2-19aa")).message_id


def test_a_text_whose_answer_was_lost_arrives_once_where_the_gateway_can_be_asked():
    with SmsOfficeServer() as first, GoSmsServer() as second:
        transport = gateways(
            SmsOffice(SecretStr(KEY), "Tskaro", address=first.url),
            GoSms(SecretStr(KEY), "Tskaro", address=second.url),
        )
        first.take_and_hang_up()
        refusal(transport)
        transport.send(TEXT)

        assert (1, 0) == (len(first.texts), len(second.texts))


# ---- rejections ----


def test_what_one_rejects_another_may_take():
    a, b = ScriptedTransport(otherwise=RecipientRejected("+995 only")), ScriptedTransport()

    assert "b:m-1" == gateways(a, b).send(TEXT).message_id


def test_what_all_reject_is_rejected():
    a, b = (ScriptedTransport(otherwise=RecipientRejected(each)) for each in ("bad number", "no such"))
    with pytest.raises(RecipientRejected, match="a: bad number; b: no such"):
        gateways(a, b).send(TEXT)


def test_what_one_rejects_and_another_cannot_take_now_is_held():
    a, b = ScriptedTransport(otherwise=RecipientRejected("x")), ScriptedTransport(otherwise=busy("unpaid"))

    assert Trouble.UNPAID is refusal(gateways(a, b)).trouble


@pytest.mark.parametrize("fault", [RuntimeError("key=secret"), LinkError("folder gone")])
def test_a_gateway_whose_code_is_at_fault_leaves_the_others(fault):
    a, b = ScriptedTransport(otherwise=fault), ScriptedTransport()
    transport = gateways(a, b)
    said = []
    with capture_logs() as logged:
        for _ in range(2):
            try:
                said.append(transport.send(TEXT).message_id)
            except GatewayBusy as error:
                said.append(str(error))

    assert "b:m-1" == said[-1]
    assert "secret" not in str([*logged, *said])


def test_what_a_gateway_gives_back_goes_another_way():
    a, b = ScriptedTransport(), ScriptedTransport(otherwise=Handover(Fate.ACCEPTED, "m-2"))
    transport = gateways(a, b)
    message_id = transport.send(TEXT).message_id
    a.answers["m-1"] = Handover(Fate.QUEUED, "m-1", "the modem could not send it")

    assert Fate.QUEUED is transport.fate_of(message_id).fate
    assert "b:m-2" == transport.send(TEXT).message_id


def test_a_gateway_without_ids_leaves_none_to_ask_by():
    assert "" == gateways(ScriptedTransport(otherwise=Handover(Fate.ACCEPTED))).send(TEXT).message_id


# ---- limits ----


def test_a_minute_that_is_full_is_left_to_the_next():
    a, b = ScriptedTransport(), ScriptedTransport()
    made = [Gateway(Terms("a", per_minute=2), a), Gateway(Terms("b"), b)]
    transport = Failover(made, lambda: NOON, PurseInMemory(), Ceiling())
    for number in range(3):
        transport.send(Text(TEXT.address, "x", f"{number}-19aa"))

    assert (2, 1) == (len(a.sent), len(b.sent))


def test_over_the_ceiling_what_can_wait_waits_and_what_is_urgent_goes():
    a = ScriptedTransport()
    transport = gateways(a, ceiling=10, tetri=5)
    for _ in range(2):
        transport.send(TEXT)

    held = refusal(transport)
    assert (Trouble.HELD, 12 * 3600.0) == (held.trouble, held.retry_after_s)
    assert "a:m-1" == transport.send(Text(TEXT.address, "x", "3-19aa", is_urgent=True)).message_id
    assert 15 == transport.spent_tetri()


def test_the_next_day_in_tbilisi_has_a_purse_of_its_own():
    now = [datetime(2026, 11, 28, 19, 59, tzinfo=UTC)]
    transport = gateways(ScriptedTransport(), ceiling=5, tetri=5, now=lambda: now[0])
    transport.send(TEXT)
    refusal(transport)
    now[0] += timedelta(minutes=1)

    assert "a:m-1" == transport.send(TEXT).message_id


def test_somebody_is_warned_before_the_ceiling_and_at_it_and_once_each():
    transport = gateways(ScriptedTransport(), ceiling=50, tetri=5)
    with capture_logs() as logged:
        for _ in range(10):
            transport.send(Text(TEXT.address, "x", "1-19aa", is_urgent=True))

    assert [("sms_ceiling_near", 40), ("sms_ceiling_reached", 50)] == [
        (line["event"], line["spent_tetri"]) for line in logged
    ]


def test_every_segment_is_paid():
    transport = gateways(ScriptedTransport(), tetri=5)
    transport.send(Text(TEXT.address, "ა" * 71, "1-19aa"))

    assert 10 == transport.spent_tetri()


class EmptyPurse(PurseInMemory):
    """One that cannot be written to for a while."""

    is_out = True

    def spend(self, day, gateway, *, segments, tetri):
        if self.is_out:
            raise LinkError("the database is away")
        return super().spend(day, gateway, segments=segments, tetri=tetri)


def test_a_text_that_was_taken_stays_taken_when_its_cost_cannot_be_recorded():
    purse = EmptyPurse()
    transport = gateways(ScriptedTransport(), tetri=5, ceiling=10, purse=purse)
    for _ in range(2):
        assert Fate.ACCEPTED is transport.send(TEXT).fate
    assert Trouble.HELD is refusal(transport).trouble

    purse.is_out = False
    transport.send(Text(TEXT.address, "x", "3-19aa", is_urgent=True))

    assert 15 == transport.spent_tetri()


# ---- what is told ----


class Prepaid(ScriptedTransport):
    left = Balance(7, "SMS")

    def balance(self):
        if self.left is None:
            raise busy()
        return self.left


def test_balances_are_asked_for_and_a_low_one_is_told():
    a, b = Prepaid(), ScriptedTransport()
    transport = Failover(
        [Gateway(Terms("a"), a, low_balance=10), Gateway(Terms("b"), b)],
        lambda: NOON,
        PurseInMemory(),
        Ceiling(),
    )
    with capture_logs() as logged:
        transport.ask_balances()
    assert {"a": Balance(7, "SMS")} == transport.balances
    assert ["balance_low"] == [line["event"] for line in logged]

    a.left = None
    transport.ask_balances()

    assert {"a": Balance(7, "SMS")} == transport.balances


def test_every_try_is_counted_by_gateway_and_outcome():
    a, b = ScriptedTransport(otherwise=busy("unpaid")), ScriptedTransport()
    transport = gateways(a, b)
    b.answers["m-1"] = Handover(Fate.DELIVERED, "m-1")
    transport.fate_of(transport.send(TEXT).message_id)

    assert {("a", "unpaid"): 1, ("b", "accepted"): 1, ("b", "delivered"): 1} == dict(transport.tally)


def test_a_gateway_in_trouble_is_told_once_as_long_as_it_lasts():
    transport = gateways(ScriptedTransport(otherwise=busy("down")), ScriptedTransport())
    with capture_logs() as logged:
        for _ in range(3):
            transport.send(TEXT)

    assert [("gateway_in_trouble", "a")] == [(line["event"], line["gateway"]) for line in logged]
    assert {"a"} == transport.resting()
