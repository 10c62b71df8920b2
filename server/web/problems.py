"""What is seen when something cannot be shown: a page that says what to do; programs get problem+json."""

from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from firmware_config.catalogues import msgid
from server.api.errors import problem_of, status_of
from server.web.pages import Visit, pages_of
from server.web.reader import Reader, negotiated
from server.web.site import site_of
from waterquality.errors import MonitoringError
from waterquality.languages import language_named

_NOT_FOUND, _UNAVAILABLE = 404, 503
_FOR_PROGRAMS = ("/api/", "/cap/")
_LANGUAGE = slice(1, 3)  # of "/ka/…"


@dataclass(frozen=True, slots=True)
class _Problem:
    """What is said of a status."""

    title: str
    advice: str


_SAID = {
    _NOT_FOUND: _Problem(
        msgid("There is no such page"),
        msgid("Check the address, or look for the water point in the list."),
    ),
    _UNAVAILABLE: _Problem(
        msgid("The page cannot be shown just now"),
        msgid("Try again in a minute. If it stays so, tell the people who run this server."),
    ),
}
_ELSE = _Problem(
    msgid("Something went wrong"),
    msgid("It is not your fault. Try again; if it stays so, tell the people who run this server."),
)


def tell_problems(app: FastAPI) -> None:
    """Answer every error with a page, or with problem+json where programs ask."""
    for kind in (HTTPException, RequestValidationError, MonitoringError, Exception):
        app.add_exception_handler(kind, _answer)


def _answer(request: Request, error: Exception) -> Response:
    if request.url.path.startswith(_FOR_PROGRAMS):
        return problem_of(error)
    status = status_of(error)
    site = site_of(request)
    visit = Visit(request, pages_of(request), _reader(request), site, site.live.published)
    shown = {"problem": _SAID.get(status, _ELSE), "current": "problem", "open_alerts": 0}
    return visit.page("problem.html", status=status, **shown)


def _reader(request: Request) -> Reader:
    accepted = negotiated(request.headers.get("accept-language", ""))
    return site_of(request).readers[language_named(request.url.path[_LANGUAGE]) or accepted]
