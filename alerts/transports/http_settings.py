"""What a person writes down about an HTTP gateway, checked whole before the first text goes out.

`http_gateway.sample.toml` beside this file explains every key. Secrets are never in the file: it only names
them, and `read_settings` puts them in.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Self

import httpx
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from alerts.ports import Fate
from waterquality.errors import ConfigError

PLACEHOLDER = re.compile(r"\{(\w*)\}")
OF_SEND = frozenset({"to", "text", "reference", "sender"})
OF_STATUS = frozenset({"message_id"})
_LAST_PORT = 65_535
_STRICT = ConfigDict(frozen=True, extra="forbid")
_Word = Annotated[str, StringConstraints(min_length=1)]


def _can_be_reached(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from None
    if parsed.scheme not in {"http", "https"} or not parsed.host or not 0 < (parsed.port or 1) <= _LAST_PORT:
        raise ValueError("it is no http(s) address")
    return url


_Url = Annotated[str, AfterValidator(_can_be_reached)]


class Method(StrEnum):
    """How a request is made."""

    GET = "GET"
    POST = "POST"


class BodyForm(StrEnum):
    """How the fields of a request travel."""

    FORM = "form"
    JSON = "json"
    QUERY = "query"


class NumberFormat(StrEnum):
    """How a gateway wants a telephone number."""

    E164 = "e164"
    WITHOUT_PLUS = "without_plus"
    NATIONAL = "national"


class Call(BaseModel):
    """One kind of request."""

    model_config = _STRICT
    url: _Url
    method: Method = Method.POST
    encoding: BodyForm = BodyForm.JSON
    fields: dict[str, JsonValue] = {}
    headers: dict[str, str] = {}

    @model_validator(mode="after")
    def _can_be_made(self) -> Self:
        if self.method is Method.GET and self.encoding is not BodyForm.QUERY:
            message = f"GET carries its fields in the query, not as {self.encoding}"
            raise ValueError(message)
        is_flat = not any(isinstance(value, dict | list) for value in self.fields.values())
        if self.encoding is not BodyForm.JSON and not is_flat:
            message = f"fields within fields cannot travel as {self.encoding}"
            raise ValueError(message)
        return self

    def placeholders(self) -> frozenset[str]:
        """The placeholders of the URL and all fields, without their braces."""
        texts = (self.url, *_texts_in(self.fields))
        return frozenset(name for text in texts for name in PLACEHOLDER.findall(text))


class Answer(BaseModel):
    """How the gateway's answer to a text is read. Paths lead into its JSON: `data.0.messageId`."""

    model_config = _STRICT
    success_path: str = ""
    success_words: frozenset[_Word] = frozenset()
    message_id_path: str = ""
    code_path: str = ""
    temporary_codes: frozenset[_Word] = frozenset()
    permanent_codes: frozenset[_Word] = frozenset()

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if bool(self.success_path) is not bool(self.success_words):
            raise ValueError("success_path and success_words go together")
        if (self.temporary_codes or self.permanent_codes) and not self.code_path:
            raise ValueError("codes need a code_path")
        if both := self.temporary_codes & self.permanent_codes:
            message = f"both temporary and permanent: {sorted(both)}"
            raise ValueError(message)
        return self


class StatusCall(Call):
    """How to ask what became of a text."""

    fate_path: _Word
    fates: Annotated[dict[str, Fate], Field(min_length=1)]

    @model_validator(mode="after")
    def _asks_for_a_text(self) -> Self:
        if unknown := self.placeholders() - OF_STATUS:
            message = f"unknown placeholders {sorted(unknown)}"
            raise ValueError(message)
        if "message_id" not in self.placeholders():
            raise ValueError("{message_id} is missing")
        if Fate.QUEUED in self.fates.values():
            raise ValueError("what a gateway holds is `accepted`; `queued` is what we hold")
        return self


class HttpGatewaySettings(BaseModel):
    """An HTTP gateway. The secrets have no default: one that needs none is given two empty tables."""

    model_config = _STRICT
    send: Call
    answer: Answer = Answer()
    status: StatusCall | None = None
    secret_headers: dict[str, SecretStr]
    secret_fields: dict[str, SecretStr]
    sender: str = ""
    number_format: NumberFormat = NumberFormat.E164
    country_code: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,2}$")] = "995"
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 10

    @model_validator(mode="after")
    def _carries_a_text(self) -> Self:
        used = self.send.placeholders()
        if unknown := used - OF_SEND:
            message = f"unknown placeholders {sorted(unknown)}"
            raise ValueError(message)
        if missing := {"to", "text"} - used:
            message = f"nothing carries {sorted(missing)}"
            raise ValueError(message)
        if "sender" in used and not self.sender:
            raise ValueError("{sender} is used, and sender is empty")
        if twice := self.secret_fields.keys() & self.send.fields.keys():
            message = f"both in fields and in secret_fields: {sorted(twice)}"
            raise ValueError(message)
        return self


def read_settings(toml: str, secrets: Mapping[str, SecretStr]) -> HttpGatewaySettings:
    """Read the settings of a gateway.

    Args:
        toml: text of the file; its `secret_headers` and `secret_fields` name the secrets that belong there.
        secrets: the secrets themselves, by name.

    Raises:
        ConfigError: the file cannot be used, or a secret it names is missing; mended by the operator.
    """
    try:
        document = tomllib.loads(toml)
        for table in ("secret_headers", "secret_fields"):
            if isinstance(document.get(table), dict):
                document[table] = {key: secrets[name] for key, name in document[table].items()}
        return HttpGatewaySettings.model_validate(document)
    except KeyError as missing:
        raise ConfigError(f"the gateway needs the secret {missing}, and there is none") from None
    except ValidationError as wrong:
        # Pydantic's own words would repeat what was entered.
        reasons = "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in wrong.errors())
        raise ConfigError(f"the gateway's settings: {reasons}") from None
    except tomllib.TOMLDecodeError as wrong:
        raise ConfigError(f"the gateway's settings: {wrong}") from None


def _texts_in(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from _texts_in(child)
