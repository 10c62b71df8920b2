"""Any SMS gateway that takes texts over HTTP, by template.

**Invariants**
* Only a plain "never" is a rejection: a permanent code, or HTTP 400, 413 or 422. Everything else (no answer,
  5xx, 429, a wrong key, an answer that cannot be read) is held and tried again, since a lost text is worse
  than a doubled one.
* Neither a secret nor a whole telephone number stands in an error, a record or a log.
* An answer is read to 64 KiB and no further.
"""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import ClassVar
from urllib.parse import quote

import httpx
from pydantic import JsonValue

from alerts.ports import Fate
from alerts.transports.http_settings import (
    PLACEHOLDER,
    BodyForm,
    Call,
    HttpGatewaySettings,
    NumberFormat,
    StatusCall,
)
from alerts.transports.port import GatewayBusy, Handover, RecipientRejected, Text

_LONGEST_ANSWER = 65_536  # bytes
_SAID_LENGTH = 120  # characters of an answer that are worth recording
_OUR_CREDENTIALS = frozenset({401, 403, 407})
_NOT_NOW = frozenset({408, 425, 429})
_NEVER = frozenset({400, 413, 422})
_ALL_BUT_THREE_DIGITS = re.compile(r"\+?\d(?:[ ()-]?\d){5,}(?=(?:[ ()-]?\d){3})")


@dataclass(frozen=True, slots=True)
class _Reply:
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


class HttpGateway:
    """Carries texts through an HTTP gateway. Making one connects to nothing.

    Args:
        settings: how the gateway wants to be spoken to.
    """

    name: ClassVar[str] = "http_gateway"

    def __init__(self, settings: HttpGatewaySettings) -> None:
        self._settings = settings
        self._client = httpx.Client(timeout=settings.timeout_s)
        # httpx logs every URL at INFO, and with it the key of a gateway that wants it in the query.
        logging.getLogger("httpx").addFilter(_is_no_request)

    def send(self, text: Text) -> Handover:
        """Hand a text over.

        Raises:
            GatewayBusy: not now, or not before the settings are put right; mended by time.
            RecipientRejected: never; mended by nobody.
        """
        facts = {
            "to": self._number(text.address),
            "text": text.body,
            "reference": text.reference,
            "sender": self._settings.sender,
        }
        return self._judged(self._exchange(self._settings.send, facts), text)

    def fate_of(self, message_id: str) -> Handover:
        """Ask what became of a text it accepted; UNKNOWN where the gateway cannot be asked.

        Raises:
            GatewayBusy: it cannot say now; mended by time.
        """
        status = self._settings.status
        if status is None:
            return Handover(Fate.UNKNOWN, message_id, "this gateway does not tell what became of a text")
        reply = self._exchange(status, {"message_id": message_id})
        word = _word(_at(reply.document, status.fate_path))
        if not httpx.codes.is_success(reply.status) or word is None:
            raise GatewayBusy(f"no fate told, {reply.said}", reply.retry_after_s)
        return Handover(_fate(word, status), message_id, reply.said)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _judged(self, reply: _Reply, text: Text) -> Handover:
        answer = self._settings.answer
        code = _word(_at(reply.document, answer.code_path))
        if code in answer.permanent_codes:
            raise RecipientRejected(f"code {code}, {reply.said}")
        if code in answer.temporary_codes:
            raise GatewayBusy(f"code {code}, {reply.said}", reply.retry_after_s)
        _raise_for(reply)
        if (
            answer.success_path
            and _word(_at(reply.document, answer.success_path)) not in answer.success_words
        ):
            raise GatewayBusy(f"no word of success, {reply.said}", reply.retry_after_s)
        if not answer.message_id_path:
            return Handover(Fate.ACCEPTED, text.reference, reply.said)
        message_id = _word(_at(reply.document, answer.message_id_path))
        if message_id is None and not answer.success_path:
            raise GatewayBusy(f"no id of the text, {reply.said}", reply.retry_after_s)
        return Handover(Fate.ACCEPTED, message_id or "", reply.said)

    def _exchange(self, call: Call, facts: Mapping[str, str]) -> _Reply:
        request = self._request(call, facts)
        try:
            response = self._client.send(request, stream=True)
            try:
                body = _read(response)
            finally:
                response.close()
        except httpx.TimeoutException:
            raise GatewayBusy(f"no answer within {self._settings.timeout_s:g} s") from None
        except httpx.HTTPError as error:
            raise GatewayBusy(f"no answer: {type(error).__name__}") from None
        said = self._scrubbed(body)
        return _Reply(
            response.status_code,
            _json(body),
            f"HTTP {response.status_code}: {said}",
            _retry_after_s(response),
        )

    def _request(self, call: Call, facts: Mapping[str, str]) -> httpx.Request:
        url = httpx.URL(PLACEHOLDER.sub(lambda match: quote(facts[match[1]], safe=""), call.url))
        secrets = {name: secret.get_secret_value() for name, secret in self._settings.secret_fields.items()}
        fields = {name: _filled(value, facts) for name, value in call.fields.items()} | secrets
        headers = call.headers | {
            name: secret.get_secret_value() for name, secret in self._settings.secret_headers.items()
        }
        method = str(call.method)
        if call.encoding is BodyForm.JSON:
            return self._client.build_request(method, url, json=fields, headers=headers)
        if call.encoding is BodyForm.FORM:
            return self._client.build_request(method, url, data=fields, headers=headers)
        return self._client.build_request(method, url.copy_merge_params(_flat(fields)), headers=headers)

    def _number(self, address: str) -> str:
        settings = self._settings
        if settings.number_format is NumberFormat.E164:
            return address
        if settings.number_format is NumberFormat.WITHOUT_PLUS:
            return address.removeprefix("+")
        prefix = f"+{settings.country_code}"
        if not address.startswith(prefix):
            raise RecipientRejected(f"this gateway sends to {prefix} only")
        return address.removeprefix(prefix)

    def _scrubbed(self, body: bytes) -> str:
        """The gateway's words without our secrets and without whole telephone numbers."""
        said = " ".join(body.decode("utf-8", errors="replace").split())
        for secret in (*self._settings.secret_fields.values(), *self._settings.secret_headers.values()):
            for seen in filter(None, (secret.get_secret_value(), quote(secret.get_secret_value(), safe=""))):
                said = said.replace(seen, "***")
        return _ALL_BUT_THREE_DIGITS.sub("…", said)[:_SAID_LENGTH]


