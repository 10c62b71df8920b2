"""Starts the installed version of the software; on trial, watches over it, and goes back when it fails.

A program of its own (`python3 -I launch.py ROOT run --settings …`) that imports nothing but the standard library:
it is put beside the versions when the card is first used and is changed by no update, so that no version, however
broken, can keep a device from going back to the one before. `ROOT/current` points to `ROOT/versions/<version>`.

**Invariants**
* Each change is one rename or one removal, flushed to the card, with all before it flushed: whenever the power
  fails, the next start goes on where this one ended.
* A version is on trial while `trial.json` is there. Whoever removes it ends the trial: the new version itself, once
  the server holds an observation that it took; or this program, going back.
* A version that ends three times, refuses the settings, or is not confirmed in time is gone back from.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

TRIAL, OUTCOME, COMPLETE, CURRENT = "trial.json", "outcome.json", "COMPLETE", "current"
NAMES = ("sha256", "version", "issued_ms")  # what tells one trial or outcome from another
ROLLED_BACK = "rolled_back"
_PATIENCE_S = 1800.0
_MOST_STARTS = 3
_LOOK_EVERY_S = 0.2
_LET_IT_END_S = 15.0
_BETWEEN_STARTS_S = 1.0
_BY_SIGNAL = 128  # as a shell says it
_REFUSES_SETTINGS = 78  # EX_CONFIG of sysexits.h
Step = Callable[[str], None]  # called between any two steps; a test may end the process there


def go_on(_: str) -> None:
    """Between two steps: nothing."""


def read_table(path: Path) -> dict[str, Any] | None:
    """A small JSON file as a table; None when it is not there or is none."""
    try:
        table = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return table if isinstance(table, dict) else None


def write_table(path: Path, table: dict[str, Any], step: Step = go_on) -> None:
    """Put a table in place of a small JSON file, whole or not at all.

    Raises:
        OSError: the old one stands.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    with beside.open("wb") as file:
        file.write(json.dumps(table).encode())
        file.flush()
        os.fsync(file.fileno())
    step(f"{path.name} written")
    beside.replace(path)
    flush_folder(path.parent)
    step(f"{path.name} in place")


def remove(path: Path, step: Step = go_on) -> None:
    """Remove a file for good; nothing happens when there is none.

    Raises:
        OSError: it is still there.
    """
    path.unlink(missing_ok=True)
    flush_folder(path.parent)
    step(f"{path.name} removed")


