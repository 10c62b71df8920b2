"""Software updates of this device: offered, trusted, fetched, staged, tried, confirmed or gone back from.

**Invariants**
* The running version is never touched: a new one is put beside it, and `edge.launch` alone moves `current`.
* The point of no return is one rename (`trial.json`); before it the device is as it was, after it the next start
  tries the new version. Confirmation is one removal. A power cut between any two steps loses time and nothing else.
* An offer that cannot be trusted changes nothing on the card.
* What was gone back from is not tried again, until it is signed anew.

Not the watching over a trial: that must not depend on the version that is tried (`edge.launch`).
"""

import shutil
import ssl
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from edge.update_fetch import FetchInterrupted, Source, fetch
from edge.update_records import Records
from edge.update_stage import Install, stage
from edge.update_trust import UpdateRefused, public_key, trusted
from firmware_config.whole_file import Step
from waterquality.errors import ConfigError
from waterquality.wire.rejection import Malformed
from waterquality.wire.updates import (
    NOTHING_OFFERED,
    Manifest,
    Offer,
    Progress,
    UpdateState,
    decode_manifest,
    decode_offer,
)

_log = structlog.get_logger()
_LOOK_EVERY_S = 1.0
_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S = 10.0, 1800.0
_ROOM_FOR_EACH_BYTE = 4  # of the bundle: itself, its wheels, what they become, and half as much to spare


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateParts:
    """What updates work with.

    Attributes:
        root: where the versions are.
        key: file of the public key that offers must be signed with.
        running: the version that runs.
        install: makes a version of wheels.
        tls: for the artefact's server; None is the system's own authorities, and no certificate.
        patience_s: seconds within which a new version must have a receipt for an observation.
        begin_anew: ends this process, to be started again by `edge.launch`.
        step: told between any two steps; a test may end the process there.
    """

    root: Path
    key: Path
    running: str
    install: Install
    tls: ssl.SSLContext | None = None
    patience_s: float = 1800.0
    begin_anew: Callable[[], None] = lambda: None
    step: Step = lambda _: None


