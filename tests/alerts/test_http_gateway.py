"""The HTTP gateway against a real server that answers well, badly, late and not at all."""

import json
import logging
import re

import pytest
from pydantic import SecretStr

from alerts.ports import Fate
from alerts.transports.http_gateway import HttpGateway
from alerts.transports.http_settings import HttpGatewaySettings
from alerts.transports.port import GatewayBusy, RecipientRejected, Text
from tests.fakes.local_gateway import LocalGateway

KEY = "s3cr3t-k3y/+="
GEORGIAN = "ალგეთი-3: pH 9.1, ზღვარი 6.5-8.5 (14:05). შეამოწმეთ წყალი."
ARMENIAN = "Ալգեթի-3. pH 9.1, սահմանը 6.5-8.5 (14:05)։ Ստուգեք ջուրը։"
FIELDS = {"to": "{to}", "text": "{text}", "reference": "{reference}"}


@pytest.fixture
def gateway():
    with LocalGateway() as running:
        yield running


def settings(gateway, **changes):
    """The settings of the local gateway, as JSON over POST unless something else is said."""
    send = {"url": f"{gateway.url}/send", "fields": FIELDS} | changes.pop("send", {})
    given = {
        "send": send,
        "answer": {
            "success_path": "success",
            "success_words": ["true"],
            "message_id_path": "data.0.messageId",
        },
        "secret_headers": {},
        "secret_fields": {"key": SecretStr(KEY)},
        "timeout_s": 0.2,
    }
    return HttpGatewaySettings.model_validate(given | changes)


@pytest.fixture
def transport(gateway):
    made = []

    def make(**changes):
        made.append(HttpGateway(settings(gateway, **changes)))
        return made[-1]

    yield make
    for each in made:
        each.close()


def a_text(body=GEORGIAN, address="+995555000123"):
    return Text(address, body, "1-19aa")


# ---- what is sent -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [GEORGIAN, ARMENIAN])
def test_json_goes_out_in_utf_8_to_the_byte(gateway, transport, body):
    transport().send(a_text(body))

    (request,) = gateway.requests
    fields = {"to": "+995555000123", "text": body, "reference": "1-19aa", "key": KEY}
    assert request.body == json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    assert body.encode("utf-8") in request.body
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize("body", [GEORGIAN, ARMENIAN])
@pytest.mark.parametrize(("method", "encoding"), [("POST", "form"), ("GET", "query"), ("POST", "query")])
def test_forms_and_queries_go_out_as_escaped_utf_8(gateway, transport, body, method, encoding):
    transport(
        send={"method": method, "encoding": encoding, "fields": FIELDS | {"urgent": True, "n": 2}}
    ).send(a_text(body))

    (request,) = gateway.requests
    assert request.method == method
    assert request.fields == {
        "to": "+995555000123",
        "text": body,
        "reference": "1-19aa",
        "urgent": "true",
        "n": "2",
        "key": KEY,
    }
    carried = request.body.decode("ascii") if encoding == "form" else request.target
    assert "".join(f"%{byte:02X}" for byte in body[0].encode("utf-8")) in carried


def test_a_query_of_the_address_itself_is_kept(gateway, transport):
    send = {"url": f"{gateway.url}/send?service=7", "method": "GET", "encoding": "query"}

    transport(send=send).send(a_text())

    assert gateway.requests[0].fields["service"] == "7"


def test_fields_within_fields_are_filled(gateway, transport):
    nested = {"messages": [{"destinations": [{"to": "{to}"}], "text": "{text}", "from": "{sender}"}]}
    gateway.next_answer(200, {"success": True})

    transport(send={"fields": nested}, sender="Tskaro").send(a_text())

    assert gateway.requests[0].fields["messages"] == [
        {"destinations": [{"to": "+995555000123"}], "text": GEORGIAN, "from": "Tskaro"}
    ]


def test_what_looks_like_a_placeholder_in_a_text_is_left_alone(gateway, transport):
    transport().send(a_text("{to} {reference} {nonsense}"))

    assert gateway.texts == [("+995555000123", "{to} {reference} {nonsense}")]


def test_placeholders_of_the_address_are_escaped(gateway, transport):
    gateway.next_answer(200, {"success": True})

    transport(send={"url": f"{gateway.url}/send/{{to}}/{{reference}}"}).send(a_text())

    assert gateway.requests[0].target == "/send/%2B995555000123/1-19aa"


