"""What a check finds. Pure.

A check never says more than it saw: what could not be looked at is UNSEEN, which is worse than well.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from firmware_config.catalogues import Phrase, msgid


class Severity(IntEnum):
    """How bad it is; the value is also the exit code of `tskaro-edge doctor`, and rises with badness.

    2 is left out: it is what a command line gives for a mistyped option.
    """

    WELL = 0
    LOOK = 1
    UNSEEN = 3
    BROKEN = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: its name for scripts: `disk`, `bus.spi`, `probe.ph` and so on.
        severity: how it does.
        words: what was found, with the numbers.
        mend: what to do about it; None where there is nothing to do.
    """

    what: str
    severity: Severity
    words: Phrase
    mend: Phrase | None = None


def well(what: str, words: Phrase) -> Finding:
    """All is well with it."""
    return Finding(what, Severity.WELL, words)


def worst(findings: Iterable[Finding]) -> Severity:
    """The worst of all; UNSEEN where nothing was looked at."""
    severities = [finding.severity for finding in findings]
    return max(severities) if severities else Severity.UNSEEN


VERDICTS = {
    Severity.WELL: msgid("All is well: a receipt has come back for an observation that was seen going out."),
    Severity.LOOK: msgid("It works. Something wants a look before long."),
    Severity.UNSEEN: msgid("Nothing is known to be wrong, but not everything could be seen."),
    Severity.BROKEN: msgid("Something is broken. Mend it and run the doctor again."),
}
