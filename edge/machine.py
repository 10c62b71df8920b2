"""What tells this machine and its software from another."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_SERIAL = Path("/sys/firmware/devicetree/base/serial-number")
_MACHINE_ID = Path("/etc/machine-id")


def machine_serial() -> str:
    """What tells this machine from another: the Pi's serial number, else the machine id."""
    for place in (_SERIAL, _MACHINE_ID):
        if place.exists():
            return place.read_text(encoding="utf-8", errors="replace").strip("\x00\n ")
    return "unknown"


def software_version() -> str:
    """The version that is installed."""
    try:
        return version("tskaro")
    except PackageNotFoundError:
        return "0"
