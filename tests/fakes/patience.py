"""Waiting in tests: until something is so, and no longer. Never a fixed sleep."""

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")
_EVERY_S = 0.02


def eventually(look: Callable[[], _T], *, within_s: float = 30.0, every_s: float = _EVERY_S) -> _T:
    """What `look` returns, as soon as that is true.

    Args:
        look: asked again and again.
        within_s: how long at most; generous, for a loaded machine.
        every_s: seconds between two looks.

    Raises:
        AssertionError: it never was; the message carries the last answer.
    """
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {within_s:g} s; at last: {found!r}"
        time.sleep(every_s)
    return found
