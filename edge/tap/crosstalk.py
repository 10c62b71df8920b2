"""`calibrate ph --crosstalk`: whether another probe in the same water disturbs the pH.

A pH electrode sees any current that finds its way through the water, and a turbidity probe on the same supply may
send one. Both look sound in their standards, each in its own beaker; it shows only where they share the water.
"""

from collections.abc import Sequence

from edge.tap.bench import Bench, GaveUp
from edge.tap.settling import Settled, criterion_of, settle
from firmware_config.catalogues import Phrase, msgid, said
from firmware_config.words import PARAMETERS
from waterquality.parameters import Parameter


def crosstalk(bench: Bench, others: Sequence[Parameter]) -> None:
    """Guide through one comparison; nothing is kept.

    Args:
        bench: of the pH probe.
        others: what the other probes in the water measure, the likeliest to disturb first.

    Raises:
        GaveUp: they disturb one another, or it could not be found out; the technician has read why.
        NobodyAnswers: the agent stopped in the middle; mended by starting again.
    """
    screen = bench.screen
    if not others:
        screen.say(msgid("There is no other probe in the water here."), style="red")
        raise GaveUp
    other = Phrase(PARAMETERS[others[0]])
    screen.heading(said("Whether another probe disturbs the pH: %(other)s", other=other))
    together = _ph(bench, msgid("Put both probes into one vessel of the same water."))
    if bench.source.practice is not None:
        bench.source.practice.lift()
    alone = _ph(bench, msgid("Take the other one out of the water; leave the pH probe where it is."))
    _tell(bench, together, alone)


def _ph(bench: Bench, what_to_do: str) -> float:
    bench.screen.await_enter(what_to_do)
    shown = settle(bench.screen, bench.source.live, Parameter.PH, criterion_of(bench.sheet, 7.0))
    if isinstance(shown, Settled) and shown.value is not None:
        return shown.value
    uncertified = said("The pH needs a certificate first: tskaro-edge calibrate ph")
    bench.screen.say(uncertified if isinstance(shown, Settled) else shown, style="bold red")
    raise GaveUp


def _tell(bench: Bench, together: float, alone: float) -> None:
    most = bench.sheet.capability.uncertainty_at(alone)
    if abs(together - alone) <= most:
        bench.screen.say(
            msgid("They do not disturb one another: pH %(together).2f together, %(alone).2f alone."),
            style="green",
            together=together,
            alone=alone,
        )
        return
    bench.screen.say(
        msgid(
            "They disturb one another: pH %(together).2f together and %(alone).2f alone, more than the %(most).2f"
            " that the probe is uncertain by. Give one of them a supply of its own, or isolate the pH circuit;"
            " see the guide, wire a device."
        ),
        style="bold red",
        together=together,
        alone=alone,
        most=most,
    )
    raise GaveUp
