"""What came before: told from what is new, and never taken in twice.

The same number with other content is an alarm and no repeat. What is remembered is compared at once; what is not,
with the store, once the round has been opened (`server.ingest.comparing`).
"""

from collections.abc import Callable, Iterator

from server.ingest.comparing import AT_ONCE, Contents, Same, compare
from server.ingest.questions import Questions
from server.ingest.round import Round
from server.ingest.subscriber import Arrival
from server.store.port import ReadingStore, StoreUnavailable
from waterquality.readings import Observation


class Repeats:
    """Knows what came before.

    Args:
        store: asked what it holds under a number that is not remembered.
    """

    def __init__(self, store: ReadingStore) -> None:
        self._store = store
        self._contents = Contents()

    def is_known(self, observation: Observation, arrival: Arrival, the_round: Round) -> bool:
        """Whether it came before; what must be compared with the store is left in `forgotten`."""
        is_same = self._contents.is_same(observation)
        if is_same is False:
            the_round.alarm_conflict(observation, arrival)
            return True
        name, book = (observation.device, observation.epoch, observation.seq), None
        if name not in the_round.seen:
            book = the_round.book(name[:2])
            if observation.seq not in book.received:
                self._contents.remember(observation)
                the_round.seen.add(name)
                return False
        the_round.counters["repeated"] += 1
        if is_same is None and book is not None and observation.seq in book.stored:
            the_round.forgotten.setdefault(arrival.topic, (arrival, []))[1].append(observation)
        return True

    def lost(self, the_round: Round, questions: Questions) -> Iterator[tuple[Observation, Arrival]]:
        """What came again, and the store holds no more though it did: it is to be taken in like a new one."""
        batches = list(the_round.forgotten.values())
        the_round.counters["repeated_uncompared"] += sum(len(batch) for _, batch in batches[AT_ONCE:])
        for arrival, repeated in batches[:AT_ONCE]:
            if not questions.may_go_on:
                the_round.counters["repeated_uncompared"] += len(repeated)
                continue
            stays = the_round.registry.stays.get(repeated[0].device, ())
            try:
                same = compare(self._store, the_round.books, repeated, (stay.water_point for stay in stays))
            except StoreUnavailable:
                the_round.counters["repeated_uncompared"] += len(repeated)
                return
            for observation in repeated:
                if same[observation.seq] is Same.NO:
                    the_round.alarm_conflict(observation, arrival)
                    continue
                self._contents.remember(observation)
                if same[observation.seq] is Same.LOST:
                    the_round.counters["stored_again"] += 1
                    yield observation, arrival

    def forget(self, of: Callable[[str], bool]) -> None:
        """Forget what these devices sent: another worker may have taken in more of it."""
        self._contents.forget(of)
