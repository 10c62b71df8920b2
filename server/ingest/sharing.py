"""How shards are shared out among ingest workers. Pure.

Every worker works out the same quotas from the same rows: sixteen shards over all who take part, those who joined
first getting one more where it does not come out even. Whoever has more than its quota gives back; whoever has
less takes what is free. So nothing moves but what must.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from waterquality.topics import SHARDS

FREE = ""  # the holder of a shard that nobody holds


@dataclass(frozen=True, slots=True)
class Share:
    """What a worker should do next.

    Attributes:
        quota: how many shards are its due.
        give: shards to give back.
        take: shards to take.
    """

    quota: int
    give: Sequence[str] = ()
    take: Sequence[str] = ()


def quota(worker: str, workers: Sequence[str]) -> int:
    """How many shards are a worker's due; 0 for one that does not take part.

    Args:
        worker: which one.
        workers: all who take part, those who joined first in front.
    """
    if worker not in workers:
        return 0
    each, over = divmod(len(SHARDS), len(workers))
    return each + (workers.index(worker) < over)


def share_out(worker: str, workers: Sequence[str], holders: Mapping[str, str]) -> Share:
    """What a worker should give back and take.

    Args:
        worker: which one. One that does not take part now keeps what it holds: it may come back in time.
        workers: all who take part, those who joined first in front.
        holders: who holds each shard; `FREE` where its holder has gone.
    """
    due = quota(worker, workers)
    mine = sorted(shard for shard, holder in holders.items() if holder == worker)
    free = sorted(shard for shard, holder in holders.items() if holder == FREE)
    if worker not in workers:
        return Share(due)
    return Share(due, give=mine[due:], take=free[: max(0, due - len(mine))])
