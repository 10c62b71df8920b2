"""Files the page hands out, each under a name that changes with its content, to be kept for ever."""

import hashlib
from pathlib import Path

from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

STATIC = Path(__file__).resolve().parent / "static"
_KEPT_FOR_EVER = "public, max-age=31536000, immutable"


class Assets:
    """Where each file of a folder is found by a browser.

    Args:
        folder: the folder; read once, here.
    """

    def __init__(self, folder: Path = STATIC) -> None:
        files = [path for path in folder.rglob("*") if path.is_file()]
        self._versions = {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:10]
            for path in files
        }

    def url(self, name: str) -> str:
        """The address of a file, with the version of its content."""
        return f"/static/{name}?v={self._versions.get(name, 'none')}"

    def has(self, name: str) -> bool:
        """Whether there is such a file: what is built may not have been."""
        return name in self._versions


class VersionedFiles(StaticFiles):
    """Static files; what is asked for by version never changes."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with how long it may be kept."""
        response = await super().get_response(path, scope)
        is_versioned = scope.get("query_string", b"").startswith(b"v=")
        response.headers["Cache-Control"] = _KEPT_FOR_EVER if is_versioned else "no-cache"
        return response