def flush_folder(folder: Path) -> None:
    """Have the names in a folder on the card.

    Raises:
        OSError: they may not be.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def current_version(root: Path) -> str:
    """The version that `current` points to; "" when it points nowhere."""
    try:
        return (root / CURRENT).readlink().name
    except OSError:
        return ""


def is_complete(root: Path, version: str) -> bool:
    """Whether a version was installed to its end."""
    return bool(version) and (root / "versions" / version / COMPLETE).exists()


def switch(root: Path, version: str, step: Step = go_on) -> None:
    """Point `current` to a version.

    Raises:
        OSError: it points where it did.
    """
    if current_version(root) == version:
        return
    beside = root / f".{CURRENT}.new"
    beside.unlink(missing_ok=True)
    beside.symlink_to(Path("versions") / version)
    step("link made")
    beside.replace(root / CURRENT)
    flush_folder(root)
    step("switched")


def roll_back(root: Path, trial: dict[str, Any], reason: str, step: Step = go_on) -> None:
    """End a trial by going back to the version before.

    Raises:
        OSError: the trial goes on; the next start tries again.
    """
    outcome = {name: trial.get(name) for name in NAMES}
    write_table(root / OUTCOME, outcome | {"state": ROLLED_BACK, "reason": reason}, step)
    before = str(trial.get("before", ""))
    if is_complete(root, before):
        switch(root, before, step)
    remove(root / TRIAL, step)


def prepare(root: Path, step: Step = go_on) -> dict[str, Any] | None:
    """Make `current` what it should be; the trial that is to be watched, with this start counted, or None.

    Raises:
        OSError: the card takes nothing; what is there is started unwatched.
    """
    trial = read_table(root / TRIAL)
    if trial is None:
        _mend(root, step)
        return None
    version, starts = str(trial.get("version", "")), int(trial.get("starts", 0))
    if not is_complete(root, version):
        roll_back(root, trial, "it was not installed to its end", step)
        return None
    if starts >= _MOST_STARTS:
        roll_back(root, trial, f"it did not stay up in {_MOST_STARTS} starts", step)
        return None
    write_table(root / TRIAL, trial | {"starts": starts + 1}, step)
    switch(root, version, step)
    return trial


def _mend(root: Path, step: Step) -> None:
    """Where `current` points to no whole version, point it to the one that was installed last."""
    if is_complete(root, current_version(root)):
        return
    complete = sorted(root.glob(f"versions/*/{COMPLETE}"), key=lambda mark: mark.stat().st_mtime)
    if complete:
        switch(root, complete[-1].parent.name, step)


class Watched:
    """A version on trial, in a process of its own.

    Args:
        root: where the versions are.
        command: what to run.
        trial: how long it has, and what tells it from the next one.
    """

    def __init__(self, root: Path, command: Sequence[str], trial: dict[str, Any]) -> None:
        self._root, self._command, self._trial = root, command, trial
        self._patience_s = float(trial.get("patience_s", _PATIENCE_S))
        self._child: subprocess.Popen[bytes] | None = None
        self.is_told_to_stop = False

    def is_confirmed(self) -> bool:
        """Whether the trial is over; that of the next version, which this one has begun, is another."""
        goes_on = read_table(self._root / TRIAL)
        return goes_on is None or any(goes_on.get(name) != self._trial.get(name) for name in NAMES)

    def tell_to_stop(self, *_: object) -> None:
        """Hand on that somebody stops us."""
        self.is_told_to_stop = True
        self._end()

    def run(self) -> tuple[int, str]:
        """Run it to its end; its exit code, and why it failed its trial: "" when it may be started again."""
        until_s = time.monotonic() + self._patience_s
        self._child = subprocess.Popen(self._command)  # noqa: S603 - our own program
        if self.is_told_to_stop:
            self._end()
        while (code := self._wait()) is None:
            if time.monotonic() > until_s and not self.is_told_to_stop and not self.is_confirmed():
                self._end()
                return self._waited_out(), f"no receipt within {self._patience_s / 60:g} min"
        is_refused = code == _REFUSES_SETTINGS and not self.is_confirmed()
        return code, "it refuses the settings of this device" if is_refused else ""

    def _wait(self) -> int | None:
        assert self._child is not None
        try:
            return self._child.wait(_LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            return None

    def _waited_out(self) -> int:
        assert self._child is not None
        try:
            return self._child.wait(_LET_IT_END_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            return self._child.wait()

    def _end(self) -> None:
        if self._child is not None:
            with suppress(ProcessLookupError):
                self._child.terminate()


def main(root: Path, arguments: Sequence[str]) -> NoReturn:
    """Start what is installed: what is proven takes the place of this process, what is on trial is watched.

    Raises:
        OSError: there is nothing to start.
    """
    command = [str(root / CURRENT / "bin" / "tskaro-edge"), *arguments]
    while (trial := _prepared(root)) is not None:
        watched = Watched(root, command, trial)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, watched.tell_to_stop)
        code, failure = watched.run()
        if watched.is_told_to_stop and not watched.is_confirmed():
            _forget_start(root, trial)
        if watched.is_told_to_stop or watched.is_confirmed():
            sys.exit(code if code >= 0 else _BY_SIGNAL - code)
        if failure:
            roll_back(root, trial, failure)
        else:
            time.sleep(_BETWEEN_STARTS_S)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    os.execv(command[0], command)  # noqa: S606 - our own program; it takes our place


def _prepared(root: Path) -> dict[str, Any] | None:
    try:
        return prepare(root)
    except OSError as error:
        sys.stderr.write(f"launch: {error}\n")
        return None


def _forget_start(root: Path, trial: dict[str, Any]) -> None:
    """A start that a person ended says nothing against the version."""
    with suppress(OSError):
        write_table(root / TRIAL, trial)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
