"""The last lines of the agent's own log, for somebody who is not at the device.

Bounded in lines and in letters. **No secret is ever in it**: what the settings hold as one is struck out before a
line is kept, and so is anything that looks like a key; what was never kept cannot be asked for.
"""

import json
import re
import threading
from collections import deque
from collections.abc import Sequence

_MOST_LINES = 500
_LONGEST_LINE = 1000
_STRUCK_OUT = "***"
_LOOKS_SECRET = re.compile(
    r"(?i)\b([\w-]*(?:password|passwd|secret|token|psk)[\w-]*[\"']?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,}]+)"
)
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL)


class LogTail:
    """Keeps the last lines that were logged.

    Args:
        secrets: texts that must never be shown, e.g. the broker's password.
    """

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self._secrets = tuple(filter(None, secrets))
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)
        self._lock = threading.Lock()

    def keep(self, text: str) -> None:
        """Keep what was logged: a line, or several."""
        clean = self._clean(text)
        with self._lock:
            self._lines.extend(line[:_LONGEST_LINE] for line in clean.splitlines() if line)

    def last(self, lines: int, *, at_most_bytes: int) -> list[str]:
        """The newest lines, oldest first.

        Args:
            lines: how many at most.
            at_most_bytes: how long they may be together, as JSON in UTF-8; the newest are kept.
        """
        with self._lock:
            newest_first = list(self._lines)[: -lines - 1 : -1]
        kept, room = [], at_most_bytes
        for line in newest_first:
            room -= len(json.dumps(line, ensure_ascii=False).encode()) + 1
            if room < 0:
                break
            kept.append(line)
        return kept[::-1]

    def _clean(self, text: str) -> str:
        text = text.encode("utf-8", "replace").decode()
        for secret in self._secrets:
            text = text.replace(secret, _STRUCK_OUT)
        text = _PEM.sub(_STRUCK_OUT, text)
        return _LOOKS_SECRET.sub(rf"\1{_STRUCK_OUT}", text)
