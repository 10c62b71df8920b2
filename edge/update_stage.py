"""A version put beside the running one: a virtual environment of its own, from the wheels of the bundle alone.

It counts as installed when its mark is there, which is the last thing that is written; what is there without its
mark is thrown away and begun again. Nothing is asked of any network.
"""

import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from edge.launch import COMPLETE, flush_folder
from edge.update_trust import UpdateRefused
from firmware_config.whole_file import Step
from waterquality.wire.updates import PACKAGE, Manifest

_WHEEL = re.compile(r"[A-Za-z0-9_.+]+-[A-Za-z0-9_.+!]+(-[A-Za-z0-9_.]+){3,4}\.whl")
_MOST_UNPACKED_BYTES = 512 * 1024 * 1024
_LONGEST_RUN_S = 1800.0
_LAST_WORDS = 1500
# Puts the wheels of a folder into a folder as a version that can be started.
Install = Callable[[Path, Path], None]


def stage(
    bundle: Path, manifest: Manifest, root: Path, *, install: Install, step: Step = lambda _: None
) -> None:
    """Have the version of a bundle under `root/versions`, whole.

    Args:
        bundle: verified; a zip of wheels.
        manifest: what was signed of it.
        root: where the versions are.
        install: makes a version of the wheels.
        step: told between steps.

    Raises:
        UpdateRefused: it cannot be installed as it is; mended by whoever offers it.
        OSError: the card takes nothing; mended by the operator.
    """
    folder, wheels = root / "versions" / manifest.version, root / "update" / "wheels"
    if _is_marked(folder / COMPLETE, manifest):
        return
    for old in (folder, wheels):
        shutil.rmtree(old, ignore_errors=True)
    unpack(bundle, manifest, wheels)
    step("unpacked")
    install(wheels, folder)
    step("installed")
    os.sync()  # some thousand files; each by itself would take minutes on a card
    step("flushed")
    (folder / COMPLETE).write_text(manifest.sha256)
    os.sync()
    flush_folder(folder)
    step("marked")
    shutil.rmtree(wheels, ignore_errors=True)


def _is_marked(mark: Path, manifest: Manifest) -> bool:
    """Whether this very artefact was installed to its end; another one may have borne the same version."""
    return mark.exists() and mark.read_text(encoding="utf-8", errors="replace") == manifest.sha256


def unpack(bundle: Path, manifest: Manifest, into: Path) -> None:
    """The wheels of a bundle, in a folder; exactly one of them is the version that was signed.

    Raises:
        UpdateRefused: it holds something else; mended by whoever offers it.
        OSError: the card takes nothing; mended by the operator.
    """
    into.mkdir(parents=True)
    try:
        with zipfile.ZipFile(bundle) as packed:
            _must_be_wheels(packed, manifest)
            packed.extractall(into)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise UpdateRefused(f"the bundle cannot be unpacked: {error}") from error


def _must_be_wheels(packed: zipfile.ZipFile, manifest: Manifest) -> None:
    strange = [name for name in packed.namelist() if not _WHEEL.fullmatch(name)]
    if strange:
        raise UpdateRefused(f"the bundle holds something that is no wheel: {strange[0]!r}")
    if sum(each.file_size for each in packed.infolist()) > _MOST_UNPACKED_BYTES:
        raise UpdateRefused("the bundle unpacks to more than a device takes")
    ours, pips = (
        [name for name in packed.namelist() if name.startswith(f"{of}-")] for of in (PACKAGE, "pip")
    )
    if len(ours) != 1 or not ours[0].startswith(f"{PACKAGE}-{manifest.version}-"):
        raise UpdateRefused(f"the bundle does not hold {PACKAGE} {manifest.version}, and it alone")
    if len(pips) != 1:
        raise UpdateRefused("the bundle does not hold one wheel of pip, which installs the others")


class PipInstall:
    """Installs with pip, offline, and has the new version look at this device's settings before it counts.

    Args:
        check: arguments of the new version's program that check the settings of this device.
        stop: ends it.
    """

    def __init__(self, check: Sequence[str], stop: threading.Event) -> None:
        self._check, self._stop = check, stop

    def __call__(self, wheels: Path, folder: Path) -> None:
        """Make a version of the wheels.

        Raises:
            UpdateRefused: it does not install, or does not take the settings; mended by whoever offers it.
        """
        (ours,), (pip,) = (wheels.glob(f"{name}-*.whl") for name in (PACKAGE, "pip"))
        python = folder / "bin" / "python"
        # Without ensurepip, which Debian's python3 alone has not; the bundle's own pip runs out of its wheel.
        self._run(
            "no virtual environment could be made", sys.executable, "-m", "venv", "--without-pip", folder
        )
        self._run(
            "its wheels cannot be installed here",
            *(python, pip / "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"),
            *("--no-cache-dir", "--no-index", "--find-links", wheels, "pip", f"{ours}[edge]"),
        )
        self._run("it does not take this device's settings", folder / "bin" / "tskaro-edge", *self._check)

    def _run(self, otherwise: str, *command: object) -> None:
        words = ["nice", "-n", "10", *map(str, command)]
        with subprocess.Popen(  # noqa: S603 - our own programs, and paths of our own
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            said = self._waited_for(process)
        if self._stop.is_set():
            raise InterruptedError(otherwise)
        if process.returncode != 0:
            raise UpdateRefused(f"{otherwise}: {said[-_LAST_WORDS:].decode(errors='replace').strip()}")

    def _waited_for(self, process: subprocess.Popen[bytes]) -> bytes:
        """What it said, once it has ended; it is ended when we are, or when it takes too long."""
        said, waited_s = b"", 0.0
        while True:
            try:
                said, _ = process.communicate(timeout=1.0)
            except subprocess.TimeoutExpired:
                waited_s += 1.0
                if self._stop.is_set() or waited_s > _LONGEST_RUN_S:
                    process.kill()
            else:
                return said
