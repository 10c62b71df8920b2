"""How many SMS segments a text takes. Pure.

One character outside the GSM 7-bit default alphabet turns the whole text into UCS-2 and leaves 70 units where
there were 160. A character of the extension table, and one outside the basic plane, counts two units, which
never part between two segments.

Source: 3GPP TS 23.038 (GSM 03.38), 6.2.1 and 6.2.1.1. National language shift tables are left out on purpose:
gateways and handsets support them too poorly to rely on, and there is none for ka, az, hy or ru anyway.
"""

from dataclasses import dataclass
from enum import StrEnum

# Read like the standard's chart, sixteen codes to a line; ESC (0x1B) is no character of its own.
_DEFAULT_ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
_EXTENSION_TABLE = frozenset("\f^{}\\[~]|€")
_LAST_OF_BASIC_PLANE = "\uffff"


class Encoding(StrEnum):
    """How a text travels."""

    GSM_7 = "gsm-7"
    UCS_2 = "ucs-2"

    @property
    def single(self) -> int:
        """Units that a text of one segment holds: septets of GSM 7-bit, UTF-16 code units of UCS-2."""
        return 160 if self is Encoding.GSM_7 else 70

    @property
    def part(self) -> int:
        """Units that each segment of a longer text holds; the rest is the header that joins them."""
        return 153 if self is Encoding.GSM_7 else 67


@dataclass(frozen=True, slots=True)
class Segmentation:
    """What a text takes.

    Attributes:
        encoding: how it travels.
        units: its length, in units of the encoding.
        count: segments, at least 1.
        room_left: units that the last segment still holds.
    """

    encoding: Encoding
    units: int
    count: int
    room_left: int


def segments(text: str) -> Segmentation:
    """Count the segments of a text."""
    encoding = encoding_of(text)
    widths = [_width(character, encoding) for character in text]
    units = sum(widths)
    if units <= encoding.single:
        return Segmentation(encoding, units, 1, encoding.single - units)
    count, used = _fill(widths, encoding.part)
    return Segmentation(encoding, units, count, encoding.part - used)


def encoding_of(text: str) -> Encoding:
    """How a text travels: GSM 7-bit where every character allows it."""
    is_gsm = all(character in _DEFAULT_ALPHABET or character in _EXTENSION_TABLE for character in text)
    return Encoding.GSM_7 if is_gsm else Encoding.UCS_2


def _width(character: str, encoding: Encoding) -> int:
    if encoding is Encoding.GSM_7:
        return 2 if character in _EXTENSION_TABLE else 1
    return 2 if character > _LAST_OF_BASIC_PLANE else 1


def _fill(widths: list[int], part: int) -> tuple[int, int]:
    """How many parts it takes, and the units used of the last."""
    count, used = 1, 0
    for width in widths:
        if used + width > part:
            count, used = count + 1, 0
        used += width
    return count, used
