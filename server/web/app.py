"""Puts the page together. Nothing connects here, and there is no global state: a caller may make several."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.middleware.gzip import GZipMiddleware
from starlette.responses import Response

from server.api.cap import router as cap
from server.api.docs import offline_docs
from server.api.routes import router as api
from server.database.engine import Database
from server.store.port import ReadingStore
from server.web.assets import STATIC, Assets, VersionedFiles
from server.web.live import LiveHub
from server.web.pages import Pages
from server.web.problems import tell_problems
from server.web.reader import load_readers
from server.web.screens import entrance
from server.web.screens import router as screens
from server.web.settings import WebSettings
from server.web.site import Site
from server.web.stream import router as stream

_SMALLEST_ZIPPED = 600


def create_app(
    *,
    database: Database,
    store: ReadingStore,
    live: LiveHub,
    now: Callable[[], datetime],
    settings: WebSettings,
) -> FastAPI:
    """The page, the API and the stream of changes over one set of parts.

    Args:
        database: registry, ledger, custody and quarantine; only read.
        store: the readings; only read.
        live: whoever knows of a change publishes it here. Close it before the server stops, so that the pages
            that listen let the server go.
        now: the time of the water, aware UTC.
        settings: how the page behaves.
    """
    assets = Assets()
    readers = load_readers()
    app = FastAPI(
        title="Tskaro",
        version="1",
        summary="Readings, alerts and completeness of village water points.",
        docs_url=None,
        redoc_url=None,
    )
    app.state.site = Site(
        database=database, store=store, live=live, now=now, settings=settings, readers=readers
    )
    app.state.pages = Pages(readers, settings, assets)
    app.add_middleware(GZipMiddleware, minimum_size=_SMALLEST_ZIPPED, compresslevel=5)
    app.middleware("http")(_guarded(settings.tile_url))
    app.mount("/static", VersionedFiles(directory=STATIC), name="static")
    app.include_router(api)
    app.include_router(cap)
    app.include_router(stream)
    offline_docs(app, assets)
    app.include_router(entrance)
    app.include_router(screens)
    tell_problems(app)
    return app


def _guarded(
    tile_url: str,
) -> Callable[[Request, Callable[[Request], Awaitable[Response]]], Awaitable[Response]]:
    """Tells browsers to load nothing from anywhere else, but for the map tiles that were asked for."""
    tiles = urlsplit(tile_url.replace("{s}", "*"))
    images = (
        f"img-src 'self' data: {tiles.scheme}://{tiles.netloc}" if tiles.netloc else "img-src 'self' data:"
    )
    policy = f"default-src 'self'; {images}; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"

    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        return response

    return guard
