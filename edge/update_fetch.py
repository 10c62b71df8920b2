"""The artefact of an update: over HTTPS with the device's certificate, resumable, bounded, held against its hash.

**Invariants**
* Not a byte more than was signed is written, whatever the other side sends.
* What is there of an earlier try is gone on from; a file takes its final name only when size and hash are right.
* No redirects: the address is where the artefact is, or it is not followed.
"""

import hashlib
import os
import ssl
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

from edge.launch import flush_folder
from edge.update_trust import UpdateRefused
from firmware_config.whole_file import Step
from waterquality.errors import LinkError
from waterquality.wire.updates import Manifest

_TIMEOUT_S = 30.0
_AT_A_TIME_BYTES = 64 * 1024
_PARTIAL, _WHOLE, _ELSEWHERE, _BAD, _BEYOND = 206, 200, 300, 400, 416


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an artefact comes from.

    Attributes:
        url: https.
        manifest: what was signed of it.
        tls: whom to trust, and who we are; None is the system's own authorities, and no certificate.
        stop: ends a fetch.
    """

    url: str
    manifest: Manifest
    tls: ssl.SSLContext | None
    stop: threading.Event


class FetchInterrupted(LinkError):
    """The artefact did not come whole this time; what came is kept; mended by time."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def fetch(source: Source, folder: Path, *, step: Step = lambda _: None) -> Path:
    """The artefact's file, whole and verified; fetched now, or found from before.

    Args:
        source: where it comes from.
        folder: where it and its beginnings are kept.
        step: told between steps.

    Raises:
        FetchInterrupted: mended by time; go on with another call.
        UpdateRefused: it is not what was signed; what came is thrown away; mended by whoever offers it.
        OSError: the card takes nothing; mended by the operator.
    """
    manifest = source.manifest
    folder.mkdir(parents=True, exist_ok=True)
    whole, part = folder / f"{manifest.sha256}.bundle", folder / f"{manifest.sha256}.part"
    if whole.exists():
        return whole
    if not part.exists() or part.stat().st_size < manifest.size:
        _go_on(source, part)
    step("fetched")
    _must_be_signed(part, manifest)
    part.replace(whole)
    flush_folder(folder)
    step("verified")
    return whole


def _go_on(source: Source, part: Path) -> None:
    there = part.stat().st_size if part.exists() else 0
    asked = {"Range": f"bytes={there}-"} if there else {}
    request = urllib.request.Request(source.url, headers=asked)  # noqa: S310 - https, checked where it was read
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.HTTPSHandler(context=source.tls))
    try:
        with opener.open(request, timeout=_TIMEOUT_S) as answer:
            _write(answer, _start(answer, there, source.manifest.size), source, part)
    except urllib.error.HTTPError as error:
        if error.code == _BEYOND:
            part.unlink()
        if _ELSEWHERE <= error.code < _BAD:
            raise UpdateRefused(f"the artefact is not at its address: {error.code}, elsewhere") from error
        raise FetchInterrupted(f"the server answers {error.code}") from error
    except (urllib.error.URLError, HTTPException, ssl.SSLError, TimeoutError, ConnectionError) as error:
        raise FetchInterrupted(f"{error}") from error
    size = part.stat().st_size
    if size < source.manifest.size:
        raise FetchInterrupted(f"{size} of {source.manifest.size} bytes came")


def _start(answer: HTTPResponse, there: int, signed: int) -> int:
    """From which byte on the answer goes; a server may not know how to go on."""
    length = answer.headers["Content-Length"]
    if answer.status == _PARTIAL and str(answer.headers["Content-Range"]).startswith(f"bytes {there}-"):
        start = there
    elif answer.status == _WHOLE:
        start = 0
    else:
        raise FetchInterrupted("the server goes on elsewhere than it was asked to")
    if length is not None and length.isdecimal() and start + int(length) != signed:
        raise UpdateRefused(
            f"the artefact has {start + int(length)} bytes, not the {signed} that were signed"
        )
    return start


def _write(answer: HTTPResponse, start: int, source: Source, part: Path) -> None:
    size, there = source.manifest.size, start
    with part.open("r+b" if start else "wb") as file:
        file.seek(start)
        while data := answer.read(_AT_A_TIME_BYTES):
            if source.stop.is_set():
                raise FetchInterrupted("the agent stops")
            there += len(data)
            if there > size:
                file.close()
                part.unlink()
                raise UpdateRefused(f"the artefact is bigger than the {size} bytes that were signed")
            file.write(data)


def _must_be_signed(part: Path, manifest: Manifest) -> None:
    with part.open("r+b") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    if part.stat().st_size != manifest.size or found != manifest.sha256:
        part.unlink()
        raise UpdateRefused("the artefact is not the one that was signed: its hash differs")
