"""The pages, rendered from templates: one environment for each language, put together once.

Everything shown is escaped by Jinja; the only markup made in Python is the picture of a chart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

from fastapi import Depends, HTTPException, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from alerts.segments import segments
from server.web import words
from server.web.assets import Assets
from server.web.picture import picture
from server.web.reader import ENDONYMS, Reader
from server.web.settings import WebSettings
from server.web.site import Site, site_of
from waterquality.languages import Language, language_named
from waterquality.parameters import SPECS
from waterquality.readings import from_ms, to_ms

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_LANGUAGE_PREFIX = 3  # "/ka"
_NOT_FOUND = 404


class Pages:
    """Renders templates for readers.

    Args:
        readers: one for each language.
        settings: how the page behaves.
        assets: the files it refers to.
    """

    def __init__(self, readers: Mapping[Language, Reader], settings: WebSettings, assets: Assets) -> None:
        self._by_language = {
            language: _environment(reader, settings, assets) for language, reader in readers.items()
        }

    def render(self, template: str, reader: Reader, **shown: Any) -> str:
        """A template as the reader sees it."""
        return self._by_language[reader.language].get_template(template).render(shown)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of one reader, with all it takes to answer it.

    Attributes:
        request: what was asked for.
        pages: the templates.
        reader: the language it is answered in.
        site: the parts behind the pages.
        published: how many live events there were before anything was read for the answer.
    """

    request: Request
    pages: Pages
    reader: Reader
    site: Site
    published: int

    def page(self, template: str, *, status: int = 200, **shown: Any) -> HTMLResponse:
        """A whole page, with the way to the same page in every other language."""
        path, query = self.request.url.path, self.request.url.query
        rest = path[_LANGUAGE_PREFIX:] if path.startswith(f"/{self.reader.language}/") else "/"
        shown |= {"rest_of_path": f"{rest}?{query}" if query else rest, "published": self.published}
        return self._answer(template, status, **shown)

    def fragment(self, template: str, **shown: Any) -> HTMLResponse:
        """A part of a page, to be put in the place of its older self."""
        return self._answer(template, 200, **shown)

    def _answer(self, template: str, status: int, **shown: Any) -> HTMLResponse:
        shown |= {"now_ms": to_ms(self.site.now())}
        html = self.pages.render(template, self.reader, **shown)
        headers = {"Content-Language": str(self.reader.language), "Cache-Control": "no-cache"}
        return HTMLResponse(html, status, headers=headers)


def pages_of(request: Request) -> Pages:
    """The pages of the site that serves a request."""
    return cast("Pages", request.app.state.pages)


def visit_of(request: Request, language: str) -> Visit:
    """The visit to a path that names a language; 404 where it is none of ours."""
    site, known = site_of(request), language_named(language)
    if known is None:
        raise HTTPException(_NOT_FOUND)
    return Visit(request, pages_of(request), site.readers[known], site, site.live.published)


VisitDep = Annotated[Visit, Depends(visit_of)]


def _environment(reader: Reader, settings: WebSettings, assets: Assets) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "_": reader.say,
        "reader": reader,
        "settings": settings,
        "asset": assets.url,
        "has_script": assets.has("built/main.js"),
        "words": words,
        "endonyms": ENDONYMS,
        "decimals": {parameter: spec.decimals for parameter, spec in SPECS.items()},
        "segments": segments,
        "picture": picture,
        "iso": _iso,
        "writing": reader.for_scripts(),
    }
    return environment


def _iso(at_ms: int) -> str:
    return from_ms(at_ms).isoformat(timespec="milliseconds")
