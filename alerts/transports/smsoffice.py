"""SMSOffice.ge. Its page documents sending and the codes; status and balance are as programs use them, unconfirmed.

It asks for a text's fate by number *and* our reference, so the id of a text is both. A text whose answer was lost
is asked for by its reference before it is sent again, as far as this process remembers.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import ClassVar

from pydantic import SecretStr

from alerts.ports import Fate
from alerts.transports.exchange import Exchange, Reply, balance_in, raise_for
from alerts.transports.port import Balance, GatewayBusy, Handover, RecipientRejected, Text, Trouble

ADDRESS = "https://smsoffice.ge/api"
FATES = {"DELIVERED": Fate.DELIVERED, "UNDELIVERED": Fate.FAILED, "FAILED": Fate.FAILED}
_TAKEN = "0"
_TROUBLES = {
    "20": Trouble.UNPAID,
    "80": Trouble.REFUSED,  # the key
    "110": Trouble.REFUSED,  # the sender
    "120": Trouble.REFUSED,  # the API is switched off for us
    "150": Trouble.REFUSED,  # the sender
    "500": Trouble.REFUSED,  # no key, destination, sender or content: our settings
    "600": Trouble.REFUSED,
    "700": Trouble.REFUSED,
    "800": Trouble.REFUSED,
    "-100": Trouble.BUSY,
}
_NEVER = frozenset({"10", "40", "60", "70", "75", "76", "77"})  # the number, or the text
_REMEMBERED = 1_000


class SmsOffice:
    """Carries texts through SMSOffice.ge.

    Args:
        key: the API key.
        sender: the registered name that people see, up to 11 letters.
        timeout_s: how long an answer may take, in seconds.
        address: where it is.
    """

    name: ClassVar[str] = "smsoffice"
    knows_references: ClassVar[bool] = False

    def __init__(self, key: SecretStr, sender: str, *, timeout_s: float = 10, address: str = ADDRESS) -> None:
        self._key, self._sender, self._address = key, sender, address
        self._exchange = Exchange(timeout_s, [key])
        self._unsure = OrderedDict[str, None]()  # references whose answer was lost

    def send(self, text: Text) -> Handover:
        """Hand a text over, always as transactional: people have asked for these texts.

        Raises:
            GatewayBusy: not now, or not before somebody pays or mends the settings; mended by time.
            RecipientRejected: never; mended by nobody.
        """
        message_id = f"{text.address.removeprefix('+')}/{text.reference}"
        if text.reference in self._unsure and self._status(message_id).at("Output.Status") is not None:
            self._unsure.pop(text.reference)
            return Handover(Fate.ACCEPTED, message_id, "it had been taken before")
        try:
            reply = self._send(text)
        except GatewayBusy as busy:
            if busy.trouble is Trouble.LOST:
                self._be_unsure(text.reference)
            raise
        self._unsure.pop(text.reference, None)
        return Handover(Fate.ACCEPTED, message_id, reply.said)

    def fate_of(self, message_id: str) -> Handover:
        """Ask what became of a text it accepted; one that it does not find yet is asked for again.

        Raises:
            GatewayBusy: it cannot say now; mended by time.
        """
        if "/" not in message_id:
            return Handover(Fate.UNKNOWN, message_id, "no id of this gateway")
        reply = self._status(message_id)
        return Handover(
            FATES.get((reply.at("Output.Status") or "").upper(), Fate.ACCEPTED), message_id, reply.said
        )

    def balance(self) -> Balance:
        """What is left.

        Raises:
            GatewayBusy: it cannot say now; mended by time.
        """
        reply = self._get("getBalance", {})
        return balance_in(reply, "Output.Balance", "Output", "Balance", unit="SMS")

    def close(self) -> None:
        """Let go of the connections."""
        self._exchange.close()

    def _send(self, text: Text) -> Reply:
        fields = {
            "key": self._key.get_secret_value(),
            "destination": text.address.removeprefix("+"),
            "sender": self._sender,
            "content": text.body,
            "urgent": "true",
            "reference": text.reference,
        }
        reply = self._exchange.post_form(f"{self._address}/v2/send/", fields)
        code = reply.at("ErrorCode")
        if code in _NEVER:
            raise RecipientRejected(f"code {code}, {reply.said}")
        if code in _TROUBLES:
            raise reply.busy(_TROUBLES[code], f"code {code}")
        raise_for(reply)
        if code != _TAKEN:
            raise reply.busy(Trouble.LOST, "no word of success")
        return reply

    def _status(self, message_id: str) -> Reply:
        destination, _, reference = message_id.partition("/")
        return self._get("v2/getMessageStatus/", {"destination": destination, "reference": reference})

    def _get(self, what: str, fields: Mapping[str, str]) -> Reply:
        reply = self._exchange.get(f"{self._address}/{what}", {"key": self._key.get_secret_value(), **fields})
        if (code := reply.at("ErrorCode")) in _TROUBLES:
            raise reply.busy(_TROUBLES[code], f"code {code}")
        try:
            raise_for(reply)
        except RecipientRejected as refused:
            raise GatewayBusy(str(refused)) from None
        return reply

    def _be_unsure(self, reference: str) -> None:
        self._unsure[reference] = None
        while len(self._unsure) > _REMEMBERED:
            self._unsure.popitem(last=False)
