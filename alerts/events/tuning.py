"""Every number of event detection in one place.

Fitted once, on the first six weeks of one labelled file and on events injected into it, and the same for all
water points since: what differs from point to point is learned, not tuned (`docs/performance.md`).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How a detector listens. Counts are observations unless the name says otherwise.

    Attributes:
        smoothed: values whose median stands for the newest one; one less than half of them may be spikes.
        windows: how many values before it the newest one is compared with, the short and the long look.
        longest_gap_s: after so long without evidence a parameter's level is learned anew, in seconds.
        block_s: length of a block; of each block the greatest change is remembered, in seconds.
        block_at_least: observations that a block needs.
        blocks_kept: blocks remembered.
        blocks_recent: the last of them, which may raise what counts as ordinary and never lower it.
        blocks_to_learn: blocks before a parameter may accuse.
        events_left_out: share of the blocks that may be left out of the normal as events; from there on, being
            strange is how this water is.
        spread: lowest and highest spread (MAD of logarithms) that a parameter's ordinary extremes are given.
        cap: the most that one parameter may count for.
        bar: how far beyond its ordinary extreme the whole must be.
        prior: the ordinary extreme of the whole before it is known.
        prior_blocks: how many blocks that assumption weighs.
        confirm: observations in a row beyond the bar that make an event.
        end_below: share of the bar below which an event is ending.
        end_after: observations in a row below it that end an event.
        hold: how long an event as strong as the bar may last before its level is taken as the new normal; a
            stronger one may last longer in proportion.
        hold_at_most: the longest.
        join_s: a new event within so long of the last is the same one, in seconds.
        switch: how far beyond its ordinary extreme a flow or condition must change to count as an operation.
        switch_share: share of itself by which a flow changes when something was switched.
        switch_s: how long a switch explains changes in the water, in seconds.
        switch_doubt: by how much of itself the bar is raised so long.
    """

    smoothed: int = 3
    windows: tuple[int, int] = (20, 60)
    longest_gap_s: float = 30 * 60
    block_s: float = 6 * 3600
    block_at_least: int = 24
    blocks_kept: int = 112
    blocks_recent: int = 28
    blocks_to_learn: int = 8
    events_left_out: float = 0.4
    spread: tuple[float, float] = (0.1, 0.5)
    cap: float = 12.0
    bar: float = 1.8
    prior: float = 0.6
    prior_blocks: int = 12
    confirm: int = 3
    end_below: float = 0.7
    end_after: int = 2
    hold: int = 20
    hold_at_most: int = 360
    join_s: float = 3600
    switch: float = 2.0
    switch_share: float = 0.5
    switch_s: float = 45 * 60
    switch_doubt: float = 1.0


DEFAULT = Tuning()
