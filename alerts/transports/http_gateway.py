"""Any SMS gateway that takes texts over HTTP, by template.

**Invariants**
* Only a plain "never" is a rejection: a permanent code, or HTTP 400, 413 or 422. Everything else (no answer,
  5xx, 429, a wrong key, an answer that cannot be read) is held and tried again, since a lost text is worse
  than a doubled one.
* What an answer may hold, and what of it may be repeated, is the business of `exchange`.
"""

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import quote

import httpx
from pydantic import JsonValue

from alerts.ports import Fate
from alerts.transports.exchange import Exchange, Reply, raise_for
from alerts.transports.http_settings import (
    PLACEHOLDER,
    BodyForm,
    Call,
    HttpGatewaySettings,
    NumberFormat,
    StatusCall,
)
from alerts.transports.port import GatewayBusy, Handover, RecipientRejected, Text, Trouble


class HttpGateway:
    """Carries texts through an HTTP gateway. Making one connects to nothing.

    Args:
        settings: how the gateway wants to be spoken to.
    """

    name: ClassVar[str] = "http_gateway"
    knows_references: ClassVar[bool] = False  # some do; nobody can tell from here

    def __init__(self, settings: HttpGatewaySettings) -> None:
        self._settings = settings
        secrets = (*settings.secret_fields.values(), *settings.secret_headers.values())
        self._exchange = Exchange(settings.timeout_s, secrets)

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
        return self._judged(self._exchange.ask(self._request(self._settings.send, facts)), text)

    def fate_of(self, message_id: str) -> Handover:
        """Ask what became of a text it accepted; UNKNOWN where the gateway cannot be asked.

        Raises:
            GatewayBusy: it cannot say now; mended by time.
        """
        status = self._settings.status
        if status is None:
            return Handover(Fate.UNKNOWN, message_id, "this gateway does not tell what became of a text")
        reply = self._exchange.ask(self._request(status, {"message_id": message_id}))
        word = reply.at(status.fate_path)
        if not httpx.codes.is_success(reply.status) or word is None:
            raise GatewayBusy(f"no fate told, {reply.said}", reply.retry_after_s)
        return Handover(_fate(word, status), message_id, reply.said)

    def close(self) -> None:
        """Let go of the connections."""
        self._exchange.close()

    def _judged(self, reply: Reply, text: Text) -> Handover:
        answer = self._settings.answer
        code = reply.at(answer.code_path)
        if code in answer.permanent_codes:
            raise RecipientRejected(f"code {code}, {reply.said}")
        if code in answer.temporary_codes:
            raise reply.busy(Trouble.BUSY, f"code {code}")
        raise_for(reply)
        if answer.success_path and reply.at(answer.success_path) not in answer.success_words:
            raise reply.busy(Trouble.LOST, "no word of success")
        if not answer.message_id_path:
            return Handover(Fate.ACCEPTED, text.reference, reply.said)
        message_id = reply.at(answer.message_id_path)
        if message_id is None and not answer.success_path:
            raise reply.busy(Trouble.LOST, "no id of the text")
        return Handover(Fate.ACCEPTED, message_id or "", reply.said)

    def _request(self, call: Call, facts: Mapping[str, str]) -> httpx.Request:
        url = httpx.URL(PLACEHOLDER.sub(lambda match: quote(facts[match[1]], safe=""), call.url))
        secrets = {name: secret.get_secret_value() for name, secret in self._settings.secret_fields.items()}
        fields = {name: _filled(value, facts) for name, value in call.fields.items()} | secrets
        headers = call.headers | {
            name: secret.get_secret_value() for name, secret in self._settings.secret_headers.items()
        }
        method = str(call.method)
        if call.encoding is BodyForm.JSON:
            return self._exchange.client.build_request(method, url, json=fields, headers=headers)
        if call.encoding is BodyForm.FORM:
            return self._exchange.client.build_request(method, url, data=fields, headers=headers)
        return self._exchange.client.build_request(
            method, url.copy_merge_params(_flat(fields)), headers=headers
        )

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
