"""One visitor at the door: lines in, lines out, both bounded, neither ever waited for. No sockets: bytes only.

**Invariant**: what a visitor costs is bounded, whatever it sends and however slowly it reads: a line of four
kilobytes, and an answer's worth of bytes not yet fetched. Live lines that a slow reader has no room for are left
out: the next one is newer anyway.
"""

MAX_LINE_BYTES = 4 * 1024
_MOST_UNREAD_BYTES = 128 * 1024
_LIVE_UNREAD_BYTES = 16 * 1024


class TooMuch(Exception):
    """The visitor sends lines without an end, or asks and does not fetch the answers."""


class Visitor:
    """What came from a visitor and what goes back.

    Attributes:
        watches: whether it wants every tick.
        last_s: when something last went either way, in monotonic seconds.
    """

    def __init__(self, now_s: float) -> None:
        self._heard, self._unread = bytearray(), bytearray()
        self.watches = False
        self.last_s = now_s

    def hear(self, data: bytes, now_s: float) -> list[bytes]:
        """Take in what came; the lines that are whole now.

        Raises:
            TooMuch: a line is too long.
        """
        self.last_s = now_s
        self._heard += data
        *lines, rest = bytes(self._heard).split(b"\n")
        if max(map(len, (*lines, rest))) > MAX_LINE_BYTES:
            raise TooMuch
        self._heard = bytearray(rest)
        return lines

    def tell(self, line: bytes) -> None:
        """Have a line ready for it.

        Raises:
            TooMuch: it does not fetch what it asked for.
        """
        if len(self._unread) + len(line) > _MOST_UNREAD_BYTES:
            raise TooMuch
        self._unread += line + b"\n"

    def tell_live(self, line: bytes) -> None:
        """Have a tick ready for it, unless it has not fetched the ticks before."""
        if len(self._unread) < _LIVE_UNREAD_BYTES:
            self._unread += line + b"\n"

    def unread(self, at_most: int) -> bytes:
        """What it has yet to fetch, so many bytes at most."""
        return bytes(self._unread[:at_most])

    @property
    def has_unread(self) -> bool:
        """Whether there is something for it to fetch."""
        return bool(self._unread)

    def fetched(self, count: int, now_s: float) -> None:
        """It has taken so many bytes."""
        if count:
            self.last_s = now_s
            del self._unread[:count]

    def is_stuck(self, now_s: float, *, longest_s: float) -> bool:
        """Whether nothing has gone either way for so long, though something should."""
        is_waiting = self.has_unread or not self.watches
        return is_waiting and now_s - self.last_s > longest_s
