"""The configuration a device was told from afar: kept, tried, taken or refused.

It lies as a TOML file under a line that says its version. **Invariants**
* Whenever the power fails, one whole configuration is there: every file is replaced whole or not at all, and a new
  one takes the place of the old only after it was read, checked and its hardware opened.
* The one before is kept beside it; where neither can be used, the card's own file is.
* A configuration that ends the agent each time it is tried is refused after three tries.
* What a technician has changed in the card's own file since counts more than what was told before: the newest
  deliberate word wins, and the server is told so.

Not the outbox: nothing here comes near it.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from firmware_config.device import DeviceConfig, load_device_config
from firmware_config.whole_file import Step, flush_folder, remove_file, replace_file
from waterquality.errors import ConfigError
from waterquality.wire.desired import Applied, AppliedState, Desired, sha256_of

_log = structlog.get_logger()
_MOST_TRIES = 3
_HEAD = re.compile(r"# tskaro: version (\d{1,10}), over ([0-9a-f]{64})\n")
_NOTHING = "0" * 64


@dataclass(frozen=True, slots=True)
class Kept:
    """A configuration in a file of ours.

    Attributes:
        desired: version and text; version 0 is the card's own.
        over: hash of the card's own file when it was told.
        path: where it is.
    """

    desired: Desired
    over: str
    path: Path


@dataclass(frozen=True, slots=True)
class _Told:
    """What became of the newest version that was told; `tries` counts those of one that waits."""

    version: int = 0
    reason: str = ""
    tries: int = 0


def _go_on(_: str) -> None:
    pass


def _must_be_of(device: str, config: DeviceConfig) -> None:
    if config.device != device:
        raise ConfigError(f"device: this is {device}, not {config.device}")


@contextmanager
def _said_if_unusable(kept: Kept) -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        _log.error("config_unusable", version=kept.desired.version, detail=str(error))


class Configurations:
    """The configurations of one device.

    Args:
        folder: where those told from afar are kept; made when needed.
        own: the card's own file.
        step: told between any two steps of a change; a test may end the process there.
    """

    def __init__(self, folder: Path, own: Path, *, step: Step = _go_on) -> None:
        self._folder, self._own, self._step = folder, own, step

    def take(self, desired: Desired, device: str) -> bool:
        """Take what was told; returns whether it is to be tried.

        Args:
            desired: what was told.
            device: this device.

        Raises:
            OSError: nothing was changed; mended by the operator.
        """
        known = self._newest()
        if desired.version <= known:
            if self._is_strange(desired):
                _log.warning("config_ignored", version=desired.version, known=known)
            return False
        self._write("trial.toml", Kept(desired, self._own_hash(), self._folder / "trial.toml"))
        try:
            _must_be_of(device, load_device_config(self._folder / "trial.toml"))
        except ConfigError as error:
            self.refuse(str(error))
            return False
        return True

    def trial(self) -> Kept | None:
        """What is to be tried now, counted as a try; None when there is nothing, or it was tried too often."""
        kept = self._read("trial.toml")
        if kept is None:
            return None
        told = self._told()
        tries = told.tries + 1 if told.version == kept.desired.version else 1
        if tries > _MOST_TRIES:
            self.refuse(f"the agent ended each of the {_MOST_TRIES} times it was tried")
            return None
        self._tell(_Told(kept.desired.version, "", tries))
        return kept

    def promote(self, kept: Kept) -> None:
        """What was tried is in force from now on.

        Raises:
            OSError: it is tried again at the next start; mended by the operator.
        """
        before = self._read("in_force.toml")
        if before is not None and before.desired != kept.desired:
            replace_file(self._folder / "before.toml", before.path.read_bytes(), step=self._step)
        kept.path.replace(self._folder / "in_force.toml")
        self._step("promoted")
        flush_folder(self._folder)
        self._tell(_Told(kept.desired.version))
        _log.info("config_applied", version=kept.desired.version, sha256=kept.desired.sha256[:12])

    def refuse(self, reason: str) -> None:
        """What was to be tried is not; the old one stays.

        Raises:
            OSError: mended by the operator.
        """
        kept = self._read("trial.toml")
        version = self._told().version if kept is None else kept.desired.version
        reason = reason.replace(str(self._folder / "trial.toml"), f"version {version}")
        self._tell(_Told(version, reason))
        remove_file(self._folder / "trial.toml")
        _log.error("config_refused", version=version, reason=reason)

    def in_force(self) -> tuple[Kept, DeviceConfig]:
        """What is to be run, as it is kept and as it is read.

        Raises:
            ConfigError: none can be used; says why the card's own cannot; mended by the operator.
        """
        own = self._own_hash()
        told = [kept for name in ("in_force.toml", "before.toml") if (kept := self._read(name))]
        for kept in (each for each in told if each.over == own):
            with _said_if_unusable(kept):
                return kept, load_device_config(kept.path)
        try:
            config = load_device_config(self._own)
        except ConfigError:
            for kept in (each for each in told if each.over != own):
                with _said_if_unusable(kept):
                    return kept, load_device_config(kept.path)
            raise
        return Kept(Desired(0, self._own.read_text(encoding="utf-8")), own, self._own), config

    def applied(self, running: Kept) -> Applied:
        """What to tell the server.

        Args:
            running: what the agent runs.
        """
        told = self._told()
        state = AppliedState.REFUSED if told.reason else AppliedState.APPLIED
        version = max(told.version, running.desired.version)
        return Applied(version, state, running.desired.version, running.desired.sha256, told.reason)

    def _newest(self) -> int:
        """The newest version that was told and answered, or is being tried."""
        kept = self._read("in_force.toml")
        return max(self._told().version, 0 if kept is None else kept.desired.version)

    def _is_strange(self, desired: Desired) -> bool:
        """Whether it is not simply what is in force, told again."""
        kept = self._read("in_force.toml")
        return kept is None or kept.desired != desired

    def _own_hash(self) -> str:
        try:
            return sha256_of(self._own.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            return _NOTHING

    def _write(self, name: str, kept: Kept) -> None:
        head = f"# tskaro: version {kept.desired.version}, over {kept.over}\n"
        replace_file(self._folder / name, (head + kept.desired.text).encode(), step=self._step)

    def _read(self, name: str) -> Kept | None:
        path = self._folder / name
        try:
            content = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None
        head = _HEAD.match(content)
        if head is None:
            _log.error("config_unusable", detail=f"{path}: the line with its version is missing")
            return None
        return Kept(Desired(int(head[1]), content[head.end() :]), head[2], path)

    def _told(self) -> _Told:
        try:
            read = json.loads((self._folder / "told.json").read_bytes())
            return _Told(int(read["version"]), str(read["reason"]), int(read["tries"]))
        except (OSError, ValueError, KeyError, TypeError):
            return _Told()

    def _tell(self, told: _Told) -> None:
        content = {"version": told.version, "reason": told.reason, "tries": told.tries}
        replace_file(self._folder / "told.json", json.dumps(content).encode(), step=self._step)
