"""The hub that fans events out to the pages."""

import asyncio
import threading
from collections.abc import AsyncIterator

from server.web.live import LiveEvent, LiveHub


def event(water_point: str = "sadakhlo", at_ms: int = 1) -> LiveEvent:
    return LiveEvent("readings", water_point, at_ms)


async def listening(hub: LiveHub) -> AsyncIterator[tuple[LiveEvent, ...]]:
    """A subscription that is known to have begun."""
    batches = hub.subscribe()
    assert await anext(batches) == ()
    return batches


def test_an_event_from_another_thread_reaches_every_page() -> None:
    async def story() -> None:
        hub = LiveHub(pace_s=0)
        first, second = await listening(hub), await listening(hub)
        thread = threading.Thread(target=hub.publish, args=(event(),))
        thread.start()
        assert await anext(first) == (event(),)
        assert await anext(second) == (event(),)
        thread.join()

    asyncio.run(asyncio.wait_for(story(), 5))


def test_of_many_events_of_one_point_only_the_newest_waits() -> None:
    async def story() -> None:
        hub = LiveHub(pace_s=0)
        page = await listening(hub)
        for at_ms in range(1000):
            hub.publish(event(at_ms=at_ms))
        hub.publish(event("kazreti"))
        assert await anext(page) == (event(at_ms=999), event("kazreti"))

    asyncio.run(asyncio.wait_for(story(), 5))


def test_a_page_is_told_no_more_often_than_the_pace() -> None:
    async def story() -> float:
        hub = LiveHub(pace_s=0.2)
        page = await listening(hub)
        hub.publish(event())
        await anext(page)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        hub.publish(event(at_ms=2))
        await anext(page)
        return loop.time() - begun

    assert asyncio.run(story()) >= 0.19


def test_a_page_that_falls_behind_is_let_go_and_holds_nothing() -> None:
    async def story() -> None:
        hub = LiveHub(most_waiting=3, pace_s=0)
        slow, quick = await listening(hub), await listening(hub)
        for number in range(4):
            hub.publish(event(f"point-{number}"))
            await anext(quick)
        assert [batch async for batch in slow] == []
        assert hub.clients == 1

    asyncio.run(asyncio.wait_for(story(), 5))


def test_a_page_that_goes_away_is_forgotten() -> None:
    async def story() -> None:
        hub = LiveHub(pace_s=0)
        page = await listening(hub)
        assert hub.clients == 1
        await page.aclose()  # type: ignore[attr-defined]
        assert hub.clients == 0
        hub.publish(event())

    asyncio.run(asyncio.wait_for(story(), 5))


def test_closing_lets_every_page_go_and_takes_no_new_ones() -> None:
    async def story() -> None:
        hub = LiveHub(pace_s=0)
        page = await listening(hub)
        hub.close()
        assert [batch async for batch in page] == []
        assert [batch async for batch in hub.subscribe()] == [()]

    asyncio.run(asyncio.wait_for(story(), 5))


def test_the_count_tells_whether_something_was_missed() -> None:
    hub = LiveHub()
    before = hub.published
    hub.publish(event())
    assert hub.published == before + 1
