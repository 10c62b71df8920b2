"""E-mail, Telegram, Signal and whatever else Apprise speaks: one address of a room or a person, by its URL.

A text goes to whoever the URL names; `{to}` in it stands for the recipient's number, for services that send SMS.
**Weak by nature**: Apprise says yes or no and nothing else. So a failure is never permanent, a lost answer cannot
be told from a refusal, and nobody can be asked what became of a text: its fate ends as *unknown*.
"""

import logging
from typing import ClassVar
from urllib.parse import quote

from apprise import Apprise, NotifyFormat, NotifyType
from pydantic import SecretStr

from alerts.ports import Fate
from alerts.transports.port import GatewayBusy, Handover, Text, Trouble
from waterquality.errors import ConfigError

TO = "{to}"


class AppriseGateway:
    """Carries texts through Apprise. Making one connects to nothing.

    Args:
        url: Apprise's URL of the service; holds its secrets.
        title: the subject, where the service has one.

    Raises:
        ConfigError: Apprise does not understand the URL; mended by the operator.
    """

    name: ClassVar[str] = "apprise"
    knows_references: ClassVar[bool] = False

    def __init__(self, url: SecretStr, title: str = "Tskaro") -> None:
        self._url, self._title = url, title
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its warnings name addresses and answers
        if not Apprise().add(self._filled("+995555000000")):
            raise ConfigError("Apprise does not understand the URL in the gateway's secret_file")

    def send(self, text: Text) -> Handover:
        """Hand a text over.

        Raises:
            GatewayBusy: the service did not take it, for a reason that Apprise keeps to itself; mended by time.
        """
        door = Apprise()
        door.add(self._filled(text.address))
        title = f"{self._title} !" if text.is_urgent else self._title
        kind = NotifyType.FAILURE if text.is_urgent else NotifyType.INFO
        if not door.notify(body=text.body, title=title, notify_type=kind, body_format=NotifyFormat.TEXT):
            raise GatewayBusy("Apprise could not hand it over", trouble=Trouble.DOWN)
        return Handover(Fate.ACCEPTED, "", "Apprise handed it over, and cannot tell more")

    def fate_of(self, message_id: str) -> Handover:
        """Unknown: there is nobody to ask."""
        return Handover(Fate.UNKNOWN, message_id, "Apprise cannot tell what became of a text")

    def _filled(self, address: str) -> str:
        return self._url.get_secret_value().replace(TO, quote(address, safe=""))
