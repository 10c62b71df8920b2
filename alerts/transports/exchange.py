"""One question to a gateway over HTTP, and its answer: what every gateway that speaks HTTP shares.

**Invariants**
* Neither a secret nor a whole telephone number stands in an error, a record or a log.
* An answer is read to 64 KiB and no further.
* Whether the question can have arrived is told apart: `Trouble.LOST` where it may have, so that a text is not
  handed to two gateways without need.
"""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import NoReturn
from urllib.parse import quote

import httpx
from pydantic import JsonValue, SecretStr

from alerts.transports.port import Balance, GatewayBusy, RecipientRejected, Trouble

_LONGEST_ANSWER = 65_536  # bytes
_SAID_LENGTH = 120  # characters of an answer that are worth recording
_OUR_CREDENTIALS = frozenset({401, 403, 407})
_UNPAID = 402
_NOT_NOW = frozenset({408, 425, 429})
_NEVER = frozenset({400, 413, 422})
_SAID_BY_A_PROXY = frozenset({502, 504})
_ALL_BUT_THREE_DIGITS = re.compile(r"\+?\d(?:[ ()-]?\d){5,}(?=(?:[ ()-]?\d){3})")
_NEVER_ARRIVED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Attributes:
        status: the HTTP status.
        document: its JSON; None when there is none.
        said: its words, fit to be recorded.
        retry_after_s: seconds it asks us to wait; None when it does not say.
    """

    status: int
    document: JsonValue
    said: str
    retry_after_s: float | None

    def at(self, path: str) -> str | None:
        """The word at a path like `data.0.messageId`; None where there is no single word."""
        return word(at(self.document, path))

    def busy(self, trouble: Trouble, why: str = "") -> GatewayBusy:
        """An error with this answer's words."""
        return GatewayBusy(": ".join(filter(None, (why, self.said))), self.retry_after_s, trouble)


class Exchange:
    """Asks a gateway. Making one connects to nothing.

    Args:
        timeout_s: how long an answer may take, in seconds.
        secrets: what must never be repeated.
    """

    def __init__(self, timeout_s: float, secrets: Sequence[SecretStr] = ()) -> None:
        self._timeout_s, self._secrets = timeout_s, secrets
        self.client = httpx.Client(timeout=timeout_s)
        # httpx logs every URL at INFO, and with it the key of a gateway that wants it in the query.
        logging.getLogger("httpx").addFilter(_is_no_request)

    def post_json(self, url: str, fields: Mapping[str, JsonValue]) -> Reply:
        """Ask with fields as JSON.

        Raises:
            GatewayBusy: nothing came back; mended by time.
        """
        return self.ask(self.client.build_request("POST", url, json=fields))

    def post_form(self, url: str, fields: Mapping[str, str]) -> Reply:
        """Ask with fields as a form.

        Raises:
            GatewayBusy: nothing came back; mended by time.
        """
        return self.ask(self.client.build_request("POST", url, data=fields))

    def get(self, url: str, fields: Mapping[str, str]) -> Reply:
        """Ask with fields in the query.

        Raises:
            GatewayBusy: nothing came back; mended by time.
        """
        return self.ask(self.client.build_request("GET", url, params=fields))

    def ask(self, request: httpx.Request) -> Reply:
        """Ask.

        Raises:
            GatewayBusy: nothing came back; mended by time.
        """
        try:
            response = self.client.send(request, stream=True)
            try:
                body = _read(response)
            finally:
                response.close()
        except _NEVER_ARRIVED as error:
            raise GatewayBusy(f"no answer: {type(error).__name__}", trouble=Trouble.DOWN) from None
        except httpx.TimeoutException:
            raise GatewayBusy(f"no answer within {self._timeout_s:g} s", trouble=Trouble.LOST) from None
        except httpx.HTTPError as error:
            raise GatewayBusy(f"no answer: {type(error).__name__}", trouble=Trouble.LOST) from None
        said = f"HTTP {response.status_code}: {self._scrubbed(body)}"
        return Reply(response.status_code, _json(body), said, _retry_after_s(response))

    def close(self) -> None:
        """Let go of the connections."""
        self.client.close()

    def _scrubbed(self, body: bytes) -> str:
        """The gateway's words without our secrets and without whole telephone numbers."""
        said = " ".join(body.decode("utf-8", errors="replace").split())
        for secret in self._secrets:
            for seen in filter(None, (secret.get_secret_value(), quote(secret.get_secret_value(), safe=""))):
                said = said.replace(seen, "***")
        return _ALL_BUT_THREE_DIGITS.sub("…", said)[:_SAID_LENGTH]


def raise_for(reply: Reply) -> None:
    """Raise what the HTTP status means, unless it is one of success.

    Raises:
        RecipientRejected: 400, 413, 422; mended by nobody.
        GatewayBusy: any other; mended by time.
    """
    if reply.status in _NEVER:
        raise RecipientRejected(reply.said)
    if not httpx.codes.is_success(reply.status):
        _raise_trouble(reply)


def _raise_trouble(reply: Reply) -> NoReturn:
    if reply.status in _OUR_CREDENTIALS:
        raise reply.busy(Trouble.REFUSED, "configuration: the gateway refuses our credentials")
    if reply.status == _UNPAID:
        raise reply.busy(Trouble.UNPAID, "the balance is spent")
    if reply.status in _NOT_NOW:
        raise reply.busy(Trouble.BUSY)
    if reply.status in _SAID_BY_A_PROXY:
        raise reply.busy(Trouble.LOST)
    if httpx.codes.is_server_error(reply.status):
        raise reply.busy(Trouble.DOWN)
    raise reply.busy(Trouble.REFUSED, "configuration: is the address of the gateway right?")


def balance_in(reply: Reply, *paths: str, unit: str = "") -> Balance:
    """The balance in an answer.

    Raises:
        GatewayBusy: there is none in it; mended by time.
    """
    for path in paths:
        try:
            return Balance(float(reply.at(path) or ""), unit)
        except ValueError:
            continue
    raise reply.busy(Trouble.DOWN, "no balance told")


def at(document: JsonValue, path: str) -> JsonValue:
    """What a path like `data.0.messageId` leads to; None where it leads nowhere."""
    for step in path.split("."):
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return None
    return document


def word(value: JsonValue) -> str | None:
    """A value as settings write it: `true`, `0`, `DELIVERED`; None for what is no single word."""
    if value is None or value == "" or isinstance(value, dict | list):
        return None
    return value if isinstance(value, str) else json.dumps(value)


def _is_no_request(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("HTTP Request:")


def _read(response: httpx.Response) -> bytes:
    body = b""
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > _LONGEST_ANSWER:
            break
    return body[:_LONGEST_ANSWER]


def _json(body: bytes) -> JsonValue:
    try:
        document: JsonValue = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document


def _retry_after_s(response: httpx.Response) -> float | None:
    """The wait that `Retry-After` asks for: seconds, or a date that the answer's own `Date` makes a wait."""
    wish = response.headers.get("Retry-After", "").strip()
    if wish.isdecimal():
        return float(wish)
    try:
        wait = parsedate_to_datetime(wish) - parsedate_to_datetime(response.headers.get("Date", ""))
    except (ValueError, TypeError):
        return None
    return max(wait.total_seconds(), 0.0)
