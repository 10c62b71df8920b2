"""The log of every process: structlog to standard error, key=value for people or JSON. Set up once, at start."""

import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO, cast

import structlog


class _StandardError:
    """Standard error as it is at each moment; a log that cannot be written must not stop a loop."""

    def __init__(self, also: Callable[[str], None] | None) -> None:
        self._also = also

    def write(self, text: str) -> int:
        if self._also is not None:
            self._also(text)
        with suppress(OSError, ValueError):  # a broken pipe, a closed file
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


def set_up_logs(*, level: str, as_json: bool, also: Callable[[str], None] | None = None) -> None:
    """Write events of this level and above to standard error.

    Args:
        level: debug, info, warning or error.
        as_json: JSON for machines, else key=value for people.
        also: given each line as well; must not raise.
    """
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _StandardError(also))),
        cache_logger_on_first_use=True,
    )
