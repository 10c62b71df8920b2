"""GoSMS.ge. What it documents: its page `api.gosms.ge` and its own Python library; what it does not: `FATES`.

It looks at no reference of ours: a text whose answer was lost may arrive twice if it is sent again.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from pydantic import SecretStr

from alerts.ports import Fate
from alerts.transports.exchange import Exchange, Reply, balance_in, raise_for
from alerts.transports.port import Balance, GatewayBusy, Handover, RecipientRejected, Text, Trouble

ADDRESS = "https://api.gosms.ge/api"
# Only DELIVERED was seen in print. A word that is not here is no news, so the text is asked for again.
FATES: Mapping[str, Fate] = MappingProxyType(
    {
        "DELIVERED": Fate.DELIVERED,
        "UNDELIVERED": Fate.FAILED,
        "FAILED": Fate.FAILED,
        "REJECTED": Fate.FAILED,
        "EXPIRED": Fate.FAILED,
    }
)
_TROUBLES = {
    "100": Trouble.REFUSED,  # the key
    "101": Trouble.REFUSED,  # the sender's name
    "102": Trouble.UNPAID,
    "108": Trouble.REFUSED,  # not configured
    "109": Trouble.BUSY,  # too many requests
    "110": Trouble.REFUSED,  # the account is locked
}
_NEVER = frozenset({"103", "105"})  # parameters, number
_NOT_FOUND = "104"


class GoSms:
    """Carries texts through GoSMS.ge.

    Args:
        key: the API key.
        sender: the registered name that people see.
        timeout_s: how long an answer may take, in seconds.
        address: where it is.
    """

    name: ClassVar[str] = "gosms"
    knows_references: ClassVar[bool] = False

    def __init__(self, key: SecretStr, sender: str, *, timeout_s: float = 10, address: str = ADDRESS) -> None:
        self._key, self._sender, self._address = key, sender, address
        self._exchange = Exchange(timeout_s, [key])

    def send(self, text: Text) -> Handover:
        """Hand a text over. Only an urgent one goes to a number that shut out such texts.

        Raises:
            GatewayBusy: not now, or not before somebody pays or mends the settings; mended by time.
            RecipientRejected: never; mended by nobody.
        """
        fields = {"from": self._sender, "to": text.address.removeprefix("+"), "text": text.body}
        reply = self._ask("sendsms", {**fields, "urgent": text.is_urgent})
        message_id = reply.at("messageId")
        if reply.at("success") != "true" or message_id in (None, "0"):
            raise reply.busy(Trouble.LOST, "no id of the text")
        return Handover(Fate.ACCEPTED, message_id or "", reply.said)

    def fate_of(self, message_id: str) -> Handover:
        """Ask what became of a text it accepted.

        Raises:
            GatewayBusy: it cannot say now; mended by time.
        """
        if not message_id.isdecimal():
            return Handover(Fate.UNKNOWN, message_id, "no id of this gateway")
        try:
            reply = self._ask("checksms", {"messageId": int(message_id)})
        except RecipientRejected as refused:
            raise GatewayBusy(str(refused)) from None
        if reply.at("errorCode") == _NOT_FOUND:
            return Handover(Fate.UNKNOWN, message_id, reply.said)
        status = reply.at("status")
        if status is None:
            raise reply.busy(Trouble.DOWN, "no fate told")
        return Handover(FATES.get(status.upper(), Fate.ACCEPTED), message_id, reply.said)

    def balance(self) -> Balance:
        """How many texts are left.

        Raises:
            GatewayBusy: it cannot say now; mended by time.
        """
        try:
            return balance_in(self._ask("sms-balance", {}), "balance", unit="SMS")
        except RecipientRejected as refused:
            raise GatewayBusy(str(refused)) from None

    def close(self) -> None:
        """Let go of the connections."""
        self._exchange.close()

    def _ask(self, what: str, fields: Mapping[str, str | int | bool]) -> Reply:
        reply = self._exchange.post_json(
            f"{self._address}/{what}", {"api_key": self._key.get_secret_value(), **fields}
        )
        code = reply.at("errorCode") or "0"
        if code in _NEVER:
            raise RecipientRejected(f"code {code}, {reply.said}")
        if code in _TROUBLES:
            raise reply.busy(_TROUBLES[code], f"code {code}")
        if code != _NOT_FOUND:
            raise_for(reply)
        return reply
