"""The outbox: what a device has recorded and the server does not yet hold, in a SQLite file.

`box` keeps and forgets, `dating` gives times, `room` and `ballast` see to a full disk, `salvage` to a damaged file.
"""

from edge.outbox.box import Outbox
from edge.outbox.depth import Depth, look_into
from edge.outbox.opening import open_outbox
from edge.outbox.room import OutboxFull, WhenFull

__all__ = ["Depth", "Outbox", "OutboxFull", "WhenFull", "look_into", "open_outbox"]
