"""Who is told of an advisory beside those who read the pages and the feed: a port for texts to the municipality."""

from typing import Protocol

from alerts.advisories.record import Advisory


class Herald(Protocol):
    """Tells people of advisories; called after what it tells of was recorded, and may be told twice."""

    def proposed(self, number: int, advisory: Advisory) -> None:
        """The system has proposed an advisory, and somebody with authority must look at it."""
        ...

    def boil_is_doubted(self, number: int, advisory: Advisory, why: str) -> None:
        """People are told to boil, and new evidence says that the cause may be chemical."""
        ...


class NobodyTold:
    """Tells nobody: proposals are seen by those who look."""

    def proposed(self, number: int, advisory: Advisory) -> None:
        """Nobody is told."""

    def boil_is_doubted(self, number: int, advisory: Advisory, why: str) -> None:
        """Nobody is told."""
