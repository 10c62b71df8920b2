"""What an examination of a store comes to: one finding for each thing looked at, and how bad it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How bad; the value is the exit code of the examination."""

    WELL = 0
    DOUBTFUL = 1
    BAD = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: in a word or two.
        level: how it stands.
        said: what was seen.
        mend: what to do; "" when it is well.
    """

    what: str
    level: Level
    said: str
    mend: str = ""


def well(what: str, said: str) -> Finding:
    """As it should be."""
    return Finding(what, Level.WELL, said)


def doubtful(what: str, said: str, mend: str) -> Finding:
    """It works, and something about it is to be known."""
    return Finding(what, Level.DOUBTFUL, said, mend)


def bad(what: str, said: str, mend: str) -> Finding:
    """It does not work."""
    return Finding(what, Level.BAD, said, mend)


def worst(findings: Iterable[Finding]) -> Level:
    """The level of the worst."""
    return max((finding.level for finding in findings), default=Level.WELL)
