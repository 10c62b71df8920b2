"""An advisory as the Common Alerting Protocol 1.2 (OASIS, 2010) has it: one `info` for each of five languages.

**Invariants**
* A message is written once and never changes: whoever publishes it keeps its bytes.
* Alert, Update and Cancel of one advisory are chained: each names all messages before it.
* `responseType` AllClear is said only of what was lifted on the demanded samples; what a person lifted without them
  asks for nothing (None) and says so.
* Identifier and sender hold no space, comma, `<` or `&` (CAP 1.2, §3.2.1).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

from alerts.advisories.life import Message
from alerts.advisories.phrases import Phrases, phrases
from alerts.advisories.record import AdvisoryKind, Authority, Cause, Order
from waterquality.errors import ConfigError
from waterquality.languages import Language

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA_TYPE = "application/cap+xml"
_TBILISI = ZoneInfo("Asia/Tbilisi")
_ID = re.compile(r"[^\s,<&]+")
# What the reader is to do; boiling is to be carried out, the rest is to be kept away from.
_RESPONSE = {
    AdvisoryKind.BOIL: "Execute",
    AdvisoryKind.DO_NOT_DRINK: "Avoid",
    AdvisoryKind.DO_NOT_USE: "Avoid",
}
_SEVERITY = {
    AdvisoryKind.BOIL: "Moderate",
    AdvisoryKind.DO_NOT_DRINK: "Severe",
    AdvisoryKind.DO_NOT_USE: "Severe",
}
_CHEMICAL = frozenset({Cause.PH, Cause.CHEMICAL})
_METRES_PER_KM = 1000.0


class Status(StrEnum):
    """How a message is to be taken."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    TEST = "Test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who speaks to other programs.

    Attributes:
        sender: unique for whoever runs this server, e.g. an e-mail address of theirs.
        status: how its messages are to be taken.
        web: where people read on; "" where there is no page for all.
    """

    sender: str
    status: Status = Status.ACTUAL
    web: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Whom it concerns: names by language, and a circle in degrees (WGS 84) and metres."""

    names: Mapping[Language, str]
    lat: float
    lon: float
    radius_m: float


@dataclass(frozen=True, slots=True)
class Reference:
    """A message before."""

    sender: str
    identifier: str
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifted:
    """How it ended: by whom, on how many clear samples; `override` is the reason for doing without."""

    by: Authority
    samples: int
    override: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapMessage:
    """All that one message says.

    Attributes:
        identifier: unique for its sender.
        sent_at: when; CAP knows no fractions of a second.
        kind: Alert, Update or Cancel.
        origin: who speaks.
        references: all messages of the advisory before it.
        order: what people are told; of a Cancel, what they were told.
        by: whose order it is.
        second: who confirmed it; None where one person is enough.
        causes: what is thought to be wrong.
        area: whom it concerns.
        expires_at: until when the message counts.
        lifted: of a Cancel: how it ended.
        note: why it was changed; "" where nothing was.
    """

    identifier: str
    sent_at: datetime
    kind: Message
    origin: Origin
    references: Sequence[Reference]
    order: Order
    by: Authority
    second: Authority | None
    causes: frozenset[Cause]
    area: Area
    expires_at: datetime
    lifted: Lifted | None = None
    note: str = ""


def check_sender(sender: str) -> str:
    """A sender that CAP allows; "" stays.

    Raises:
        ValueError: it holds what CAP forbids; mended by the operator.
    """
    if sender and not _ID.fullmatch(sender):
        raise ValueError("may hold no space, comma, < or &, e.g. water@municipality.example")
    return sender


def instant(at: datetime) -> str:
    """An instant as CAP writes it: local, with its offset, to the second."""
    return at.astimezone(_TBILISI).isoformat(timespec="seconds")


def written_cap(message: CapMessage) -> bytes:
    """The message as XML, UTF-8.

    Raises:
        ConfigError: identifier or sender are none of CAP; mended by the operator.
    """
    for said in (message.identifier, message.origin.sender):
        if not _ID.fullmatch(said):
            raise ConfigError(f"{said!r}: CAP allows no space, comma, < or & here")
    root = ET.Element("alert", xmlns=NAMESPACE)
    _texts(
        root,
        identifier=message.identifier,
        sender=message.origin.sender,
        sent=instant(message.sent_at),
        status=message.origin.status,
        msgType=message.kind,
        scope="Public",
        note=message.note,
        references=" ".join(_reference(each) for each in message.references),
    )
    for language in Language:
        _info(ET.SubElement(root, "info"), message, language)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def headline(message: CapMessage, words: Phrases, language: Language) -> str:
    """What a message says in one line."""
    kind, place = words.kinds[message.order.kind], message.area.names[language]
    if message.lifted is not None:
        return words.said.lifted_headline.format(place=place, event=kind.event)
    return kind.headline.format(place=place)


def _reference(each: Reference) -> str:
    return f"{each.sender},{each.identifier},{instant(each.sent_at)}"


def _info(info: ET.Element, message: CapMessage, language: Language) -> None:
    words = phrases(language)
    _texts(info, language=language, category="Health")
    if message.causes & _CHEMICAL:
        _texts(info, category="Env")
    _texts(info, event=words.kinds[message.order.kind].event, **_grades(message))
    _texts(
        info,
        effective=instant(message.sent_at),
        expires=instant(message.expires_at),
        senderName=f"{message.by.name}, {message.by.office}",
        headline=headline(message, words, language),
        description=_description(message, words, language),
        instruction=_instruction(message, words),
        web=message.origin.web and message.origin.web.format(language=language),
        contact=message.by.contact,
    )
    area = ET.SubElement(info, "area")
    circle = f"{message.area.lat:.5f},{message.area.lon:.5f} {message.area.radius_m / _METRES_PER_KM:g}"
    _texts(area, areaDesc=message.area.names[language], circle=circle)


def _grades(message: CapMessage) -> dict[str, str]:
    """What to do and how much it matters, in CAP's own words."""
    if message.lifted is not None:
        response = "None" if message.lifted.override else "AllClear"
        return {"responseType": response, "urgency": "Past", "severity": "Unknown", "certainty": "Unknown"}
    kind = message.order.kind
    return {
        "responseType": _RESPONSE[kind],
        "urgency": "Immediate",
        "severity": _SEVERITY[kind],
        "certainty": "Likely",
    }


def _description(message: CapMessage, words: Phrases, language: Language) -> str:
    if message.lifted is not None:
        ended = message.lifted
        said = [words.lifted(ended.by, message.sent_at, count=ended.samples, override=ended.override)]
    else:
        said = [words.issued(message.by, message.sent_at)]
    if message.second is not None:
        said.append(words.confirmed(message.second))
    own = "" if message.lifted is not None else message.order.own_text.get(language, "")
    return " ".join([*said, *([f"{words.said.own_words}: {own}"] if own else [])])


def _instruction(message: CapMessage, words: Phrases) -> str:
    if message.lifted is not None:
        return "" if message.lifted.override else words.said.let_run
    return words.kinds[message.order.kind].instruction


def _texts(parent: ET.Element, **said: str) -> None:
    """Children in the order given; what is empty is left out."""
    for name, text in said.items():
        if text:
            ET.SubElement(parent, name).text = str(text)
