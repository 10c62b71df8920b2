"""The wheels that go onto a card: our own, and all that `tskaro[edge]` needs, to install there with no network.

pip decides, both ways: it downloads for the other machine, and it says which wheels of a folder it would install
there from nothing but the folder. Markers are the one thing it judges by *this* machine, so that what our wheel
asks for on that machine alone is named to it. Invariant: what is found fits the machine and is complete.
"""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

from waterquality.errors import ConfigError

_PYTHON = "3.11"  # of Debian 12 and Raspberry Pi OS 12
_GLIBC_MINORS = range(36, 16, -1)  # 2.36 of Debian 12 down to the oldest that wheels are built for
_ONLY_AS_SOURCE = ("sdnotify>=0.3.2",)  # pure Python, so that a wheel made here fits everywhere
_SAID = 600  # letters of pip's last words


class Machine(StrEnum):
    """What a card can be made for."""

    AARCH64 = "aarch64"
    ARMV7L = "armv7l"
    X86_64 = "x86_64"


@dataclass(frozen=True, slots=True)
class Wheels:
    """What a card carries.

    Attributes:
        version: of our own software.
        files: every wheel.
    """

    version: str
    files: tuple[Path, ...]


def gather(folder: Path, machine: Machine, *, download: bool) -> Wheels:
    """The wheels that a machine needs, from a folder.

    Args:
        folder: holds our own wheel; what is downloaded is put there too, for the next card.
        machine: whom they are for.
        download: fetch what is missing from the package index that pip is set up for.

    Raises:
        ConfigError: our wheel is not there, or something that it needs; mended by the operator.
    """
    ours = _our_wheel(folder)
    wanted = [f"{ours}[edge]", "pip", *_on_machine(ours, machine)]
    try:
        files = tuple(_chosen(folder, machine, wanted))
    except ConfigError:
        if not download:
            raise
        _download(folder, machine, wanted)
        files = tuple(_chosen(folder, machine, wanted))
    return Wheels(_version_of(ours), files)


def _download(folder: Path, machine: Machine, wanted: Sequence[str]) -> None:
    _pip("wheel", "--no-deps", "--wheel-dir", folder, *_ONLY_AS_SOURCE, why="cannot be made into a wheel")
    for_machine = ("download", "--dest", folder, "--find-links", folder, *_target(machine))
    _pip(*for_machine, *wanted, why=f"cannot be had for {machine}")


def _our_wheel(folder: Path) -> Path:
    found = sorted(folder.glob("tskaro-*.whl"))
    if len(found) != 1:
        reason = "several wheels of tskaro; leave one" if found else "no wheel of tskaro (tskaro-…-any.whl)"
        raise ConfigError(f"{folder}: holds {reason}")
    return found[0].resolve()


def _version_of(wheel: Path) -> str:
    return wheel.name.split("-")[1]


def _on_machine(wheel: Path, machine: Machine) -> Iterator[str]:
    """What our wheel asks for on that machine alone."""
    with zipfile.ZipFile(wheel) as opened:
        (name,) = (name for name in opened.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
        lines = opened.read(name).decode().splitlines()
    for line in lines:
        asked = re.fullmatch(r"Requires-Dist: ([^;]+);(.*)", line)
        if asked and "extra == 'edge'" in asked[2] and f"platform_machine == '{machine}'" in asked[2]:
            yield asked[1].strip()


def _target(machine: Machine) -> list[str]:
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in _GLIBC_MINORS]
    platforms += [f"manylinux2014_{machine}", f"linux_{machine}"]
    words = ["--only-binary", ":all:", "--python-version", _PYTHON, "--implementation", "cp"]
    for name, values in (("--abi", ("cp311", "abi3", "none")), ("--platform", platforms)):
        words += [word for value in values for word in (name, value)]
    return words


def _chosen(folder: Path, machine: Machine, wanted: Sequence[str]) -> Iterator[Path]:
    """The wheels that pip would install there, from nothing but the folder."""
    with TemporaryDirectory() as nowhere:
        report = Path(nowhere) / "report.json"
        words = ("install", "--dry-run", "--ignore-installed", "--target", nowhere, "--report", report)
        offline = ("--no-index", "--find-links", folder, *_target(machine))
        _pip(*words, *offline, *wanted, why=f"are not all in {folder} for {machine}; --download fetches them")
        told = json.loads(report.read_text(encoding="utf-8"))
    for each in told["install"]:
        yield Path(unquote(urlsplit(each["download_info"]["url"]).path))


def _pip(*words: object, why: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *map(str, words)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode:
        raise ConfigError(f"wheels: {why}. pip says: {done.stderr.strip()[-_SAID:]}")
