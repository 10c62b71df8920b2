"""Wheels that hold nothing but what they say of themselves."""

import zipfile
from pathlib import Path


def lay(folder: Path, name: str, version: str = "1.0", tag: str = "py3-none-any", *, needs: str = "") -> Path:
    """A wheel that holds nothing."""
    wheel = folder / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as opened:
        opened.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
        )
        opened.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        opened.writestr(f"{info}/RECORD", "")
    return wheel
