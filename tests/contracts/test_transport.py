"""What every transport promises, whatever carries its texts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest
from pydantic import SecretStr

from alerts.ports import Fate
from alerts.transports.apprise_gateway import AppriseGateway
from alerts.transports.failover import Failover, Gateway
from alerts.transports.gammu import GammuSmsd
from alerts.transports.gammu_spool import Spool
from alerts.transports.gosms import GoSms
from alerts.transports.http_gateway import HttpGateway
from alerts.transports.http_settings import HttpGatewaySettings
from alerts.transports.phone import MemoryInbox, OnScreenPhone
from alerts.transports.port import Text, Transport
from alerts.transports.routing import Terms
from alerts.transports.sender import SenderGe
from alerts.transports.smsoffice import SmsOffice
from alerts.transports.spending import Ceiling, PurseInMemory
from tests.fakes.georgian_gateways import KEY, GoSmsServer, SenderServer, SmsOfficeServer
from tests.fakes.local_gateway import LocalGateway, Mood


@dataclass
class World:
    """A transport, what lies behind it, and time enough for texts to arrive."""

    transport: Transport
    arrived: Callable[[], list[tuple[str, str]]]
    wait_for_delivery: Callable[[], None]
    can_be_asked: bool = True


@pytest.fixture
def phone() -> World:
    inbox = MemoryInbox()
    arrived = lambda: [(text.address, text.body) for text in inbox.texts]  # noqa: E731
    return World(OnScreenPhone(inbox), arrived, lambda: None)


@pytest.fixture
def http_gateway() -> Iterator[World]:
    with LocalGateway() as gateway:
        settings = HttpGatewaySettings.model_validate(
            {
                "send": {
                    "url": f"{gateway.url}/send",
                    "fields": {"to": "{to}", "text": "{text}", "reference": "{reference}"},
                },
                "answer": {
                    "success_path": "success",
                    "success_words": ["true"],
                    "message_id_path": "data.0.messageId",
                },
                "status": {
                    "url": f"{gateway.url}/status",
                    "fields": {"messageId": "{message_id}"},
                    "fate_path": "status",
                    "fates": {"DELIVERED": "delivered", "PENDING": "accepted"},
                },
                "secret_headers": {},
                "secret_fields": {"key": SecretStr("k3y")},
            }
        )
        transport = HttpGateway(settings)
        yield World(transport, lambda: gateway.texts, gateway.deliver_all)
        transport.close()


@pytest.fixture
def gammu(gammu_smsd) -> Iterator[World]:
    began = len(gammu_smsd.transmitted())

    def arrived():
        gammu_smsd.wait_for(lambda: not list((gammu_smsd.spool / "outbox").iterdir()))
        return gammu_smsd.transmitted()[began:]

    def deliver_all():
        arrived()
        for number, _ in gammu_smsd.transmitted()[began:]:
            gammu_smsd.report(number)
        gammu_smsd.wait_for_arrivals(1)

    spool = Spool(gammu_smsd.spool, gammu_smsd.log)
    yield World(GammuSmsd(spool, lambda: datetime.now(UTC)), arrived, deliver_all)
    gammu_smsd.wait_for(lambda: not list((gammu_smsd.spool / "outbox").iterdir()))
    gammu_smsd.empty()


def _over(server, transport: Transport) -> World:
    return World(transport, lambda: server.texts, server.deliver_all)


@pytest.fixture
def gosms() -> Iterator[World]:
    with GoSmsServer() as server:
        yield _over(server, GoSms(SecretStr(KEY), "Tskaro", address=server.url))


@pytest.fixture
def smsoffice() -> Iterator[World]:
    with SmsOfficeServer() as server:
        yield _over(server, SmsOffice(SecretStr(KEY), "Tskaro", address=server.url))


@pytest.fixture
def sender() -> Iterator[World]:
    with SenderServer() as server:
        yield _over(server, SenderGe(SecretStr(KEY), address=server.url))


@pytest.fixture
def gateways() -> Iterator[World]:
    """The first of two is unpaid, so the second carries everything."""
    with GoSmsServer() as unpaid, SmsOfficeServer() as server:
        unpaid.balance = 0
        made = [
            Gateway(Terms("first"), GoSms(SecretStr(KEY), "Tskaro", address=unpaid.url)),
            Gateway(Terms("second"), SmsOffice(SecretStr(KEY), "Tskaro", address=server.url)),
        ]
        yield _over(server, Failover(made, lambda: datetime.now(UTC), PurseInMemory(), Ceiling()))


class _Hook(LocalGateway):
    """A web hook as Apprise's `json://` speaks to it."""

    def answer(self, path, fields):
        number = unquote(path.rsplit("/", 1)[1])
        self.arrived.append((number, fields["message"]))
        return Mood(200)


