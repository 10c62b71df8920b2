"""Apprise, with what it really does: to a mail server and to a web hook of this machine."""

import asyncio
import json
import socketserver
import threading
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from alerts.ports import Fate
from alerts.transports.apprise_gateway import AppriseGateway
from alerts.transports.port import GatewayBusy, Text, Trouble
from tests.fakes.local_gateway import LocalGateway
from waterquality.errors import ConfigError

BODY = "ალგეთი-3: სიმღვრივე 12>5 NTU"
TEXT = Text("+995555000123", BODY, "1-19aa")


class _Mail(socketserver.StreamRequestHandler):
    """As much of SMTP as one letter needs."""

    def handle(self):
        self._say("220 here")
        while line := self.rfile.readline().strip():
            word = line[:4].upper()
            if word == b"DATA":
                self._say("354 go on")
                letter = iter(self.rfile.readline, b".\r\n")
                self.server.letters.append(b"".join(letter))
            self._say("221 bye" if word == b"QUIT" else "250 ok")
            if word == b"QUIT":
                return

    def _say(self, words):
        self.wfile.write(f"{words}\r\n".encode())


@pytest.fixture
def mail() -> Iterator[socketserver.TCPServer]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mail) as server:
        server.letters = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def hook(gateway, path="/"):
    return AppriseGateway(SecretStr(f"json://127.0.0.1:{gateway.url.rsplit(':', 1)[1]}{path}"))


def test_a_web_hook_gets_the_words_letter_for_letter():
    with LocalGateway() as gateway:
        gateway.next_answer(200, {})
        handover = hook(gateway).send(TEXT)

        assert BODY == json.loads(gateway.requests[0].body)["message"]
    assert (Fate.ACCEPTED, "") == (handover.fate, handover.message_id)


def test_the_number_of_the_recipient_stands_where_the_url_wants_it():
    with LocalGateway() as gateway:
        gateway.next_answer(200, {})
        hook(gateway, "/to/{to}").send(TEXT)

        assert "/to/+995555000123" == gateway.requests[0].target


def test_a_letter_arrives_letter_for_letter(mail):
    import email.policy

    url = f"mailto://127.0.0.1:{mail.server_address[1]}?from=tskaro@example.org&to=duty@example.org&mode=insecure"
    AppriseGateway(SecretStr(url)).send(TEXT)

    (letter,) = mail.letters
    message = email.message_from_bytes(letter, policy=email.policy.default)
    plain = message.get_body(("plain",))
    assert BODY == plain.get_content().strip()
    assert "Tskaro" == message["Subject"]


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_what_it_does_not_take_is_held_whatever_the_reason(status):
    with LocalGateway() as gateway:
        gateway.next_answer(status, {})
        with pytest.raises(GatewayBusy) as caught:
            hook(gateway).send(TEXT)

    assert Trouble.DOWN is caught.value.trouble


def test_nobody_listening_is_held():
    with pytest.raises(GatewayBusy):
        AppriseGateway(SecretStr("json://127.0.0.1:9/")).send(TEXT)


def test_its_fate_is_unknown():
    assert Fate.UNKNOWN is AppriseGateway(SecretStr("json://127.0.0.1:9/")).fate_of("x").fate


@pytest.mark.parametrize("url", ["", "nonsense", "nosuch://key@x"])
def test_a_url_that_it_does_not_understand_is_refused_and_not_repeated(url):
    with pytest.raises(ConfigError) as caught:
        AppriseGateway(SecretStr(url))

    assert "key" not in str(caught.value)


def test_neither_url_nor_number_is_logged(caplog):
    caplog.set_level(0)
    with pytest.raises(GatewayBusy):
        AppriseGateway(SecretStr("json://user:s3cret@127.0.0.1:9/{to}")).send(TEXT)

    assert "s3cret" not in caplog.text
    assert "555000" not in caplog.text


def test_it_can_be_used_where_a_loop_runs():
    """Apprise runs a loop of its own; ours must not be in its way."""

    async def send():
        return await asyncio.to_thread(hook(gateway).send, TEXT)

    with LocalGateway() as gateway:
        gateway.next_answer(200, {})

        assert Fate.ACCEPTED is asyncio.run(send()).fate
