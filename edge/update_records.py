"""What is written down of an update: the offer that is followed, the trial, and what became of it.

The files of `edge.launch`, which reads and writes the same ones before any version is started.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.launch import COMPLETE, NAMES, OUTCOME, TRIAL, current_version, read_table, remove, write_table
from firmware_config.whole_file import Step, replace_file
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

_OFFER = "offer.json"


class Records:
    """The records of one device's updates.

    Args:
        root: where the versions are.
        step: told between any two steps; a test may end the process there.
    """

    def __init__(self, root: Path, step: Step) -> None:
        self._root, self._folder, self._step = root, root / "update", step

    def keep_offer(self, payload: bytes) -> None:
        """Follow this offer from now on, in place of any other.

        Raises:
            OSError: mended by the operator.
        """
        replace_file(self._folder / _OFFER, payload, step=self._step)

    def is_known(self, payload: bytes) -> bool:
        """Whether this is the offer that is followed, or was followed last."""
        try:
            return (self._folder / _OFFER).read_bytes() == payload
        except OSError:
            return False

    def under_way(self) -> tuple[Offer, Manifest] | None:
        """The offer that was kept and has no outcome yet."""
        try:
            offer = decode_offer((self._folder / _OFFER).read_bytes())
            manifest = decode_manifest(offer.manifest)
        except (OSError, Malformed):
            return None
        return None if self.is_ended(manifest) else (offer, manifest)

    def is_ended(self, manifest: Manifest) -> bool:
        """Whether this very manifest has its outcome already."""
        ended = self._ended()
        return (ended.get("sha256"), ended.get("issued_ms")) == (manifest.sha256, manifest.issued_ms)

    def is_tried(self, manifest: Manifest) -> bool:
        """Whether this very manifest is on trial."""
        trial = self.trial() or {}
        return (trial.get("sha256"), trial.get("issued_ms")) == (manifest.sha256, manifest.issued_ms)

    def newest_issued_ms(self) -> int:
        """When the newest manifest that was ever followed here was signed; 0 before the first."""
        return int(self._ended().get("issued_ms") or 0)

    def end(self, manifest: Manifest, state: UpdateState, reason: str) -> None:
        """Write down what became of an offer.

        Raises:
            OSError: mended by the operator.
        """
        names = {name: getattr(manifest, name) for name in NAMES}
        write_table(self._root / OUTCOME, {**names, "state": state, "reason": reason}, self._step)

    def outcome(self, running: str) -> Progress:
        """What became of the newest offer that has ended.

        Args:
            running: the version that runs.
        """
        ended = self._ended()
        if not ended:
            return Progress(NOTHING_OFFERED, "", UpdateState.INSTALLED, running)
        state, reason = UpdateState(ended["state"]), str(ended["reason"])
        return Progress(str(ended["sha256"]), str(ended["version"]), state, running, reason)

    def trial(self) -> Mapping[str, Any] | None:
        """The trial that goes on; None when none does."""
        return read_table(self._root / TRIAL)

    def begin_trial(self, manifest: Manifest, patience_s: float) -> None:
        """The point of no return: the next start tries this version.

        Raises:
            OSError: it does not; mended by the operator.
        """
        names, before = {name: getattr(manifest, name) for name in NAMES}, current_version(self._root)
        mark = self._root / "versions" / before / COMPLETE
        if not mark.exists():  # put there by the card, and plainly whole: it runs
            replace_file(mark, b"", step=self._step)
        trial = {**names, "before": before, "patience_s": patience_s, "starts": 0}
        write_table(self._root / TRIAL, trial, self._step)

    def confirm(self) -> None:
        """The version on trial stays; only it, the one before and no downloads are kept.

        Raises:
            OSError: the trial goes on; mended by the operator.
        """
        trial = self.trial() or {}
        outcome = {name: trial.get(name) for name in NAMES}
        write_table(
            self._root / OUTCOME, {**outcome, "state": UpdateState.INSTALLED, "reason": ""}, self._step
        )
        remove(self._root / TRIAL, self._step)
        self._tidy({current_version(self._root), str(trial.get("before", ""))})

    def _tidy(self, keep: set[str]) -> None:
        for folder in (self._root / "versions").iterdir():
            if folder.name not in keep:
                shutil.rmtree(folder, ignore_errors=True)
        for file in (*self._folder.glob("*.bundle"), *self._folder.glob("*.part")):
            file.unlink(missing_ok=True)

    def _ended(self) -> Mapping[str, Any]:
        """What became of the newest offer that was ended; empty before the first, or when it cannot be read."""
        ended = read_table(self._root / OUTCOME) or {}
        is_whole = {*NAMES, "state", "reason"} <= set(ended)
        return ended if is_whole and ended["state"] in set(UpdateState) else {}
