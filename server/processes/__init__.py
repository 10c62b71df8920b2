"""The server's composition root: the only place that puts its parts together.

`tskaro serve` runs all of it in one process; `tskaro ingest`, `web` and `notify` run it apart. The demo composes
the same parts with another clock, another broker and another transport.
"""

from server.processes.feed import LiveFeed
from server.processes.ingest import Ingest
from server.processes.notify import Notify
from server.processes.remote import Remote
from server.processes.surroundings import Running, Surroundings

__all__ = ["Ingest", "LiveFeed", "Notify", "Remote", "Running", "Surroundings"]
