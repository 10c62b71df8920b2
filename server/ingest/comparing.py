"""Whether a number that comes again comes with the same content: the one place where the store is asked.

A number may be given out twice (a restored image, a cloned card), and then the second content must be an alarm
and no repeat. The newest observations are remembered here, content and all. Of older ones, and after a restart,
the store is asked what it holds under that number. It is asked only about repeats, so it costs an ordinary
observation nothing; and about few batches at a time, so that a thousand devices that repeat at once do not hold
up the new.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum, auto

from server.ingest.books import Books, Key
from server.ingest.days import instants_of
from server.store.port import ReadingStore
from waterquality.intervals import IntervalSet
from waterquality.readings import Observation

_REMEMBERED = 50_000
AT_ONCE = 20  # batches compared with the store in one round


class Same(Enum):
    """What the store says of a number that was booked as stored."""

    YES = auto()
    NO = auto()  # it holds another instant under that number
    LOST = auto()  # it holds nothing under that number, though it did: it was put back from a copy


class Contents:
    """Remembers what was in the newest observations."""

    def __init__(self) -> None:
        self._contents: OrderedDict[tuple[str, str, int], int] = OrderedDict()

    def is_same(self, observation: Observation) -> bool | None:
        """Whether it is what came under that number before; None where that is not remembered."""
        content = self._contents.get(_name(observation))
        return None if content is None else content == _content(observation)

    def forget(self, of: Callable[[str], bool]) -> None:
        """Remember nothing of these devices."""
        self._contents = OrderedDict(item for item in self._contents.items() if not of(item[0][0]))

    def remember(self, observation: Observation) -> None:
        """This is what came under that number."""
        self._contents[_name(observation)] = _content(observation)
        if len(self._contents) > _REMEMBERED:
            self._contents.popitem(last=False)


def _name(observation: Observation) -> tuple[str, str, int]:
    return observation.device, observation.epoch, observation.seq


def _content(observation: Observation) -> int:
    return hash((observation.taken_ms, tuple(observation.readings.values())))


def compare(
    store: ReadingStore, books: Books, observations: Sequence[Observation], points: Iterable[str]
) -> Mapping[int, Same]:
    """Compare observations of one (device, epoch), whose numbers are booked as stored, with the store.

    Args:
        store: what is stored.
        books: for the days on which the numbers were taken.
        observations: as they came again; of one batch, so that they lie close together.
        points: the water points where the device ever stood.

    Returns:
        What the store says, by number. An instant is compared, not every reading.

    Raises:
        StoreUnavailable: mended by time.
        DatabaseUnavailable: mended by time.
    """
    first = observations[0]
    key, where = (first.device, first.epoch), tuple(dict.fromkeys(points))
    instants = [each.taken_ms for each in observations]
    held = _held(store, key, where, min(instants), max(instants))
    same = {each.seq: Same.YES for each in observations if held.get(each.seq) == each.taken_ms}
    others = [each.seq for each in observations if each.seq not in same]
    if others:
        numbers = IntervalSet.of_numbers(others)
        days = books.extents(key, numbers)
        # Where no day is known nothing can be looked for: rather an alarm too many.
        found = _held(store, key, where, *instants_of(numbers, days)) if days else dict.fromkeys(others, 0)
        same |= {seq: Same.NO if seq in found else Same.LOST for seq in others}
    return same


def _held(
    store: ReadingStore, key: Key, points: Iterable[str], since_ms: int, until_ms: int
) -> dict[int, int]:
    """The instant of each number of an epoch that the store holds within a span."""
    return {
        seq: at_ms
        for point in points
        for epoch, seq, at_ms in store.identities(point, key[0], since_ms=since_ms, until_ms=until_ms)
        if epoch == key[1]
    }
