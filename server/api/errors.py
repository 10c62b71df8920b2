"""The one table from errors to HTTP: `application/problem+json` (RFC 9457) for programs."""

from http import HTTPStatus
from types import MappingProxyType

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from server.database.engine import DatabaseUnavailable
from server.store.port import StoreUnavailable
from server.web.views.registry import UnknownWaterPoint

_STATUS = MappingProxyType(
    {
        UnknownWaterPoint: HTTPStatus.NOT_FOUND,
        DatabaseUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
        StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
        RequestValidationError: HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
_RETRY_AFTER_S = "10"


def status_of(error: Exception) -> int:
    """The HTTP status of an error; 500 for one that nobody foresaw."""
    if isinstance(error, HTTPException):
        return error.status_code
    return next((int(status) for kind, status in _STATUS.items() if isinstance(error, kind)), 500)


def problem_of(error: Exception) -> JSONResponse:
    """The error as a program is told of it; an unforeseen one without its inner words."""
    status = status_of(error)
    body: dict[str, object] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if isinstance(error, RequestValidationError):
        body["errors"] = [{"where": list(found["loc"]), "what": found["msg"]} for found in error.errors()]
    elif status < HTTPStatus.INTERNAL_SERVER_ERROR:
        body["detail"] = error.detail if isinstance(error, HTTPException) else str(error)
    headers = {"Retry-After": _RETRY_AFTER_S} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return JSONResponse(body, status, headers=headers, media_type="application/problem+json")
