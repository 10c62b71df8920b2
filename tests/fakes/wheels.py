"""Wheels without a network: of this checkout under any version, and of what is installed, packed again."""

import base64
import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

from tests.fakes.programs import ROOT

_PACKAGES = ("waterquality", "firmware_config", "edge", "alerts", "server", "demo")
_NOT_PACKED = re.compile(r"(^|/)\.\.(/|$)|__pycache__|/(INSTALLER|REQUESTED|direct_url\.json|RECORD)$")


def build_ours(version: str, into: Path, change: Callable[[Path], None] = lambda _: None) -> Path:
    """A wheel of this checkout under a version, without the page of the server.

    Args:
        version: what it calls itself.
        into: the folder where it goes.
        change: may change the copied sources before they are built.
    """
    sources = into / f"sources-{version}"
    for package in _PACKAGES:
        shutil.copytree(
            ROOT / package,
            sources / package,
            ignore=shutil.ignore_patterns("__pycache__", "static", "frontend", "node_modules"),
        )
    shutil.copy(ROOT / "README.md", sources)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    project = re.sub(r'(?m)^version = ".*"$', f'version = "{version}"', project, count=1)
    project = re.sub(r"(?ms)^\[tool\.hatch\.build\.targets\.wheel\.hooks\.custom\].*?(?=^\[)", "", project)
    (sources / "pyproject.toml").write_text(project, encoding="utf-8")
    change(sources)
    built = into / f"built-{version}"
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-index", "--no-build-isolation"),
            *("--no-cache-dir", "-w", str(built), str(sources)),
        ],
        check=True,
        cwd=into,
        env={"PATH": "/usr/bin:/bin", "HOME": str(into)},
    )
    (wheel,) = built.glob("*.whl")
    return wheel


def pack_needs(into: Path) -> None:
    """Wheels of everything that `tskaro[edge]` needs, from what is installed here."""
    into.mkdir(parents=True)
    for found in _closure():
        _pack(found, into)


def _closure() -> Iterator[Distribution]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ahead = ["pip", *project["dependencies"], *project["optional-dependencies"]["edge"]]
    seen: set[tuple[str, frozenset[str]]] = set()
    packed: set[str] = set()
    while ahead:
        need = Requirement(ahead.pop())
        if need.marker is not None and not need.marker.evaluate({"extra": ""}):
            continue
        name = need.name.lower().replace("_", "-")
        key = (name, frozenset(need.extras))
        if key in seen:
            continue
        seen.add(key)
        found = distribution(name)
        for text in found.requires or ():
            below = Requirement(text)
            extras = {"", *need.extras}
            if below.marker is None or any(below.marker.evaluate({"extra": extra}) for extra in extras):
                below.marker = None
                ahead.append(str(below))
        if name not in packed:
            packed.add(name)
            yield found


def _pack(found: Distribution, into: Path) -> None:
    tags = re.findall(r"^Tag: (\S+)-(\S+)-(\S+)$", found.read_text("WHEEL") or "", re.MULTILINE)
    tag = "-".join(".".join(dict.fromkeys(parts)) for parts in zip(*tags, strict=True))
    name = re.sub(r"[-_.]+", "_", found.metadata["Name"])
    path = into / f"{name}-{found.version}-{tag}.whl"
    record = ""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for file in found.files or ():
            if _NOT_PACKED.search(str(file)):
                continue
            content = Path(str(file.locate())).read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            packed.writestr(str(file), content)
            record += f"{file},sha256={digest},{len(content)}\n"
        info = next(str(file.parent) for file in found.files or () if file.name == "WHEEL")
        packed.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