@pytest.mark.parametrize(
    ("number_format", "sent"),
    [("e164", "+995555000123"), ("without_plus", "995555000123"), ("national", "555000123")],
)
def test_a_number_is_written_as_the_gateway_wants_it(gateway, transport, number_format, sent):
    transport(number_format=number_format).send(a_text())

    assert gateway.texts == [(sent, GEORGIAN)]


def test_a_gateway_of_one_country_refuses_the_numbers_of_others(gateway, transport):
    with pytest.raises(RecipientRejected, match=re.escape("+995")):
        transport(number_format="national").send(a_text(address="+37410000123"))

    assert gateway.requests == []


def test_a_secret_header_goes_with_every_request(gateway, transport):
    headers = {"secret_headers": {"Authorization": SecretStr("Bearer t0ken")}, "secret_fields": {}}

    transport(**headers).send(a_text())

    assert gateway.requests[0].headers["authorization"] == "Bearer t0ken"


def test_a_retry_carries_the_same_reference_and_arrives_once(gateway, transport):
    sender = transport()
    gateway.next_answer(500)
    with pytest.raises(GatewayBusy):
        sender.send(a_text())

    sender.send(a_text())
    sender.send(a_text())

    assert [request.fields["reference"] for request in gateway.requests] == ["1-19aa"] * 3
    assert gateway.texts == [("+995555000123", GEORGIAN)]


# ---- what the answer means --------------------------------------------------------------------------------

CODES = {"code_path": "error.code", "temporary_codes": ["102", "-100"], "permanent_codes": ["105"]}


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        pytest.param(500, "", "HTTP 500", id="an error of the gateway"),
        pytest.param(503, "", "HTTP 503", id="it is unavailable"),
        pytest.param(429, "", "HTTP 429", id="too many requests"),
        pytest.param(408, "", "HTTP 408", id="we were too slow"),
        pytest.param(401, "", "configuration: the gateway refuses our credentials", id="a wrong key"),
        pytest.param(
            403, "", "configuration: the gateway refuses our credentials", id="a key without the right"
        ),
        pytest.param(404, "", "configuration: is the address", id="a wrong address"),
        pytest.param(405, "", "configuration: is the address", id="a wrong method"),
        pytest.param(302, "", "configuration: is the address", id="it has moved"),
        pytest.param(200, b"<html>Please log in", "no word of success", id="a page for people"),
        pytest.param(200, b'{"success": tr', "no word of success", id="JSON cut short"),
        pytest.param(200, b"\xff\xfe{}", "no word of success", id="no text at all"),
        pytest.param(200, b"[" * 60_000, "no word of success", id="JSON of no depth we can follow"),
        pytest.param(200, {"success": False}, "no word of success", id="a success that says no"),
        pytest.param(200, {"success": False, "error": {"code": 102}}, "code 102", id="a temporary code"),
        pytest.param(400, {"error": {"code": -100}}, "code -100", id="a temporary code outweighs the status"),
    ],
)
def test_it_is_held_and_tried_again_after(gateway, transport, status, body, words):
    gateway.next_answer(status, body)

    with pytest.raises(GatewayBusy, match=re.escape(words)):
        transport(answer={"success_path": "success", "success_words": ["true"], **CODES}).send(a_text())


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(400, "", id="a bad request"),
        pytest.param(422, "", id="a number that is none"),
        pytest.param(200, {"success": False, "error": {"code": 105}}, id="a permanent code"),
        pytest.param(500, {"error": {"code": "105"}}, id="a permanent code outweighs the status"),
    ],
)
def test_it_is_never_tried_again_after(gateway, transport, status, body):
    gateway.next_answer(status, body)

    with pytest.raises(RecipientRejected):
        transport(answer={"success_path": "success", "success_words": ["true"], **CODES}).send(a_text())


def test_a_gateway_that_does_not_answer_in_time_is_busy(gateway, transport):
    gateway.fall_silent()

    with pytest.raises(GatewayBusy, match=r"no answer within 0\.2 s"):
        transport().send(a_text())


def test_a_dropped_connection_is_busy(gateway, transport):
    gateway.hang_up()

    with pytest.raises(GatewayBusy, match="no answer"):
        transport().send(a_text())


