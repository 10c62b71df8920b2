"""The feed of CAP messages, as Atom (RFC 4287): the newest first, each with a link to the message itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from alerts.advisories.cap import MEDIA_TYPE

FEED_TYPE = "application/atom+xml"
_NAMESPACE = "http://www.w3.org/2005/Atom"


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """A message in the feed."""

    identifier: str
    sender: str
    headline: str
    sent_at: datetime


def written_feed(entries: Sequence[FeedEntry], *, title: str, base: str, path: str, author: str) -> bytes:
    """The feed as XML, UTF-8.

    Args:
        entries: newest first.
        title: what it is called.
        base: address of the site, without a slash at its end.
        path: of the feed itself, with its query.
        author: who publishes it.
    """
    root = ET.Element("feed", xmlns=_NAMESPACE)
    _text(root, "id", f"{base}{path}")
    _text(root, "title", title)
    updated = max((entry.sent_at for entry in entries), default=datetime(1970, 1, 1, tzinfo=UTC))
    _text(root, "updated", _instant(updated))
    _text(ET.SubElement(root, "author"), "name", author)
    ET.SubElement(root, "link", rel="self", type=FEED_TYPE, href=f"{base}{path}")
    for entry in entries:
        _entry(ET.SubElement(root, "entry"), entry, base)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def path_of(identifier: str) -> str:
    """Where a message is to be had."""
    return f"/cap/{identifier}.xml"


def _entry(element: ET.Element, entry: FeedEntry, base: str) -> None:
    address = f"{base}{path_of(entry.identifier)}"
    _text(element, "id", address)
    _text(element, "title", entry.headline)
    _text(element, "updated", _instant(entry.sent_at))
    _text(element, "published", _instant(entry.sent_at))
    _text(ET.SubElement(element, "author"), "name", entry.sender)
    _text(element, "summary", entry.headline)
    ET.SubElement(element, "link", rel="alternate", type=MEDIA_TYPE, href=address)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = text
