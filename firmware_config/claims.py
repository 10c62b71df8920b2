"""No claim the probe cannot support: a limit stands for a probe only where its datasheet evidences it."""

from firmware_config.datasheet import Datasheet
from firmware_config.errors import UnsupportedClaim
from waterquality.limits import Limit, Method, why_not_evidenced
from waterquality.parameters import SPECS


def check_claim(limit: Limit, sheet: Datasheet) -> None:
    """Refuse a limit that the probe cannot evidence.

    Args:
        limit: what is to be checked.
        sheet: the probe that would check it.

    Raises:
        UnsupportedClaim: with the arithmetic; mended by the operator: a better probe, or an indicative rule.
    """
    if limit.parameter is not sheet.parameter:
        raise UnsupportedClaim(f"{sheet.model} measures {sheet.parameter}, the limit is of {limit.parameter}")
    why = why_not_evidenced(limit, sheet.capability)
    if why:
        raise UnsupportedClaim(f"{sheet.model}: {why}{_arithmetic(limit, sheet)}")


def _arithmetic(limit: Limit, sheet: Datasheet) -> str:
    if sheet.method is not Method.INDICATIVE:
        return ""  # the reason has it already
    return "".join(f"; {_sum(bound, sheet)}" for bound in limit.bounds())


def _sum(bound: float, sheet: Datasheet) -> str:
    unit, has = SPECS[sheet.parameter].unit, sheet.capability.uncertainty_at(bound)
    parts = f"{sheet.uncertainty:g} + {sheet.uncertainty_share:.0%} of {bound:g}"
    return f"at {bound:g} {unit} it is uncertain by {has:.3g} {unit} ({parts})"