def _is_no_request(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("HTTP Request:")


def _raise_for(reply: _Reply) -> None:
    """Raise what the HTTP status means, unless it is one of success."""
    if reply.status in _NEVER:
        raise RecipientRejected(reply.said)
    if reply.status in _OUR_CREDENTIALS:
        raise GatewayBusy(
            f"configuration: the gateway refuses our credentials, {reply.said}", reply.retry_after_s
        )
    if reply.status in _NOT_NOW or httpx.codes.is_server_error(reply.status):
        raise GatewayBusy(reply.said, reply.retry_after_s)
    if not httpx.codes.is_success(reply.status):
        raise GatewayBusy(
            f"configuration: is the address of the gateway right? {reply.said}", reply.retry_after_s
        )


def _fate(word: str, status: StatusCall) -> Fate:
    """What the gateway's word means; one we were not told of is no news."""
    return status.fates.get(word, Fate.ACCEPTED)


def _filled(value: JsonValue, facts: Mapping[str, str]) -> JsonValue:
    if isinstance(value, str):
        return PLACEHOLDER.sub(lambda match: facts[match[1]], value)
    if isinstance(value, list):
        return [_filled(each, facts) for each in value]
    if isinstance(value, dict):
        return {name: _filled(each, facts) for name, each in value.items()}
    return value


def _flat(fields: Mapping[str, JsonValue]) -> dict[str, str | float | None]:
    """The fields for the type checker: settings let nothing nested through to a form or a query."""
    return {name: value for name, value in fields.items() if not isinstance(value, dict | list)}


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


def _at(document: JsonValue, path: str) -> JsonValue:
    """What a path like `data.0.messageId` leads to; None where it leads nowhere."""
    for step in path.split("."):
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return None
    return document


def _word(value: JsonValue) -> str | None:
    """A value as settings write it: `true`, `0`, `DELIVERED`; None for what is no single word."""
    if value is None or value == "" or isinstance(value, dict | list):
        return None
    return value if isinstance(value, str) else json.dumps(value)


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
