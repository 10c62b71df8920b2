"""Which figures each process tells: those of the parts that it is made of, and what the database knows."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from sqlalchemy import text

from server.processes import Ingest, LiveFeed, Notify, Remote, Surroundings
from server.settings import Metrics
from server.telemetry.catalogue import Point
from server.telemetry.facts import facts
from server.telemetry.lately import Lately
from server.telemetry.listener import Process, listening
from server.telemetry.loops import of_ingest, of_notify, of_remote, of_web
from server.telemetry.page import Page, Source


@contextmanager
def telling(
    process: Process, settings: Metrics, around: Surroundings, *parts: Ingest | Remote | Notify | LiveFeed
) -> Iterator[None]:
    """Tell the figures of a process to Prometheus until left, where the settings name a port.

    Raises:
        CannotListen: the port is taken, or there is no such address; mended by time, or by the operator.
    """
    has_notifier = any(isinstance(part, Notify) for part in parts)
    ask = partial(_facts, around, settings.most_devices) if has_notifier else partial(_touch, around)
    page = Page(process, [_of_database(ask), *(_of(part, around) for part in parts)])
    with listening(settings, process, page):
        yield


def _of(part: Ingest | Remote | Notify | LiveFeed, around: Surroundings) -> Source:
    match part:
        case Ingest():
            return partial(of_ingest, part, around.gate)
        case Remote():
            return partial(of_remote, part)
        case Notify():
            return partial(of_notify, part)
        case LiveFeed():
            return partial(of_web, part)


def _of_database(ask: Callable[[], Sequence[Point]]) -> Source:
    lately = Lately(ask)

    def points() -> Sequence[Point]:
        found = lately.answer()
        return [Point("tskaro_database_up", found is not None), *(found or ())]

    return points


def _facts(around: Surroundings, most_devices: int) -> Sequence[Point]:
    return facts(around.database, most_devices, around.clock.now())


def _touch(around: Surroundings) -> Sequence[Point]:
    with around.database.reading() as connection:
        connection.execute(text("SELECT 1"))
    return ()
