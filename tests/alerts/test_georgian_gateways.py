"""GoSMS.ge, SMSOffice.ge and Sender.ge: what each says when something is wrong, and what we make of it."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from pydantic import SecretStr

from alerts.ports import Fate
from alerts.transports.gosms import GoSms
from alerts.transports.port import Balance, GatewayBusy, RecipientRejected, Text, Trouble
from alerts.transports.sender import SenderGe
from alerts.transports.smsoffice import SmsOffice
from tests.fakes.georgian_gateways import KEY, GoSmsServer, SenderServer, SmsOfficeServer

TEXT = Text("+995555000123", "Alget-3: bulanıqlıq 12>5 NTU", "1-19aa")


@dataclass
class Gateway:
    server: GoSmsServer | SmsOfficeServer | SenderServer
    make: Callable


_MAKERS = {
    "gosms": (GoSmsServer, lambda url, key, sender, **kw: GoSms(key, sender, address=url, **kw)),
    "smsoffice": (SmsOfficeServer, lambda url, key, sender, **kw: SmsOffice(key, sender, address=url, **kw)),
    "sender": (SenderServer, lambda url, key, sender, **kw: SenderGe(key, address=url, **kw)),
}


@pytest.fixture(params=_MAKERS)
def gateway(request):
    kind, maker = _MAKERS[request.param]
    with kind() as server:

        def make(key=KEY, sender="Tskaro", **kwargs):
            return maker(server.url, SecretStr(key), sender, **kwargs)

        yield Gateway(server, make)


def trouble_of(transport, text=TEXT):
    with pytest.raises(GatewayBusy) as caught:
        transport.send(text)
    return caught.value.trouble


def test_a_wrong_key_is_ours_to_mend(gateway):
    assert Trouble.REFUSED is trouble_of(gateway.make(key="wrong"))


def test_an_empty_balance_is_somebodys_to_pay(gateway):
    gateway.server.balance = 0

    assert Trouble.UNPAID is trouble_of(gateway.make())
    assert [] == gateway.server.texts


def test_a_sender_that_is_not_registered_is_ours_to_mend(gateway):
    if isinstance(gateway.server, SenderServer):
        pytest.skip("its sender goes with the key")

    assert Trouble.REFUSED is trouble_of(gateway.make(sender="Nobody"))


def test_a_number_that_is_none_is_never_tried_again_or_ours_to_mend(gateway):
    """Sender.ge says 403 for a bad number as for a bad account: held, then, and not lost."""
    text = Text("+99555500012", "x", "1-19aa")
    with pytest.raises(GatewayBusy if isinstance(gateway.server, SenderServer) else RecipientRejected):
        gateway.make().send(text)


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (429, Trouble.BUSY),
        (500, Trouble.DOWN),
        (502, Trouble.LOST),
        (503, Trouble.DOWN),
        (504, Trouble.LOST),
        (404, Trouble.REFUSED),
    ],
)
def test_an_http_status_says_what_is_the_matter(gateway, status, trouble):
    gateway.server.next_answer(status, b"<html>Error</html>")

    assert trouble is trouble_of(gateway.make())


@pytest.mark.parametrize(
    "body", [b"", b"OK", b"[]", b"null", b"{}", b'{"data":[{}]}', b"\xff\xfe", b"[" * 9999]
)
def test_rubbish_for_an_answer_may_have_been_a_success(gateway, body):
    gateway.server.next_answer(200, body)

    assert Trouble.LOST is trouble_of(gateway.make())


def test_a_line_that_drops_may_have_been_a_success(gateway):
    gateway.server.hang_up()

    assert Trouble.LOST is trouble_of(gateway.make())


def test_silence_may_have_been_a_success(gateway):
    gateway.server.fall_silent()

    assert Trouble.LOST is trouble_of(gateway.make(timeout_s=0.2))


def test_where_nobody_listens_nothing_was_taken():
    assert Trouble.DOWN is trouble_of(SenderGe(SecretStr(KEY), address="http://127.0.0.1:9"))


def test_a_wait_that_it_asks_for_is_handed_on(gateway):
    gateway.server.next_answer(429, {}, Retry_After="17")
    with pytest.raises(GatewayBusy) as caught:
        gateway.make().send(TEXT)

    assert 17 == caught.value.retry_after_s


def test_the_balance_is_told(gateway):
    transport = gateway.make()
    transport.send(TEXT)

    assert 99 == transport.balance().amount
    assert isinstance(transport.balance(), Balance)


@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_a_balance_that_is_not_told_is_no_balance(gateway, status):
    gateway.server.next_answer(status, b"{}")
    with pytest.raises(GatewayBusy):
        gateway.make().balance()


@pytest.mark.parametrize("status", [400, 401, 500, 503])
def test_a_question_that_fails_is_no_fate(gateway, status):
    transport = gateway.make()
    message_id = transport.send(TEXT).message_id
    gateway.server.next_answer(status, b"{}")
    with pytest.raises(GatewayBusy):
        transport.fate_of(message_id)


def test_a_text_under_way_is_accepted_and_not_delivered(gateway):
    transport = gateway.make()

    assert Fate.ACCEPTED is transport.fate_of(transport.send(TEXT).message_id).fate


def test_neither_the_key_nor_a_whole_number_is_in_an_error(gateway):
    gateway.server.next_answer(500, f"{KEY} 995555000123".encode())
    with pytest.raises(GatewayBusy) as caught:
        gateway.make().send(TEXT)

    assert KEY not in str(caught.value)
    assert "555000" not in str(caught.value)


# ---- what only one of them does ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "trouble"),
    [(100, "refused"), (101, "refused"), (102, "unpaid"), (108, "refused"), (109, "busy"), (110, "refused")],
)
def test_gosms_says_by_code_what_is_the_matter(code, trouble):
    with GoSmsServer() as server:
        server.next_answer(200, {"success": False, "errorCode": code})

        assert trouble == trouble_of(GoSms(SecretStr(KEY), "Tskaro", address=server.url))


@pytest.mark.parametrize("code", [20, 80, 110, 120, 150, 500, 600, 700, 800, -100])
def test_smsoffice_says_by_code_that_it_holds(code):
    with SmsOfficeServer() as server:
        server.next_answer(200, {"Success": False, "ErrorCode": code})

        assert trouble_of(SmsOffice(SecretStr(KEY), "Tskaro", address=server.url)) is not Trouble.LOST


@pytest.mark.parametrize("code", [10, 40, 60, 70, 75, 76, 77])
def test_smsoffice_says_by_code_that_it_never_will(code):
    with SmsOfficeServer() as server:
        server.next_answer(200, {"Success": False, "ErrorCode": code})
        with pytest.raises(RecipientRejected):
            SmsOffice(SecretStr(KEY), "Tskaro", address=server.url).send(TEXT)


def test_only_an_urgent_text_goes_to_a_number_that_shut_gosms_out():
    with GoSmsServer() as server:
        transport = GoSms(SecretStr(KEY), "Tskaro", address=server.url)
        transport.send(TEXT)
        transport.send(Text(TEXT.address, "x", "2-19aa", is_urgent=True))

        assert [False, True] == [request.fields["urgent"] for request in server.requests]


def test_smsoffice_is_asked_before_a_text_whose_answer_was_lost_is_sent_again():
    with SmsOfficeServer() as server:
        transport = SmsOffice(SecretStr(KEY), "Tskaro", address=server.url)
        server.take_and_hang_up()
        assert Trouble.LOST is trouble_of(transport)

        assert Fate.ACCEPTED is transport.send(TEXT).fate
        assert 1 == len(server.texts)


def test_smsoffice_is_sent_again_what_it_has_not_taken():
    with SmsOfficeServer() as server:
        transport = SmsOffice(SecretStr(KEY), "Tskaro", address=server.url)
        server.hang_up()
        assert Trouble.LOST is trouble_of(transport)
        transport.send(TEXT)

        assert 1 == len(server.texts)


def test_sender_sends_to_georgia_only():
    with SenderServer() as server, pytest.raises(RecipientRejected, match=r"\+995 only"):
        SenderGe(SecretStr(KEY), address=server.url).send(Text("+37455000123", "x", "1-19aa"))
