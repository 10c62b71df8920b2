"""The interactive description of the API at /docs, from our own files: it works without the Internet."""

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, Response

from server.web.assets import Assets

# Swagger UI starts from a script in the page and draws its icons as data.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:"
)
_NOT_BUILT = (
    '<!doctype html><html lang="en"><title>Tskaro API</title><body><h1>Tskaro API</h1>'
    "<p>The interactive description was not built. The description itself: "
    '<a href="/openapi.json">openapi.json</a>.</p>'
)


def offline_docs(app: FastAPI, assets: Assets) -> None:
    """Serve /docs from the files that were built with the page."""

    @app.get("/docs", include_in_schema=False)
    def docs(request: Request) -> Response:
        if not assets.has("built/swagger-ui-bundle.js"):
            return HTMLResponse(_NOT_BUILT)
        page = get_swagger_ui_html(
            openapi_url=str(request.url_for("openapi").path),
            title="Tskaro API",
            swagger_js_url=assets.url("built/swagger-ui-bundle.js"),
            swagger_css_url=assets.url("built/swagger-ui.css"),
            swagger_favicon_url=assets.url("favicon.svg"),
        )
        page.headers["Content-Security-Policy"] = _POLICY
        return page
