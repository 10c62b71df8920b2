"""How often Python looks for garbage in a process that takes readings in.

A round of intake makes some hundred thousand objects, which go by themselves at its end: nothing in it refers back
to itself. By default Python would look through all of them again and again meanwhile, and through everything that
was there before. That was a sixth of what an observation cost (docs/performance.md).
"""

import gc

_MADE_BEFORE_A_LOOK = 200_000  # objects; more than a round makes, and less than a few tens of megabytes


def collect_seldom() -> None:
    """From now on, look for garbage once in several rounds, and never among what is there already.

    To be called once, by a process of its own, when its parts have been put together.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_MADE_BEFORE_A_LOOK, 20, 20)