class Updates:
    """The updates of one device.

    Args:
        parts: what they work with.
        tell: called with every progress.
        is_proven: whether the server holds an observation that this agent took.
    """

    def __init__(
        self,
        parts: UpdateParts,
        tell: Callable[[Progress], None] = lambda _: None,
        *,
        is_proven: Callable[[], bool] = lambda: False,
    ) -> None:
        self._parts, self._tell, self._is_proven = parts, tell, is_proven
        self._folder = parts.root / "update"
        self._records = Records(parts.root, parts.step)
        self._doing = ""
        self._refused: Progress | None = None
        self._wake = threading.Event()

    @property
    def is_on_trial(self) -> bool:
        """Whether this version has yet to be confirmed."""
        trial = self._records.trial()
        return trial is not None and trial.get("version") == self._parts.running

    def take(self, payload: bytes) -> None:
        """An offer came: keep it when it can be trusted and is news.

        Raises:
            OSError: the card takes nothing; mended by the operator.
        """
        try:
            offer = decode_offer(payload)
        except Malformed as error:
            _log.warning("offer_malformed", detail=str(error))
            return
        self._refused = None
        try:
            self._keep(offer, payload)
        except UpdateRefused as refused:
            _log.error("update_refused", reason=str(refused))
            self._refused = refusal(offer, self._parts.running, str(refused))
        self._tell(self.progress())

    def _keep(self, offer: Offer, payload: bytes) -> None:
        if self._records.is_known(payload):  # told again after a connection; it was trusted when it was kept
            return
        manifest = self._must_be_trusted(offer)
        if self._records.is_ended(manifest) or self._records.is_tried(manifest):
            return
        if self._records.trial() is not None:
            raise UpdateRefused("another version is on trial here; offer it again when that is over")
        if manifest.version == self._parts.running:
            self._records.end(manifest, UpdateState.INSTALLED, "it ran here already")
            return
        self._records.keep_offer(payload)
        self._wake.set()

    def progress(self) -> Progress:
        """How far the newest offer has come."""
        if self._refused is not None:
            return self._refused
        under_way, running = self._records.under_way(), self._parts.running
        if under_way is None:
            return self._records.outcome(running)
        _, manifest = under_way
        doing = "on trial" if self.is_on_trial else self._doing or "waiting"
        return Progress(manifest.sha256, manifest.version, UpdateState.UNDER_WAY, running, doing)

    def run(self, stop: threading.Event) -> None:
        """Follow offers until `stop` is set; `nudge` afterwards to end the wait."""
        backoff_s = _FIRST_BACKOFF_S
        while not stop.is_set():
            self._wake.clear()
            try:
                self.turn(stop)
                backoff_s = _FIRST_BACKOFF_S
                wait_s = _LOOK_EVERY_S if self.is_on_trial else None
            except (FetchInterrupted, OSError) as error:
                _log.warning("update_interrupted", detail=str(error), again_in_s=backoff_s)
                self._say(f"interrupted: {error}")
                wait_s, backoff_s = backoff_s, min(backoff_s * 2, _LONGEST_BACKOFF_S)
            except Exception:  # noqa: BLE001 - the one broad catch of this loop
                _log.exception("update_failed")
                wait_s = _LONGEST_BACKOFF_S
            if not stop.is_set():
                self._wake.wait(wait_s)

    def nudge(self) -> None:
        """It is time to stop."""
        self._wake.set()

    def turn(self, stop: threading.Event) -> None:
        """Confirm what has proven itself, and follow what was offered.

        Raises:
            FetchInterrupted: mended by time.
            OSError: the card takes nothing; mended by the operator.
        """
        if self.is_on_trial and self._is_proven():
            self.confirm()
        if self._records.trial() is None:
            self.follow(stop)

    def follow(self, stop: threading.Event) -> None:
        """Take the offer under way as far as the next start; nothing happens when there is none.

        Raises:
            FetchInterrupted: mended by time.
            OSError: the card takes nothing; mended by the operator.
        """
        under_way = self._records.under_way()
        if under_way is None:
            return
        offer, manifest = under_way
        try:
            self._must_be_trusted(offer)
            self._must_have_room(manifest)
            self._say("fetching it")
            source = Source(url=offer.url, manifest=manifest, tls=self._parts.tls, stop=stop)
            bundle = fetch(source, self._folder, step=self._parts.step)
            self._say("installing it beside the running version")
            stage(bundle, manifest, self._parts.root, install=self._parts.install, step=self._parts.step)
        except UpdateRefused as refused:
            _log.error("update_refused", version=manifest.version, reason=str(refused))
            self._records.end(manifest, UpdateState.REFUSED, str(refused))
            self._tell(self.progress())
            return
        self._say("starting it")
        self._records.begin_trial(manifest, self._parts.patience_s)
        _log.info("update_begun", version=manifest.version, before=self._parts.running)
        self._parts.begin_anew()

    def confirm(self) -> None:
        """The server holds an observation that this version took: the trial is over.

        Raises:
            OSError: it is not; mended by the operator.
        """
        self._records.confirm()
        _log.info("update_confirmed", version=self._parts.running)
        self._tell(self.progress())

    def _must_be_trusted(self, offer: Offer) -> Manifest:
        try:
            key = public_key(self._parts.key)
        except ConfigError as error:
            raise UpdateRefused(f"the key of this device's card cannot be used: {error}") from error
        return trusted(
            offer,
            key,
            running=self._parts.running,
            newest_issued_ms=self._records.newest_issued_ms(),
        )

    def _must_have_room(self, manifest: Manifest) -> None:
        free = shutil.disk_usage(self._parts.root).free
        if free < manifest.size * _ROOM_FOR_EACH_BYTE:
            raise UpdateRefused(
                f"the card has room for {free} bytes; it takes {_ROOM_FOR_EACH_BYTE} times its size"
            )

    def _say(self, doing: str) -> None:
        self._doing = doing
        self._tell(self.progress())


def refusal(offer: Offer, running: str, reason: str) -> Progress:
    """A refusal, under the hash that the offer claims, so that whoever made it can tell which one it was.

    Args:
        offer: as it came; nothing in it is believed.
        running: the version that runs.
        reason: why.
    """
    try:
        claimed = decode_manifest(offer.manifest).sha256
    except Malformed:
        claimed = NOTHING_OFFERED
    return Progress(claimed, "", UpdateState.REFUSED, running, reason)


def runs_from(root: Path) -> bool:
    """Whether this process runs from the version that `current` points to, so that it can be replaced."""
    try:
        return (root / "current").resolve(strict=True) == Path(sys.prefix).resolve()
    except OSError:
        return False
