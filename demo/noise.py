"""Chance that can be asked in any order: every number is a hash of (stream, node).

A stream is a 64-bit key made from a seed and names; a node is a whole number: a day, a cell of rain, a tick.
Nothing has to be replayed, and the same question has the same answer on every machine and in every Python.
"""

import math
from functools import lru_cache
from hashlib import blake2b

_MASK = 0xFFFF_FFFF_FFFF_FFFF
_THIRD = 0x1F_FFFF  # 21 bits: a 64-bit hash holds three such numbers


def stream(*names: object) -> int:
    """The 64-bit key of a stream of chance."""
    return int.from_bytes(blake2b("/".join(map(str, names)).encode(), digest_size=8).digest())


def _mixed(key: int, node: int) -> int:
    # The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit of the input moves every bit of the
    # result.
    mixed = (key + node * 0x9E37_79B9_7F4A_7C15) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58_476D_1CE4_E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB) & _MASK
    return mixed ^ (mixed >> 31)


def unit(key: int, node: int) -> float:
    """A number in [0, 1), evenly spread."""
    return _mixed(key, node) / (_MASK + 1)


_unit_again = lru_cache(maxsize=1 << 14)(unit)  # a wander asks for the same two nodes many times over


def gauss(key: int, node: int) -> float:
    """A number of mean 0 and deviation 1, nearly normal: the sum of three even ones, so never beyond ±3."""
    mixed = _mixed(key, node)
    total = (mixed & _THIRD) + (mixed >> 21 & _THIRD) + (mixed >> 42 & _THIRD)
    return 2.0 * (total / _THIRD - 1.5)


def smooth(key: int, at_s: float, period_s: float) -> float:
    """A smooth wander between -1 and 1, with a new direction about every `period_s` seconds.

    Args:
        key: the stream.
        at_s: seconds since 1970.
        period_s: seconds between two nodes.
    """
    node, part = divmod(at_s / period_s, 1.0)
    first, second = _unit_again(key, int(node)), _unit_again(key, int(node) + 1)
    eased = part * part * (3.0 - 2.0 * part)
    return 2.0 * (first + (second - first) * eased) - 1.0


@lru_cache(maxsize=1 << 10)
def _peak(rise_s: float, decay_s: float) -> float:
    at_s = rise_s * math.log1p(2 * decay_s / rise_s)
    return math.expm1(-at_s / rise_s) ** 2 * math.exp(-at_s / decay_s)


def pulse(since_s: float, *, rise_s: float, decay_s: float) -> float:
    """What rises from 0 to exactly 1 and dies away: mud after rain, an acid discharge.

    Args:
        since_s: seconds since it began; before that it is 0.
        rise_s: time constant of the rise, in seconds; the peak is after `rise_s * ln(1 + 2 * decay_s /
            rise_s)`.
        decay_s: time constant of the recovery, in seconds.
    """
    if since_s <= 0:
        return 0.0
    return math.expm1(-since_s / rise_s) ** 2 * math.exp(-since_s / decay_s) / _peak(rise_s, decay_s)
