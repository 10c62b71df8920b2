"""Advisories for other programs: CAP 1.2 messages and their Atom feed, open to everybody.

Only what an authority has issued was ever published, so only that can be read here. A message never changes.
"""

from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi import Path as PathParameter
from fastapi.responses import Response

from alerts.advisories.cap import MEDIA_TYPE
from alerts.advisories.feed import FEED_TYPE, written_feed
from alerts.advisories.phrases import phrases
from server.advisories.published import message, messages
from server.web.site import SiteDep
from waterquality.languages import Language

_NOT_MODIFIED, _NOT_FOUND = 304, 404
_FOR_EVER = "public, max-age=31536000, immutable"
router = APIRouter(prefix="/cap", tags=["advisories"], default_response_class=Response)


@router.get("/feed.xml", responses={200: {"content": {FEED_TYPE: {}}}})
def feed(
    request: Request,
    site: SiteDep,
    municipality: Annotated[str, Query(max_length=40, description="Id of a municipality; all without.")] = "",
    language: Annotated[
        Language, Query(description="Of the titles; each message is in all five.")
    ] = Language.KA,
) -> Response:
    """The Atom feed of advisories that were issued, changed or lifted, newest first."""
    with site.database.reading() as connection:
        found = messages(connection, site.now(), municipality=municipality, language=language)
    words = phrases(language)
    query = f"?{request.url.query}" if request.url.query else ""
    base = site.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    xml = written_feed(found, title=words.said.feed, base=base, path=f"/cap/feed.xml{query}", author="Tskaro")
    return _answer(request, xml, f"{FEED_TYPE}; charset=utf-8", cache="no-cache")


@router.get(
    "/{identifier}.xml",
    responses={200: {"content": {MEDIA_TYPE: {}}}, 404: {"description": "There is no such message."}},
)
def one(
    request: Request, site: SiteDep, identifier: Annotated[str, PathParameter(max_length=120)]
) -> Response:
    """One message, as it went out."""
    with site.database.reading() as connection:
        xml = message(connection, identifier)
    if xml is None:
        raise HTTPException(_NOT_FOUND, f"no CAP message {identifier!r} was published")
    return _answer(request, xml.encode(), f"{MEDIA_TYPE}; charset=utf-8", cache=_FOR_EVER)


def _answer(request: Request, body: bytes, media_type: str, *, cache: str) -> Response:
    """The body, or that it has not changed; the tag is weak, since it may be sent zipped."""
    tag = f'W/"{sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": cache, "Access-Control-Allow-Origin": "*"}
    if tag in [each.strip() for each in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=_NOT_MODIFIED, headers=headers)
    return Response(body, media_type=media_type, headers=headers)
