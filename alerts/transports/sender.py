"""Sender.ge, as `sender.ge/docs/api.php` documents it: Georgian numbers only, the sender's name bound to the key.

It looks at no reference of ours: a text whose answer was lost may arrive twice if it is sent again.
"""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import SecretStr

from alerts.ports import Fate
from alerts.transports.exchange import Exchange, Reply, balance_in, raise_for
from alerts.transports.port import Balance, GatewayBusy, Handover, RecipientRejected, Text, Trouble

ADDRESS = "https://sender.ge/api"
_FATES = {"0": Fate.ACCEPTED, "1": Fate.DELIVERED, "2": Fate.FAILED}
_INFORMATION = "2"  # `smsno`; 1 is advertising, and adds a number to opt out by
_COUNTRY = "+995"


class SenderGe:
    """Carries texts through Sender.ge.

    Args:
        key: the API key.
        timeout_s: how long an answer may take, in seconds.
        address: where it is.
    """

    name: ClassVar[str] = "sender"
    knows_references: ClassVar[bool] = False

    def __init__(self, key: SecretStr, *, timeout_s: float = 10, address: str = ADDRESS) -> None:
        self._key, self._address = key, address
        self._exchange = Exchange(timeout_s, [key])

    def send(self, text: Text) -> Handover:
        """Hand a text over.

        Raises:
            GatewayBusy: not now, or not before somebody pays or mends the settings; mended by time.
            RecipientRejected: never, or no Georgian number; mended by nobody.
        """
        if not text.address.startswith(_COUNTRY):
            raise RecipientRejected(f"this gateway sends to {_COUNTRY} only")
        fields = {"destination": text.address.removeprefix(_COUNTRY), "content": text.body}
        reply = self._ask("send.php", {"smsno": _INFORMATION, **fields})
        raise_for(reply)
        message_id = reply.at("data.0.messageId")
        if message_id is None:
            raise reply.busy(Trouble.LOST, "no id of the text")
        return Handover(Fate.ACCEPTED, message_id, reply.said)

    def fate_of(self, message_id: str) -> Handover:
        """Ask what became of a text it accepted.

        Raises:
            GatewayBusy: it cannot say now; mended by time.
        """
        reply = self._told("callback.php", {"messageId": message_id})
        status = reply.at("data.0.statusId") or reply.at("statusId")
        return Handover(_FATES.get(status or "", Fate.ACCEPTED), message_id, reply.said)

    def balance(self) -> Balance:
        """What is left; its unit is not documented.

        Raises:
            GatewayBusy: it cannot say now; mended by time.
        """
        return balance_in(self._told("getBalance.php", {}), "data.balance", "data.0.balance", "balance")

    def close(self) -> None:
        """Let go of the connections."""
        self._exchange.close()

    def _told(self, what: str, fields: Mapping[str, str]) -> Reply:
        reply = self._ask(what, fields)
        try:
            raise_for(reply)
        except RecipientRejected as refused:
            raise GatewayBusy(str(refused)) from None
        return reply

    def _ask(self, what: str, fields: Mapping[str, str]) -> Reply:
        return self._exchange.post_form(
            f"{self._address}/{what}", {"apikey": self._key.get_secret_value(), **fields}
        )
