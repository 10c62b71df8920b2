"""The stream of changes that a page listens to, and the word to those who watch over the server.

An event says what changed and where, not what it is now: the page then fetches the fragment, in its own
language. So nothing is lost by a broken connection: on coming back, or when something was published between
the making of the page and its first listening, it fetches all its fragments anew.
"""

from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import timedelta

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy import text

from server.database.engine import DatabaseUnavailable
from server.store.port import StoreUnavailable
from server.web.site import Site, SiteDep
from waterquality.readings import to_ms

router = APIRouter(include_in_schema=False)
_RECONNECT_MS = 2000
_LOOKED_AT = timedelta(minutes=1)
_UNAVAILABLE = 503


@router.get("/live", response_class=EventSourceResponse)
async def live(site: SiteDep) -> AsyncIterator[ServerSentEvent]:
    """Changes from now on, a batch at a time; a comment now and then keeps the connection open."""
    async for batch in site.live.subscribe():
        now_ms = to_ms(site.now())
        if batch:
            changes = [asdict(event) for event in batch]
            yield ServerSentEvent(event="changed", data={"now_ms": now_ms, "changes": changes})
        else:
            data = {"now_ms": now_ms, "published": site.live.published}
            yield ServerSentEvent(event="hello", data=data, retry=_RECONNECT_MS)


@router.get("/healthz")
def health(site: SiteDep) -> JSONResponse:
    """Whether the pages can do their work; without readings they still tell of alerts."""
    parts = {"database": _can_ask_database(site), "store": _can_ask_store(site)}
    status = "ok" if all(parts.values()) else "degraded" if parts["database"] else "down"
    return JSONResponse({"status": status, **parts}, 200 if parts["database"] else _UNAVAILABLE)


def _can_ask_database(site: Site) -> bool:
    try:
        with site.database.reading() as connection:
            connection.execute(text("SELECT 1"))
    except DatabaseUnavailable:
        return False
    return True


def _can_ask_store(site: Site) -> bool:
    now = site.now()
    try:
        site.store.count(since=now - _LOOKED_AT, until=now)
    except StoreUnavailable:
        return False
    return True