@pytest.fixture
def apprise() -> Iterator[World]:
    with _Hook() as hook:
        hook.arrived = []
        url = f"json://{hook.url.removeprefix('http://')}/to/{{to}}"
        yield World(AppriseGateway(SecretStr(url)), lambda: hook.arrived, lambda: None, can_be_asked=False)


@pytest.fixture(
    params=["phone", "http_gateway", "gammu", "gosms", "smsoffice", "sender", "gateways", "apprise"]
)
def world(request: pytest.FixtureRequest) -> World:
    return request.getfixturevalue(request.param)


def a_text(body="Algeti-3: turbidity 12.4>5 NTU 14:05.", *, reference="1-19aa"):
    return Text("+995555000123", body, reference)


def test_a_text_that_is_taken_was_accepted_or_delivered(world):
    handover = world.transport.send(a_text())

    assert handover.fate in (Fate.ACCEPTED, Fate.DELIVERED)
    assert bool(handover.message_id) is world.can_be_asked


def test_a_text_that_arrived_is_known_to_have_arrived(world):
    if not world.can_be_asked:
        pytest.skip("it cannot tell what became of a text")
    handover = world.transport.send(a_text())
    world.wait_for_delivery()

    if handover.fate is Fate.ACCEPTED:
        handover = world.transport.fate_of(handover.message_id)

    assert handover.fate is Fate.DELIVERED


@pytest.mark.parametrize(
    "body",
    [
        "ალგეთი-3: სიმღვრივე 12.4 NTU, ზღვარი 5 (14:05). შეამოწმეთ წყალი.",
        "Alget-3: bulanıqlıq 12.4 NTU, hədd 5 (14:05). Suyu yoxlayın.",
        "Ալգեթի-3. պղտորություն 12.4 NTU, սահմանը 5 (14:05)։ Ստուգեք ջուրը։",
        "Алгети-3: мутность 12.4 NTU, предел 5 (14:05). Проверьте воду.",
        'Algeti-3: {to} & "50 %" = 1+1 <b> \\n ; 💧',
    ],
    ids=["ka", "az", "hy", "ru", "signs that mean something to a machine"],
)
def test_a_text_arrives_letter_for_letter(world, body):
    world.transport.send(a_text(body))

    assert world.arrived() == [("+995555000123", body)]


def test_a_text_sent_again_under_its_reference_arrives_once(world):
    if not (world.transport.knows_references or isinstance(world.transport, HttpGateway)):
        pytest.skip("this gateway takes no reference of ours")
    first = world.transport.send(a_text())
    again = world.transport.send(a_text())

    assert len(world.arrived()) == 1
    assert again.message_id == first.message_id


def test_the_same_words_under_another_reference_arrive_again(world):
    world.transport.send(a_text(reference="1-19aa"))
    world.transport.send(a_text(reference="2-19aa"))

    assert len(world.arrived()) == 2


def test_a_text_it_never_took_has_not_arrived(world):
    assert world.transport.fate_of("no-such-text").fate is not Fate.DELIVERED
