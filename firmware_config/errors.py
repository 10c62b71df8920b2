"""What a person wrote cannot be used: which file, which key, and why.

One refusal lists every problem found, because a technician at a tap would rather mend five lines at once than
one line five times.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from waterquality.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        key: path of the key in its file, e.g. `probes[1].input.channel`; "" when it is the file itself.
        reason: what is wrong with it, in words for the person who mends it.
        source: the file or environment variable it was read from; "" where the reader has yet to say.
    """

    key: str
    reason: str
    source: str = ""

    def __str__(self) -> str:
        return ": ".join(part for part in (self.source, self.key, self.reason) if part)


class ConfigRefused(ConfigError):
    """A file cannot be used; mended by the operator.

    Attributes:
        problems: all of them, in the order of the file; the message has one line for each.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class UnknownProbeModel(ConfigError):
    """There is no datasheet of that name; the message lists those there are; mended by the operator."""


class UnsupportedClaim(ConfigError):
    """A limit that the probe cannot evidence; the message carries the arithmetic; mended by the operator."""
