"""What every page stands on, handed over once when the page is put together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Request

from server.database.engine import Database
from server.store.port import ReadingStore
from server.web.live import LiveHub
from server.web.reader import Reader
from server.web.settings import WebSettings
from waterquality.languages import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The parts behind the pages.

    Attributes:
        database: registry, ledger, custody and quarantine; only read here.
        store: the readings; only read here.
        live: who wants to hear of changes.
        now: the time of the water, aware UTC; in the demo it may run faster than the clock on the wall.
        settings: how the page behaves.
        readers: words, numbers and times, by language.
    """

    database: Database
    store: ReadingStore
    live: LiveHub
    now: Callable[[], datetime]
    settings: WebSettings
    readers: Mapping[Language, Reader]


def site_of(request: Request) -> Site:
    """The site that serves a request."""
    return cast("Site", request.app.state.site)


SiteDep = Annotated[Site, Depends(site_of)]