def test_a_gateway_that_is_not_there_is_busy(transport, gateway):
    sender = transport(send={"url": "http://127.0.0.1:9/send"})

    with pytest.raises(GatewayBusy, match="no answer"):
        sender.send(a_text())


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry_After": "90"}, 90),
        ({"Retry_After": "Fri, 20 Nov 2026 10:01:30 GMT", "Date": "Fri, 20 Nov 2026 10:00:00 GMT"}, 90),
        ({"Retry_After": "Fri, 20 Nov 2026 09:59:00 GMT", "Date": "Fri, 20 Nov 2026 10:00:00 GMT"}, 0),
        ({"Retry_After": "Fri, 20 Nov 2026 10:01:30 GMT"}, None),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "-3"}, None),
        ({}, None),
    ],
)
def test_the_wait_that_a_gateway_asks_for_is_passed_on(gateway, transport, headers, expected):
    gateway.next_answer(429, "", **headers)

    with pytest.raises(GatewayBusy) as busy:
        transport().send(a_text())

    assert busy.value.retry_after_s == expected


def test_only_the_beginning_of_an_endless_answer_is_read(gateway, transport):
    gateway.next_answer(200, b'{"success": true, "padding": "' + b"x" * 200_000 + b'"}')

    with pytest.raises(GatewayBusy, match="no word of success"):
        transport().send(a_text())


def test_a_success_without_an_id_is_accepted_where_the_success_is_said(gateway, transport):
    gateway.next_answer(200, {"success": True})

    assert transport().send(a_text()).fate is Fate.ACCEPTED


def test_a_success_without_an_id_is_no_success_where_the_id_is_all_that_shows_it(gateway, transport):
    gateway.next_answer(200, {"data": []})

    with pytest.raises(GatewayBusy, match="no id"):
        transport(answer={"message_id_path": "data.0.messageId"}).send(a_text())


def test_our_reference_serves_where_the_gateway_gives_no_id(gateway, transport):
    assert transport(answer={}).send(a_text()).message_id == "1-19aa"


# ---- what became of it ------------------------------------------------------------------------------------


def status_of(gateway):
    return {
        "url": f"{gateway.url}/status",
        "fields": {"messageId": "{message_id}"},
        "fate_path": "status",
        "fates": {"PENDING": "accepted", "DELIVERED": "delivered", "UNDELIV": "failed", "2": "unknown"},
    }


@pytest.mark.parametrize(
    ("word", "fate"),
    [
        ("PENDING", Fate.ACCEPTED),
        ("DELIVERED", Fate.DELIVERED),
        ("UNDELIV", Fate.FAILED),
        (2, Fate.UNKNOWN),
        ("SOMETHING_NEW", Fate.ACCEPTED),
    ],
)
def test_the_gateways_word_becomes_a_fate(gateway, transport, word, fate):
    gateway.next_answer(200, {"status": word})

    assert transport(status=status_of(gateway)).fate_of("m-1").fate is fate


def test_the_key_goes_with_the_question(gateway, transport):
    transport(status=status_of(gateway)).fate_of("m-1")

    assert gateway.requests[0].fields == {"messageId": "m-1", "key": KEY}


@pytest.mark.parametrize(
    ("status", "body"), [(500, ""), (404, {"status": "DELIVERED"}), (200, {}), (200, b"?")]
)
def test_a_gateway_that_cannot_say_is_busy(gateway, transport, status, body):
    gateway.next_answer(status, body)

    with pytest.raises(GatewayBusy):
        transport(status=status_of(gateway)).fate_of("m-1")


def test_a_gateway_that_never_says_leaves_it_unknown(gateway, transport):
    assert transport().fate_of("m-1").fate is Fate.UNKNOWN
    assert gateway.requests == []


# ---- what is never told -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "echo", ["+995555000123", "995555000123", "555000123", "+995 555 00 01 23", "995-555-000-123"]
)
def test_neither_the_key_nor_a_whole_number_is_in_the_error(gateway, transport, echo):
    gateway.next_answer(400, {"message": f"bad number {echo} for key {KEY}"})

    with pytest.raises(RecipientRejected) as refusal:
        transport().send(a_text())

    assert KEY not in str(refusal.value)
    assert "***" in str(refusal.value)
    assert re.search(r"(\d[ -]?){4}", str(refusal.value).replace("HTTP 400", "")) is None
    assert "123" in str(refusal.value) or "1 23" in str(refusal.value)


def test_neither_the_key_nor_a_whole_number_is_logged(gateway, transport, caplog):
    caplog.set_level(logging.DEBUG)

    transport(send={"method": "GET", "encoding": "query"}).send(a_text())

    assert KEY not in caplog.text
    assert "s3cr3t" not in caplog.text
    assert "555000123" not in caplog.text


def test_the_settings_do_not_show_their_secrets(gateway):
    assert KEY not in repr(settings(gateway))
    assert KEY not in settings(gateway).model_dump_json()
