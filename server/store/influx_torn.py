"""What must have happened after a full disk before InfluxDB 1.x may be believed again: two restarts.

Tried on 1.6.7. A full disk leaves a torn entry at the end of the write-ahead log. The next start cuts it off, but
goes on writing behind where it was, so that a hole is left; whatever is acknowledged from then on is thrown away by
the start after that, which stops reading at the hole. A second restart before anything is written mends it. So from
the first "no space left" on nothing is written until the server was seen to have started twice.
"""

_NEEDED = 2


class Restarts:
    """Counts the starts of a server since its disk was full.

    Args:
        started: when it says that it was started, at the time when the disk was full.
    """

    def __init__(self, started: str) -> None:
        self._known = {started}

    def see(self, started: str) -> int:
        """How many restarts are still needed, now that it says that it was started then."""
        if started:
            self._known.add(started)
        return max(0, _NEEDED + 1 - len(self._known))
