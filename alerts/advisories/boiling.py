"""When "boil" is no advice: boiling kills what lives in the water and leaves in it, or makes worse, what does not.

A white list, since a cause that nobody thought of must block: turbidity alone and microbes may be boiled. pH out of
range, an event, a chemical finding of a laboratory and an unknown cause may not, and neither may anything where the
catchment is known to hold what boiling does not remove (a mine).
"""

from collections.abc import Collection

from alerts.advisories.record import AdvisoryKind, Cause

_MAY_BE_BOILED = frozenset({Cause.TURBIDITY, Cause.MICROBES})
_WHY = {
    Cause.PH: "pH out of range may come from a chemical",
    Cause.EVENT: "an event has an unknown cause",
    Cause.CHEMICAL: "the cause is chemical",
    Cause.UNKNOWN: "the cause is not known",
}


def why_not_boil(causes: Collection[Cause], doubts: Collection[str] = ()) -> str:
    """Why "boil" must not be said; "" where it may.

    Args:
        causes: all that is thought to be wrong.
        doubts: what else speaks for a chemical, one English clause each: a catchment, a laboratory, an open alert.
    """
    said = [_WHY[cause] for cause in sorted(set(causes) - _MAY_BE_BOILED)]
    return "; ".join([*said, *sorted(doubts)])


def suggested(causes: Collection[Cause], doubts: Collection[str] = ()) -> AdvisoryKind:
    """What the system would propose."""
    return AdvisoryKind.DO_NOT_DRINK if why_not_boil(causes, doubts) else AdvisoryKind.BOIL
