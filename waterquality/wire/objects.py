"""JSON objects from the other side, read with bounds: so many bytes, so deep, finite numbers, nothing else.

One reader for the small messages that tell a machine to *do* something; what is told by a stranger is refused
before anything looks at its meaning.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from waterquality.wire.rejection import Malformed, Rejection


def dump(message: Mapping[str, Any]) -> bytes:
    """The payload of an object, without a byte too many."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def load(payload: bytes, *, at_most: int, depth: int) -> dict[str, Any]:
    """The object in a payload.

    Args:
        payload: as it came.
        at_most: bytes it may have.
        depth: how many tables and lists may lie in one another; 1 is a flat object.

    Raises:
        Malformed: it is none, or is beyond a bound; mended by nobody.
    """
    if len(payload) > at_most:
        raise Malformed(Rejection.TOO_LARGE, f"{len(payload)} bytes; {at_most} at most")
    try:
        message = json.loads(payload, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Malformed(Rejection.NOT_JSON, str(error)[:200]) from error
    if not isinstance(message, dict):
        raise Malformed(Rejection.NOT_JSON, "not an object")
    if _depth(message) > depth:
        raise Malformed(Rejection.NOT_JSON, f"deeper than {depth}")
    return message


def text(message: Mapping[str, Any], key: str, *, at_most: int, default: str | None = None) -> str:
    """A text of the object.

    Raises:
        Malformed: it is missing without a default, no text, or longer than so many letters; mended by nobody.
    """
    value = message.get(key, default)
    if not isinstance(value, str):
        raise Malformed(Rejection.WRONG_TYPE, f"{key} should be a text")
    if len(value) > at_most:
        raise Malformed(Rejection.TOO_LARGE, f"{key} is longer than {at_most} letters")
    return value


def whole(message: Mapping[str, Any], key: str, *, least: int = 0, most: int = 2**53) -> int:
    """A whole number of the object.

    Raises:
        Malformed: it is missing, no whole number, or outside `least` to `most`; mended by nobody.
    """
    value = message.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Malformed(Rejection.WRONG_TYPE, f"{key} should be a whole number from {least} to {most}")
    return value


def milliseconds(message: Mapping[str, Any], key: str) -> int:
    """A time of the object, given in seconds since 1970, as milliseconds.

    Raises:
        Malformed: it is missing, no number, or in no century of ours; mended by nobody.
    """
    value = message.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < _LATEST_S:
        raise Malformed(Rejection.WRONG_TYPE, f"{key} should be seconds since 1970")
    return round(value * 1000)


def choice(message: Mapping[str, Any], key: str) -> bool:
    """A yes or no of the object.

    Raises:
        Malformed: it is missing or neither; mended by nobody.
    """
    value = message.get(key)
    if not isinstance(value, bool):
        raise Malformed(Rejection.WRONG_TYPE, f"{key} should be true or false")
    return value


_LATEST_S = 4_102_444_800  # 2100


def _depth(value: object) -> int:
    """How deep it is; the payload's size has bounded it already."""
    deepest, ahead = 0, [(value, 1)]
    while ahead:
        here, level = ahead.pop()
        inside = here.values() if isinstance(here, dict) else here if isinstance(here, list) else ()
        if isinstance(here, dict | list):
            deepest = max(deepest, level)
        ahead += [(each, level + 1) for each in inside]
        if isinstance(here, float) and not math.isfinite(here):
            raise Malformed(Rejection.NOT_FINITE, "a number beyond all bounds")
    return deepest


def _no_number(word: str) -> float:
    message = f"{word} is no number"
    raise ValueError(message)
